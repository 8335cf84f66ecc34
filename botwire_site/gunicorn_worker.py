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

from api.lane.body import DECLINED, WHOLE, Body
from botwire_site.known import Head, Known, KnownHeaders

# How long a body that comes after its head is waited for here; then gunicorn waits for it.
BODY_SECONDS = 1.0
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
        if receiver is None or (self._awaiting_request and not self._request_ready.is_set()):
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
        self.is_answered = True
        version, is_last = self._on_answer()
        start, date = http._get_cached_status_line(version, status), http._get_cached_date_header()
        last = b"Connection: close\r\n\r\n" if is_last else b"\r\n"
        self._safe_write(b"".join((start, head, http._CACHED_SERVER_HEADER, date, last, content)))
        if self._flow_control.write_paused:
            await self._flow_control.drain()

    def _on_answer(self) -> tuple[tuple[int, int], bool]:
        """The version of HTTP that the request has, and whether its answer is the connection's last."""
        self._body_receiver.expect_continue = False
        return self._current_request.version, self._will_close(self._current_request, False)

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
            self._end()

    def _end(self) -> None:
        super()._keepalive_timeout()


class Connection(Protocol):
    """A connection on which the lane answers requests with headers that gunicorn has read before.

    gunicorn knows nothing of such a request. If the lane does not answer it, gunicorn gets its bytes, as if they had
    just come.
    """

    _known = KnownHeaders()

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._lane: Any = None if self.log.access_log_enabled else getattr(self.app, "answer_on_loop", None)
        peer, server = map(transport.get_extra_info, ("peername", "sockname"))
        self._addresses = {"client": http._normalize_sockaddr(peer), "server": http._normalize_sockaddr(server)}
        self._sender = str(peer[0]) if isinstance(peer, tuple) and peer else ""
        self._answering: asyncio.Task[None] | None = None
        self._early = b""  # what has come and waits: for the rest of its request, or for the answer to another one
        self._body_timer: asyncio.TimerHandle | None = None
        self._head: Head | None = None
        self._is_declined = self._is_halved = self._is_last = False
        self._last_answer = 0.0

    def data_received(self, data: bytes) -> None:
        """Let the lane answer a request that is known, whole and alone; any other is gunicorn's."""
        if self._answering is not None:
            self._early += data
            self._pause_reading()
            return
        held = self._take_early()
        data = held + data
        head = Head.of(data) if self._lane is not None and self._is_between_requests() else None
        known = self._known.find(self._sender, head) if head is not None else None
        if head is None or known is None:
            self._hand_over(data, head)
            return
        missing = head.size + known.length - len(data)
        if missing == 0:
            self._answering = self.worker.loop.create_task(self._answer(data, head, known))
        elif missing > 0 and not held:
            self._early = data
            self._body_timer = self.worker.loop.call_later(BODY_SECONDS, self._hand_over_early)
        else:
            self._hand_over(data)

    def eof_received(self) -> bool:
        if self._answering is not None:
            self._is_halved = True
            return True
        self._hand_over_early()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._take_early()
        super().connection_lost(exc)

    def close_if_idle(self) -> None:
        if self._answering is None and not self._early:
            super().close_if_idle()

    async def _answer(self, data: bytes, head: Head, known: Known) -> None:
        """Answer a request, or hand it over; then go on with what has come meanwhile."""
        self.is_answered = False
        scope = known.scope_of(head, **self._addresses, extensions={WHOLE: self._send_whole})
        try:
            has_answered = await self._lane(scope, known.headers, Body.of(data[head.size :]))
        except Exception:
            self.log.exception("Error in ASGI application")
            self._send_error_response(500, "Internal Server Error")
            self._end()  # as gunicorn does
            return
        finally:
            self._answering = None
        if has_answered:
            self._on_answered()
        else:
            self._is_declined = True
            self._hand_over(data)
        if not self._closed:
            self._go_on()

    def _go_on(self) -> None:
        early, is_halved = self._take_early(), self._is_halved
        self._is_halved = False
        if early:
            self._resume_reading()
            self.data_received(early)
        if is_halved and not self.eof_received():
            self._end()

    def _on_answered(self) -> None:
        """Count the time without a request from now on; the timer that runs sees to it when it ends."""
        self.worker.nr += 1
        self._last_answer = self.worker.loop.time()
        if self._is_last:
            self._end()
        elif self._keepalive_handle is None and not self._closed:
            self._arm_keepalive_timer()

    def _keepalive_timeout(self) -> None:
        is_busy = self._answering is not None or self._early
        rest = self._keepalive - (0.0 if is_busy else self.worker.loop.time() - self._last_answer)
        if rest > 0:
            self._keepalive_handle = self.worker.loop.call_later(rest, self._keepalive_timeout)
        else:
            self._end()

    def _is_between_requests(self) -> bool:
        """Whether gunicorn has answered all that it was given, and there may be a next request on this connection."""
        parser, worker = self._callback_parser, self.worker
        return (
            self._awaiting_request
            and parser is not None
            and parser._state == "request_line"
            and not parser._buffer
            and not self._finishing_calls
            and self._keepalive > 0
            and worker.alive
            and worker.nr + 1 < worker.max_requests
        )

    def _hand_over(self, data: bytes, head: Head | None = None) -> None:
        """Give gunicorn what has come; `head` is to be learned once gunicorn has made a scope of it."""
        if head is not None:
            self._head = head
        super().data_received(data)

    def _hand_over_early(self) -> None:
        early = self._take_early()
        if early:
            self._hand_over(early)

    def _take_early(self) -> bytes:
        if self._body_timer is not None:
            self._body_timer.cancel()
            self._body_timer = None
        early, self._early = self._early, b""
        return early

    def _build_http_scope(self, request: Any, sockname: Any, peername: Any) -> dict[str, Any]:
        scope = super()._build_http_scope(request, sockname, peername)
        head, self._head = self._head, None
        if head is not None:
            self._known.learn(self._sender, head, request, scope, self.app.headers_of(scope))
        if self._is_declined:
            self._is_declined = False
            scope["extensions"][DECLINED] = True
        return scope

    def _on_answer(self) -> tuple[tuple[int, int], bool]:
        if self._answering is None:
            return super()._on_answer()
        self._is_last = self._is_halved or not self.worker.alive
        return (1, 1), self._is_last


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
        gasgi.ASGIProtocol = Connection

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
