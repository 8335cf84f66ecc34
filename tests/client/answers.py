"""Answers of a server as the client sees them, and a server that gives the ones it is told to."""

import json
import socket
import threading
from contextlib import suppress

import httpx

ENTRY = {
    "namespace": "desk",
    "key": "tsla",
    "value": {"signal": "buy"},
    "version": 17,
    "writer": {"name": "quant-1", "verified": False},
    "created_at": "2026-01-31T09:00:00.000000Z",
    "updated_at": "2026-01-31T09:05:00.000000Z",
    "expires_at": None,
}
STORED = {
    "namespace": "desk",
    "key": "tsla",
    "version": 17,
    "stored": True,
    "bytes": 8,
    "created_at": "2026-01-31T09:00:00.000000Z",
    "updated_at": "2026-01-31T09:05:00.000000Z",
    "expires_at": None,
}


def problem(status: int, code: str, **members: object) -> httpx.Response:
    body = {"title": "Title", "status": status, "code": code, "detail": "Detail.", "next_step": "Next.", **members}
    return httpx.Response(status, content=json.dumps(body), headers={"Content-Type": "application/problem+json"})


def raw(status: int, body: object, content_type: str = "application/json", *headers: str) -> bytes:
    """The bytes of an HTTP answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [f"HTTP/1.1 {status} Status", f"Content-Type: {content_type}", f"Content-Length: {len(content)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + content


def raw_problem(status: int, code: str, *headers: str, **members: object) -> bytes:
    return raw(status, {"code": code, "detail": "Detail.", **members}, "application/problem+json", *headers)


class Misbehaving:
    """A TCP server on 127.0.0.1 that gives each request the next of `answers`.

    An answer is the bytes to send (the connection stays open), None to close without an answer, or "silence".
    When they are used up, the last one is repeated. `requests` holds the first lines of
    what came, `keys` their Idempotency-Keys (or ""), `connections` counts where from.
    """

    def __init__(self, *answers: bytes | str | None) -> None:
        self.requests: list[str] = []
        self.keys: list[str] = []
        self.connections = 0
        self._answers = list(answers)
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        self._over.set()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as incoming, suppress(OSError):
            while line := self._read_request(incoming):
                answer = self._next_answer(line)
                if answer == "silence":
                    self._over.wait()
                if not isinstance(answer, bytes):
                    return
                connection.sendall(answer)

    def _read_request(self, incoming) -> str:
        line = incoming.readline().decode().strip()
        headers = {}
        while header := incoming.readline().strip():
            name, _, text = header.decode().partition(":")
            headers[name.lower()] = text.strip()
        incoming.read(int(headers.get("content-length", 0)))
        if line:
            self.keys.append(headers.get("idempotency-key", ""))
        return line

    def _next_answer(self, line: str) -> bytes | str | None:
        with self._lock:
            self.requests.append(line)
            return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
