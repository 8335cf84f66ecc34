"""The write engine: how writes that wait together reach the database together. It makes no rule and knows no HTTP.

A serving process starts it once, on its event loop, and gets the `Engine` that the loop itself may ask. Threads call
`carry_out`, which on SQLite puts their writes into the same groups; where no engine runs (a shell, a command), or
inside a transaction of the caller's own, it does without. Every write is judged by the plans of `namespaces.sql`.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol, TypeVar

from django.db import connection

from namespaces import database
from namespaces.engine.postgresql import PostgreSQLEngine
from namespaces.engine.sqlite import GroupCommit, SQLiteEngine
from namespaces.sql import Plan

T = TypeVar("T")

_group: GroupCommit | None = None


class Engine(Protocol):
    """What an event loop may ask without ever being held up.

    `fetch` and `carry_out` raise `NotAnswered` where only somebody who may block can tell, nothing being written then,
    and DatabaseTrouble as the blocking calls do.
    """

    async def fetch(self, sql: str, parameters: database.Parameters) -> Sequence[Any] | None:
        """The first row that one statement answers. It sees every write that any process has acknowledged."""
        ...

    async def fetch_all(self, sql: str, parameters: database.Parameters) -> Sequence[Sequence[Any]]:
        """The same, of all rows; to be asked for few."""
        ...

    async def marks(self, names: Collection[str]) -> Sequence[Sequence[Any]]:
        """Name, revision, fencing number and access version of those of the namespaces that exist."""
        ...

    def commits(self) -> int | None:
        """A number that is another one when anybody has committed; None where only asking for `marks` can tell."""
        ...

    def listen(self, listener: Callable[[set[str]], None]) -> None:
        """Have `listener` called on the loop, soon after each commit of this engine, with the namespaces written to."""
        ...

    async def carry_out(self, plan: Plan, precondition: str, parameters: database.Parameters) -> database.Row | None:
        """Judge a write and, unless refused, carry it out: the verdict, or None if there is no such namespace.

        A call that is cancelled has written nothing or all of it, and what is written is counted.
        """
        ...

    async def stop(self) -> None:
        """Carry out what waits, take nothing more, and let go of the database."""
        ...


async def start() -> Engine:
    """Start the engine of this process on the running loop. To be called after the process was forked."""
    global _group
    if connection.vendor == "postgresql":
        return await PostgreSQLEngine.start()
    engine = await SQLiteEngine.start()
    _group = engine.group
    return engine


def carry_out(plan: Plan, precondition: str, parameters: database.Parameters) -> database.Row | None:
    """Do as `Engine.carry_out` does, for a thread, which is held up; database errors are raised as they are."""
    group = _group
    if group is None or group.is_stopping or connection.in_atomic_block:
        return database.run(plan, precondition, parameters)
    return group.carry_out(plan, precondition, parameters)


def transact(namespace: str, work: Callable[[Any, database.Row], T]) -> T:
    """What `work(cursor, row)` returns, run for a thread in a transaction of its own with the namespace locked.

    `row` is the namespace's. What `work` raises undoes all that it did, and nothing else. NamespaceNotFound if there is
    no such namespace; database errors are raised as they are.
    """
    group = _group
    if group is None or group.is_stopping or connection.in_atomic_block:
        return database.transact(namespace, work)

    def locked(cursor: Any) -> T:
        return database.work_on(cursor, namespace, work)

    result: T = group.transact(namespace, locked)
    return result
