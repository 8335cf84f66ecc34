"""What is sent again, how often, and how long that may take; on real sockets."""

import time

import httpx
import pytest

from botwire import (
    AsyncMemory,
    BotWireAPIError,
    BotWireConnectionError,
    BotWireTimeoutError,
    DailyWriteLimitError,
    DatabaseUnavailableError,
    ForbiddenError,
    InternalServerError,
    LimitError,
    Memory,
    PreconditionFailedError,
    ServerError,
    UnavailableError,
)
from botwire import _retry as retry
from tests.client.answers import ENTRY, STORED, raw, raw_problem

GET = "GET /memory/desk/tsla HTTP/1.1"
PUT = "PUT /memory/desk/tsla HTTP/1.1"
DELETE = "DELETE /memory/desk/tsla HTTP/1.1"
UNAVAILABLE = raw_problem(503, "database_unavailable")

PATCH = "PATCH /memory/desk/tsla HTTP/1.1"
BATCH = "POST /namespaces/desk/batch HTTP/1.1"
#: Writes by their names, with the request that each makes; the first are sent without an Idempotency-Key.
ONCE = {
    "set": (lambda memory: memory.set("tsla", 1), PUT),
    "delete": (lambda memory: memory.delete("tsla"), DELETE),
    "clear": (lambda memory: memory.clear(), "DELETE /memory/desk HTTP/1.1"),
}
REPEATABLE = {
    "if_absent": (lambda memory: memory.set("tsla", 1, if_absent=True), PUT),
    "if_version": (lambda memory: memory.set("tsla", 1, if_version=3), PUT),
    "delete if_version": (lambda memory: memory.delete("tsla", if_version=3), DELETE),
    "append": (lambda memory: memory.append("tsla", 1), PATCH),
    "pop": (lambda memory: memory.pop("tsla"), PATCH),
    "increment": (lambda memory: memory.increment("tsla"), PATCH),
    "merge": (lambda memory: memory.merge("tsla", {}), PATCH),
    "patch": (lambda memory: memory.patch("tsla", []), PATCH),
    "set_many": (lambda memory: memory.set_many({"tsla": 1}), BATCH),
    "delete_many": (lambda memory: memory.delete_many(["tsla"]), BATCH),
    "lock": (lambda memory: memory.lock("a").acquire(), "POST /namespaces/desk/leases/a?wait=55 HTTP/1.1"),
    "claim": (lambda memory: memory.claim("a"), "POST /namespaces/desk/claims HTTP/1.1"),
}


def each(writes: dict) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("write", "line"), writes.values(), ids=writes.keys())


@pytest.fixture
def pauses(monkeypatch) -> list[float]:
    """The pauses that were asked for, none of which is made."""
    asked: list[float] = []
    monkeypatch.setattr("botwire._sync.time.sleep", asked.append)
    return asked


@pytest.fixture
def long_backoff(monkeypatch):
    """Jitter that always comes out longest."""
    monkeypatch.setattr(retry._random, "uniform", lambda low, high: high)


def memory_of(server, **options) -> Memory:
    return Memory("desk", base_url=server.url, **{"timeout": 5, **options})


@pytest.mark.parametrize(
    "trouble",
    [None, UNAVAILABLE, raw(502, b"<h1>Bad Gateway</h1>", "text/html"), raw(503, b"", "text/plain"), raw(504, b"")],
    ids=["no answer", "503", "proxy's 502", "proxy's 503", "proxy's 504"],
)
def test_a_read_is_repeated_until_it_succeeds(trouble, misbehaving, pauses):
    server = misbehaving(trouble, trouble, raw(200, ENTRY))

    with memory_of(server) as memory:
        value = memory.get("tsla")

    assert value == {"signal": "buy"}
    assert server.requests == [GET] * 3
    assert len(pauses) == 2


def test_a_read_that_times_out_is_repeated(misbehaving, pauses):
    server = misbehaving("silence", raw(200, ENTRY))

    with memory_of(server, timeout=0.2) as memory:
        assert memory.get("tsla") == {"signal": "buy"}

    assert server.requests == [GET] * 2


def test_the_outcome_of_a_read_is_never_unknown(misbehaving):
    server = misbehaving(None)

    with memory_of(server, retries=0) as memory, pytest.raises(BotWireConnectionError) as caught:
        memory.get("tsla")

    assert not caught.value.is_outcome_unknown
    assert "Start a server" in str(caught.value)


def test_a_read_is_given_up_after_the_retries(misbehaving, pauses):
    server = misbehaving(UNAVAILABLE)

    with memory_of(server, retries=2) as memory, pytest.raises(DatabaseUnavailableError):
        memory.get("tsla")

    assert server.requests == [GET] * 3


@pytest.mark.parametrize("answer", [None, UNAVAILABLE], ids=["no answer", "503"])
@pytest.mark.parametrize("act", [lambda m: m.get("tsla"), lambda m: m.set("tsla", 1)], ids=["get", "set"])
def test_retries_0_turns_repeats_off(answer, act, misbehaving, pauses):
    server = misbehaving(answer)

    with memory_of(server, retries=0) as memory, pytest.raises((BotWireConnectionError, DatabaseUnavailableError)):
        act(memory)

    assert len(server.requests) == 1
    assert pauses == []


@pytest.mark.parametrize(
    "answer",
    [raw_problem(500, "internal_error"), raw_problem(507, "disk_full"), raw_problem(404, "namespace_not_found")],
    ids=["500", "507", "404"],
)
def test_a_read_is_not_repeated_where_that_would_not_help(answer, misbehaving, pauses):
    server = misbehaving(answer)

    with memory_of(server) as memory, pytest.raises(BotWireAPIError):
        memory["tsla"]

    assert server.requests == [GET]


@each(ONCE)
def test_a_write_without_a_key_whose_answer_was_lost_is_never_repeated(write, line, misbehaving, pauses):
    server = misbehaving(None)

    with memory_of(server) as memory, pytest.raises(BotWireConnectionError) as caught:
        write(memory)

    assert caught.value.is_outcome_unknown
    assert "may or may not have happened" in str(caught.value)
    assert server.requests == [line]


@each(ONCE)
def test_a_write_without_a_key_that_timed_out_is_never_repeated(write, line, misbehaving, pauses):
    server = misbehaving("silence")

    with memory_of(server, timeout=0.2) as memory, pytest.raises(BotWireTimeoutError) as caught:
        write(memory)

    assert caught.value.is_outcome_unknown
    assert isinstance(caught.value, TimeoutError)
    assert server.requests == [line]


@each(REPEATABLE)
@pytest.mark.parametrize(
    "trouble",
    [None, raw(502, b""), raw_problem(503, "outcome_unknown"), UNAVAILABLE],
    ids=["no answer", "502", "outcome_unknown", "503"],
)
def test_a_write_with_a_key_is_repeated_as_it_was(trouble, write, line, misbehaving, pauses):
    server = misbehaving(trouble, trouble, raw_problem(403, "forbidden"))

    with memory_of(server) as memory, pytest.raises(ForbiddenError):
        write(memory)

    assert server.requests == [line] * 3
    assert len(set(server.keys)) == 1
    assert server.keys[0]


def test_each_write_has_a_key_of_its_own(misbehaving):
    server = misbehaving(raw_problem(403, "forbidden"))

    with memory_of(server) as memory:
        for _ in range(3):
            with pytest.raises(ForbiddenError):
                memory.append("tsla", 1)

    assert len(set(server.keys)) == 3


@each(REPEATABLE)
def test_a_write_with_a_key_is_given_up_after_the_retries(write, line, misbehaving, pauses):
    server = misbehaving(None)

    with memory_of(server, retries=2) as memory, pytest.raises(BotWireConnectionError) as caught:
        write(memory)

    assert caught.value.is_outcome_unknown
    assert server.requests == [line] * 3


@pytest.mark.parametrize(
    "last", [UNAVAILABLE, raw_problem(507, "disk_full")], ids=["database_unavailable", "disk_full"]
)
def test_a_last_answer_that_says_nothing_was_written_does_not_hide_that_an_earlier_one_was_lost(
    last, misbehaving, pauses
):
    server = misbehaving(None, last)

    with memory_of(server, retries=1) as memory, pytest.raises(ServerError) as caught:
        memory.append("tsla", 1)

    assert caught.value.is_outcome_unknown


def test_a_refused_connection_does_not_hide_that_an_earlier_answer_was_lost(pauses):
    troubles = [httpx.ReadError("lost"), httpx.ConnectError("refused")]

    def fail(request: httpx.Request) -> httpx.Response:
        raise troubles.pop(0)

    with (
        Memory("desk", base_url="http://server", transport=httpx.MockTransport(fail), retries=1) as memory,
        pytest.raises(BotWireConnectionError) as caught,
    ):
        memory.append("tsla", 1)

    assert caught.value.is_outcome_unknown


@each({**ONCE, **REPEATABLE})
def test_a_write_is_repeated_after_botwire_s_503(write, line, misbehaving, pauses):
    server = misbehaving(UNAVAILABLE, raw_problem(412, "precondition_failed"))

    with memory_of(server) as memory, pytest.raises(PreconditionFailedError):
        write(memory)

    assert server.requests == [line] * 2


@pytest.mark.parametrize(
    "answer",
    [
        raw(502, b""),
        raw(503, b"", "text/html"),
        raw(504, b""),
        raw(503, {"code": "database_unavailable"}),
        raw_problem(503, "outcome_unknown"),
        raw_problem(503, "code_of_tomorrow"),
    ],
    ids=["502", "503", "504", "503 with JSON", "503 outcome_unknown", "503 with an unknown code"],
)
def test_a_write_is_not_repeated_after_an_error_that_leaves_its_outcome_unknown(answer, misbehaving, pauses):
    server = misbehaving(answer)

    with memory_of(server) as memory, pytest.raises(UnavailableError) as caught:
        memory.set("tsla", 1)

    assert caught.value.is_outcome_unknown
    assert server.requests == [PUT]


@pytest.mark.parametrize("answer", [UNAVAILABLE, raw_problem(507, "disk_full")], ids=["503", "507"])
def test_where_botwire_says_that_nothing_was_written_the_outcome_is_known(answer, misbehaving):
    server = misbehaving(answer)

    with memory_of(server, retries=0) as memory, pytest.raises(ServerError) as caught:
        memory.set("tsla", 1)

    assert not caught.value.is_outcome_unknown


def test_a_read_that_the_server_refuses_has_no_unknown_outcome(misbehaving):
    server = misbehaving(raw(502, b""))

    with memory_of(server, retries=0) as memory, pytest.raises(UnavailableError) as caught:
        memory.get("tsla")

    assert not caught.value.is_outcome_unknown


def test_a_fault_in_the_server_leaves_a_write_s_outcome_unknown(misbehaving, pauses):
    server = misbehaving(raw_problem(500, "internal_error"))

    with memory_of(server) as memory, pytest.raises(InternalServerError) as caught:
        memory.set("tsla", 1)

    assert caught.value.is_outcome_unknown
    assert server.requests == [PUT]


def test_a_write_that_found_no_server_is_repeated(pauses):
    attempts = []

    def answer(request: httpx.Request) -> httpx.Response:
        attempts.append(request.method)
        if len(attempts) < 3:
            raise [httpx.ConnectError("refused"), httpx.ConnectTimeout("late"), None][len(attempts) - 1]
        return httpx.Response(201, json=STORED)

    with Memory("desk", base_url="http://server", transport=httpx.MockTransport(answer)) as memory:
        result = memory.set("tsla", 1)

    assert result.version == 17
    assert attempts == ["PUT"] * 3


def test_where_no_server_is_the_message_says_which_and_what_to_do(pauses):
    with Memory("desk", base_url="http://127.0.0.1:1") as memory, pytest.raises(BotWireConnectionError) as caught:
        memory.set("tsla", 1)

    error = caught.value
    assert isinstance(error, ConnectionError)
    assert (error.method, error.url) == ("PUT", "http://127.0.0.1:1/memory/desk/tsla")
    assert not error.is_outcome_unknown
    assert str(error) == (
        "No answer from http://127.0.0.1:1/memory/desk/tsla (PUT): [Errno 111] Connection refused. Start a server with "
        "`uv run manage.py serve`, or let BOTWIRE_URL (or base_url=...) name the one that you mean."
    )
    assert len(pauses) == 3


def test_retry_after_is_obeyed(misbehaving, pauses, long_backoff):
    server = misbehaving(raw_problem(503, "database_unavailable", "Retry-After: 4"), raw(200, ENTRY))

    with memory_of(server) as memory:
        memory.get("tsla")

    assert pauses == [4.25]


def test_a_short_wait_for_the_next_day_is_made(misbehaving, pauses, long_backoff):
    server = misbehaving(raw_problem(429, "daily_write_limit", "Retry-After: 30"), raw(201, STORED))

    with memory_of(server) as memory:
        memory.set("tsla", 1)

    assert pauses == [30.0]


def test_a_long_wait_raises_at_once(misbehaving, pauses):
    server = misbehaving(raw_problem(429, "daily_write_limit", "Retry-After: 31"))

    with memory_of(server) as memory, pytest.raises(DailyWriteLimitError) as caught:
        memory.set("tsla", 1)

    assert caught.value.retry_after == 31.0
    assert server.requests == [PUT]
    assert pauses == []


def test_all_pauses_of_a_call_take_30_seconds_at_most(misbehaving, pauses, long_backoff):
    server = misbehaving(raw_problem(503, "database_unavailable", "Retry-After: 8"))

    with memory_of(server, retries=1_000) as memory, pytest.raises(DatabaseUnavailableError):
        memory.get("tsla")

    assert pauses == [8.25, 8.5, 9.0]


def test_without_retry_after_the_pauses_grow_and_stay_bounded(misbehaving, pauses, long_backoff):
    server = misbehaving(UNAVAILABLE)

    with memory_of(server, retries=100) as memory, pytest.raises(DatabaseUnavailableError):
        memory.get("tsla")

    assert pauses[:6] == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0]
    assert sum(pauses) == 30.0


def test_pauses_are_at_random_from_none_to_the_longest(misbehaving, pauses):
    server = misbehaving(UNAVAILABLE)

    with memory_of(server, retries=1) as memory:
        for _ in range(50):
            with pytest.raises(DatabaseUnavailableError):
                memory.get("tsla")

    assert all(0 <= pause <= 0.25 for pause in pauses)
    assert len(set(pauses)) > 40


def test_a_foreign_brake_is_a_limit_error(misbehaving, pauses):
    server = misbehaving(raw(429, b"slow down", "text/plain"))

    with memory_of(server) as memory, pytest.raises(LimitError):
        memory.set("tsla", 1)

    assert server.requests == [PUT]


def test_an_answer_that_breaks_off_is_no_answer(misbehaving, pauses):
    server = misbehaving(raw(201, STORED).replace(b"Content-Length: ", b"Content-Length: 9"), None)

    with memory_of(server, timeout=0.3) as memory, pytest.raises(BotWireConnectionError) as caught:
        memory.set("tsla", 1)

    assert caught.value.is_outcome_unknown


def test_an_answer_that_can_not_be_unpacked_is_no_answer(misbehaving, pauses):
    server = misbehaving(raw(200, b"not gzip", "application/json", "Content-Encoding: gzip"))

    with memory_of(server) as memory, pytest.raises(BotWireConnectionError):
        memory.get("tsla")

    assert server.requests == [GET]


def test_a_server_that_says_nothing_holds_nobody_beyond_the_timeout(misbehaving):
    server = misbehaving("silence")
    began = time.monotonic()

    with memory_of(server, timeout=0.2, retries=1) as memory, pytest.raises(BotWireTimeoutError):
        memory.get("tsla")

    assert 0.4 <= time.monotonic() - began < 2


async def read_async(server, **options):
    async with AsyncMemory("desk", base_url=server.url, **options) as memory:
        return await memory.get("tsla")


def test_the_async_client_repeats_a_read(misbehaving, run):
    server = misbehaving(UNAVAILABLE, None, raw(200, ENTRY))

    assert run(read_async(server)) == {"signal": "buy"}
    assert server.requests == [GET] * 3


def test_the_async_client_does_not_repeat_a_write_whose_answer_was_lost(misbehaving, run):
    server = misbehaving(None)

    async def write():
        async with AsyncMemory("desk", base_url=server.url) as memory:
            await memory.set("tsla", 1)

    with pytest.raises(BotWireConnectionError) as caught:
        run(write())

    assert caught.value.is_outcome_unknown
    assert server.requests == [PUT]
