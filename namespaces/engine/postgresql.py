"""The engine on PostgreSQL: connections of the event loop's own, and one transaction for the writes of a namespace that
wait together.

The writes of one namespace would wait for its lock anyway; so they share a connection, a round trip and a commit, and
the namespaces take turns. One write that fails takes no neighbour with it: each is then carried out alone.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from django.conf import settings
from django.db import connections
from psycopg.adapt import AdaptersMap
from psycopg.types.numeric import Int8Dumper
from psycopg_pool import AsyncConnectionPool

from namespaces import database
from namespaces.engine.errors import NotAnswered
from namespaces.engine.queue import FairQueue, QueueFull
from namespaces.errors import DatabaseUnavailable, OutcomeUnknown
from namespaces.postgresql import has_news
from namespaces.sql import LOCK_NAMESPACE, Plan

MOST_WAITING = 1_000
LARGEST_GROUP = 32
MARKS = "SELECT name, revision, fencing, access_version FROM namespaces_namespace WHERE name = ANY(%(names)s)"


@dataclass(eq=False, slots=True)
class Job:
    """A write that waits for its namespace's turn."""

    sql: str
    parameters: database.Parameters
    future: "asyncio.Future[database.Row | None]"


class PostgreSQLEngine:
    """Reads and writes over a pool. Writers hold at most half of it, so that reads go on when a lock blocks writes."""

    def __init__(self, pool: "AsyncConnectionPool[Any]") -> None:
        self._pool = pool
        self._queue: FairQueue[Job] = FairQueue(MOST_WAITING)
        self._most_writers = max(pool.max_size // 2, 1)
        self._writers: set[asyncio.Task[None]] = set()
        self._listener: Callable[[set[str]], None] | None = None
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def start(cls) -> "PostgreSQLEngine":
        """Start; the database may be away for now."""
        pool = _make_pool()
        await pool.open(wait=False)
        return cls(pool)

    async def fetch(self, sql: str, parameters: database.Parameters) -> Sequence[Any] | None:
        rows = await self.fetch_all(sql, parameters)
        return rows[0] if rows else None

    async def fetch_all(self, sql: str, parameters: database.Parameters) -> Sequence[Sequence[Any]]:
        try:
            async with self._connection() as connection:
                cursor = await connection.execute(sql, parameters)
                rows: list[Sequence[Any]] = await cursor.fetchall()
                return rows
        except psycopg.Error as error:
            raise _meaning_of_read(error) from error

    async def marks(self, names: Collection[str]) -> Sequence[Sequence[Any]]:
        return await self.fetch_all(MARKS, {"names": list(names)})

    def commits(self) -> int | None:
        return None

    def listen(self, listener: Callable[[set[str]], None]) -> None:
        self._listener = listener

    async def carry_out(self, plan: Plan, precondition: str, parameters: database.Parameters) -> database.Row | None:
        job = Job(plan.as_one_statement(precondition), parameters, self._loop.create_future())
        try:
            self._queue.put(parameters["namespace"], job)
        except QueueFull:
            raise DatabaseUnavailable from None
        self._let_write()
        return await job.future

    async def stop(self) -> None:
        while self._writers:
            await asyncio.wait(self._writers)
        await self._pool.close()

    @asynccontextmanager
    async def _connection(self) -> "AsyncIterator[psycopg.AsyncConnection[Any]]":
        """A connection that has not ended while it lay in the pool."""
        async with self._pool.connection() as connection:
            if not has_news(connection):
                yield connection
                return
        await self._pool.check()
        async with self._pool.connection() as connection:
            yield connection

    def _let_write(self) -> None:
        if len(self._writers) < self._most_writers:
            writer = self._loop.create_task(self._write())
            self._writers.add(writer)
            writer.add_done_callback(self._writers.discard)

    async def _write(self) -> None:
        """Serve one namespace after the other until nothing waits that no other writer serves."""
        while (turn := self._queue.serve(LARGEST_GROUP)) is not None:
            namespace, jobs = turn
            try:
                await self._settle([job for job in jobs if not job.future.done()])
            finally:
                self._queue.served(namespace)
                if self._listener is not None:
                    self._listener({namespace})
                for job in jobs:
                    if not job.future.done():  # whatever went wrong, nobody waits for ever
                        job.future.set_exception(OutcomeUnknown())

    async def _settle(self, jobs: list[Job]) -> None:
        """Carry out writes of one namespace, and tell whoever waits for each."""
        try:
            verdicts = await self._commit(jobs) if jobs else []
        except psycopg.Error as error:
            if _is_worth_another_try(error, jobs):
                for job in jobs:
                    await self._settle_alone(job)
                return
            for job in jobs:
                _fail(job, error)
            return
        for job, verdict in zip(jobs, verdicts, strict=True):
            if not job.future.cancelled():
                job.future.set_result(verdict)

    async def _settle_alone(self, job: Job) -> None:
        try:
            [verdict] = await self._commit([job])
        except psycopg.Error as error:
            _fail(job, error)
            return
        if not job.future.cancelled():
            job.future.set_result(verdict)

    async def _commit(self, jobs: list[Job]) -> list[database.Row | None]:
        """Lock the namespace, then run the statements: one round trip, which is one transaction up to its end."""
        async with self._connection() as connection:
            async with connection.pipeline():
                await connection.execute(LOCK_NAMESPACE, {"namespace": jobs[0].parameters["namespace"]})
                cursors = [await connection.execute(job.sql, job.parameters) for job in jobs]
            return [await _row_of(cursor) for cursor in cursors]


async def _row_of(cursor: Any) -> database.Row | None:
    row = await cursor.fetchone()
    return row and dict(zip((column.name for column in cursor.description), row, strict=True))


def _is_worth_another_try(error: psycopg.Error, jobs: list[Job]) -> bool:
    """Whether the database has refused one of several, or met a namespace that appeared after its lock was sought.

    The second is told in `namespaces.database._run_locked`. A trouble such as a lock that is held meets them all.
    """
    if database.met_another_first_write(error):
        return True
    return len(jobs) > 1 and database.trouble_of_driver(error) is None


def _fail(job: Job, error: psycopg.Error) -> None:
    if job.future.cancelled():
        return
    meaning: Exception = OutcomeUnknown() if database.is_connection_lost(error) else _meaning_of_read(error)
    meaning.__cause__ = error
    job.future.set_exception(meaning)


def _meaning_of_read(error: psycopg.Error) -> Exception:
    return database.trouble_of_driver(error) or NotAnswered()


def _make_pool() -> "AsyncConnectionPool[Any]":
    parameters = connections.create_connection("default").get_connection_params()
    for of_django in ("cursor_factory", "context"):
        parameters.pop(of_django, None)
    adapters = AdaptersMap(psycopg.adapters)
    adapters.register_dumper(int, Int8Dumper)  # one type for all, so that a statement is prepared once
    parameters |= {
        "autocommit": True,
        "context": _Context(adapters),
        "options": f"{parameters.get('options', '')} -c timezone=UTC",
        "prepare_threshold": 1,
    }
    return AsyncConnectionPool(
        kwargs=parameters,
        min_size=min(4, settings.DATABASE_TURNS),
        max_size=settings.DATABASE_TURNS,
        timeout=settings.POSTGRESQL_TIMEOUT,
        reconnect_timeout=settings.POSTGRESQL_TIMEOUT,
        max_waiting=MOST_WAITING,
        open=False,
    )


@dataclass
class _Context:
    """What psycopg takes adapters from."""

    adapters: AdaptersMap
    connection: None = None
