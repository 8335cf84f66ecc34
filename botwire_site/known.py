"""Requests whose headers have been read before: most agents send the same ones every time, byte for byte.

gunicorn reads the headers of a request, checks them, and makes an ASGI scope of them, every time: a third of the time
of a small read. What it has made of them is kept by the very bytes, so that no rule of HTTP is written a second time,
and a request that differs in one byte of its headers is gunicorn's to read.
"""

import re
from dataclasses import dataclass
from typing import Any

from api.lane.body import PlainHeaders, Scope

MOST_KNOWN = 2_000
# Longer ones are unusual, and would be kept; a larger body comes in several pieces.
LONGEST_HEADERS = 2_048
LARGEST_BODY = 65_536
# A request line (RFC 9112 section 3) for an entry, of characters that a target may have (RFC 3986 section 3.3), with a
# method that the lane answers.
_LINE = re.compile(rb"(GET|PUT|DELETE) (/memory/[A-Za-z0-9._~!$&'()*+,;=:@%/-]+) HTTP/1\.1\r\n")
_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a request, as it is on the wire, cut but not read."""

    method: str
    target: bytes
    headers: bytes
    size: int

    @classmethod
    def of(cls, data: bytes) -> "Head | None":
        """The head that `data` begins with, if it is whole and usual."""
        line = _LINE.match(data)
        if line is None:
            return None
        begin = line.end()
        end = data.find(_END, begin - 2)  # a request without headers ends where its line does
        if not 0 <= end <= begin + LONGEST_HEADERS:
            return None
        return cls(line[1].decode(), line[2], data[begin:end], end + len(_END))


@dataclass(frozen=True, slots=True)
class Known:
    """What gunicorn has made of headers: a scope, of which some differs by request, and the length of the body."""

    scope: Scope
    headers: PlainHeaders
    length: int

    def scope_of(self, head: Head, **of_connection: Any) -> dict[str, Any]:
        """The scope of another request with these headers."""
        return {**self.scope, "method": head.method, "raw_path": head.target, **of_connection}


class KnownHeaders:
    """What was made of headers, by their bytes and by who sent them: some are believed from proxies alone."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, bytes], Known] = {}

    def find(self, sender: str, head: Head) -> Known | None:
        """What was made of these headers before, if they came from there."""
        return self._known.get((sender, head.headers))

    def learn(self, sender: str, head: Head, request: Any, scope: Scope, headers: PlainHeaders | None) -> None:
        """Keep what gunicorn has made of a head, unless it is not to be answered like any other.

        `request` is gunicorn's, `headers` are what the lane reads. A secret is not kept for longer than its request.
        """
        if headers is None or b"authorization" in headers or request.content_length > LARGEST_BODY:
            return
        if request.should_close() or request.chunked or request.may_upgrade():
            return
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        kept = {name: scope[name] for name in ("type", "asgi", "http_version", "scheme", "root_path", "headers")}
        self._known[sender, head.headers] = Known(kept | {"query_string": b""}, headers, request.content_length)
