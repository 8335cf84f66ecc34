"""Raw HTTP/1.1: bytes out, bytes in, where an HTTP library would tidy up what is sent."""

import socket
from collections.abc import Iterator


class Wire:
    """Raw requests to a port of this machine, each over a connection of its own."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, *parts: bytes, timeout: float = 10) -> tuple[int, bytes]:
        """Send the parts and read one answer; the server may answer before it has read them all."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            for part in parts:
                try:
                    connection.sendall(part)
                except (BrokenPipeError, ConnectionResetError):
                    break
            head, _, rest = until(connection, b"\r\n\r\n").partition(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
            )
            while len(rest) < length:
                rest += connection.recv(65_536)
            return int(head.split()[1]), rest

    def all_of(self, sent: bytes, *, is_all: bool = False, timeout: float = 10) -> bytes:
        """Send, and read until the server closes; TimeoutError if it does not. `is_all` tells it that no more comes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            received = b""
            try:
                connection.sendall(sent)
                if is_all:
                    connection.shutdown(socket.SHUT_WR)
                while part := connection.recv(65_536):
                    received += part
            except (BrokenPipeError, ConnectionResetError):
                pass  # closed, with something left unread
            return received


def until(connection: socket.socket, end: bytes) -> bytes:
    """What arrives up to `end` and with it, and perhaps more; AssertionError if the server closes before."""
    received = b""
    while end not in received:
        part = connection.recv(65_536)
        if not part:
            raise AssertionError(f"closed after {received!r}")
        received += part
    return received


def head(method: str, path: str | bytes, **headers: str) -> bytes:
    """Request line and headers; `_` in a header's name stands for `-`."""
    target = path if isinstance(path, bytes) else path.encode()
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in {"Host": "localhost", **headers}.items()]
    return method.encode() + b" " + target + b" HTTP/1.1\r\n" + "\r\n".join(lines).encode() + b"\r\n\r\n"


def chunks(body: bytes, size: int = 10_000) -> Iterator[bytes]:
    """A body in chunks."""
    for start in range(0, len(body), size):
        part = body[start : start + size]
        yield f"{len(part):x}\r\n".encode() + part + b"\r\n"
    yield b"0\r\n\r\n"
