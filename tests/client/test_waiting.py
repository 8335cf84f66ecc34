"""wait(), watch() and changes(): against a real server on both databases, and against servers that do not wait."""

import asyncio
import json
import threading
import time

import httpx
import pytest

from botwire import (
    AsyncMemory,
    BotWireConnectionError,
    InvalidRequestError,
    Memory,
    RevisionTrimmedError,
    WaitTimeoutError,
)
from tests.client.answers import ENTRY, problem

SOON = 0.3


def soon(act, *arguments) -> threading.Timer:
    timer = threading.Timer(SOON, act, arguments)
    timer.start()
    return timer


# --- wait


def test_wait_gives_what_is_there_at_once(memory):
    memory.set("status", None)

    assert memory.wait("status", timeout=0) is None


@pytest.mark.parametrize(
    ("before", "options"),
    [
        ([], {}),
        (["running"], {"equals": "done"}),
        ([], {"equals": "done"}),
        (["running"], {"until": lambda status: status.startswith("d")}),
        (["running"], {"after": 1}),
        ([], {"after": 0}),
    ],
    ids=["there", "equals", "equals, not there", "until", "after", "after, not there"],
)
def test_wait_ends_when_what_it_waits_for_comes(before, options, memory):
    for status in before:
        memory.set("status", status)
    began = time.monotonic()
    writing = soon(memory.set, "status", "done")

    value = memory.wait("status", timeout=20, **options)

    assert value == "done"
    assert time.monotonic() - began >= SOON - 0.05
    writing.join()


def test_wait_after_a_version_outlives_a_delete(memory):
    version = memory.set("status", 1).version
    memory.delete("status")
    writing = soon(memory.set, "status", 2)

    assert memory.wait("status", after=version, timeout=20) == 2
    writing.join()


def test_wait_raises_after_its_timeout(memory):
    memory.set("status", "running")
    began = time.monotonic()

    with pytest.raises(WaitTimeoutError) as caught:
        memory.wait("status", equals="done", timeout=1.2)

    assert 1.2 <= time.monotonic() - began < 5
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.key == "status"


@pytest.mark.parametrize(
    ("awaited", "there", "is_same"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        ({"a": [1], "b": None}, {"b": None, "a": [1.0]}, True),
        ([1, True], [1, 1], False),
        ("é", "e\u0301", False),
        ("x" * 5_000, "x" * 5_000, True),
    ],
    ids=["1 and 1.0", "1 and true", "0 and false", "objects", "nested", "normal forms", "too long for an address"],
)
def test_equal_is_what_is_equal_as_json(awaited, there, is_same, memory):
    memory.set("value", there)

    if is_same:
        assert memory.wait("value", equals=awaited, timeout=0) == there
    else:
        with pytest.raises(WaitTimeoutError):
            memory.wait("value", equals=awaited, timeout=0)


def test_conditions_exclude_each_other(recorded, requests_sent):
    with pytest.raises(ValueError, match="exclude"):
        recorded.wait("status", equals=1, after=2)
    assert requests_sent == []


# --- servers that do not wait


class Unwilling:
    """A server that answers at once, with each of `answers` in turn; the last for ever."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.answers = list(answers)
        self.urls: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.urls.append(str(request.url))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return httpx.Response(answer.status_code, content=answer.content, headers=answer.headers)


@pytest.fixture
def pauses(monkeypatch) -> list[float]:
    """The pauses that were asked for, none of which is made."""
    asked: list[float] = []
    monkeypatch.setattr("botwire._sync.time.sleep", asked.append)
    return asked


def entry(value: object, version: int) -> httpx.Response:
    return httpx.Response(200, json={**ENTRY, "value": value, "version": version})


def waited(server: Unwilling, **options):
    with Memory("desk", base_url="http://server", transport=httpx.MockTransport(server)) as memory:
        return memory.wait("tsla", **options)


def test_where_too_many_wait_it_goes_on_by_asking(pauses):
    full = problem(503, "too_many_waiters", retry_after=30)
    server = Unwilling(full, problem(404, "key_not_found"), problem(404, "key_not_found"), entry("done", 3))

    assert waited(server, timeout=60) == "done"

    url = "http://server/memory/desk/tsla"
    assert server.urls == [f"{url}?wait=55", url, url, url]
    assert len(pauses) == 2
    assert all(0 < pause <= 2 for pause in pauses)


def test_with_a_server_that_knows_no_wait_it_goes_on_by_asking(pauses):
    old = problem(400, "invalid_parameter", parameter="wait")
    server = Unwilling(old, entry("running", 1), httpx.Response(304), entry("done", 2))

    assert waited(server, equals="done", timeout=60) == "done"

    url = "http://server/memory/desk/tsla"
    assert server.urls == [f"{url}?wait=55&equals=%22done%22", url, url, url]
    assert len(pauses) == 2


def test_a_server_that_waits_for_less_is_asked_for_less(pauses):
    shorter = problem(400, "invalid_parameter", parameter="wait", limit=10)
    server = Unwilling(shorter, entry("done", 2))

    assert waited(server, timeout=60) == "done"

    url = "http://server/memory/desk/tsla"
    assert server.urls == [f"{url}?wait=55", f"{url}?wait=10"]
    assert pauses == []


def test_a_server_that_answers_at_once_although_asked_to_wait_is_not_asked_without_pause(pauses):
    server = Unwilling(*[problem(404, "key_not_found")] * 20, entry("done", 2))

    assert waited(server, timeout=60) == "done"
    assert len(pauses) == 20
    assert pauses[-1] >= 1


def test_a_server_that_was_never_reached_is_not_waited_for(pauses):
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with (
        Memory("desk", base_url="http://server", transport=httpx.MockTransport(refuse), retries=0) as memory,
        pytest.raises(BotWireConnectionError),
    ):
        memory.wait("tsla")


# --- watch


def test_watch_gives_each_change_once_and_in_order(memory):
    watch = memory.watch(timeout=5)
    memory.set("a", {"b": 1})
    memory.append("list", 1)
    memory.delete("a")

    changes = [next(watch) for _ in range(3)]

    assert [(change.revision, change.kind, change.key, change.value) for change in changes] == [
        (1, "set", "a", {"b": 1}),
        (2, "set", "list", [1]),
        (3, "delete", "a", None),
    ]
    assert changes[0].writer.name == "tester"
    assert changes[0].at.tzinfo is not None
    assert watch.revision == 3


def test_watch_begins_now_or_after_a_revision(memory):
    for number in range(4):
        memory.set("a", number)
    from_now = memory.watch(timeout=0)
    from_then = memory.watch(since=2, timeout=0)

    assert [change.revision for change in from_now] == []
    assert [change.revision for change in from_then] == [3, 4]
    assert (from_now.revision, from_then.revision) == (4, 4)


def test_watch_gives_only_what_is_under_its_prefix(memory):
    watch = memory.watch("a/", timeout=0)
    for key in ("a/1", "b/1", "a/2", "a"):
        memory.set(key, key)

    assert [change.key for change in watch] == ["a/1", "a/2"]


def test_watch_waits_for_changes(memory):
    watch = memory.watch(timeout=20)
    writing = soon(memory.set, "a", 1)

    assert next(watch).value == 1
    writing.join()


def test_watch_goes_on_in_another_process_where_it_was(memory, server, namespace):
    for number in range(10):
        memory.set("a", number)
    first = memory.watch(since=0)
    for _ in range(4):
        next(first)

    with Memory(namespace, base_url=server.url) as other:
        rest = [change.value for change in other.watch(since=first.revision, timeout=0)]

    assert rest == [4, 5, 6, 7, 8, 9]


def test_watch_goes_through_many_pages(memory):
    for number in range(30):
        memory.set("a", number)
    seen, since = [], 0
    while (page := memory.changes(since, limit=7)).changes:
        seen += [change.value for change in page.changes]
        since = page.next

    assert seen == [*range(30)]
    assert page.revision == 30


def test_watch_from_a_revision_that_does_not_exist_is_refused(memory):
    memory.set("a", 1)

    with pytest.raises(InvalidRequestError):
        next(memory.watch(since=99))


def test_a_trimmed_log_is_told_with_where_it_begins():
    server = Unwilling(problem(410, "revision_trimmed", oldest_revision=40))
    with (
        Memory("desk", base_url="http://server", transport=httpx.MockTransport(server)) as memory,
        pytest.raises(RevisionTrimmedError) as caught,
    ):
        next(memory.watch(since=3))

    assert caught.value.oldest_revision == 40


def page(*revisions: int, next_: int, revision: int) -> httpx.Response:
    changes = [
        {"revision": number, "kind": "delete", "key": "a", "writer": None, "at": ENTRY["updated_at"]}
        for number in revisions
    ]
    return httpx.Response(
        200, content=json.dumps({"namespace": "desk", "revision": revision, "changes": changes, "next": next_})
    )


def test_watch_rides_out_an_outage_and_takes_nothing_twice(pauses):
    """Also where what answers after the outage repeats changes that were given before it."""
    trouble = problem(503, "database_unavailable")
    server = Unwilling(
        page(1, 2, next_=2, revision=2), *[trouble] * 9, page(next_=1, revision=1), page(2, 3, next_=3, revision=3)
    )
    with Memory("desk", base_url="http://server", transport=httpx.MockTransport(server), retries=2) as memory:
        watch = memory.watch(since=0)
        seen = [next(watch).revision for _ in range(3)]

    assert seen == [1, 2, 3]
    assert watch.revision == 3


def test_watch_goes_on_after_the_server_was_killed(make_server, namespace):
    server = make_server()
    with Memory(namespace, base_url=server.url, timeout=5) as memory:
        watch = memory.watch()
        memory.set("a", "before")
        first = next(watch).value
        server.kill()
        starting = threading.Timer(1.0, server.start)
        starting.start()
        writing = threading.Thread(target=lambda: (starting.join(), memory.set("a", "after")))
        writing.start()
        second = next(watch)
        writing.join()

    assert (first, second.value, second.revision) == ("before", "after", 2)


# --- asyncio


def test_the_async_client_waits_and_watches(server, namespace, run):
    async def work():
        async with AsyncMemory(namespace, base_url=server.url) as memory:
            waiting = asyncio.create_task(memory.wait("status", equals="done", timeout=20))
            watch = memory.watch(since=0, timeout=1)
            await memory.set("status", "running")
            await memory.set("status", "done")
            with pytest.raises(WaitTimeoutError):
                await memory.wait("missing", timeout=0.2)
            seen = [(change.revision, change.value) async for change in watch]
            return await waiting, seen, (await memory.changes(1)).next

    assert run(work()) == ("done", [(1, "running"), (2, "done")], 2)


def test_a_cancelled_wait_leaves_the_memory_usable(server, namespace, run):
    async def work():
        async with AsyncMemory(namespace, base_url=server.url) as memory:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(memory.wait("status"), 0.3)
            await memory.set("status", 1)
            return await memory.wait("status")

    assert run(work()) == 1
