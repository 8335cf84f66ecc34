"""What only a real server shows: raw paths, chunked and broken bodies, bodies that are not read to their end."""

import json
import re
import socket
from typing import Any

import httpx
import pytest

from tests.polling import wait_until
from tests.wire import Wire, chunks, head, until

MEBIBYTE = 1_048_576


@pytest.fixture
def wire(server: Any) -> Wire:
    return Wire(server.port)


JSON = {"Content_Type": "application/json"}


def test_a_chunked_body_is_read_whole(wire, server, namespace):
    body = json.dumps({"value": "x" * 50_000}).encode()

    status, _ = wire.ask(head("PUT", f"/memory/{namespace}/k", Transfer_Encoding="chunked", **JSON), *chunks(body))

    assert status == 201
    assert httpx.get(f"{server.url}/memory/{namespace}/k").json()["value"] == "x" * 50_000


def test_a_chunked_body_over_the_limit_is_refused_before_its_end(wire, server, namespace):
    endless = (b"10000\r\n" + b"x" * 0x10000 + b"\r\n" for _ in range(2_000))

    status, body = wire.ask(head("PUT", f"/memory/{namespace}/k", Transfer_Encoding="chunked", **JSON), *endless)

    assert status == 413
    assert json.loads(body)["code"] == "body_too_large"
    assert httpx.get(f"{server.url}/namespaces/{namespace}").status_code == 404


def test_a_declared_body_over_the_limit_is_refused_unread(wire, server, namespace):
    status, body = wire.ask(head("PUT", f"/memory/{namespace}/k", Content_Length=str(10**12), **JSON), b'{"value": 1')

    assert status == 413
    assert json.loads(body)["code"] == "body_too_large"
    assert httpx.get(f"{server.url}/namespaces/{namespace}").status_code == 404


def test_the_largest_value_is_stored_and_comes_back(server, namespace):
    largest = "x" * (MEBIBYTE - 2)

    answers = [
        httpx.put(f"{server.url}/memory/{namespace}/k", json={"value": value}) for value in (largest, largest + "x")
    ]

    assert [answer.status_code for answer in answers] == [201, 413]
    assert answers[1].json()["code"] == "value_too_large"
    assert httpx.get(f"{server.url}/memory/{namespace}/k").json()["value"] == largest


def test_a_body_that_ends_early_writes_nothing(server, namespace):
    request = head("PUT", f"/memory/{namespace}/k", Content_Length="100", **JSON) + b'{"value": 1}'

    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = until(connection, b"\r\n\r\n")

    assert answer.split()[1] == b"400"
    assert httpx.get(f"{server.url}/namespaces/{namespace}").status_code == 404


def test_a_chunked_body_that_ends_early_writes_nothing(server, namespace):
    request = head("PUT", f"/memory/{namespace}/k", Transfer_Encoding="chunked", **JSON) + b'c\r\n{"value": 1}\r\n'

    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(65_536)

    assert httpx.get(f"{server.url}/namespaces/{namespace}").status_code == 404


@pytest.mark.parametrize("size", [b"zz", b"-5", b"0x5", b"5 5"])
def test_a_malformed_chunk_writes_nothing(wire, server, namespace, size):
    request = head("PUT", f"/memory/{namespace}/k", Transfer_Encoding="chunked", **JSON)

    status, body = wire.ask(request, size + b'\r\n{"value": 1}\r\n0\r\n\r\n')

    assert status == 400
    assert json.loads(body)["code"] == "bad_request"
    assert httpx.get(f"{server.url}/namespaces/{namespace}").status_code == 404


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"%ff", b"invalid_key"),
        (b"%FF", b"invalid_key"),
        (b"a/../b", b"invalid_key"),
        (b"%2e%2e/b", b"invalid_key"),
        (b"", b"invalid_key"),
        (b"%25ff", b"key_not_found"),
    ],
)
def test_the_raw_path_decides(wire, namespace, raw, code):
    _, body = wire.ask(head("GET", f"/memory/{namespace}/".encode() + raw))

    assert json.loads(body)["code"].encode() == code


def test_a_request_target_in_absolute_form_is_understood(wire, server, namespace):
    httpx.put(f"{server.url}/memory/{namespace}/a%2Fb", json={"value": 1})

    status, body = wire.ask(head("GET", f"http://localhost/memory/{namespace}/a%2Fb?"))

    assert status == 200
    assert json.loads(body)["key"] == "a/b"


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /memory/a/é HTTP/1.1",
        "GET /memory/a/b",
        "GET  /memory/a/b HTTP/1.1",
        "GET /memory/a/b HTTP/9.9",
        "G\x00T /memory/a/b HTTP/1.1",
        "GET /memory/a/" + "b" * 9_000 + " HTTP/1.1",
    ],
)
def test_what_is_not_http_gets_the_envelope_too(wire, request_line):
    status, body = wire.ask(request_line.encode() + b"\r\nHost: localhost\r\n\r\n")

    assert status == 400
    assert json.loads(body)["code"] == "bad_request"


@pytest.mark.parametrize("size", [60_000, 70_000, 300_000, 900_000])
def test_a_connection_outlives_large_bodies(server, namespace, size):
    with httpx.Client(base_url=server.url) as client:
        answers = [client.put(f"/memory/{namespace}/k", json={"value": "x" * size}) for _ in range(8)]

    assert [answer.status_code for answer in answers] == [201, *[200] * 7]
    assert len({id(answer.extensions["network_stream"].get_extra_info("socket")) for answer in answers}) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Length": "5", "Transfer_Encoding": "chunked"},
        {"Content_Length": "5, 5"},
        {"Content_Length": "-5"},
        {"Content_Length": "٣"},
        {"Transfer_Encoding": "chunked, chunked"},
        {"X": "a\x00b"},
        {"X": "x" * 70_000},
    ],
)
def test_headers_that_could_smuggle_are_refused(wire, server, namespace, headers):
    status, body = wire.ask(head("PUT", f"/memory/{namespace}/k", **JSON, **headers), b'{"value": 1}')

    assert status == 400
    assert json.loads(body)["status"] == 400
    assert httpx.get(f"{server.url}/namespaces/{namespace}").status_code == 404


BODY = b'{"value": 1}'
CHUNKED = b"c\r\n" + BODY + b"\r\n0\r\n\r\n"


def with_a_second(namespace: str, headers: bytes, body: bytes) -> bytes:
    """A PUT with these headers and this body, and a second one behind, which a server that misreads them would obey."""
    put = b"PUT /memory/%s-%d/k HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    name = namespace.encode()
    return put % (name, 1) + headers + b"\r\n" + body + put % (name, 2) + b"Content-Length: 12\r\n\r\n" + BODY


def statuses(answered: bytes) -> list[int]:
    """The status of every answer in what a connection brought."""
    return [int(status) for status in re.findall(rb"HTTP/1\.\d (\d{3}) ", answered)]


def assert_nothing_written(server: Any, namespace: str) -> None:
    for number in (1, 2):
        assert httpx.get(f"{server.url}/namespaces/{namespace}-{number}").status_code == 404


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        pytest.param(b"Content-Length: 12\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n", id="length, then chunked"),
        pytest.param(b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", CHUNKED, id="chunked, then length"),
        pytest.param(b"Content-Length: 12\r\nContent-Length: 13\r\n", BODY, id="two lengths"),
        pytest.param(b"Content-Length: 12\r\nContent-Length: 12\r\n", BODY, id="the same length twice"),
        pytest.param(b"Content-Length: 12, 13\r\n", BODY, id="list of lengths"),
        pytest.param(b"Content-Length: +12\r\n", BODY, id="length with a sign"),
        pytest.param(b"Content-Length: 0xc\r\n", BODY, id="hexadecimal length"),
        pytest.param(b"Content-Length: 1 2\r\n", BODY, id="length with a space"),
        pytest.param(b"Transfer-Encoding: identity\r\n", BODY, id="identity"),
        pytest.param(b"Transfer-Encoding: \x0bchunked\r\n", CHUNKED, id="chunked behind a control character"),
        pytest.param(b"Transfer-Encoding : chunked\r\n", CHUNKED, id="space before the colon"),
        pytest.param(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", CHUNKED, id="two codings"),
        pytest.param(b"X: a\nTransfer-Encoding: chunked\r\n", CHUNKED, id="bare LF between headers"),
        pytest.param(b"X: a\rb\r\n", BODY, id="bare CR in a header"),
        pytest.param(b"X: a\x00b\r\n", BODY, id="NUL in a header"),
        pytest.param(b"X\x00Y: a\r\n", BODY, id="NUL in a header's name"),
        pytest.param(b"X: a\r\n b\r\nContent-Length: 12\r\n", BODY, id="folded header"),
        pytest.param(b" X: a\r\n", BODY, id="space before the first header"),
        pytest.param(b"nonsense\r\n", BODY, id="header without a colon"),
        pytest.param(b": a\r\n", BODY, id="header without a name"),
        pytest.param(b"Host: elsewhere\r\n", BODY, id="two hosts"),
        pytest.param(b"X: " + b"x" * 70_000 + b"\r\n", BODY, id="oversized header"),
        pytest.param(b"X: a\r\n" * 300, BODY, id="300 headers"),
        pytest.param(b"Transfer-Encoding: chunked\r\n", b"-1\r\n", id="negative chunk"),
        pytest.param(b"Transfer-Encoding: chunked\r\n", b"c\r\n" + BODY + b"XX0\r\n\r\n", id="chunk that goes on"),
        pytest.param(b"Transfer-Encoding: chunked\r\n", b"c\n" + BODY + b"\n0\n\n", id="bare LF around a chunk"),
        pytest.param(
            b"Transfer-Encoding: chunked\r\n", b"c;a\nb\r\n" + BODY + b"\r\n0\r\n\r\n", id="LF in a chunk extension"
        ),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused_once_and_the_connection_closed(
    wire, server, namespace, headers, body
):
    answered = wire.all_of(with_a_second(namespace, headers, body))

    assert statuses(answered) == [400]
    assert json.loads(answered.partition(b"\r\n\r\n")[2])["status"] == 400
    assert_nothing_written(server, namespace)


@pytest.mark.parametrize("ending", [b"\n\n", b"\r\n\n"])
def test_lines_that_end_in_a_bare_lf_are_refused_and_the_connection_closed(wire, server, namespace, ending):
    first = b"GET /healthz HTTP/1.1" + ending[:-1] + b"Host: localhost" + ending

    answered = wire.all_of(first + with_a_second(namespace, b"Content-Length: 12\r\n", BODY))

    assert statuses(answered) == [400]
    assert_nothing_written(server, namespace)


def test_a_coding_that_the_server_does_not_undo_is_refused(wire, server, namespace):
    answered = wire.all_of(with_a_second(namespace, b"Transfer-Encoding: gzip, chunked\r\n", CHUNKED))

    assert statuses(answered) in ([400], [415], [501])
    assert_nothing_written(server, namespace)


@pytest.mark.parametrize("number", ["4294967308", "18446744073709551628", "9" * 400, "9" * 5_000])
def test_a_length_beyond_what_machines_count_is_refused_unread(wire, server, namespace, number):
    answered = wire.all_of(with_a_second(namespace, f"Content-Length: {number}\r\n".encode(), BODY))

    assert statuses(answered) in ([400], [413])
    assert_nothing_written(server, namespace)


@pytest.mark.parametrize("size", [b"10000000c", b"1000000000000000c", b"f" * 18])
def test_a_chunk_beyond_what_machines_count_does_not_wrap_around(wire, server, namespace, size):
    body = size + b"\r\n" + BODY + b"\r\n0\r\n\r\n"

    answered = wire.all_of(with_a_second(namespace, b"Transfer-Encoding: chunked\r\n", body), is_all=True)

    assert statuses(answered) in ([], [400], [413])
    assert_nothing_written(server, namespace)


def test_a_body_that_looks_like_a_request_stays_a_body(wire, server, namespace):
    inner = with_a_second(namespace, b"Content-Length: 12\r\n", BODY)
    length = f"Content-Length: {len(inner)}\r\n\r\n".encode()
    put = b"PUT /memory/%s/k HTTP/1.1\r\nHost: localhost\r\n" % namespace.encode()
    unread = put + b"Content-Type: text/plain\r\n" + length
    ignored = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + length
    last = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    answered = wire.all_of(unread + inner + last), wire.all_of(ignored + inner + last)

    assert statuses(answered[0]) == [415, 200]
    assert statuses(answered[1]) == [200, 200]
    assert_nothing_written(server, namespace)


def test_after_a_body_that_is_refused_unread_nothing_more_is_answered(wire, server, namespace):
    inner = with_a_second(namespace, b"Content-Length: 12\r\n", BODY)
    refused = head("PUT", f"/memory/{namespace}/k", Content_Length=str(10**12), **JSON)

    answered = wire.all_of(refused + inner)

    assert statuses(answered) == [413]
    assert_nothing_written(server, namespace)


def test_requests_sent_without_waiting_are_answered_in_order(wire, namespace):
    length = {"Content_Length": str(len(BODY)), **JSON}
    puts = [head("PUT", f"/memory/{namespace}/{number}", **length) + BODY for number in range(5)]
    last = head("GET", f"/memory/{namespace}", Connection="close")

    answered = wire.all_of(b"".join(puts) + last)

    assert statuses(answered) == [201] * 5 + [200]
    assert b'"keys": ["0", "1", "2", "3", "4"]' in answered


def test_reads_are_counted_within_seconds(server, namespace):
    httpx.put(f"{server.url}/memory/{namespace}/k", json={"value": 1})
    for _ in range(5):
        httpx.get(f"{server.url}/memory/{namespace}/k")

    def reads():
        return httpx.get(f"{server.url}/namespaces/{namespace}").json()["usage"]["reads"]

    wait_until(lambda: reads() >= 5, seconds=20)
    assert reads() == 5


def test_an_expired_entry_is_swept(server, namespace):
    httpx.put(f"{server.url}/memory/{namespace}/k", json={"value": 1, "ttl": 0.1})

    def state():
        return httpx.get(f"{server.url}/namespaces/{namespace}").json()

    wait_until(lambda: state()["usage"]["entries"] == 0, seconds=20)
    assert state()["usage"]["bytes"] == 0
    assert state()["revision"] == 2


def test_an_entry_is_told_whole_and_says_when_it_is_the_last_answer(wire, server, namespace):
    """The lane's answers are put together by the server's own hands: what RFC 9112 asks of each is in it."""
    path = f"/memory/{namespace}/k"
    version = httpx.put(f"{server.url}{path}", json={"value": "x"}).headers["ETag"]
    last = head("GET", path, Connection="close")
    old = last.replace(b"HTTP/1.1", b"HTTP/1.0").replace(b"Connection: close\r\n", b"")

    kept = wire.all_of(head("GET", path) + head("GET", path, If_None_Match=version) + last)
    from_old = wire.all_of(old)

    first, second, third = re.split(rb"(?=HTTP/1\.1 )", kept)[1:]
    fields = [part.partition(b"\r\n\r\n")[0].lower().split(b"\r\n") for part in (first, second, third)]
    assert [lines[0] for lines in fields] == [b"http/1.1 200 ok", b"http/1.1 304 not modified", b"http/1.1 200 ok"]
    assert [b"connection: close" in lines for lines in fields] == [False, False, True]
    for lines in fields:
        names = [line.partition(b":")[0] for line in lines[1:]]
        assert {b"date", b"server", b"etag", b"content-type", b"content-security-policy"} <= set(names)
        assert len(names) == len(set(names))
    body = first.partition(b"\r\n\r\n")[2]
    assert b"content-length: %d" % len(body) in fields[0]
    assert json.loads(body)["value"] == "x"
    assert second.endswith(b"\r\n\r\n")
    assert b"content-length" not in second.lower()  # it would be that of the entry (RFC 9110 section 8.6)
    assert from_old.startswith(b"HTTP/1.0 200 OK\r\n")
    assert b"\r\nConnection: close\r\n" in from_old
    assert from_old.endswith(body)


def test_an_access_log_knows_what_was_answered(make_server, namespace, tmp_path):
    log = tmp_path / "access.log"
    server = make_server(GUNICORN_CMD_ARGS=f"--access-logfile {log}")
    statuses = [
        httpx.put(f"{server.url}/memory/{namespace}/k", json={"value": 1}).status_code,
        httpx.put(f"{server.url}/memory/{namespace}/k", json={"value": 1}).status_code,
        httpx.get(f"{server.url}/memory/{namespace}/k").status_code,
    ]

    def told():
        return [int(line.split()[8]) for line in log.read_text().splitlines() if "/memory/" in line]

    wait_until(lambda: len(told()) >= 3)  # a line is written after its answer
    assert told() == statuses == [201, 200, 200]


def test_django_gives_a_304_no_length_either(wire, server, namespace):
    """A cache that took the 0 for the entry's length would give everybody nothing."""
    version = httpx.put(f"{server.url}/memory/{namespace}/k", json={"value": "x"}).headers["ETag"]
    of_django = head("GET", f"/memory/{namespace}/k?version={version[1:-1]}", If_None_Match=version, Connection="close")

    received = wire.all_of(of_django).lower()

    assert received.startswith(b"http/1.1 304 ")
    assert b"content-length" not in received
