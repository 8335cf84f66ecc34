"""The body of a request that is still arriving: what has come, kept, and the way to the rest. It is not parsed here."""

from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Scope = MutableMapping[str, Any]
# By lower-case name, as text in which bytes beyond ASCII are Latin-1 characters.
PlainHeaders = dict[bytes, str]

# The name of an ASGI extension of `botwire_site.gunicorn_worker`: a function that sends the status, the lines of
# headers that need no check, and the content of an answer in one go. Other servers get the two messages that all know.
WHOLE = "botwire.whole"
# Another one: the lane has had this request before, and does not answer it.
DECLINED = "botwire.declined"


class Body:
    """A request's body, read by the lane, then by Django: what the lane has looked at, Django still finds."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._parts: deque[bytes] = deque()
        self.held = 0
        self.is_whole = False
        self.is_cut = False

    @classmethod
    def of(cls, content: bytes) -> "Body":
        """A body that has come, once more."""
        body = cls(_nothing_more)
        body._parts.append(content)
        body.held, body.is_whole = len(content), True
        return body

    @property
    def is_over(self) -> bool:
        """Nothing more will come."""
        return self.is_whole or self.is_cut

    async def gather(self, most: int) -> None:
        """Receive until it is over, or more than `most` bytes are held."""
        while not self.is_over and self.held <= most:
            await self.receive()

    async def receive(self) -> None:
        """Wait for the next part, and hold it."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.is_cut = True
            return
        part = message.get("body", b"")
        if part:
            self._parts.append(part)
            self.held += len(part)
        self.is_whole = not message.get("more_body", False)

    def take(self) -> bytes:
        """The oldest part that is held, for good; empty if there is none."""
        part = self._parts.popleft() if self._parts else b""
        self.held -= len(part)
        return part

    def all_held(self) -> bytes:
        """All that is held, which stays."""
        if len(self._parts) > 1:
            self._parts = deque([b"".join(self._parts)])
        return self._parts[0] if self._parts else b""


async def _nothing_more() -> Message:
    return {"type": "http.disconnect"}
