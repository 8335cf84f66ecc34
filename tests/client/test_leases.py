"""lock() and claim(), against a real server on both databases; where time matters, with leases of a second or two."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from botwire import AsyncMemory, LeaseHeldError, LeaseLostError, Memory, WaitTimeoutError
from tests.client.losing import Losing
from tests.polling import wait_until

SECONDS = 30

HOLDER = """
import sys
from botwire import LeaseLostError, Memory
memory = Memory(sys.argv[1], base_url=sys.argv[2])
lease = memory.lock("deploy", ttl=1).acquire()
print(lease.fencing, flush=True)
sys.stdin.readline()
try:
    {write}
except LeaseLostError:
    print("refused", flush=True)
else:
    print("written", flush=True)
"""
#: A late write by the verbs, and one by a program that does not look before it writes.
LATE_WRITES = {
    "looking": 'memory.set("deployed", "late", lease=lease)',
    "not looking": 'lease._held_until += 3600; memory.set("deployed", "late", lease=lease)',
}


@pytest.fixture
def other(server, namespace):
    with Memory(namespace, base_url=server.url, agent="other") as other:
        yield other


def let_expire(lease) -> None:
    """Do what a holder does that is cut off: renew no more, and wait for the end."""
    lease._stop.set()
    time.sleep(1.3)


def test_a_lease_has_one_holder(memory, other):
    with memory.lock("deploy", ttl=20) as lease:
        assert lease.is_held
        with pytest.raises(LeaseHeldError) as caught:
            other.lock("deploy", timeout=0).acquire()
        assert caught.value.holder == "tester"
        with other.lock("something else", timeout=0):
            pass
    assert not lease.is_held
    with other.lock("deploy", timeout=0):
        pass


def test_fencing_numbers_only_grow(memory):
    numbers = []
    for name in ("a", "b", "a", "a"):
        with memory.lock(name) as lease:
            numbers.append(lease.fencing)

    assert numbers == sorted(set(numbers))


def test_a_lease_is_waited_for(memory, other):
    lease = memory.lock("deploy").acquire()
    threading.Timer(0.3, lease.release).start()
    began = time.monotonic()

    with other.lock("deploy", timeout=SECONDS):
        assert 0.2 <= time.monotonic() - began < SECONDS


def test_contenders_take_turns(server, namespace):
    holders: list[int] = []
    greatest: list[int] = []

    def work(name: int) -> None:
        with Memory(namespace, base_url=server.url) as memory, memory.lock("turn", ttl=20) as lease:
            holders.append(name)
            greatest.append(len(holders))
            memory.append("fencing", lease.fencing, lease=lease)
            holders.remove(name)

    with ThreadPoolExecutor(8) as threads:
        finished = [*threads.map(work, range(8))]

    assert len(finished) == 8
    assert greatest == [1] * 8
    with Memory(namespace, base_url=server.url) as memory:
        numbers = memory.get("fencing")
    assert numbers == sorted(set(numbers))


def test_a_lease_is_renewed_as_long_as_it_is_held(memory, other):
    with memory.lock("deploy", ttl=1) as lease:
        time.sleep(2.5)
        assert lease.is_held
        memory.set("a", 1, lease=lease)
        with pytest.raises(LeaseHeldError):
            other.lock("deploy", timeout=0).acquire()


def test_losing_it_raises_at_the_next_use_and_at_the_end(memory, other):
    with pytest.raises(LeaseLostError), memory.lock("deploy", ttl=1) as lease:  # noqa: PT012
        let_expire(lease)
        theirs = other.lock("deploy", timeout=5).acquire()
        assert not lease.is_held
        for use in (
            lease.renew, lambda: lease.fencing, lambda: memory.set("a", 1, lease=lease),
            lambda: memory.append("a", 1, lease=lease), lambda: memory.delete("a", lease=lease),
            lambda: memory.set_many({"a": 1}, lease=lease),
        ):  # fmt: skip
            with pytest.raises(LeaseLostError):
                use()

    assert theirs.is_held
    assert memory.list_keys() == []


def test_the_server_too_refuses_writes_under_a_lease_that_is_lost(memory, other):
    lease = memory.lock("deploy", ttl=1).acquire()
    let_expire(lease)
    other.lock("deploy", timeout=5).acquire()
    lease._held_until += 3600

    for write in (
        lambda: memory.set("a", 1, lease=lease), lambda: memory.increment("a", lease=lease),
        lambda: memory.set_many({"a": 1}, lease=lease),
    ):  # fmt: skip
        with pytest.raises(LeaseLostError) as caught:
            write()
        assert caught.value.status == 412
    assert memory.list_keys() == []


def test_renewing_ends_when_it_is_lost(memory):
    lease = memory.lock("to be lost", ttl=1.5).acquire()
    memory._send(memory._calls.release("to be lost", lease.fencing))

    wait_until(lambda: "botwire lease to be lost" not in [thread.name for thread in threading.enumerate()], SECONDS)

    assert not lease.is_held


def test_a_lease_that_nobody_refers_to_is_renewed_no_more(memory, other):
    memory.lock("deploy", ttl=1).acquire()
    gc.collect()

    with other.lock("deploy", timeout=10) as lease:
        assert lease.is_held


def test_an_exception_in_the_block_releases_it_and_is_passed_on(memory, other):
    with pytest.raises(ZeroDivisionError), memory.lock("deploy"):
        raise ZeroDivisionError

    with other.lock("deploy", timeout=0):
        pass


def test_an_acquisition_whose_answer_was_lost_is_no_other_s(server, namespace):
    transport = Losing(times=2)
    with (
        Memory(namespace, base_url=server.url, transport=transport) as memory,
        memory.lock("deploy", timeout=0) as lease,
    ):
        assert lease.is_held
        assert transport.lost == 2


@pytest.mark.parametrize("write", LATE_WRITES.values(), ids=LATE_WRITES.keys())
def test_a_stopped_holder_that_goes_on_late_can_not_write(write, server, namespace, memory):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER.format(write=write), namespace, server.url],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert holder.stdout is not None
        first = int(holder.stdout.readline())
        os.kill(holder.pid, signal.SIGSTOP)
        with memory.lock("deploy", timeout=SECONDS) as lease:
            memory.set("deployed", "in time", lease=lease)
            os.kill(holder.pid, signal.SIGCONT)
            output, _ = holder.communicate("go on\n", timeout=SECONDS)
            second = lease.fencing
    finally:
        holder.kill()
        holder.wait()

    assert output == "refused\n"
    assert second > first
    assert memory.get("deployed") == "in time"


# --- claims


def test_a_task_is_claimed_by_one_and_completed(memory, other):
    memory.set_many({"tasks/1": "a", "tasks/2": "b", "other": "c"})

    with memory.claim("tasks/") as first, other.claim("tasks/") as second:
        assert (first.key, first.value, second.key, second.value) == ("tasks/1", "a", "tasks/2", "b")
        assert first.lease.is_held
        assert memory.claim("tasks/") is None

    assert memory.list_keys() == ["other"]


def test_an_exception_gives_the_task_back(memory):
    memory.set("tasks/1", "a")

    with pytest.raises(ZeroDivisionError), memory.claim("tasks/"):
        raise ZeroDivisionError

    task = memory.claim("tasks/")
    assert task.key == "tasks/1"
    task.complete()
    assert memory.claim("tasks/") is None


def test_a_task_is_completed_once_and_its_lease_given_back_when_the_answer_is_lost(memory, other, server, namespace):
    memory.set("tasks/1", "a")
    losing = Losing(times=2)

    with Memory(namespace, base_url=server.url, transport=losing) as unlucky:
        unlucky.claim("tasks/").complete()

    assert losing.lost == 2
    assert memory.list_keys() == []
    assert memory.usage().writes == 2
    with other.lock("tasks/1", timeout=0) as lease:
        assert lease.fencing == 3


def test_a_task_is_waited_for(memory):
    threading.Timer(0.3, memory.set, ["tasks/1", "a"]).start()

    task = memory.claim("tasks/", timeout=SECONDS)

    assert task.value == "a"
    task.release()


def test_a_task_whose_holder_is_cut_off_can_be_claimed_again_and_not_completed_by_it(memory, other):
    memory.set("tasks/1", "a")
    task = memory.claim("tasks/", ttl=1)
    let_expire(task.lease)
    second = other.claim("tasks/", timeout=SECONDS)

    with pytest.raises(LeaseLostError):
        task.complete()

    assert memory.exists("tasks/1")
    second.complete()
    assert not memory.exists("tasks/1")


# --- asyncio


def test_the_async_client_locks_and_claims(server, namespace, run):
    async def work():
        async with AsyncMemory(namespace, base_url=server.url) as memory:
            async with memory.lock("deploy", ttl=1) as lease:
                with pytest.raises(LeaseHeldError):
                    await memory.lock("deploy", timeout=0).acquire()
                await asyncio.sleep(1.5)
                await memory.set("tasks/1", lease.is_held, lease=lease)
            async with await memory.claim("tasks/") as task:
                assert await memory.claim("tasks/") is None
                value = task.value
            return value, lease.is_held, await memory.list_keys()

    assert run(work()) == (True, False, [])


def test_the_async_client_raises_when_a_lease_is_lost(server, namespace, run):
    async def work():
        async with AsyncMemory(namespace, base_url=server.url) as memory, memory.lock("deploy", ttl=1) as lease:
            lease._keeping.cancel()
            await asyncio.sleep(1.3)
            with pytest.raises(LeaseLostError):
                await memory.set("a", 1, lease=lease)
            await memory.lock("deploy", timeout=5).acquire()

    with pytest.raises(LeaseLostError):
        run(work())


def test_many_tasks_of_one_loop_contend(server, namespace, run):
    async def work():
        async with AsyncMemory(namespace, base_url=server.url) as memory:

            async def turn() -> int:
                async with memory.lock("turn", ttl=20) as lease:
                    return lease.fencing

            numbers = await asyncio.gather(*(turn() for _ in range(6)))
            with pytest.raises(WaitTimeoutError):
                await memory.wait("missing", timeout=0)
            return len(set(numbers))

    assert run(work()) == 6
