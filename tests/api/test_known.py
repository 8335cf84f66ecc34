"""Requests with headers that gunicorn has read before: answered without it, and as it would have answered them."""

import asyncio
import json
import re
import secrets
import select
import socket
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.lane import memory
from botwire_site import gunicorn_conf, gunicorn_worker, known
from botwire_site.known import KnownHeaders
from namespaces.models import Entry
from tests.lane import Lane, running_lane
from tests.polling import wait_until
from tests.wire import Wire, head, until

KEEP_ALIVE_SECONDS = 1
DATE = re.compile(rb"\r\nDate: [^\r]*")
JSON = {"Content_Type": "application/json"}

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.only_through("lane")]


class Site:
    """Real connections to the lane in this process. `read_by_gunicorn` are the requests that gunicorn has read."""

    def __init__(self, lane: Lane, kind: Any = gunicorn_worker.Connection) -> None:
        read = self.read_by_gunicorn = []
        self.known = KnownHeaders()

        class Watched(kind):
            _known = self.known

            def _on_headers_complete(self) -> bool:
                is_skipped = super()._on_headers_complete()
                read.append(self._current_request.method)
                return is_skipped

        self.worker = _worker(lane)
        self._lane = lane
        self._server = lane.run(lane.loop.create_server(lambda: Watched(self.worker), "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        self._lane.run(self._close())

    async def _close(self) -> None:
        self._server.close()
        tasks = [connection._task for connection in self.worker.protocols]
        for connection in list(self.worker.protocols):
            connection.transport.abort()
        await asyncio.wait_for(asyncio.gather(*tasks), 10)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)


def _worker(lane: Lane) -> Any:
    cfg = Config()
    for name in ("http_parser", "limit_request_line", "forwarded_allow_ips"):
        cfg.set(name, getattr(gunicorn_conf, name))
    cfg.set("keepalive", KEEP_ALIVE_SECONDS)
    return SimpleNamespace(
        cfg=cfg,
        log=Logger(cfg),
        asgi=lane.application,
        loop=lane.loop,
        protocols=set(),
        nr_conns=0,
        nr=0,
        max_requests=sys.maxsize,
        alive=True,
        state={},
    )


@pytest.fixture
def lane(database: str) -> Iterator[Lane]:
    with running_lane() as lane:
        yield lane


@pytest.fixture
def site(lane: Lane) -> Iterator[Site]:
    site = Site(lane)
    yield site
    site.close()


@pytest.fixture
def of_gunicorn(lane: Lane) -> Iterator[Site]:
    """The same site, where gunicorn reads every request."""
    site = Site(lane, gunicorn_worker.Protocol)
    yield site
    site.close()


def put(namespace: str, key: str = "k", value: Any = 1, **headers: str) -> bytes:
    body = json.dumps({"value": value}).encode()
    return head("PUT", f"/memory/{namespace}/{key}", Content_Length=str(len(body)), **JSON, **headers) + body


def get(namespace: str, key: str = "k", **headers: str) -> bytes:
    return head("GET", f"/memory/{namespace}/{key}", **headers)


def asked(connection: socket.socket, *parts: bytes, pause: float = 0) -> bytes:
    """The answer to one request, whole; its parts are sent one by one."""
    for number, part in enumerate(parts):
        time.sleep(pause if number else 0)
        connection.sendall(part)
    return answered(connection)


def answered(connection: socket.socket) -> bytes:
    told, _, rest = until(connection, b"\r\n\r\n").partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", told)
    while length and len(rest) < int(length[1]):
        rest += connection.recv(65_536)
    return told + b"\r\n\r\n" + rest


def several(connection: socket.socket, number: int) -> bytes:
    """So many answers, each of which ends with its value."""
    received = b""
    while received.count(b"HTTP/1.1 ") < number or not received.endswith(b"}"):
        part = connection.recv(65_536)
        assert part, f"closed after {received!r}"
        received += part
    return received


def status(answer: bytes) -> int:
    return int(answer.split()[1])


def test_a_second_request_is_answered_as_the_first_and_without_gunicorn(site, namespace):
    with site.connect() as connection:
        asked(connection, put(namespace))
        answers = [DATE.sub(b"", asked(connection, get(namespace))) for _ in range(3)]
        asked(connection, put(namespace, value=2))
        changed = asked(connection, get(namespace))

    assert site.read_by_gunicorn == ["PUT", "GET"]
    assert answers[0] == answers[1] == answers[2]
    assert b'"value": 2' in changed
    assert b'"version": 2' in changed


def test_headers_are_known_on_every_connection_and_for_every_entry(site, namespace):
    with site.connect() as first:
        statuses = [status(asked(first, put(namespace, "one")))]
    with site.connect() as second:
        time.sleep(0.1)  # until gunicorn waits for a request
        statuses += [status(asked(second, put(namespace, "two")))]

    assert statuses == [201, 201]
    assert site.read_by_gunicorn == ["PUT"]


def test_what_the_lane_does_not_answer_is_answered_by_django_and_judged_once(site, namespace, monkeypatch):
    asked_of_lane = []
    answer = memory.answer

    async def counted(request: Any, *others: Any) -> Any:
        asked_of_lane.append(request.key)
        return await answer(request, *others)

    monkeypatch.setattr(memory, "answer", counted)
    with site.connect() as connection:
        answers = [asked(connection, get(namespace, "none")) for _ in range(3)]
        answers.append(asked(connection, put(namespace)))

    assert [status(answer) for answer in answers] == [404, 404, 404, 201]
    assert DATE.sub(b"", answers[0]) == DATE.sub(b"", answers[2])
    assert b'"key_not_found"' in answers[2] or b'"namespace_not_found"' in answers[2]
    assert asked_of_lane == ["none", "none", "none", "k"]


@pytest.mark.parametrize("pause", [0.05, 1.5])
def test_a_body_that_comes_after_its_head_is_waited_for(site, namespace, monkeypatch, pause):
    monkeypatch.setattr(gunicorn_worker, "BODY_SECONDS", 0.5)
    sent, _, body = put(namespace).rpartition(b"\r\n\r\n")
    parts = (sent + b"\r\n\r\n", body)

    with site.connect() as connection:
        asked(connection, put(namespace))
        answer = asked(connection, *parts, pause=pause)
        again = asked(connection, get(namespace))

    assert status(answer) == 200
    assert b'"version": 2' in again
    assert site.read_by_gunicorn == ["PUT", "GET"] if pause < 0.5 else ["PUT", "PUT", "GET"]


def test_a_body_in_three_parts_and_a_head_in_two_are_gunicorns(site, namespace):
    whole = put(namespace)

    with site.connect() as connection:
        asked(connection, whole)
        in_three = asked(connection, whole[:-8], whole[-8:-4], whole[-4:], pause=0.05)
        in_two = asked(connection, whole[:20], whole[20:], pause=0.05)
        last = asked(connection, whole)

    assert [status(answer) for answer in (in_three, in_two, last)] == [200, 200, 200]
    assert site.read_by_gunicorn == ["PUT"] * 3
    assert b'"version": 4' in last


def test_requests_sent_without_waiting_are_answered_in_order(site, namespace):
    with site.connect() as connection:
        asked(connection, put(namespace))
        asked(connection, get(namespace))
        for number in range(20):
            connection.sendall(put(namespace, value=number))  # each while the one before may be on its way
        connection.sendall(get(namespace) + get(namespace, "none") + get(namespace))
        received = several(connection, 23)

    statuses = [int(number) for number in re.findall(rb"HTTP/1\.1 (\d+) ", received)]
    assert statuses == [200] * 21 + [404, 200]
    versions = [int(number) for number in re.findall(rb'"version": (\d+)', received)]
    assert versions == [*range(2, 22), 21, 21]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lane takes its time, so that something comes meanwhile."""
    answer = memory.answer

    async def slowly(*of_request: Any) -> Any:
        await asyncio.sleep(0.2)
        return await answer(*of_request)

    monkeypatch.setattr(memory, "answer", slowly)


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("is_all", [False, True])
def test_what_comes_while_the_lane_answers_is_answered_after(site, namespace, is_all):
    with site.connect() as connection:
        asked(connection, put(namespace))
        asked(connection, get(namespace))
        connection.sendall(put(namespace, value=2))
        time.sleep(0.05)
        connection.sendall(get(namespace) + get(namespace, "none"))
        if is_all:
            connection.shutdown(socket.SHUT_WR)
        received = several(connection, 2 if is_all else 3)

    # Without more to come, the first of several in one piece is the last, as it is where gunicorn reads them all.
    assert re.findall(rb"HTTP/1\.1 (\d+) ", received) == [b"200", b"200", b"404"][: 2 if is_all else 3]
    assert b'"value": 2' in received


@pytest.mark.parametrize(("key", "expected"), [("k", 200), ("none", 404)])
def test_who_sends_nothing_more_is_answered_before_the_end(site, namespace, key, expected):
    with site.connect() as connection:
        asked(connection, put(namespace))
        asked(connection, get(namespace))
    for _ in range(20):
        answer = Wire(site.port).all_of(get(namespace, key), is_all=True)
        assert status(answer) == expected


@pytest.mark.usefixtures("slow")
def test_who_sends_nothing_more_is_told_that_the_answer_is_the_last(site, namespace):
    with site.connect() as connection:
        asked(connection, put(namespace))

    answer = Wire(site.port).all_of(put(namespace), is_all=True)

    assert status(answer) == 200
    assert b"\r\nConnection: close\r\n" in answer


def test_a_request_cut_off_writes_nothing(site, namespace):
    whole = put(namespace)
    with site.connect() as connection:
        asked(connection, whole)
        connection.sendall(whole[:-4])
        time.sleep(0.1)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))

    assert status(answer) == 400
    assert Entry.objects.get(namespace_id=namespace).version == 1


def test_a_client_that_leaves_disturbs_nobody(site, namespace):
    with site.connect() as connection:
        asked(connection, put(namespace))
    for number in range(20):
        with site.connect() as connection:
            time.sleep(0.01)
            connection.sendall(put(namespace, value=number))
    with site.connect() as connection:
        answer = asked(connection, get(namespace))

    assert status(answer) == 200
    wait_until(lambda: not site.worker.protocols, seconds=5)


def test_a_connection_rests_as_long_as_it_may_after_any_answer(site, namespace):
    with site.connect() as connection:
        asked(connection, put(namespace))
        for number in range(4):
            asked(connection, put(namespace, value=number))
            time.sleep(KEEP_ALIVE_SECONDS * 0.6)  # 2.4 times as long as it may rest, in all
        asked(connection, put(namespace))
        began = time.monotonic()
        assert connection.recv(65_536) == b""
        rested = time.monotonic() - began

    assert KEEP_ALIVE_SECONDS * 0.9 <= rested <= KEEP_ALIVE_SECONDS + 1


def test_a_connection_with_known_headers_alone_is_closed_when_it_has_rested(site, namespace):
    with site.connect() as connection:
        asked(connection, put(namespace))
    with site.connect() as connection:
        time.sleep(0.1)
        asked(connection, put(namespace))
        assert connection.recv(65_536) == b""

    assert site.read_by_gunicorn == ["PUT"]


def test_a_worker_that_ends_says_so_with_its_last_answer(site, namespace):
    with site.connect() as connection:
        asked(connection, put(namespace))
        asked(connection, put(namespace))
        site.worker.alive = False
        answer = asked(connection, put(namespace))
        assert connection.recv(65_536) == b""

    assert b"\r\nConnection: close\r\n" in answer
    assert b"\r\nConnection: close\r\n" not in asked_before_the_end(site, namespace)


def asked_before_the_end(site: Site, namespace: str) -> bytes:
    site.worker.alive = True
    with site.connect() as connection:
        return asked(connection, put(namespace))


def test_a_fault_of_ours_is_500_and_the_last_answer(site, namespace, monkeypatch):
    async def broken(*_: Any) -> None:
        raise ZeroDivisionError

    with site.connect() as connection:
        asked(connection, put(namespace))
        monkeypatch.setattr(memory, "answer", broken)
        answer = asked(connection, put(namespace, value=2))
        assert connection.recv(65_536) == b""

    assert status(answer) == 500
    assert b'"internal_error"' in answer
    assert Entry.objects.get(namespace_id=namespace).version == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer bw_x"},
        {"Connection": "close"},
        {"Connection": "Upgrade", "Upgrade": "websocket"},
        {"Cookie": "a=b"},
        {"Idempotency_Key": "a"},
        {"If_Match": '"1"'},
        {"Expect": "100-continue"},
        {"X_Long": "x" * known.LONGEST_HEADERS},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_headers_that_are_not_like_any_other_are_always_gunicorns(site, namespace, headers):
    for _ in range(2):
        with site.connect() as connection:
            time.sleep(0.05)
            asked(connection, get(namespace, **headers))

    assert site.read_by_gunicorn == ["GET", "GET"]
    assert not site.known._known


def test_a_secret_is_not_kept(site, namespace):
    with site.connect() as connection:
        asked(connection, get(namespace, Authorization="Bearer bw_secret"))

    assert b"bw_secret" not in b"".join(headers for _, headers in site.known._known)


def test_a_body_too_large_for_the_loop_is_not_known(site, namespace):
    with site.connect() as connection:
        answers = [asked(connection, put(namespace, value="x" * known.LARGEST_BODY)) for _ in range(2)]

    assert [status(answer) for answer in answers] == [201, 200]
    assert site.read_by_gunicorn == ["PUT", "PUT"]


def test_what_is_known_is_bounded(site, namespace, monkeypatch):
    monkeypatch.setattr(known, "MOST_KNOWN", 3)
    with site.connect() as connection:
        for number in range(10):
            asked(connection, get(namespace, User_Agent=str(number)))
            assert len(site.known._known) <= 3


def test_a_scheme_is_believed_from_whom_gunicorn_believes_it(site, namespace):
    with site.connect() as connection:
        answers = [asked(connection, put(namespace, X_Forwarded_Proto="https")) for _ in range(2)]

    assert site.read_by_gunicorn == ["PUT"]
    assert all(b"strict-transport-security" in answer.lower() for answer in answers) or all(
        b"strict-transport-security" not in answer.lower() for answer in answers
    )
    assert {known.scope["scheme"] for known in site.known._known.values()} == {"https"}


LINES = st.sampled_from(
    [
        *[b"GET /memory/NAME/k HTTP/1.1", b"PUT /memory/NAME/k HTTP/1.1", b"DELETE /memory/NAME/k HTTP/1.1"] * 3,
        b"GET /memory/NAME/k%20 HTTP/1.1",
        b"GET /memory/NAME/../k HTTP/1.1",
        b"GET /memory/NAME/k?x HTTP/1.1",
        b"GET /memory/NAME HTTP/1.1",
        b"GET  /memory/NAME/k HTTP/1.1",
        b"GET /memory/NAME/k HTTP/1.0",
        b"get /memory/NAME/k HTTP/1.1",
        b"\r\nGET /memory/NAME/k HTTP/1.1",
    ]
)
USUAL = [b"Host: localhost", b"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 12"]
HEADERS = st.sampled_from(
    [
        *USUAL * 6,
        b"Host: localhost\r\nHost: localhost",
        *(
            USUAL[1] + b"\r\n" + line
            for line in [
                b"User-Agent : x",
                b" folded",
                b"X_Forwarded_Proto: https",
                b"X-Forwarded-Proto: https",
                b"Content-Length: 12",
                b"content-length: 13",
                b"Transfer-Encoding: chunked",
                b"Accept: a\x00b",
                b"Accept: a\rb",
                b"Accept: a\nContent-Length: 12",
                b"Accept: \xff",
                b"If-None-Match: *",
                b"Connection: keep-alive",
                b"Connection: close",
            ]
        ),
        USUAL[1].replace(b": 12", b": +12"),
        USUAL[1].replace(b": 12", b": 012"),
        USUAL[1].replace(b": 12", b": 12, 12"),
        USUAL[1].replace(b"\r\n", b"\n"),
    ]
)
BODIES = st.sampled_from(
    [*[b'{"value": 1}', b""] * 3, b'{"value": 1', b'{"value": 1}GET /healthz HTTP/1.1\r\n\r\n', b"0\r\n\r\n"]
)
REQUESTS = st.lists(st.tuples(LINES, HEADERS, BODIES), min_size=1, max_size=6)
LAST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
MOMENT = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+Z|(?i:ratelimit-reset|retry-after): \d+|\"retry_after\": \d+")
CLAIM = re.compile(rb"[0-9a-f]{40}")


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(requests=REQUESTS)
def test_any_bytes_are_answered_as_if_gunicorn_read_them_all(site, of_gunicorn, requests):
    """Each request is sent for itself, all on one connection; then the same, beside a connection that taught it."""
    whole = [b"\r\n".join([line, headers]) + b"\r\n\r\n" + body for line, headers, body in requests]

    answered, expected = answers_to(site, whole + whole), answers_to(of_gunicorn, whole + whole)

    # Where one closes while more is on its way, the connection is reset, and the rest of what was answered with it.
    shorter, longer = sorted((answered, expected), key=lambda told: len(told.text))
    assert longer.text == shorter.text or (shorter.is_reset and longer.text.startswith(shorter.text))


class Told(NamedTuple):
    text: bytes
    is_reset: bool


def answers_to(site: Site, requests: list[bytes]) -> Told:
    """All that comes back, without what differs by moment and namespace."""
    namespace = f"test-{secrets.token_hex(8)}".encode()
    received, is_reset = b"", False
    with site.connect() as connection:
        try:
            for request in [*requests, LAST]:
                connection.sendall(request.replace(b"NAME", namespace))
                time.sleep(0.01)
                if select.select([connection], [], [], 0)[0]:
                    received += connection.recv(65_536)
            while part := connection.recv(65_536):
                received += part
        except (BrokenPipeError, ConnectionResetError):
            is_reset = True
    text = CLAIM.sub(b"", MOMENT.sub(b"", DATE.sub(b"", received))).replace(namespace, b"NAME")
    return Told(text, is_reset)
