"""gunicorn's ASGI worker, with our answer to what is not HTTP, and without its surprises when a connection or it ends.

This reaches into gunicorn's own protocol, which has no other way in; pyproject.toml pins its major version.
"""

import asyncio
import signal
import sys
from typing import Any

from gunicorn.asgi import protocol as http
from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.workers import gasgi

from api.lane.body import WHOLE

# How long a connection stays open in a worker that ends, for a next request, which is told that it is the last.
LAST_REQUEST_SECONDS = 2.0


class Protocol(ASGIProtocol):  # type: ignore[misc]  # gunicorn is not typed
    """One connection."""

    is_answered = False

    def connection_made(self, transport: Any) -> None:
        self.worker.protocols.add(self)
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.worker.protocols.discard(self)
        super().connection_lost(exc)

    def eof_received(self) -> bool:
        """Whoever sends nothing more may still be waiting for an answer: it is given, and the connection then closed.

        asyncio by itself closes at once; `printf ... | nc` would never see an answer.
        """
        receiver = self._body_receiver
        if receiver is None or self._awaiting_request:
            return False
        self._keepalive = 0
        if receiver._body_finished or not receiver._complete:
            receiver.signal_disconnect()
        return True

    def _feed_callback_parser(self, data: bytes) -> bool:
        """Python reads no integer of more than 4,300 digits, which gunicorn does not expect of a length."""
        try:
            goes_on: bool = super()._feed_callback_parser(data)
        except ValueError:
            self._send_error_response(400, "Content-Length is beyond any length.")
            self._close_transport()
            return False
        return goes_on

    async def _serve_http_request(self, request: Any, sockname: Any, peername: Any) -> bool:
        """One request, in the connection's own task: the application is done when its answer is.

        gunicorn has a task for each, and two rounds of the loop, for applications that go on after their answer.
        """
        keeps_alive: bool = await self._handle_http_request(request, sockname, peername)
        return keeps_alive

    def _build_http_scope(self, request: Any, sockname: Any, peername: Any) -> dict[str, Any]:
        scope: dict[str, Any] = super()._build_http_scope(request, sockname, peername)
        if not self.log.access_log_enabled:  # which is told of answers by gunicorn, in its own way of sending them
            scope["extensions"] = {WHOLE: self._send_whole}
        return scope

    async def _send_whole(self, status: int, head: bytes, content: bytes) -> None:
        """Write a whole answer at once; see `api.lane.body.WHOLE`.

        gunicorn takes answers in parts, and looks twice at each of their headers: half the time of a small read.
        """
        if self._closed:
            return
        request = self._current_request
        self.is_answered = True
        self._body_receiver.expect_continue = False
        start, date = http._get_cached_status_line(request.version, status), http._get_cached_date_header()
        last = b"Connection: close\r\n\r\n" if self._will_close(request, False) else b"\r\n"
        self._safe_write(b"".join((start, head, http._CACHED_SERVER_HEADER, date, last, content)))
        if self._flow_control.write_paused:
            await self._flow_control.drain()

    def _on_headers_complete(self) -> bool:
        self.is_answered = False
        is_skipped: bool = super()._on_headers_complete()
        return is_skipped

    def _send_response_start(self, *arguments: Any, **options: Any) -> None:
        self.is_answered = True
        super()._send_response_start(*arguments, **options)

    def _send_error_response(self, status: int, message: str, extra_headers: Any = ()) -> None:
        """gunicorn's answer to what is not HTTP, in the envelope of every other refusal; gunicorn itself answers text.

        Nothing is said where the request has an answer already, such as 413 before its body turned out malformed: one
        request never gets two.
        """
        if self.is_answered:
            return
        self.is_answered = True
        self._safe_write(problem(status, message))

    def _close_transport(self) -> None:
        """gunicorn says that nothing more comes before it closes; where that fails, it would never close at all."""
        super()._close_transport()
        if self.transport:
            self.transport.close()
            if self._flow_control and self._flow_control.write_paused:
                self.transport.abort()  # it waits for whoever does not read, in the middle of an answer

    def close_if_idle(self) -> None:
        """Close a connection on which no request is under way."""
        if self._awaiting_request and not self._finishing_calls:
            self._keepalive_timeout()


def problem(status: int, message: str) -> bytes:
    """A whole HTTP/1.1 response that says what is wrong, and that it is the last one."""
    from api.problems import answer
    from api.refusals import RequestRefused

    code = "internal_error" if status == 500 else "bad_request"
    response = answer(RequestRefused(code, message))
    headers = {**response.headers, "Content-Length": str(len(response.content)), "Connection": "close"}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    start = f"HTTP/1.1 {response.status_code} {response.reason_phrase}\r\n"
    return f"{start}{head}\r\n".encode("latin-1") + response.content


class Worker(gasgi.ASGIWorker):  # type: ignore[misc]
    """One process that serves."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.protocols: set[Protocol] = set()
        gasgi.ASGIProtocol = Protocol

    def init_signals(self) -> None:
        """Until the loop runs, there is nothing to finish; uvloop would lose a signal that comes before."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, lambda *_: sys.exit(0))

    async def _serve(self) -> None:
        super().init_signals()
        await super()._serve()

    def handle_exit_signal(self) -> None:
        """SIGTERM: who waits for something to happen is answered at once; gunicorn itself looks once a second."""
        super().handle_exit_signal()
        self._end_waits()

    def handle_quit_signal(self) -> None:
        """SIGINT, SIGQUIT: the same."""
        super().handle_quit_signal()
        self._end_waits()

    def _end_waits(self) -> None:
        end = getattr(self.asgi, "end_waits", None)  # gunicorn has an application of its own for one that fails
        if end is not None:
            end()

    async def _shutdown(self) -> None:
        """End without waiting, as gunicorn does, for clients that keep a connection and send nothing on it."""
        self._end_waits()
        closing = self.loop.create_task(self._close_idle())
        await super()._shutdown()
        closing.cancel()

    async def _close_idle(self) -> None:
        await asyncio.sleep(LAST_REQUEST_SECONDS)
        while True:
            for protocol in list(self.protocols):
                protocol.close_if_idle()
            await asyncio.sleep(0.1)
