"""One Memory in many threads, and on both sides of a fork."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest

from botwire import AsyncMemory, BotWireTimeoutError, Memory, PreconditionFailedError
from botwire._settings import MOST_CONNECTIONS
from tests.client.answers import ENTRY, raw

LONGEST = 30


def fork(act: Callable[[], object]) -> int:
    """Run `act` in a forked child that ends within LONGEST seconds; its process id."""
    child = os.fork()
    if child:
        return child
    signal.alarm(LONGEST)
    status = 1
    try:
        act()
        status = 0
    finally:
        os._exit(status)


def status_of(child: int) -> int:
    """0 where the child's act raised nothing, -14 where it did not end in time."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_many_threads_share_one_memory(memory):
    def work(name: int) -> None:
        for number in range(10):
            memory.set(f"{name}/{number}", [name, number])
            assert memory.get(f"{name}/{number}") == [name, number]

    with ThreadPoolExecutor(40) as threads:
        finished = [*threads.map(work, range(40))]

    assert len(finished) == 40
    assert len(memory) == 400
    assert len(memory._connections) == 1


def test_no_two_threads_use_one_client_at_a_time(memory, monkeypatch):
    """Its pool could close the connection on which one of them waits (https://github.com/encode/httpcore/issues/1110)."""
    in_use, met, request = Counter(), [], httpx.Client.request

    def watched(client, *arguments, **options):
        in_use[client] += 1
        met.append(in_use[client])
        try:
            return request(client, *arguments, **options)
        finally:
            in_use[client] -= 1

    monkeypatch.setattr(httpx.Client, "request", watched)
    with ThreadPoolExecutor(40) as threads:
        [*threads.map(lambda number: memory.set(f"k{number}", number), range(200))]

    assert (len(met), max(met)) == (200, 1)
    assert 1 < len(in_use) <= MOST_CONNECTIONS


def test_who_finds_all_connections_in_use_is_told(server, namespace):
    with Memory(namespace, base_url=server.url, timeout=0.5, retries=0) as memory:
        with ExitStack() as lent:
            for _ in range(MOST_CONNECTIONS):
                lent.enter_context(memory._own_connections().lend())
            with pytest.raises(BotWireTimeoutError, match="all 32 connections stayed in use") as caught:
                memory.set("k", 1)
        assert memory.exists("k") is False

    assert not caught.value.is_outcome_unknown


def test_what_is_in_use_when_a_memory_is_closed_is_closed_when_it_comes_back(server, namespace):
    memory = Memory(namespace, base_url=server.url)
    connections = memory._own_connections()
    with connections.lend(), connections.lend() as resting:
        pass
    with connections.lend() as busy:
        memory.close()
        assert (busy.is_closed, resting.is_closed) == (False, True)

    assert busy.is_closed


def test_exactly_one_of_many_threads_creates(memory):
    barrier = threading.Barrier(20)

    def creates(name: int) -> bool:
        barrier.wait()
        try:
            return memory.set("lock", name, if_absent=True).created
        except PreconditionFailedError:
            return False

    with ThreadPoolExecutor(20) as threads:
        created = [*threads.map(creates, range(20))]

    assert [name for name in range(20) if created[name]] == [memory.get("lock")]


def test_parent_and_child_go_on_at_once_with_one_memory_after_a_fork(memory):
    def write(key: str) -> None:
        for number in range(50):
            memory.set(key, [key, number])
            assert memory.get(key) == [key, number]

    write("before")
    child = fork(lambda: write("child"))
    write("parent")

    assert status_of(child) == 0
    assert dict(memory.items()) == {key: [key, 49] for key in ("before", "child", "parent")}


def test_a_child_opens_a_connection_of_its_own(misbehaving):
    server = misbehaving(raw(200, ENTRY))
    with Memory("desk", base_url=server.url) as memory:
        memory.get("tsla")
        memory.get("tsla")

        assert status_of(fork(lambda: memory.get("tsla"))) == 0
        memory.get("tsla")

    assert (len(server.requests), server.connections) == (4, 2)


def test_a_fork_while_threads_are_in_calls_does_not_lock_the_child(memory):
    is_over = threading.Event()

    def read() -> None:
        while not is_over.is_set():
            memory.get("tsla")

    with ThreadPoolExecutor(4) as threads:
        reading = [threads.submit(read) for _ in range(4)]
        statuses = [status_of(fork(lambda: memory.get("tsla"))) for _ in range(20)]
        is_over.set()

    assert statuses == [0] * 20
    assert [future.result() for future in reading] == [None] * 4


def test_an_async_memory_goes_on_in_a_forked_child(server, namespace, run):
    memory = AsyncMemory(namespace, base_url=server.url)
    run(memory.set("tsla", 1))

    child = fork(lambda: run(memory.set("child", 1)))

    assert status_of(child) == 0
    assert run(memory.list_keys()) == ["child", "tsla"]


def test_a_child_that_closes_its_memory_leaves_the_parent_s_open(memory):
    memory.set("tsla", 1)

    assert status_of(fork(memory.close)) == 0

    assert memory.get("tsla") == 1
