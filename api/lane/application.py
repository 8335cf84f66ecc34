"""The ASGI application: the lane where it can answer, Django everywhere else."""

from api import problems
from api.access import told
from api.lane import memory
from api.lane.around import Around
from api.lane.body import Body, Receive, Scope, Send
from api.lane.django import WSGI, Django, Headers, Response, as_headers, respond
from api.lane.held import Unfound, Waits
from api.lane.requests import memory_request_of, plain_headers_of
from api.lane.wait_requests import ChangesWait, WaitRequest, wait_request_of
from api.rendering import Answer
from api.waits import OUTCOME
from namespaces import engine, tally
from namespaces.engine.errors import NotAnswered
from namespaces.errors import DatabaseTrouble, Refusal

# What only an answer to OPTIONS has, in `Around`.
_OF_OPTIONS = (
    b"content-type",
    b"content-length",
    b"access-control-allow-headers",
    b"access-control-allow-methods",
    b"access-control-max-age",
)
_DECIDING_WAITS = (b"host", b"x-forwarded-proto", b"origin")


class Application:
    """The site (ASGI 3). `django` is its WSGI application; without the lifespan protocol, it answers everything."""

    def __init__(self, django: WSGI, threads: int) -> None:
        self._django = Django(django, threads)
        self._engine: engine.Engine | None = None
        self._around_memory = Around(
            self._django, "OPTIONS", b"/memory/a/b", usual=204, without=(b"content-type", b"content-length")
        )
        self._around_waits = Around(
            self._django, "OPTIONS", b"/memory/a/b", usual=204, without=_OF_OPTIONS, deciding=_DECIDING_WAITS
        )
        self._waits: Waits | None = None
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
        if self._waits is not None:
            self._waits.end()

    async def _answer(self, scope: Scope, body: Body, send: Send) -> None:
        wait = wait_request_of(scope)
        if wait is not None and await self._hold(wait, scope, body, send):
            return
        response = await self._answer_on_loop(scope, body)
        if response is None:
            await self._django.answer(scope, body, send)
        else:
            await respond(send, response)

    async def _hold(self, wait: WaitRequest, scope: Scope, body: Body, send: Send) -> bool:
        """Answer a request once what it waits for has come, or tell that Django is to answer it."""
        around = await self._around_waits.response(scope, wait.headers)
        if self._waits is None or around is None:
            return False
        try:
            admitted = await self._waits.admitted(wait)
            if admitted is None:
                return False
            wait = admitted
            if isinstance(wait, ChangesWait) and wait.is_stream:
                await self._waits.stream(wait, body, send, around.headers)
                return True
            answer = await self._waits.answer(wait, body)
            response = _response_of(answer, around.headers)
        except NotAnswered:
            return False
        except Refusal as refusal:
            response = _refusal(wait.told_as or wait.namespace, refusal, around.headers)
        await respond(send, _told(response, wait) if wait.told_as else response)
        return True

    async def _answer_on_loop(self, scope: Scope, body: Body) -> Response | None:
        headers = plain_headers_of(scope)
        if headers is None:
            return None
        if scope["method"] == "GET" and scope["raw_path"] == b"/healthz" and not scope["query_string"]:
            return await self._around_health.response(scope, headers)  # told while every thread waits for the database
        request = memory_request_of(scope, headers)
        if self._engine is None or request is None:
            return None
        around = await self._around_memory.response(scope, headers)
        if around is None:
            return None
        try:
            answer = await memory.answer(request, body, self._engine)
        except DatabaseTrouble as trouble:
            return _refusal(request.namespace, trouble, around.headers)
        return _response_of(answer, around.headers) if answer else None

    async def _live(self, receive: Receive, send: Send) -> None:
        """Start and stop with the process (ASGI's lifespan protocol)."""
        await receive()
        self._engine = await engine.start()
        self._waits = Waits(self._engine)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.end_waits()
        running, self._engine, self._waits = self._engine, None, None
        await running.stop()
        self._django.stop()
        await send({"type": "lifespan.shutdown.complete"})


def _response_of(answer: Answer, around: Headers) -> Response:
    content = answer.body.encode()
    return Response(answer.status, [*as_headers(answer), *around, (b"content-length", b"%d" % len(content))], content)


def _told(response: Response, wait: WaitRequest) -> Response:
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
