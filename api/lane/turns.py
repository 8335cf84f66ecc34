"""What the lane answers to a request that waits for a lease or a claim: what Django does, asked when its turn has come.

Who waits for the same has a turn in the order of arrival, in each process: what becomes free is asked for once, not by
everybody. A turn ends when Django gives what was waited for, when time is up, or when the client is gone.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from api.bodies import FRAME_BYTES, lease_body_of
from api.lane.body import Body, Scope
from api.lane.bounds import Bounds
from api.lane.django import Django, Response
from api.lane.held import while_there
from api.lane.wait_requests import LeaseWait
from api.waits import OUTCOME, TIMEOUT
from namespaces import clock
from namespaces.engine import Engine
from namespaces.engine.errors import NotAnswered
from namespaces.errors import DatabaseTrouble, Refusal
from namespaces.leases import Glimpse, Wanted
from namespaces.waking import Waiter, Waking

_NOT_YET = (OUTCOME.lower().encode(), TIMEOUT[OUTCOME].encode())

Ask = Callable[[], Awaitable[Response]]
Line = deque[Waiter]


class Turns:
    """The requests that wait for a lease in this process."""

    def __init__(self, engine: Engine, waking: Waking, bounds: Bounds, django: Django) -> None:
        self._engine, self._waking, self._bounds, self._django = engine, waking, bounds, django
        self._lines: dict[Wanted, Line] = {}

    async def answer(self, request: LeaseWait, scope: Scope, body: Body) -> Response | None:
        """The answer, once it is time; None if Django is to answer at once. TooManyWaiters is raised."""
        await body.gather(FRAME_BYTES)
        content = body.all_held()
        wanted = _wanted_by(request, content) if body.is_whole else None
        if wanted is None:
            return None

        async def ask() -> Response:
            return await self._django.response(scope, Body.of(content))

        waiter = Waiter(prefix=wanted.prefix, minds_leases=True)
        with (
            self._bounds.room_for(request.namespace, request.address),
            while_there(body, waiter),
            self._place_in_line(wanted, waiter) as line,
        ):
            turn = _Turn(wanted, waiter, line, asyncio.get_running_loop().time() + request.seconds, ask)
            try:
                await self._take(turn)
            except TimeoutError:
                await _take_at_last(turn, is_gone=body.is_cut)
            except (NotAnswered, DatabaseTrouble):
                await turn.ask()
        return turn.answer

    async def _take(self, turn: "_Turn") -> None:
        """Ask at once, unless that would be before those who wait, and again whenever it is free and their turn."""
        seen = await self._look(turn)
        if (turn.has_come or not seen.is_free) and await turn.ask():
            return
        while not turn.has_come:
            await turn.waiter.news(turn.deadline)
        with self._waking.waiting(turn.wanted.namespace, turn.waiter):
            while True:
                glimpse = await self._look(turn)
                has_other_access = glimpse.access_version != seen.access_version  # who asks may have lost theirs
                if (glimpse.is_free or has_other_access or turn.answer is None) and await turn.ask():
                    return
                seen = glimpse
                if not glimpse.is_free:
                    await turn.sleep(glimpse)

    async def _look(self, turn: "_Turn") -> Glimpse:
        row = await self._engine.fetch(*turn.wanted.look())
        assert row is not None, "it counts, and so there is a row"
        return Glimpse.of_row(row)

    @contextmanager
    def _place_in_line(self, wanted: Wanted, waiter: Waiter) -> Iterator[Line]:
        line = self._lines.setdefault(wanted, deque())
        line.append(waiter)
        try:
            yield line
        finally:
            line.remove(waiter)
            if line:
                line[0].wake()
            else:
                del self._lines[wanted]


class _Turn:
    """One request in its line. `answer` is what Django said last."""

    def __init__(self, wanted: Wanted, waiter: Waiter, line: Line, deadline: float, ask: Ask) -> None:
        self.wanted, self.waiter, self.deadline = wanted, waiter, deadline
        self.answer: Response | None = None
        self._line, self._ask = line, ask

    @property
    def has_come(self) -> bool:
        return self._line[0] is self.waiter

    async def ask(self) -> bool:
        """Ask Django; whether that settles it."""
        self.answer = await self._ask()
        return _NOT_YET not in self.answer.headers

    async def sleep(self, glimpse: Glimpse) -> None:
        """Sleep until something has happened, or the lease in the way ends. TimeoutError when time is up."""
        loop = asyncio.get_running_loop()
        ends = float("inf")
        if glimpse.until is not None:
            ends = loop.time() + max((glimpse.until - clock.now()).total_seconds(), 0.0) + 0.001
        try:
            await self.waiter.news(min(ends, self.deadline))
        except TimeoutError:
            if self.waiter.is_over or loop.time() >= self.deadline:
                raise


async def _take_at_last(turn: _Turn, *, is_gone: bool) -> None:
    if turn.waiter.is_over and turn.answer is not None:
        return  # nothing is taken for who has gone, and a server that stops has no time to ask for all
    if is_gone:
        raise asyncio.CancelledError
    await turn.ask()


def _wanted_by(request: LeaseWait, content: bytes) -> Wanted | None:
    """What is waited for; None where Django will refuse the request."""
    try:
        if request.name is not None:
            lease_body_of(content, "ttl", optional=("holder",))
            return Wanted(request.namespace, name=request.name)
        body = lease_body_of(content, "prefix", "ttl", optional=("holder",))
        return Wanted(request.namespace, prefix=body.prefix)
    except Refusal:
        return None
