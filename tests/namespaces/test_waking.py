"""Waiting for a namespace to come further than a mark, on an event loop: what leases and claims wait by."""

import asyncio
import time

import pytest
from django.db import connection

from namespaces import engine
from namespaces.jsontext import JSONText
from namespaces.models import Namespace
from namespaces.waking import Mark, Waking
from namespaces.writing import set_entry
from tests.factories import NamespaceFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("database")]


def waiting(namespace: str, since: Mark, seconds: float, meanwhile=None) -> tuple[Mark, float]:
    """What a wait answers, and how long it took; `meanwhile` is called in a thread once it waits, with the Waking."""

    async def run() -> tuple[Mark, float]:
        running = await engine.start()
        waking = Waking(running)
        began = time.monotonic()
        task = asyncio.create_task(waking.changed(namespace, since, seconds))
        if meanwhile:
            await asyncio.sleep(0.3)
            assert not task.done()
            began = time.monotonic()
            await asyncio.to_thread(_in_thread, meanwhile, waking, asyncio.get_running_loop())
        mark = await task
        took = time.monotonic() - began
        await running.stop()
        return mark, took

    return asyncio.run(run())


def _in_thread(meanwhile, *arguments) -> None:
    try:
        meanwhile(*arguments)
    finally:
        connection.close()


def write(namespace: str) -> None:
    set_entry(namespace, "k", JSONText.parse("1"))


def test_what_has_changed_already_is_told_at_once(namespace):
    write(namespace)

    mark, took = waiting(namespace, Mark(0, 0), 20)

    assert mark == Mark(1, 0)
    assert took < 2


def test_a_write_wakes(namespace):
    write(namespace)

    mark, took = waiting(namespace, Mark(1, 0), 20, lambda *_: write(namespace))

    assert mark == Mark(2, 0)
    assert took < 2


def test_a_first_write_wakes_who_waits_for_a_namespace_that_does_not_exist(namespace):
    mark, took = waiting(namespace, Mark(), 20, lambda *_: write(namespace))

    assert mark == Mark(1, 0)
    assert took < 2


def test_a_fencing_number_wakes_too():
    made = NamespaceFactory(fencing=4)

    def give_back(*_) -> None:
        Namespace.objects.filter(name=made.name).update(fencing=5)

    mark, took = waiting(made.name, Mark(0, 4), 20, give_back)

    assert mark == Mark(0, 5)
    assert took < 2


def test_writes_elsewhere_do_not_wake(namespace):
    write(namespace)

    mark, took = waiting(namespace, Mark(1, 0), 1, lambda *_: write(f"{namespace}-2"))

    assert mark == Mark(1, 0)
    assert took > 0.5


def test_the_end_of_the_process_ends_a_wait(namespace):
    mark, took = waiting(namespace, Mark(), 20, lambda waking, loop: loop.call_soon_threadsafe(waking.end))

    assert mark == Mark()
    assert took < 2
