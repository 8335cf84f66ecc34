"""Django behind the lane: its WSGI handler in a few threads, handed requests whose bodies the loop has received.

Measured, this costs a third of Django's own ASGI handler. A sender that is slow holds no thread, unless its body is
larger than any that would be taken.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote_to_bytes

from api.bodies import FRAME_BYTES
from api.lane.body import WHOLE, Body, Scope, Send
from api.rendering import Answer
from api.requests import path_of_target
from namespaces import database
from namespaces.limits import limit

WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Headers = list[tuple[bytes, bytes]]

# How much of the bodies of requests that wait for their senders is held in memory, of all requests together.
MOST_HELD = 33_554_432
# How much of a body that nobody wants is still received after the answer, and for how long: a connection that is closed
# while the other side sends is reset, and the answer lost with it.
LINGER_BYTES = 33_554_432
LINGER_SECONDS = 2.0


# How long a reader may take to make room for the next part of an answer before it is dropped.
SLOW_SECONDS = 30.0


@dataclass(frozen=True)
class Response:
    """What Django answered."""

    status: int
    headers: Headers
    body: bytes

    @cached_property
    def lines(self) -> bytes:
        """Its headers as they are written."""
        return lines_of(self.headers)


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer that Django makes part by part; `parts` has to be closed."""

    status: int
    headers: Headers
    parts: Any


class Django:
    """Asks Django, in `threads` threads of its own; and in one more what asks no database, so that it never waits."""

    def __init__(self, application: WSGI, threads: int) -> None:
        self._application = application
        self._threads = ThreadPoolExecutor(threads, "botwire-django")
        self._quick_thread = ThreadPoolExecutor(1, "botwire-quick")
        self._held = 0

    async def answer(self, scope: Scope, body: Body, send: Send) -> None:
        """Have Django answer a request."""
        await self._gather(scope, body)
        exchange = _Exchange(scope, body)
        loop = asyncio.get_running_loop()
        response = await loop.run_in_executor(self._threads, exchange.run, self._application)
        if isinstance(response, Streamed):
            await self._stream(response, send, is_whole=scope["method"] != "HEAD")
        else:
            await respond(send, response)
        await _linger(body)

    async def response(self, scope: Scope, body: Body) -> Response:
        """What Django answers to a request whose body has come and whose answer is not streamed."""
        exchange = _Exchange(scope, body)
        response = await asyncio.get_running_loop().run_in_executor(self._threads, exchange.run, self._application)
        assert isinstance(response, Response), "such an answer is not streamed"
        return response

    async def _stream(self, response: Streamed, send: Send, *, is_whole: bool) -> None:
        """Send part after part: a thread makes each, and none is held while the reader takes it.

        A reader that takes none is dropped, by what ends a request whose client has gone.
        """
        parts = iter(response.parts if is_whole else ())
        making = self._threads.submit(next, parts, None)
        try:
            await send({"type": "http.response.start", "status": response.status, "headers": response.headers})
            while (part := await asyncio.wrap_future(making)) is not None:
                async with asyncio.timeout(SLOW_SECONDS):
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                making = self._threads.submit(next, parts, None)
        except TimeoutError:
            raise asyncio.CancelledError from None
        finally:
            closing = self._threads.submit(_close_after, making, response.parts)
        await asyncio.wrap_future(closing)
        await send({"type": "http.response.body", "body": b""})

    async def ask(self, scope: Scope) -> Response:
        """What Django answers to a request without a body that asks no database."""
        exchange = _Exchange(scope, Body(_nothing))
        loop = asyncio.get_running_loop()
        response = await loop.run_in_executor(self._quick_thread, exchange.run, self._application)
        assert isinstance(response, Response), "such an answer is not streamed"
        return response

    def stop(self) -> None:
        """Finish what is being answered."""
        self._threads.shutdown()
        self._quick_thread.shutdown()

    async def _gather(self, scope: Scope, body: Body) -> None:
        """Receive a body of a size that may be taken before a thread is given to it, while there is room."""
        most = limit("value_bytes") + FRAME_BYTES
        if _declared_length(scope) > most:
            return
        before = body.held
        self._held += before
        try:
            while not body.is_over and body.held <= most and self._held <= MOST_HELD:
                await body.receive()
                self._held += body.held - before
                before = body.held
        finally:
            self._held -= before


def as_headers(answer: Answer) -> Headers:
    """The headers of an answer as ASGI takes them."""
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.all_headers().items()]


def lines_of(headers: Headers) -> bytes:
    """Headers as they are written, each with its line's end."""
    return b"".join([b"%s: %s\r\n" % header for header in headers])


def response_of(answer: Answer, around: Headers) -> Response:
    """The answer as it goes out, with the headers `around` it."""
    content = answer.body.encode()
    return Response(answer.status, [*as_headers(answer), *around, *_length_of(answer.status, content)], content)


async def tell(scope: Scope, send: Send, answer: Answer, around: Response) -> None:
    """Send an answer of the lane, whose headers are numbers and words of ours, with the headers of `around`."""
    whole = extensions_of(scope).get(WHOLE)
    if whole is None:
        await respond(send, response_of(answer, around.headers))
        return
    content = answer.body.encode()
    head = lines_of(as_headers(answer)) + around.lines + lines_of(_length_of(answer.status, content))
    await whole(answer.status, head, content)


async def tell_refusal(scope: Scope, send: Send, response: Response) -> None:
    """Send a refusal of ours, whose headers are of that kind, too."""
    whole = extensions_of(scope).get(WHOLE)
    if whole is None:
        await respond(send, response)
    else:
        await whole(response.status, lines_of(response.headers), response.body)


def extensions_of(scope: Scope) -> Mapping[str, Any]:
    """What the server offers beyond ASGI, by name."""
    extensions: Mapping[str, Any] = scope.get("extensions") or {}
    return extensions


def _length_of(status: int, content: bytes) -> Headers:
    """That of a 304 would be the entry's (RFC 9110 section 8.6), so it has none."""
    return [] if status == 304 else [(b"content-length", b"%d" % len(content))]


async def respond(send: Send, response: Response) -> None:
    """Send an answer whole."""
    await send({"type": "http.response.start", "status": response.status, "headers": response.headers})
    await send({"type": "http.response.body", "body": response.body})


class _Exchange:
    """One request to Django and its answer. Only `run` is called in a thread; it asks the loop for what it needs."""

    def __init__(self, scope: Scope, body: Body) -> None:
        self._body = body
        self._loop = asyncio.get_running_loop()
        self._environ = _environ_of(scope) | {"wsgi.input": _Input(body, self._wait_for)}
        self._status, self._headers = 0, []  # type: tuple[int, Headers]

    def run(self, application: WSGI) -> Response | Streamed:
        """Django's answer."""
        parts: Any = application(self._environ, self._start)
        if getattr(parts, "streaming", True):
            database.let_go()  # this thread's: the request ends in another one
            return Streamed(self._status, self._headers, parts)
        try:
            return Response(self._status, self._headers, b"".join(parts))
        finally:
            parts.close()

    def _start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        self._status = int(status[:3])
        self._headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]

    def _wait_for(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()


class _Input:
    """`wsgi.input` (PEP 3333): what the loop has received, then what it still receives."""

    def __init__(self, body: Body, wait_for: Callable[[Any], Any]) -> None:
        self._body, self._wait_for = body, wait_for
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, fewer only at the body's end. An OSError tells that the sender broke off."""
        parts = [self._rest]
        length = len(self._rest)
        while (size < 0 or length < size) and (part := self._next_part()):
            parts.append(part)
            length += len(part)
        read = b"".join(parts)
        if size < 0:
            size = length
        self._rest = read[size:]
        return read[:size]

    def readline(self, size: int = -1) -> bytes:
        """Up to the end of a line, or `size` bytes."""
        while b"\n" not in self._rest and (size < 0 or len(self._rest) < size) and (part := self._next_part()):
            self._rest += part
        end = self._rest.find(b"\n") + 1 or len(self._rest)
        return self.read(end if size < 0 else min(end, size))

    def __iter__(self) -> Iterable[bytes]:
        return iter(self.readline, b"")

    def _next_part(self) -> bytes:
        while not self._body.held and not self._body.is_over:
            self._wait_for(self._body.receive())
        if not self._body.held and self._body.is_cut:
            raise OSError("The body ended early.")
        return self._body.take()


def _environ_of(scope: Scope) -> dict[str, Any]:
    """The request as PEP 3333 has it, with the raw target beside, as gunicorn gives it to WSGI applications."""
    target = scope["raw_path"].decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    server, client = scope.get("server") or ("", 0), scope.get("client") or ("", 0)
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path_of_target(target).encode("latin-1")).decode("latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": f"{target}?{query}" if query else target,
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": str(server[0]),
        "SERVER_PORT": str(server[1] or ""),
        "REMOTE_ADDR": str(client[0]),
        "REMOTE_PORT": str(client[1] or ""),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.errors": _Log(),
        "wsgi.input_terminated": True,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").upper().replace("-", "_"), raw_value.decode("latin-1")
        if name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            name = f"HTTP_{name}"
        environ[name] = f"{environ[name]},{value}" if name in environ else value
    return environ


class _Log:
    """`wsgi.errors`: nobody here writes to it; Django logs."""

    def write(self, text: str) -> None: ...

    def writelines(self, lines: Iterable[str]) -> None: ...

    def flush(self) -> None: ...


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


async def _linger(body: Body) -> None:
    """Receive, for a while, what a sender sends on although it was answered."""
    wanted = LINGER_BYTES
    try:
        async with asyncio.timeout(LINGER_SECONDS):
            while not body.is_over and wanted > 0:
                await body.receive()
                wanted -= len(body.take())
    except TimeoutError:
        pass


async def _nothing() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


def _close_after(making: Future[Any], parts: Any) -> None:
    """Close an answer once no thread makes a part of it any more; with it, Django's request is over."""
    wait([making])
    parts.close()
