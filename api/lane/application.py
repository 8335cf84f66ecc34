"""The ASGI application: the lane where it can answer, Django everywhere else."""

from api import problems
from api.access import told
from api.lane import memory
from api.lane.around import Around
from api.lane.body import DECLINED, Body, Message, PlainHeaders, Receive, Scope, Send
from api.lane.bounds import Bounds
from api.lane.django import WSGI, Django, Headers, Response, extensions_of, respond, tell, tell_refusal
from api.lane.held import Unfound, Waits
from api.lane.requests import KeysRequest, keys_request_of, memory_request_of, plain_headers_of
from api.lane.turns import Turns
from api.lane.wait_requests import ChangesWait, LeaseWait, WaitRequest, lease_wait_of, wait_request_of
from api.waits import OUTCOME
from namespaces import engine, tally
from namespaces.engine.errors import NotAnswered
from namespaces.errors import DatabaseTrouble, Refusal
from namespaces.waking import Waking

# What only an answer to OPTIONS has, in `Around`.
_OF_OPTIONS = (
    b"content-type",
    b"content-length",
    b"access-control-allow-headers",
    b"access-control-allow-methods",
    b"access-control-max-age",
)
_DECIDING_WAITS = (b"host", b"x-forwarded-proto", b"origin")


async def _unheard(message: Message) -> None:
    """For a server that takes answers whole."""
    raise AssertionError(message["type"])


class Application:
    """The site (ASGI 3). `django` is its WSGI application; without the lifespan protocol, it answers everything."""

    def __init__(self, django: WSGI, threads: int) -> None:
        self._django = Django(django, threads)
        self._engine: engine.Engine | None = None
        self._around_memory = Around(
            self._django, "OPTIONS", b"/memory/a/b", usual=204, without=(b"content-type", b"content-length")
        )
        self._around_keys = Around(
            self._django, "OPTIONS", b"/memory/a", usual=204, without=(b"content-type", b"content-length")
        )
        self._around_waits = Around(
            self._django, "OPTIONS", b"/memory/a/b", usual=204, without=_OF_OPTIONS, deciding=_DECIDING_WAITS
        )
        self._held: _Held | None = None
        self._around_health = Around(self._django, "GET", b"/healthz", usual=200)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "http":
                await self._answer(scope, Body(receive), send)
            case "lifespan":
                await self._live(receive, send)
            case _:
                await send({"type": "websocket.close"})

    def end_waits(self) -> None:
        """Answer every request that waits, now, and hold none any more: the process is about to end."""
        if self._held is not None:
            self._held.waking.end()

    async def _answer(self, scope: Scope, body: Body, send: Send) -> None:
        wait = wait_request_of(scope) or lease_wait_of(scope)
        if wait is not None and await self._hold(wait, scope, body, send):
            return
        if DECLINED in extensions_of(scope) or not await self._answer_common(scope, body, send):
            await self._django.answer(scope, body, send)

    async def _hold(self, wait: WaitRequest | LeaseWait, scope: Scope, body: Body, send: Send) -> bool:
        """Answer a request once what it waits for has come, or tell that Django is to answer it."""
        around = await self._around_waits.response(scope, wait.headers)
        if self._held is None or around is None:
            return False
        try:
            match wait:
                case LeaseWait():
                    if not await self._held.waits.lets_in(wait):
                        return False
                    response = await self._held.turns.answer(wait, scope, body)
                case _:
                    admitted = await self._held.waits.admitted(wait)
                    if admitted is None:
                        return False
                    wait = admitted
                    if isinstance(wait, ChangesWait) and wait.is_stream:
                        await self._held.waits.stream(wait, body, send, around.headers)
                        return True
                    response = await self._held.waits.answer(wait, body, around.headers)
        except NotAnswered:
            return False
        except Refusal as refusal:
            response = _refusal(wait.told_as or wait.namespace, refusal, around.headers)
        if response is not None:
            await respond(send, _told(response, wait) if wait.told_as else response)
        return response is not None

    def headers_of(self, scope: Scope) -> PlainHeaders | None:
        """What `answer_on_loop` reads of the headers of a request; None if one is only Django's to read."""
        return plain_headers_of(scope)

    async def _answer_common(self, scope: Scope, body: Body, send: Send) -> bool:
        """Answer a request for an entry, a page of keys, or the server's health; or tell that Django is to."""
        headers = plain_headers_of(scope)
        if headers is None:
            return False
        if _is_for_health(scope):
            return await self._answer_health(scope, headers, send)
        return await self.answer_on_loop(scope, headers, body, send)

    async def answer_on_loop(self, scope: Scope, headers: PlainHeaders, body: Body, send: Send = _unheard) -> bool:
        """Answer a request for an entry or a page of keys; or tell that Django is to. `headers` are from `headers_of`.

        Without `send`, it is answered by the extension WHOLE.
        """
        request = memory_request_of(scope, headers) or keys_request_of(scope, headers)
        if request is None:
            return False
        around_it = self._around_keys if isinstance(request, KeysRequest) else self._around_memory
        around = await around_it.response(scope, headers)
        if self._engine is None or around is None:
            return False
        try:
            answer = await memory.answer(request, body, self._engine)
        except DatabaseTrouble as trouble:
            await tell_refusal(scope, send, _refusal(request.namespace, trouble, around.headers))
            return True
        if answer is not None:
            await tell(scope, send, answer, around)
        return answer is not None

    async def _answer_health(self, scope: Scope, headers: PlainHeaders, send: Send) -> bool:
        """Told even while every thread waits for the database."""
        response = await self._around_health.response(scope, headers)
        if response is not None:
            await respond(send, response)
        return response is not None

    async def _live(self, receive: Receive, send: Send) -> None:
        """Start and stop with the process (ASGI's lifespan protocol)."""
        await receive()
        self._engine = await engine.start()
        self._held = _Held(self._engine, self._django)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.end_waits()
        running, self._engine, self._held = self._engine, None, None
        await running.stop()
        self._django.stop()
        await send({"type": "lifespan.shutdown.complete"})


class _Held:
    """All who wait in this process, beside one another: they are woken, counted and ended together."""

    def __init__(self, engine: engine.Engine, django: Django) -> None:
        self.waking, bounds = Waking(engine), Bounds()
        self.waits = Waits(engine, self.waking, bounds)
        self.turns = Turns(engine, self.waking, bounds, django)


def _is_for_health(scope: Scope) -> bool:
    return scope["method"] == "GET" and scope["raw_path"] == b"/healthz" and not scope["query_string"]


def _told(response: Response, wait: WaitRequest | LeaseWait) -> Response:
    """An answer about a stand-in as one about the namespace that was asked for."""
    content = told(response.body, wait.namespace, wait.told_as)
    headers = [header for header in response.headers if header[0] != b"content-length"]
    return Response(response.status, [*headers, (b"content-length", b"%d" % len(content))], content)


def _refusal(namespace: str, refusal: Refusal, around: Headers) -> Response:
    """A refusal as the views would tell it, which would only have to wait again, for the database or for an entry."""
    tally.count_refusal(namespace, refusal.code)
    told = problems.answer(refusal)
    if isinstance(refusal, Unfound):
        told[OUTCOME] = refusal.outcome
    own = [(name.lower().encode(), value.encode("latin-1")) for name, value in told.items()]
    return Response(told.status_code, [*own, *around, (b"content-length", b"%d" % len(told.content))], told.content)
