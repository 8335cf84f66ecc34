"""What only a real server shows: raw paths, chunked and broken bodies, bodies that are not read to their end."""

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

MEBIBYTE = 1_048_576


class Wire:
    """Raw HTTP/1.1 to the server: bytes out, (status, body, whether the server closed) in."""

    def __init__(self, server: Any) -> None:
        self.port = server.port

    def ask(self, *parts: bytes, timeout: float = 10) -> tuple[int, bytes]:
        """Send the parts and read one answer; the server may answer before it has read them all."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            for part in parts:
                try:
                    connection.sendall(part)
                except (BrokenPipeError, ConnectionResetError):
                    break
            head, _, rest = _until(connection, b"\r\n\r\n").partition(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
            )
            while len(rest) < length:
                rest += connection.recv(65_536)
            return int(head.split()[1]), rest


def _until(connection: socket.socket, end: bytes) -> bytes:
    received = b""
    while end not in received:
        part = connection.recv(65_536)
        if not part:
            raise AssertionError(f"closed after {received!r}")
        received += part
    return received


def head(method: str, path: str | bytes, **headers: str) -> bytes:
    target = path if isinstance(path, bytes) else path.encode()
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in {"Host": "localhost", **headers}.items()]
    return method.encode() + b" " + target + b" HTTP/1.1\r\n" + "\r\n".join(lines).encode() + b"\r\n\r\n"


@pytest.fixture
def wire(server: Any) -> Wire:
    return Wire(server)


def chunks(body: bytes, size: int = 10_000) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        part = body[start : start + size]
        yield f"{len(part):x}\r\n".encode() + part + b"\r\n"
    yield b"0\r\n\r\n"


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
        answer = _until(connection, b"\r\n\r\n")

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


def test_reads_are_counted_within_seconds(server, namespace):
    httpx.put(f"{server.url}/memory/{namespace}/k", json={"value": 1})
    for _ in range(5):
        httpx.get(f"{server.url}/memory/{namespace}/k")

    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        reads = httpx.get(f"{server.url}/namespaces/{namespace}").json()["usage"]["reads"]
        if reads == 5:
            break
        time.sleep(0.5)
    assert reads == 5


def test_an_expired_entry_is_swept(server, namespace):
    httpx.put(f"{server.url}/memory/{namespace}/k", json={"value": 1, "ttl": 0.1})

    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        state = httpx.get(f"{server.url}/namespaces/{namespace}").json()
        if state["usage"]["entries"] == 0:
            break
        time.sleep(0.2)
    assert state["usage"]["bytes"] == 0
    assert state["revision"] == 2
