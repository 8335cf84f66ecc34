"""The ASGI application in this process, with an event loop in a thread of its own, behind Django's test client."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from django.core.cache import cache
from django.core.handlers.wsgi import WSGIRequest
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse

from api.lane.application import Application

THREADS = 4


class Lane:
    """The application, alive: `ask` is any thread's; what is awaited runs on the loop."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.application = Application(get_wsgi_application(), THREADS)
        self._messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._thread = threading.Thread(target=self.loop.run_forever, name="test-loop")

    def start(self) -> None:
        self._thread.start()
        self.run(self._start())

    def stop(self) -> None:
        self.run(self._stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def run(self, coroutine: Any) -> Any:
        """The result of a coroutine on the loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)

    async def _start(self) -> None:
        self._started, self._stopped = asyncio.Event(), asyncio.Event()
        events = {"lifespan.startup.complete": self._started, "lifespan.shutdown.complete": self._stopped}

        async def send(message: dict[str, Any]) -> None:
            events[message["type"]].set()

        self._life = self.loop.create_task(self.application({"type": "lifespan"}, self._messages.get, send))
        await self._messages.put({"type": "lifespan.startup"})
        await self._until(self._started)

    async def _stop(self) -> None:
        await self._messages.put({"type": "lifespan.shutdown"})
        await self._until(self._stopped)
        await self._life

    async def _until(self, event: asyncio.Event) -> None:
        waiting = self.loop.create_task(event.wait())
        await asyncio.wait({waiting, self._life}, return_when=asyncio.FIRST_COMPLETED)
        if self._life.done():
            self._life.result()

    def __call__(self, environ: dict[str, Any]) -> HttpResponse:
        """What Django's test client calls for a request."""
        status, headers, body = self.run(self.ask(scope_of(environ), environ["wsgi.input"].read()))
        # A server leaves out the body of an answer to HEAD (RFC 9110 section 9.3.2).
        response = HttpResponse(b"" if environ["REQUEST_METHOD"] == "HEAD" else body, status=status)
        response.wsgi_request = WSGIRequest(environ)  # the test client wants to see one
        del response["Content-Type"]
        for name, value in headers:
            if name == b"set-cookie":
                response.cookies.load(value.decode("latin-1"))
            else:
                response[name.decode().title()] = value.decode("latin-1")
        return response

    async def ask(self, scope: dict[str, Any], *parts: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """Status, headers and body for a request whose body comes in parts."""
        coming = [
            {"type": "http.request", "body": part, "more_body": number < len(parts)}
            for number, part in enumerate(parts, 1)
        ]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return coming.pop(0) if coming else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.application(scope, receive, send)
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return sent[0]["status"], sent[0]["headers"], body


def scope_of(environ: dict[str, Any]) -> dict[str, Any]:
    """The ASGI scope of a request that Django's test client has made up as WSGI's."""
    target, _, query = environ["RAW_URI"].partition("?")
    names = {"CONTENT_TYPE", "CONTENT_LENGTH"}
    given = [(name.removeprefix("HTTP_"), value) for name, value in environ.items() if name.startswith("HTTP_")]
    given = [header for header in given if header != ("COOKIE", "")]  # which the test client sends always
    given += [(name, environ[name]) for name in names if environ.get(name)]
    headers = {name.lower().replace("_", "-"): str(value) for name, value in given}
    headers.setdefault("host", environ["SERVER_NAME"])
    return {
        "type": "http",
        "http_version": "1.1",
        "method": environ["REQUEST_METHOD"],
        "scheme": environ["wsgi.url_scheme"],
        "path": environ["PATH_INFO"],
        "raw_path": target.encode("latin-1"),
        "query_string": (query or environ.get("QUERY_STRING", "")).encode("latin-1"),
        "root_path": "",
        "headers": [(name.encode(), _on_the_wire(value)) for name, value in headers.items()],
        "server": ("testserver", 80),
        "client": (environ["REMOTE_ADDR"], 50_000),
    }


def _on_the_wire(value: str) -> bytes:
    """A header's value: bytes that WSGI gives as Latin-1 characters, or text that a client would send as UTF-8."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()


@contextlib.contextmanager
def running_lane() -> Iterator[Lane]:
    """The lane on the database at hand, on which it commits."""
    cache.clear()  # the brakes of earlier tests
    lane = Lane()
    lane.start()
    try:
        yield lane
    finally:
        lane.stop()
