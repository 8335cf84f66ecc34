"""Who waits for a namespace is told of what concerns them, on an event loop, and of nothing else."""

import asyncio

import pytest
from django.db import connection

from namespaces import engine, leases
from namespaces.jsontext import JSONText
from namespaces.waking import Waiter, Waking
from namespaces.writing import set_entry

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("database")]

QUIET_SECONDS = 0.5
SOON_SECONDS = 2.0


def is_woken(namespace: str, waiter: Waiter, meanwhile) -> bool:
    """Whether a waiter is told of what `meanwhile` does, which is called in a thread, once somebody waits."""

    async def run() -> bool:
        running = await engine.start()
        waking, loop = Waking(running), asyncio.get_running_loop()
        try:
            with waking.waiting(namespace, waiter):
                await waiter.news(loop.time() + SOON_SECONDS)  # whoever begins to wait is told to look
                await asyncio.to_thread(_in_thread, meanwhile, waking, loop)
                await waiter.news(loop.time() + QUIET_SECONDS)
        except TimeoutError:
            return False
        finally:
            await running.stop()
        return True

    return asyncio.run(run())


def _in_thread(meanwhile, *arguments) -> None:
    try:
        meanwhile(*arguments)
    finally:
        connection.close()


def write(namespace: str, key: str = "k") -> None:
    set_entry(namespace, key, JSONText.parse("1"))


def test_a_write_wakes_who_waits_for_its_key(namespace):
    write(namespace)

    assert is_woken(namespace, Waiter("k"), lambda *_: write(namespace))
    assert not is_woken(namespace, Waiter("other"), lambda *_: write(namespace))


def test_a_write_wakes_who_waits_for_its_prefix(namespace):
    write(namespace)

    assert is_woken(namespace, Waiter(), lambda *_: write(namespace))
    assert is_woken(namespace, Waiter(prefix="k"), lambda *_: write(namespace))
    assert not is_woken(namespace, Waiter(prefix="tasks/"), lambda *_: write(namespace))


def test_a_first_write_wakes_who_waits_for_a_namespace_that_does_not_exist(namespace):
    assert is_woken(namespace, Waiter("k"), lambda *_: write(namespace))


def test_a_lease_that_is_taken_or_given_back_wakes_who_minds_leases(namespace):
    write(namespace)

    assert is_woken(namespace, Waiter(prefix=None, minds_leases=True), lambda *_: leases.acquire(namespace, "l", 60))
    assert is_woken(namespace, Waiter(prefix=None, minds_leases=True), lambda *_: leases.release(namespace, "l", 1))
    assert not is_woken(namespace, Waiter(), lambda *_: leases.acquire(namespace, "l", 60))


def test_a_write_does_not_wake_who_minds_leases_alone(namespace):
    write(namespace)

    assert not is_woken(namespace, Waiter(prefix=None, minds_leases=True), lambda *_: write(namespace))


def test_writes_elsewhere_do_not_wake(namespace):
    write(namespace)

    assert not is_woken(namespace, Waiter(), lambda *_: write(f"{namespace}-2"))


def test_the_end_of_the_process_ends_a_wait(namespace):
    waiter = Waiter("k")

    assert not is_woken(namespace, waiter, lambda waking, loop: loop.call_soon_threadsafe(waking.end))
    assert waiter.is_over
