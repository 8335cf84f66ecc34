"""The write path: set, delete and change, each one transaction, its limits checked while the namespace is locked.

It knows no HTTP and may be called from a shell; its SQL is in `namespaces.sql`. Every function checks the names it is
given, raises the refusals of `namespaces.errors`, and leaves nothing behind where it refuses. `set_of` and `delete_of`
make a write that somebody else carries out, by an engine that must not be held up.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import DatabaseError

from namespaces import clock, database, engine, sql, units
from namespaces.callers import NOBODY, Caller
from namespaces.conditions import ALWAYS, Condition
from namespaces.edits import Edit, Edited, Target
from namespaces.errors import (
    EntryQuarantined,
    InvalidTTL,
    KeyNotFound,
    NamespaceNotFound,
    PreconditionFailed,
    StorageLimit,
)
from namespaces.jsontext import JSONText
from namespaces.limits import limit
from namespaces.models import Namespace
from namespaces.names import check_key, check_namespace, check_writer
from namespaces.removal import reclaim
from namespaces.units import FREE, Terms, Unit
from namespaces.verdicts import Allowance, allowance_of, parameters_of, refusal_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Written:
    """An accepted set. `bytes` counts key and value in UTF-8; `is_new` tells that the key did not exist before."""

    namespace: str
    key: str
    version: int
    is_new: bool
    bytes: int
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    allowance: Allowance


@dataclass(frozen=True, slots=True)
class Changed:
    """An accepted change, which is written like a set; `edited` tells the value, and what was popped."""

    written: Written
    edited: Edited


@dataclass(frozen=True, slots=True)
class Deleted:
    """An accepted delete; `version` is the revision of the deletion."""

    namespace: str
    key: str
    version: int
    allowance: Allowance


@dataclass(frozen=True, slots=True)
class Write:
    """One write on its way: what it concerns, the moment that counts for all of it, and what its plan is run with."""

    plan: sql.Plan
    namespace: str
    key: str
    condition: Condition
    now: datetime
    expires_at: datetime | None
    parameters: database.Parameters

    def written(self, verdict: database.Row) -> Written:
        """What an accepted set has done."""
        return Written(
            namespace=self.namespace,
            key=self.key,
            version=verdict["revision"],
            is_new=verdict["live_version"] is None,
            bytes=self.parameters["entry_bytes"],
            created_at=clock.from_database(verdict["live_since"] or self.now),
            updated_at=self.now,
            expires_at=self.expires_at,
            allowance=allowance_of(verdict, self.now, is_counted=self.plan.is_counted),
        )

    def deleted(self, verdict: database.Row) -> Deleted:
        """What an accepted delete has done."""
        allowance = allowance_of(verdict, self.now, is_counted=self.plan.is_counted)
        return Deleted(self.namespace, self.key, verdict["revision"], allowance)


def set_entry(
    namespace: str,
    key: str,
    value: JSONText,
    *,
    ttl: float | None = None,
    condition: Condition = ALWAYS,
    caller: Caller = NOBODY,
    terms: Terms = FREE,
    now: datetime | None = None,
) -> Written:
    """Set a key to a value, for `ttl` seconds or for good; the namespace is made if this is its first write.

    Raises InvalidNamespace, InvalidKey, InvalidWriter, InvalidTTL, ValueTooLarge, NamespaceReadOnly,
    NamespaceSuspended, TokenNotAllowed, DailyWriteLimit, StorageLimit, PreconditionFailed, DatabaseUnavailable,
    DiskFull, NamespaceNotFound if the namespace has become private to the caller meanwhile, and what
    `caller.admit_creation` raises; under terms also what `units.carry_out` does.
    """
    write = set_of(namespace, key, value, ttl=ttl, condition=condition, caller=caller, now=now)
    if terms is not FREE:
        return in_unit(namespace, lambda unit: write.written(run(unit, write)), caller, terms, write.now)
    return write.written(_carry_out(write, caller))


def delete_entry(
    namespace: str,
    key: str,
    *,
    condition: Condition = ALWAYS,
    caller: Caller = NOBODY,
    terms: Terms = FREE,
    now: datetime | None = None,
) -> Deleted:
    """Delete a key.

    Raises KeyNotFound where there is none (PreconditionFailed if a condition was given), else what `set_entry` does.
    """
    write = delete_of(namespace, key, condition=condition, caller=caller, now=now)
    if terms is not FREE:
        return in_unit(namespace, lambda unit: write.deleted(run(unit, write)), caller, terms, write.now)
    return write.deleted(_carry_out(write, caller))


def change_entry(
    namespace: str,
    key: str,
    edit: Edit,
    *,
    ttl: float | None = None,
    condition: Condition = ALWAYS,
    caller: Caller = NOBODY,
    terms: Terms = FREE,
    now: datetime | None = None,
) -> Changed:
    """Change the value under a key by what stands there, as one write; without a `ttl` it expires when it did before.

    Raises what `set_entry` does, and what the edit does.
    """
    change = change_of(namespace, key, edit, ttl=ttl, condition=condition, caller=caller, now=now)
    return in_unit(namespace, change.carry_out, caller, terms, change.now)


def set_of(
    namespace: str,
    key: str,
    value: JSONText,
    *,
    ttl: float | None = None,
    condition: Condition = ALWAYS,
    caller: Caller = NOBODY,
    now: datetime | None = None,
) -> Write:
    """The write that `set_entry` carries out; raises what is wrong with it whatever the database holds."""
    _check(namespace, key, caller)
    now = now or clock.now()
    expires_at = now + checked_ttl(ttl) if ttl is not None else None
    plan = sql.SET_BY_OPERATOR if caller.is_operator else sql.SET
    return _set_of(plan, namespace, key, value, expires_at, condition, caller, now)


def _set_of(
    plan: sql.Plan,
    namespace: str,
    key: str,
    value: JSONText,
    expires_at: datetime | None,
    condition: Condition,
    caller: Caller,
    now: datetime,
) -> Write:
    size = len(key.encode()) + value.size
    parameters = parameters_of(plan, namespace, key, now, value_bytes=value.size, caller=caller) | {
        "value": value.text,
        "entry_bytes": size,
        "log_bytes": size,
        "expires_at": database.as_parameter(expires_at),
        "writer": caller.writer,
        "is_verified": caller.is_verified,
    }
    return Write(plan, namespace, key, condition, now, expires_at, parameters)


def delete_of(
    namespace: str, key: str, *, condition: Condition = ALWAYS, caller: Caller = NOBODY, now: datetime | None = None
) -> Write:
    """The write that `delete_entry` carries out; raises what is wrong with it whatever the database holds."""
    _check(namespace, key, caller)
    plan = sql.DELETE_BY_OPERATOR if caller.is_operator else sql.DELETE
    return _delete_of(plan, namespace, key, condition, caller, now or clock.now())


def _delete_of(plan: sql.Plan, namespace: str, key: str, condition: Condition, caller: Caller, now: datetime) -> Write:
    parameters = parameters_of(plan, namespace, key, now, value_bytes=0, caller=caller) | {
        "value": None,
        "entry_bytes": 0,
        "log_bytes": len(key.encode()),
        "expires_at": None,
        "writer": caller.writer,
        "is_verified": caller.is_verified,
    }
    return Write(plan, namespace, key, condition, now, None, parameters)


def restoration_of(
    namespace: str,
    key: str,
    value: JSONText,
    *,
    expires_at: datetime | None,
    condition: Condition = ALWAYS,
    caller: Caller,
    now: datetime,
) -> Write:
    """The write that sets a key to what it was; of names and a caller that were checked."""
    plan = sql.SET_BY_OPERATOR if caller.is_operator else sql.RESTORE
    return _set_of(plan, namespace, key, value, expires_at, condition, caller, now)


@dataclass(frozen=True, slots=True)
class ChangeOf:
    """One change on its way, to be carried out in a unit of work."""

    namespace: str
    key: str
    edit: Edit
    lasting: timedelta | None
    condition: Condition
    caller: Caller
    now: datetime

    def carry_out(self, unit: Unit) -> Changed:
        """Judge the change whatever it makes of the entry, make it, and judge what it made like a set."""
        parameters = parameters_of(sql.CHANGE, self.namespace, self.key, self.now, value_bytes=0, caller=self.caller)
        verdict = unit.fetch(sql.CHANGE.verdict_and_entry(self.condition.sql), **parameters)
        assert verdict is not None, "the namespace is locked"
        if verdict["refusal"] is not None:
            raise refusal_of(verdict, parameters, self.now)
        version = verdict["live_version"]
        if verdict["is_hidden"]:
            raise EntryQuarantined(current_version=version)
        edited = self.edit.edit(None if version is None else Target(verdict["value"], version))
        stands = verdict["expires_at"] and clock.from_database(verdict["expires_at"])
        if not edited.has_changed:
            return Changed(self._as_it_was(verdict, stands), edited)
        expires_at = stands if self.lasting is None else self.now + self.lasting
        write = _set_of(sql.SET, self.namespace, self.key, edited.value, expires_at, ALWAYS, self.caller, self.now)
        return Changed(write.written(run(unit, write)), edited)

    def _as_it_was(self, verdict: database.Row, expires_at: datetime | None) -> Written:
        return Written(
            namespace=self.namespace,
            key=self.key,
            version=verdict["live_version"],
            is_new=False,
            bytes=verdict["bytes"],
            created_at=clock.from_database(verdict["live_since"]),
            updated_at=clock.from_database(verdict["updated_at"]),
            expires_at=expires_at,
            allowance=Allowance(verdict["write_limit"], verdict["writes"], clock.end_of_day(self.now)),
        )


def change_of(
    namespace: str,
    key: str,
    edit: Edit,
    *,
    ttl: float | None = None,
    condition: Condition = ALWAYS,
    caller: Caller = NOBODY,
    now: datetime | None = None,
) -> ChangeOf:
    """The change that `change_entry` carries out; raises what is wrong with it whatever the database holds."""
    _check(namespace, key, caller)
    lasting = None if ttl is None else checked_ttl(ttl)
    return ChangeOf(namespace, key, edit, lasting, condition, caller, now or clock.now())


def run(unit: Unit, write: Write) -> database.Row:
    """Carry out a write in a unit of work: its verdict, or what refuses it is raised."""
    [verdict] = run_all(unit, [write])
    return verdict


def run_all(unit: Unit, writes: Sequence[Write], *, tolerated: Collection[str] = ()) -> list[database.Row]:
    """Carry out writes one after the other: their verdicts, of which only `tolerated` refusals are not raised.

    The `position` of what is raised is the number of the write that was refused.
    """
    statements = [(write.plan, write.condition.sql, write.parameters) for write in writes]
    verdicts: list[database.Row] = []
    for write, verdict in zip(writes, database.run_all(unit.cursor, statements), strict=True):
        if verdict["refusal"] is not None and verdict["refusal"] not in tolerated:
            refusal = refusal_of(verdict, write.parameters, write.now)
            refusal.position = len(verdicts)
            raise refusal
        verdicts.append(verdict)
    unit.has_written |= any(verdict["refusal"] is None for verdict in verdicts)
    return verdicts


def in_unit(
    namespace: str, work: Callable[[Unit], T], caller: Caller, terms: Terms = FREE, now: datetime | None = None
) -> T:
    """Do work as one unit, for a caller; see `units.carry_out`."""
    now = now or clock.now()
    return units.carry_out(namespace, work, now=now, caller=caller, terms=terms)


def _check(namespace: str, key: str, caller: Caller) -> None:
    check_namespace(namespace)
    check_key(key)
    check_writer(caller.writer, is_operator=caller.is_operator)
    caller.check_writes(key)


def checked_ttl(ttl: float) -> timedelta:
    """How long an entry stays that is set for `ttl` seconds; InvalidTTL if that cannot be."""
    most = limit("ttl_seconds")
    if not 0 < ttl <= most:
        raise InvalidTTL(f"A ttl is a number of seconds above 0 and at most {most:,}.", limit=most)
    return max(timedelta(seconds=ttl), timedelta(microseconds=1))


def _carry_out(write: Write, caller: Caller) -> database.Row:
    """Carry a write out and return its verdict, or raise why not."""
    with database.turn(writes=True):
        verdict = _run(write, caller)
        if verdict["refusal"] == StorageLimit.code and reclaim(write.namespace, write.now):
            verdict = _run(write, caller)
    if verdict["refusal"] is not None:
        raise refusal_of(verdict, write.parameters, write.now)
    return verdict


def _run(write: Write, caller: Caller) -> database.Row:
    if caller.witness:
        verdict = _run_with(caller.witness, write)
    else:
        verdict = engine.carry_out(write.plan, write.condition.sql, write.parameters)
    return _run_first(write, caller) if verdict is None else verdict


def _run_first(write: Write, caller: Caller) -> database.Row:
    """Run the first write of a namespace; where another one came first and stopped it, as a later one."""
    try:
        return _run_in_new_namespace(write, caller)
    except DatabaseError as error:
        if not database.met_another_first_write(error.__cause__):
            raise
        return engine.carry_out(write.plan, write.condition.sql, write.parameters) or _run_in_new_namespace(
            write, caller
        )


def _run_with(witness: Callable[[int], None], write: Write) -> database.Row | None:
    with database.write_transaction():
        verdict = database.run(write.plan, write.condition.sql, write.parameters)
        if verdict and verdict["refusal"] is None:
            witness(verdict["revision"])
    return verdict


def _run_in_new_namespace(write: Write, caller: Caller) -> database.Row:
    if not write.condition.is_met_by_nothing:
        raise PreconditionFailed(current_version=None)
    if write.plan is not sql.SET:
        raise KeyNotFound(write.namespace, write.key)
    with database.write_transaction():
        born = {"created_at": write.now, "created_from": caller.address}
        _, is_made = Namespace.objects.get_or_create(name=write.namespace, defaults=born)
        verdict = database.run(write.plan, write.condition.sql, write.parameters)
        if verdict is None:
            raise NamespaceNotFound(write.namespace)
        if verdict["refusal"] is not None:  # raised inside, so that the namespace is not made either
            raise refusal_of(verdict, write.parameters, write.now)
        if is_made:
            caller.admit_creation()  # asked only by the one who makes it, and undone with it
    return verdict
