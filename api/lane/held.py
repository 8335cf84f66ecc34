"""What the lane answers to a request that waits: each function waits on the loop, looks, and renders as the views do.

A wait ends when what was waited for has come, when time is up, when the client is gone, or when the server stops.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from datetime import datetime

from api import rendering
from api.lane.body import Body, Send
from api.lane.bounds import Bounds
from api.lane.django import Headers, as_headers
from api.lane.wait_requests import ChangesWait, EntryWait, WaitRequest
from api.rendering import Answer
from api.waits import FULFILLED, OUTCOME, TIMEOUT, Awaited
from namespaces import access, clock, reading, sql, tally
from namespaces.callers import Caller
from namespaces.changes import NOW, ChangePage, page_of, read_parameters
from namespaces.engine import Engine
from namespaces.engine.errors import NotAnswered
from namespaces.errors import InvalidToken, KeyNotFound, Refusal
from namespaces.waking import MOST_TOLD, PAGE_BYTES, News, Sighting, Waiter, Waking

HEARTBEAT_SECONDS = 15.0
# How long a reader of a stream may take to make room for more before it is dropped.
SLOW_SECONDS = 30.0
_OF_STREAM = as_headers(Answer("", headers=rendering.EVENT_STREAM))


class Waits:
    """The requests that wait in this process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waking = Waking(engine)
        self._bounds = Bounds()

    def end(self) -> None:
        """Answer everybody who waits, now; nobody waits from here on."""
        self._waking.end()

    async def admitted(self, request: WaitRequest) -> WaitRequest | None:
        """The request as `api.access` would have it judged; None: its token is none, for Django to count and answer.

        Raises TokenNotAllowed.
        """
        parameters = access.admission_parameters(request.namespace, request.token)
        row = await self._engine.fetch(sql.READ_ACCESS, parameters)
        try:
            admission = access.admission_in(request.namespace, request.token, row)
        except InvalidToken:
            return None
        if admission.token is not None:
            tally.count_use(request.namespace, admission.token.digest)
            caller = Caller(token=admission.token)
            caller.check_reads(request.reads)
            return replace(request, caller=caller)
        if admission.is_seen:
            return request
        if request.token:
            return None
        return replace(request, namespace=access.stand_in_of(request.namespace), told_as=request.namespace)

    async def answer(self, request: WaitRequest, body: Body) -> Answer:
        """The answer to a request, once it is time. Refusals are raised."""
        match request:
            case EntryWait():
                waiter, answer = Waiter(request.key), self._entry
            case ChangesWait():
                waiter, answer = Waiter(prefix=request.prefix), self._changes  # type: ignore[assignment]
        async with self._held(request, waiter, body):
            return await answer(request, waiter)  # type: ignore[arg-type]

    async def stream(self, request: ChangesWait, body: Body, send: Send, around: Headers) -> None:
        """Send changes as they happen until the client is gone or the server stops. Refusals come before any event."""
        async with self._held(request, waiter := Waiter(prefix=request.prefix), body):
            page = await self._page(request, request.since)
            tally.count_read(request.namespace)
            await send({"type": "http.response.start", "status": 200, "headers": [*_OF_STREAM, *around]})
            await _send(send, rendering.stream_start(page))
            with suppress(Refusal, NotAnswered):  # the client comes again, and is told then
                await self._follow(request, waiter, page, send)
            await send({"type": "http.response.body", "body": b""})

    async def _follow(self, request: ChangesWait, waiter: Waiter, page: ChangePage, send: Send) -> None:
        while not waiter.is_over:
            if page.changes:
                await _send(send, rendering.events_of(page))
            if page.next < page.revision:
                page = await self._page(request, page.next)
                continue
            if _is_shut_out(request, page):
                return
            heartbeat = asyncio.get_running_loop().time() + HEARTBEAT_SECONDS
            try:
                news = await waiter.news(min(heartbeat, _end_of_token(request)))
            except TimeoutError:
                if not _is_good(request):
                    return
                await _send(send, f":\nid: {page.next}\n\n")
                page = replace(page, changes=[])
            else:
                page = await self._page_after(request, page, news)

    @asynccontextmanager
    async def _held(self, request: WaitRequest, waiter: Waiter, body: Body) -> AsyncIterator[None]:
        with (
            self._bounds.room_for(request.namespace, request.address),
            self._waking.waiting(request.namespace, waiter),
            _while_there(body, waiter),
        ):
            yield

    async def _entry(self, request: EntryWait, waiter: Waiter) -> Answer:
        deadline = asyncio.get_running_loop().time() + request.awaited.seconds
        sighting = await self._look(request)
        while not (is_met := await _is_met(request.awaited, sighting)):
            if request.caller.token and sighting.is_of_nothing:
                break  # the token is none any more
            try:
                news = await waiter.news(min(deadline, _end_of(sighting), _end_of_token(request)))
            except TimeoutError:
                if waiter.is_over or asyncio.get_running_loop().time() >= deadline:
                    sighting = await self._look(request)
                    is_met = await _is_met(request.awaited, sighting)
                    break
                news = None
            is_for_us = isinstance(news, Sighting) and news.access_version == sighting.access_version
            sighting = news if is_for_us else await self._look(request)  # type: ignore[assignment]
        outcome = FULFILLED if is_met else TIMEOUT
        entry = sighting.entry()
        if entry is None:
            raise Unfound(request, outcome[OUTCOME])
        tally.count_read(request.namespace)
        answer = rendering.entry_answer(entry, request.awaited.none_match)
        return replace(answer, headers={**answer.headers, **outcome})

    async def _look(self, request: EntryWait) -> Sighting:
        parameters = reading.read_parameters(request.namespace, request.key, request.caller)
        return Sighting(request.namespace, request.key, await self._engine.fetch(sql.READ_ENTRY, parameters))

    async def _changes(self, request: ChangesWait, waiter: Waiter) -> Answer:
        deadline = asyncio.get_running_loop().time() + request.seconds
        page = await self._page(request, request.since)
        while not page.changes and request.since != NOW and not _is_shut_out(request, page):
            news: News = None
            if page.next == page.revision:
                try:
                    news = await waiter.news(min(deadline, _end_of_token(request)))
                except TimeoutError:
                    page = await self._page(request, page.next)
                    break
            page = await self._page_after(request, page, news)
        tally.count_read(request.namespace)
        return Answer(rendering.changes_body(page), headers=FULFILLED if page.changes else TIMEOUT)

    async def _page(self, request: ChangesWait, since: int) -> ChangePage:
        most = min(request.most, MOST_TOLD)
        parameters = read_parameters(
            request.namespace, since, request.prefix, most, by=request.by, room=PAGE_BYTES, caller=request.caller
        )
        return page_of(request.namespace, since, await self._engine.fetch_all(sql.READ_CHANGES, parameters))

    async def _page_after(self, request: ChangesWait, page: ChangePage, news: News) -> ChangePage:
        """What came after a page: what was told, if it begins there, or what a look of its own finds."""
        if not isinstance(news, ChangePage) or (news.since, news.access_version) != (page.next, page.access_version):
            return await self._page(request, page.next)
        changes = [
            change for change in news.changes if change.key.startswith(request.prefix) and request.by.matches(change)
        ]
        if len(changes) <= request.most:
            return replace(news, changes=changes)
        return replace(news, changes=changes[: request.most], next=changes[request.most - 1].revision)


class Unfound(KeyNotFound):
    """There is no entry when the wait is over; `outcome` says how it ended."""

    def __init__(self, request: EntryWait, outcome: str) -> None:
        super().__init__(request.namespace, request.key)
        self.outcome = outcome


async def _is_met(awaited: Awaited, sighting: Sighting) -> bool:
    entry = sighting.entry()
    if not awaited.may_be(entry):
        return False
    return entry is None or not awaited.has_value or await sighting.says(awaited.value)


def _is_shut_out(request: ChangesWait, page: ChangePage) -> bool:
    """Whether the namespace was not there for the request's token, which it was for before."""
    return request.caller.token is not None and page.access_version == 0


def _is_good(request: WaitRequest) -> bool:
    token = request.caller.token
    return token is None or token.expires_at is None or token.expires_at > clock.now()


def _end_of_token(request: WaitRequest) -> float:
    """When the request's token expires, as the loop's time; never where it does not, or there is none."""
    token = request.caller.token
    return _loop_time_of(token.expires_at if token else None)


def _loop_time_of(moment: datetime | None) -> float:
    if moment is None:
        return float("inf")
    left = (moment - clock.now()).total_seconds()
    return asyncio.get_running_loop().time() + max(left, 0.0) + 0.001


def _end_of(sighting: Sighting) -> float:
    """When the entry expires, as the loop's time; never where it does not."""
    entry = sighting.entry()
    return _loop_time_of(entry.expires_at if entry else None)


@contextmanager
def _while_there(body: Body, waiter: Waiter) -> Iterator[None]:
    """Wait for nobody who has gone."""
    watching = asyncio.get_running_loop().create_task(_end_when_gone(body, waiter))
    try:
        yield
    finally:
        watching.cancel()


async def _end_when_gone(body: Body, waiter: Waiter) -> None:
    while not body.is_cut:
        await body.receive()
        body.take()
    waiter.end()


async def _send(send: Send, text: str) -> None:
    """Send a part; whoever does not read is dropped, by what ends a request whose client has gone."""
    try:
        async with asyncio.timeout(SLOW_SECONDS):
            await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
    except TimeoutError:
        raise asyncio.CancelledError from None
