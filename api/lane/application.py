"""The ASGI application: the lane where it can answer, Django everywhere else."""

import logging

from api import problems
from api.lane import memory
from api.lane.around import Around
from api.lane.body import Body, Receive, Scope, Send
from api.lane.django import WSGI, Django, Headers, Response, respond
from api.lane.requests import MemoryRequest, memory_request_of, plain_headers_of
from api.rendering import Answer
from namespaces import engine, tally
from namespaces.errors import DatabaseTrouble

logger = logging.getLogger("botwire.lane")


class Application:
    """The site (ASGI 3). `django` is its WSGI application; without the lifespan protocol, it answers everything."""

    def __init__(self, django: WSGI, threads: int) -> None:
        self._django = Django(django, threads)
        self._engine: engine.Engine | None = None
        self._around_memory = Around(
            self._django, "OPTIONS", b"/memory/a/b", usual=204, without=(b"content-type", b"content-length")
        )
        self._around_health = Around(self._django, "GET", b"/healthz", usual=200)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "http":
                await self._answer(scope, Body(receive), send)
            case "lifespan":
                await self._live(receive, send)
            case _:
                await send({"type": "websocket.close"})

    async def _answer(self, scope: Scope, body: Body, send: Send) -> None:
        response = await self._answer_on_loop(scope, body)
        if response is None:
            await self._django.answer(scope, body, send)
        else:
            await respond(send, response)

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
            return _trouble(request, trouble, around.headers)
        return _response_of(answer, around.headers) if answer else None

    async def _live(self, receive: Receive, send: Send) -> None:
        """Start and stop with the process (ASGI's lifespan protocol)."""
        await receive()
        self._engine = await engine.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        running, self._engine = self._engine, None
        await running.stop()
        self._django.stop()
        await send({"type": "lifespan.shutdown.complete"})


def _response_of(answer: Answer, around: Headers) -> Response:
    content = answer.body.encode()
    own = [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.all_headers().items()]
    return Response(answer.status, [*own, *around, (b"content-length", b"%d" % len(content))], content)


def _trouble(request: MemoryRequest, trouble: DatabaseTrouble, around: Headers) -> Response:
    """The database's trouble as the views would tell it, which would only have to wait for it again."""
    tally.count_refusal(request.namespace, trouble.code)
    told = problems.answer(trouble)
    own = [(name.lower().encode(), value.encode("latin-1")) for name, value in told.items()]
    return Response(told.status_code, [*own, *around, (b"content-length", b"%d" % len(told.content))], told.content)
