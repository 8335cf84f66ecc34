"""How a plan of `namespaces.sql` is run on the database at hand, and what its troubles mean. No rule is made here."""

import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import psycopg
from django.conf import settings
from django.db import DatabaseError, Error, IntegrityError, connection, transaction
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from namespaces.errors import DatabaseTrouble, DatabaseUnavailable, DiskFull, OutcomeUnknown
from namespaces.sql import JUDGED, LOCK_NAMESPACE, Plan

Row = Mapping[str, Any]
Parameters = Mapping[str, Any]

# SQLite has one writer at a time, and waits for it by sleeping; threads of one process queue here, awake at once.
_sqlite_writer = threading.RLock()

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
    if not _sqlite_writer.acquire(timeout=settings.SQLITE_TIMEOUT):
        raise DatabaseUnavailable
    try:
        with transaction.atomic():
            yield
    finally:
        _sqlite_writer.release()


def run(plan: Plan, precondition: str, parameters: Parameters) -> Row | None:
    """Judge a write and, unless refused, carry it out; return the verdict, or None if there is no such namespace."""
    if connection.vendor == "postgresql":
        return _run_locked(plan.as_one_statement(precondition), parameters)
    with write_transaction():
        verdict = _fetch(plan.verdict(precondition), parameters)
        if verdict and verdict["refusal"] is None:
            _carry_out(plan, parameters, verdict)
    return verdict


def _run_locked(sql: str, parameters: Parameters) -> Row | None:
    """Run `sql` with the namespace locked; once more where its row appeared between the lock, in vain, and the write.

    Such a write holds no lock. If another one came in between, both want the same revision of the change log, whose
    primary key lets one of them in; the other has changed nothing, and now finds a row to lock.
    """
    try:
        return _lock_and_run(sql, parameters)
    except IntegrityError:
        if connection.in_atomic_block:
            raise
        return _lock_and_run(sql, parameters)


def _lock_and_run(sql: str, parameters: Parameters) -> Row | None:
    """Lock the namespace's row, then run `sql`: two statements, one round trip, one transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"{LOCK_NAMESPACE}; {sql}", parameters)
        cursor.nextset()
        return _as_row(cursor)


def _carry_out(plan: Plan, parameters: Parameters, verdict: Row) -> None:
    constants = {**parameters, **{f"judged_{column}": verdict[column] for column in JUDGED}}
    with connection.cursor() as cursor:
        for statement in plan.as_single_statements():
            cursor.execute(statement, constants)


def fetch(sql: str, parameters: Parameters) -> tuple[Any, ...] | None:
    """The first row that one statement answers."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


def check() -> None:
    """Ask the database for something that needs its tables; raises DatabaseUnavailable where it does not answer."""
    with turn():
        fetch("SELECT name FROM namespaces_namespace WHERE name = ''", {})


def _fetch(sql: str, parameters: Parameters) -> Row | None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return _as_row(cursor)


def _as_row(cursor: Any) -> Row | None:
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


def as_parameter(moment: datetime | None) -> Any:
    """A moment in the form in which the database's own columns hold it, so that text compares as time on SQLite."""
    return connection.ops.adapt_datetimefield_value(moment)


def as_day_parameter(day: date) -> Any:
    """A day in the form in which the database's own columns hold it."""
    return connection.ops.adapt_datefield_value(day)


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
        trouble = OutcomeUnknown() if writes and _is_connection_lost(error) else trouble_of(error)
        if trouble is None:
            raise
        raise trouble from error
    finally:
        _end_turn()


def let_go() -> None:
    """Give PostgreSQL's connection back to the pool between two reads of one long answer."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def trouble_of(error: Error) -> DatabaseTrouble | None:
    """What a database error means for the caller; None where it is a mistake of ours."""
    cause = error.__cause__
    if isinstance(cause, psycopg.errors.DiskFull):
        return DiskFull()
    if isinstance(cause, sqlite3.Error) and getattr(cause, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
        return DiskFull()
    if _is_passing(error, cause):
        return DatabaseUnavailable()
    return None


def _is_connection_lost(error: Error) -> bool:
    """Broken while PostgreSQL had the statement: neither refused by it, which has a SQLSTATE, nor never sent."""
    cause = error.__cause__
    if not isinstance(cause, psycopg.OperationalError) or isinstance(cause, PoolTimeout | TooManyRequests | PoolClosed):
        return False
    return cause.sqlstate is None


def _is_passing(error: Error, cause: BaseException | None) -> bool:
    """Locked, unreachable, shutting down, out of connections: the same request may succeed a moment later."""
    if isinstance(cause, sqlite3.OperationalError):
        passing = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR)
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF in passing
    if isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
        return True
    return not isinstance(error, DatabaseError)
