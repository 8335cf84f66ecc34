"""The engine on SQLite: one thread of each process commits all writes that wait together, and waits for the disk once.

A write is answered after its commit only. One that fails takes no neighbour with it: the group is taken back, and each
of its writes is committed alone.
"""

import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, cast

from django.conf import settings
from django.db import Error, connection, connections, transaction

from namespaces import database
from namespaces.engine import many
from namespaces.engine.errors import NotAnswered
from namespaces.engine.queue import FairQueue, QueueFull
from namespaces.errors import DatabaseUnavailable
from namespaces.sql import Plan

MOST_WAITING = 1_000
LARGEST_GROUP = 256
# How long the thread tries to get at the database before it looks who has waited too long.
ATTEMPT_SECONDS = 0.5
STOP_SECONDS = 10.0
MARKS = """
SELECT name, revision, fencing, access_version FROM namespaces_namespace
WHERE name IN (SELECT value FROM json_each(:names))
"""

Work = Callable[["NativeCursor"], Any]


class NativeCursor:
    """A cursor of the sqlite3 module for SQL as Django takes it, without what Django's own does for each statement."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._cursor = connection.cursor()
        self.fetchone, self.fetchall = self._cursor.fetchone, self._cursor.fetchall

    @property
    def description(self) -> Any:
        return self._cursor.description

    def execute(self, sql: str, parameters: database.Parameters) -> None:
        self._cursor.execute(_native(sql), parameters)


class _Placeholders:
    def __getitem__(self, name: str) -> str:
        return f":{name}"


@lru_cache(maxsize=1_024)
def _native(sql: str) -> str:
    return sql % _Placeholders()


@dataclass(eq=False, slots=True)
class Job:
    """Work that waits for its turn. `loop` is that of a future that only a loop may settle."""

    namespace: str
    work: Work | database.Statement
    future: "asyncio.Future[Any] | Future[Any]"
    deadline: float
    loop: asyncio.AbstractEventLoop | None = None

    @property
    def statement(self) -> database.Statement | None:
        """The write of one entry, if that is its work."""
        return self.work if isinstance(self.work, tuple) else None


Settled = tuple[Job, Any]


class GroupCommit:
    """The thread that writes. Work is run under the database's write lock, so it may read, decide, and write."""

    def __init__(self) -> None:
        self._queue: FairQueue[Job] = FairQueue(MOST_WAITING)
        self._changed = threading.Condition()
        self.is_stopping = False
        self.listener: Callable[[set[str]], None] | None = None
        self._thread = threading.Thread(target=self._serve, name="botwire-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Carry out what waits, and end."""
        with self._changed:
            self.is_stopping = True
            self._changed.notify()
        self._thread.join(STOP_SECONDS)

    def carry_out(self, plan: Plan, precondition: str, parameters: database.Parameters) -> database.Row | None:
        """For a thread, which waits."""
        future: Future[database.Row | None] = Future()
        self.submit(plan, precondition, parameters, future)
        return future.result()

    def submit(
        self,
        plan: Plan,
        precondition: str,
        parameters: database.Parameters,
        future: "asyncio.Future[Any] | Future[Any]",
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Let a write wait for its turn, SQLITE_TIMEOUT seconds at most; DatabaseUnavailable if too many do already."""
        self._put(parameters["namespace"], (plan, precondition, parameters), future, loop)

    def transact(self, namespace: str, work: Work) -> Any:
        """Let a thread's own work have its turn, and wait for it; what it raises undoes it, and is raised."""
        future: Future[Any] = Future()
        self._put(namespace, partial(_in_savepoint, work=work), future)
        return future.result()

    def _put(
        self,
        namespace: str,
        work: Work | database.Statement,
        future: "asyncio.Future[Any] | Future[Any]",
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        job = Job(namespace, work, future, time.monotonic() + settings.SQLITE_TIMEOUT, loop)
        with self._changed:
            if self.is_stopping:
                raise DatabaseUnavailable
            try:
                self._queue.put(job.namespace, job)
            except QueueFull:
                raise DatabaseUnavailable from None
            self._changed.notify()

    def _serve(self) -> None:
        try:
            while self._wait():
                try:
                    self._tell(_deliver(self._take_turn()))
                except OSError:  # the files of the turns cannot be opened
                    _deliver(self._given_up(DatabaseUnavailable()))
        finally:
            connection.close()

    def _tell(self, settled: list[Settled]) -> None:
        """Tell whoever listens where something may have been written; a refused write does no harm there."""
        if self.listener is not None and settled:
            self.listener({job.namespace for job, outcome in settled if not isinstance(outcome, Exception)})

    def _wait(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: len(self._queue) or self.is_stopping)
            return len(self._queue) > 0

    def _take_turn(self) -> list[Settled]:
        turns = database.sqlite_turns()
        if not turns.take(ATTEMPT_SECONDS):
            return self._overdue()
        try:
            return self._commit(self._next_group)
        finally:
            turns.end()

    def _next_group(self) -> list[Job]:
        with self._changed:
            return [job for job in self._queue.take(LARGEST_GROUP) if not job.future.cancelled()]

    def _commit(self, choose: Callable[[], list[Job]]) -> list[Settled]:
        """One transaction for the jobs that are chosen once it has begun, or one for each if that fails."""
        jobs: list[Job] = []
        try:
            self._connect()
            with connection.wrap_database_errors, transaction.atomic():
                jobs = choose()
                cursor = NativeCursor(connection.connection)
                outcomes = _carry_out(cursor, jobs)
        except Exception as error:  # noqa: BLE001 - handed to whoever waits for it
            if not jobs:
                return self._overdue() if _is_busy(error) else self._given_up(error)
            if len(jobs) == 1:
                return [(jobs[0], error)]
            return [settled for job in jobs for settled in self._commit(lambda job=job: [job])]  # type: ignore[misc]
        return list(zip(jobs, outcomes, strict=True))

    def _connect(self) -> None:
        if connection.connection is None:
            connection.connect()
            native = cast(sqlite3.Connection, connection.connection)
            native.execute(f"PRAGMA busy_timeout = {int(ATTEMPT_SECONDS * 1_000)}")
            many.prepare(native)

    def _overdue(self) -> list[Settled]:
        now = time.monotonic()
        with self._changed:
            return [(job, DatabaseUnavailable()) for job in self._queue.drop(lambda job: job.deadline < now)]

    def _given_up(self, error: Exception) -> list[Settled]:
        with self._changed:
            return [(job, error) for job in self._queue.drop(lambda job: True)]


def _carry_out(cursor: NativeCursor, jobs: Sequence[Job]) -> list[Any]:
    """What comes of each job. Sets that stand together go together, unless one of them would be refused."""
    outcomes: list[Any] = []
    for part in many.parts_of(job.statement for job in jobs):
        statements = [statement for place in part if (statement := jobs[place].statement)]
        verdicts = many.carry_out(cursor, statements) if len(statements) >= many.FEWEST else None
        outcomes += [_run(cursor, jobs[place].work) for place in part] if verdicts is None else verdicts
    return outcomes


def _run(cursor: NativeCursor, work: Work | database.Statement) -> Any:
    return database.run_step_by_step(cursor, *work) if isinstance(work, tuple) else work(cursor)


def _in_savepoint(cursor: NativeCursor, work: Work) -> Any:
    """The work's result, or what it raised as a result, so that its neighbours need not be done again.

    An error of the database may have ended the transaction itself, so that one is raised.
    """
    cursor.execute("SAVEPOINT unit", {})
    try:
        result = work(cursor)
    except sqlite3.Error:
        raise
    except Exception as error:  # noqa: BLE001 - handed to whoever waits for it
        cursor.execute("ROLLBACK TO unit", {})
        result = error
    cursor.execute("RELEASE unit", {})
    return result


def _is_busy(error: Exception) -> bool:
    return getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def _deliver(group: list[Settled]) -> list[Settled]:
    """Tell those who wait: each thread by itself, a loop once for all of its own. The group is given back."""
    by_loop: dict[asyncio.AbstractEventLoop | None, list[Settled]] = {}
    for job, outcome in group:
        by_loop.setdefault(job.loop, []).append((job, outcome))
    for loop, settled in by_loop.items():
        if loop is None:
            _settle(settled)
        elif not loop.is_closed():
            loop.call_soon_threadsafe(_settle, settled)
    return group


def _settle(group: Iterable[Settled]) -> None:
    for job, outcome in group:
        if job.future.cancelled():
            continue
        if isinstance(outcome, Exception):
            job.future.set_exception(outcome)
        else:
            job.future.set_result(outcome)


class SQLiteEngine:
    """Reads on the loop itself, each a few steps in a file that is in memory; writes by the thread."""

    def __init__(self, group: GroupCommit, reader: sqlite3.Connection) -> None:
        self.group, self._reader = group, reader
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def start(cls) -> "SQLiteEngine":
        """Start the thread, and open what is read from."""
        group = GroupCommit()
        group.start()
        return cls(group, await asyncio.to_thread(_open_reader))

    async def fetch(self, sql: str, parameters: database.Parameters) -> Sequence[Any] | None:
        rows = self._fetch(_native(sql), parameters)
        return rows[0] if rows else None

    async def fetch_all(self, sql: str, parameters: database.Parameters) -> Sequence[Sequence[Any]]:
        return self._fetch(_native(sql), parameters)

    async def marks(self, names: Collection[str]) -> Sequence[Sequence[Any]]:
        return self._fetch(MARKS, {"names": json.dumps(list(names))})

    def commits(self) -> int | None:
        number: int = self._fetch("PRAGMA data_version", {})[0][0]
        return number

    def listen(self, listener: Callable[[set[str]], None]) -> None:
        self.group.listener = lambda names: self._on_loop(listener, names)

    def _on_loop(self, listener: Callable[[set[str]], None], names: set[str]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(listener, names)

    def _fetch(self, sql: str, parameters: database.Parameters) -> list[Any]:
        try:
            # All rows, so that no snapshot outlives the call: the next read has to see later writes.
            return self._reader.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise NotAnswered from error

    async def carry_out(self, plan: Plan, precondition: str, parameters: database.Parameters) -> database.Row | None:
        future: asyncio.Future[database.Row | None] = self._loop.create_future()
        self.group.submit(plan, precondition, parameters, future, self._loop)
        try:
            return await future
        except Error as error:
            raise database.trouble_of(error) or NotAnswered from error

    async def stop(self) -> None:
        await asyncio.to_thread(self.group.stop)
        self._reader.close()


def _open_reader() -> sqlite3.Connection:
    """A connection for reads alone that never waits; with a write lock in its way, it fails at once."""
    wrapper = connections.create_connection("default")
    wrapper.connect()
    reader: sqlite3.Connection = wrapper.connection
    reader.execute("PRAGMA busy_timeout = 0")
    reader.execute("PRAGMA query_only = ON")
    return reader
