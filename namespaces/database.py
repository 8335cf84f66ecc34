"""How a plan of `namespaces.sql` is run on the database at hand, and what its troubles mean. No rule is made here."""

import functools
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any, TypeVar

import psycopg
from django.conf import settings
from django.db import DatabaseError, Error, connection, connections, transaction
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from namespaces.errors import DatabaseTrouble, DatabaseUnavailable, DiskFull, NamespaceNotFound, OutcomeUnknown
from namespaces.sql import FOR_UPDATE, JUDGED, LOCK_NAMESPACE, READ_NAMESPACE, Plan
from namespaces.sqlite_turns import Turns, turns_of

Row = Mapping[str, Any]
Parameters = Mapping[str, Any]
Statement = tuple[Plan, str, Parameters]

T = TypeVar("T")

TURN_SECONDS = 5.0
# If no turn has begun or ended for so long, the database hangs, and nobody waits for it: the threads are needed to say
# so, and to answer /healthz.
STALL_SECONDS = 2.0
_turns = threading.BoundedSemaphore(settings.DATABASE_TURNS)
_last_move = 0.0


@contextmanager
def write_transaction() -> Iterator[None]:
    """One transaction that holds SQLite's write lock from its beginning; DatabaseUnavailable if that takes too long."""
    if connection.vendor != "sqlite":
        with transaction.atomic():
            yield
        return
    turns = sqlite_turns()
    if not turns.take(settings.SQLITE_TIMEOUT):
        raise DatabaseUnavailable
    try:
        with transaction.atomic():
            yield
    finally:
        turns.end()


def sqlite_turns() -> Turns:
    """The turns of the SQLite database at hand."""
    return turns_of(str(connection.settings_dict["NAME"]))


def run(plan: Plan, precondition: str, parameters: Parameters) -> Row | None:
    """Judge a write and, unless refused, carry it out; return the verdict, or None if there is no such namespace."""
    if connection.vendor == "postgresql":
        return _run_locked(plan.as_one_statement(precondition), parameters)
    with write_transaction(), connection.cursor() as cursor:
        return run_step_by_step(cursor, plan, precondition, parameters)


def run_step_by_step(cursor: Any, plan: Plan, precondition: str, parameters: Parameters) -> Row | None:
    """Do as `run` does, one statement after the other, in an open transaction that holds the database's write lock."""
    cursor.execute(plan.verdict(precondition), parameters)
    verdict = as_row(cursor)
    if verdict and verdict["refusal"] is None:
        constants = {**parameters, **{f"judged_{column}": verdict[column] for column in JUDGED}}
        for statement in plan.as_single_statements():
            cursor.execute(statement, constants)
    return verdict


def transact(namespace: str, work: Callable[[Any, Row], T]) -> T:
    """Do as `engine.transact` does, on this thread's own connection."""
    with write_transaction(), connection.cursor() as cursor:
        return work_on(cursor, namespace, work)


def work_on(cursor: Any, namespace: str, work: Callable[[Any, Row], T]) -> T:
    """Lock the namespace in an open transaction, which on SQLite holds the write lock already, and do the work."""
    is_locked = connection.vendor == "sqlite"
    cursor.execute(READ_NAMESPACE if is_locked else READ_NAMESPACE + FOR_UPDATE, {"namespace": namespace})
    row = as_row(cursor)
    if row is None:
        raise NamespaceNotFound(namespace)
    return work(cursor, row)


def run_all(cursor: Any, statements: Sequence[Statement]) -> Iterator[Row]:
    """Judge writes, and carry them out, in a transaction that holds the namespace's lock; each sees those before.

    After one that is refused, the others may have been carried out all the same: it is up to the caller to undo them.
    """
    if connection.vendor == "postgresql":
        for part in _in_runs(statements):
            yield from _set_many(cursor, part) if len(part) > 1 else _run_one(cursor, *part)
        return
    for plan, precondition, parameters in statements:
        verdict = run_step_by_step(cursor, plan, precondition, parameters)
        assert verdict is not None, "the namespace was there when it was locked"
        yield verdict


def _in_runs(statements: Sequence[Statement]) -> Iterator[list[Statement]]:
    """Split writes so that each part is one write, or sets of different keys on one condition."""
    run: list[Statement] = []
    keys: set[str] = set()
    for statement in statements:
        plan, precondition, parameters = statement
        if run and (plan.kind != "set" or run[0][:2] != (plan, precondition) or parameters["key"] in keys):
            yield run
            run, keys = [], set()
        run.append(statement)
        keys.add(parameters["key"])
    if run:
        yield run


def _run_one(cursor: Any, statement: Statement) -> Iterator[Row]:
    plan, precondition, parameters = statement
    cursor.execute(plan.as_one_statement(precondition), parameters)
    verdict = as_row(cursor)
    assert verdict is not None, "the namespace was there when it was locked"
    yield verdict


def _set_many(cursor: Any, statements: Sequence[Statement]) -> Iterator[Row]:
    """Carry out sets of different keys by one statement (PostgreSQL)."""
    plan, precondition, first = statements[0]
    columns = {
        "keys": "key",
        "values": "value",
        "value_sizes": "value_bytes",
        "entry_sizes": "entry_bytes",
        "expiries": "expires_at",
    }
    lists = {plural: [parameters[name] for _, _, parameters in statements] for plural, name in columns.items()}
    cursor.execute(plan.as_many(precondition), {**first, **lists})
    names = [column[0] for column in cursor.description]
    for row in cursor.fetchall():
        yield dict(zip(names, row, strict=True))


def _run_locked(sql: str, parameters: Parameters) -> Row | None:
    """Run `sql` with the namespace locked; once more where its row appeared between the lock, in vain, and the write.

    Such a write holds no lock. If another one came in between, both want the same revision of the change log, whose
    primary key lets one of them in, or each waits for the other until PostgreSQL ends one. The other, or the ended one,
    has changed nothing, and now finds a row to lock.
    """
    try:
        return _lock_and_run(sql, parameters)
    except DatabaseError as error:
        if connection.in_atomic_block or not met_another_first_write(error.__cause__):
            raise
        return _lock_and_run(sql, parameters)


def met_another_first_write(cause: BaseException | None) -> bool:
    """Whether a write without a lock ran into another one, as told in `_run_locked`."""
    return isinstance(cause, psycopg.IntegrityError | psycopg.errors.DeadlockDetected)


def _lock_and_run(sql: str, parameters: Parameters) -> Row | None:
    """Lock the namespace's row, then run `sql`: two statements, one round trip, one transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"{LOCK_NAMESPACE}; {sql}", parameters)
        cursor.nextset()
        return as_row(cursor)


def fetch(sql: str, parameters: Parameters) -> tuple[Any, ...] | None:
    """The first row that one statement answers."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


def fetch_all(sql: str, parameters: Parameters) -> list[tuple[Any, ...]]:
    """All rows that one statement answers."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def check() -> None:
    """Ask the database for something that needs its tables; raises DatabaseUnavailable where it does not answer."""
    with turn():
        fetch("SELECT name FROM namespaces_namespace WHERE name = ''", {})


def as_row(cursor: Any) -> Row | None:
    """The next row of a cursor by the names of its columns."""
    row = cursor.fetchone()
    return row and dict(zip((column[0] for column in cursor.description), row, strict=True))


def _take_turn() -> None:
    global _last_move
    began = time.monotonic()
    while not _turns.acquire(timeout=0.1):
        now = time.monotonic()
        if now - began > TURN_SECONDS or now - _last_move > STALL_SECONDS:
            raise DatabaseUnavailable
    _last_move = time.monotonic()


def _end_turn() -> None:
    global _last_move
    _last_move = time.monotonic()
    _turns.release()


def vendor() -> str:
    """Which kind of database there is: `sqlite` or `postgresql`. To ask `connection` would make one in every task."""
    return str(_operations(connections.settings["default"]["ENGINE"]).connection.vendor)


def as_parameter(moment: datetime | None) -> Any:
    """A moment in the form in which the database's own columns hold it, so that text compares as time on SQLite.

    What is common there, Django's own takes four times as long to find.
    """
    engine = connections.settings["default"]["ENGINE"]
    if engine.endswith("sqlite3") and moment is not None and moment.tzinfo is UTC:
        return moment.replace(tzinfo=None).isoformat(" ")
    return _operations(engine).adapt_datetimefield_value(moment)


def as_day_parameter(day: date) -> Any:
    """A day in the form in which the database's own columns hold it."""
    return _operations(connections.settings["default"]["ENGINE"]).adapt_datefield_value(day)


@functools.cache
def _operations(engine: str) -> Any:
    """What a kind of database does with values; to ask `connection` would make a new one in every task of a loop."""
    return connections.create_connection("default").ops


@contextmanager
def turn(*, writes: bool = False) -> Iterator[None]:
    """One of this process's `DATABASE_TURNS`; DatabaseUnavailable if none gets free in time.

    A database that hangs thus holds so many threads and no more; the others still answer. The database's own errors are
    raised as DatabaseTrouble where waiting, or a larger disk, would help: as OutcomeUnknown if it `writes` and the
    connection was lost. Turns do not nest.
    """
    _take_turn()
    try:
        yield
    except Error as error:
        trouble = OutcomeUnknown() if writes and is_connection_lost(error.__cause__) else trouble_of(error)
        if trouble is None:
            raise
        raise trouble from error
    finally:
        _end_turn()


def let_go() -> None:
    """Give this thread's PostgreSQL connection back to the pool, between two parts of one long answer."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def trouble_of(error: Error) -> DatabaseTrouble | None:
    """What a database error means for the caller; None where it is a mistake of ours."""
    if isinstance(error.__cause__, sqlite3.Error | psycopg.Error):
        return trouble_of_driver(error.__cause__)
    return None if isinstance(error, DatabaseError) else DatabaseUnavailable()


def trouble_of_driver(cause: sqlite3.Error | psycopg.Error) -> DatabaseTrouble | None:
    """The same for an error as the driver raised it."""
    if isinstance(cause, psycopg.errors.DiskFull) or _code_of(cause) == sqlite3.SQLITE_FULL:
        return DiskFull()
    return DatabaseUnavailable() if _is_passing(cause) else None


def is_connection_lost(cause: BaseException | None) -> bool:
    """Broken while PostgreSQL had the statement: neither refused by it, which has a SQLSTATE, nor never sent."""
    if not isinstance(cause, psycopg.OperationalError) or isinstance(cause, PoolTimeout | TooManyRequests | PoolClosed):
        return False
    return cause.sqlstate is None


def _is_passing(cause: sqlite3.Error | psycopg.Error) -> bool:
    """Locked, unreachable, shutting down, out of connections: the same request may succeed a moment later."""
    if isinstance(cause, sqlite3.OperationalError):
        passing = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR)
        return _code_of(cause) in passing
    return isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError | sqlite3.InterfaceError)


def _code_of(cause: BaseException) -> int:
    """SQLite's primary result code; 0 for an error of another kind."""
    code: int = getattr(cause, "sqlite_errorcode", 0)
    return code & 0xFF
