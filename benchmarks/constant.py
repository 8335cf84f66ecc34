"""The floor: an ASGI application that reads its request and answers a constant, under the worker that serves BotWire.

What it costs is HTTP and the event loop alone. It keeps nothing, so what it answers to a read is nobody's value.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]

# As large as BotWire's answer to a read of a value of 1 KB.
BODY = b'{"namespace":"ns","key":"key","value":"' + b"x" * 1024 + b'","version":1,"writer":null,"expires_at":null}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY)), (b"etag", b'"1"')]


async def app(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Answer BODY to whatever is asked, once the request has been read to its end."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})
