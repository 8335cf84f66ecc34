"""Clients that send a request as slowly as they are let, to hold whatever a server gives to each (slow loris)."""

import contextlib
import socket
import threading
from types import TracebackType

SLOW = 200
DRIP_SECONDS = 1.0
HEAD = b"PUT /memory/slow/%d HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


class SlowSenders:
    """200 connections to a port, from the beginning of a `with` to its end, each dripping one byte a second.

    Half of them never finish their headers, half never finish the body that they announced.
    """

    def __init__(self, port: int) -> None:
        self._connections = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(SLOW)]
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._drip)

    def __enter__(self) -> "SlowSenders":
        for number, connection in enumerate(self._connections):
            connection.sendall(HEAD % number)
            connection.sendall(b"X-Slow: " if number % 2 else b'Content-Length: 60000\r\n\r\n{"value": "')
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()
        for connection in self._connections:
            connection.close()

    def _drip(self) -> None:
        while not self._is_over.wait(DRIP_SECONDS):
            for connection in self._connections:
                with contextlib.suppress(OSError):  # a server may have had enough of it
                    connection.sendall(b"x")
