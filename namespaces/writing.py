"""The write path: set and delete, each one transaction, its limits checked while the namespace is locked.

It knows no HTTP and may be called from a shell; its SQL is in `namespaces.sql`. Every function checks the names it is
given, raises the refusals of `namespaces.errors`, and leaves nothing behind where it refuses.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from namespaces import clock, database, sql
from namespaces.conditions import ALWAYS, Condition
from namespaces.errors import InvalidTTL, KeyNotFound, NamespaceNotFound, PreconditionFailed, StorageLimit
from namespaces.jsontext import JSONText
from namespaces.limits import limit
from namespaces.models import Namespace
from namespaces.names import check_key, check_namespace, check_writer
from namespaces.removal import reclaim
from namespaces.verdicts import Allowance, allowance_of, parameters_of, refusal_of


def _anyone_may_create() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Caller:
    """Who writes: the name they give themselves, their address, and the brake on namespaces that they would create.

    `admit_creation` is called when a namespace is made, in the transaction that makes it, and raises to forbid it.
    An operator is bound by what a value and a namespace may hold, but not by status and daily limit, whose writes are
    the agents'; and makes no namespace. `witness` is called with the revision of an accepted write, in its transaction.
    """

    writer: str = ""
    address: str = ""
    admit_creation: Callable[[], None] = _anyone_may_create
    is_operator: bool = False
    witness: Callable[[int], None] | None = None


NOBODY = Caller()


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
class Deleted:
    """An accepted delete; `version` is the revision of the deletion."""

    namespace: str
    key: str
    version: int
    allowance: Allowance


def set_entry(
    namespace: str,
    key: str,
    value: JSONText,
    *,
    ttl: float | None = None,
    condition: Condition = ALWAYS,
    caller: Caller = NOBODY,
    now: datetime | None = None,
) -> Written:
    """Set a key to a value, for `ttl` seconds or for good; the namespace is made if this is its first write.

    Raises InvalidNamespace, InvalidKey, InvalidWriter, InvalidTTL, ValueTooLarge, NamespaceReadOnly,
    NamespaceSuspended, DailyWriteLimit, StorageLimit, PreconditionFailed, DatabaseUnavailable, DiskFull, and what
    `caller.admit_creation` raises.
    """
    plan = sql.SET_BY_OPERATOR if caller.is_operator else sql.SET
    write = _Write(plan, namespace, key, caller, condition, now or clock.now())
    size = len(key.encode()) + value.size
    expires_at = write.now + _checked_ttl(ttl) if ttl is not None else None
    verdict = write.apply(
        value=value.text,
        value_bytes=value.size,
        entry_bytes=size,
        log_bytes=size,
        expires_at=database.as_parameter(expires_at),
    )
    return Written(
        namespace=namespace,
        key=key,
        version=verdict["revision"],
        is_new=verdict["live_version"] is None,
        bytes=size,
        created_at=clock.from_database(verdict["live_since"] or write.now),
        updated_at=write.now,
        expires_at=expires_at,
        allowance=allowance_of(verdict, write.now),
    )


def delete_entry(
    namespace: str,
    key: str,
    *,
    condition: Condition = ALWAYS,
    caller: Caller = NOBODY,
    now: datetime | None = None,
) -> Deleted:
    """Delete a key.

    Raises KeyNotFound where there is none (PreconditionFailed if a condition was given), else what `set_entry` does.
    """
    plan = sql.DELETE_BY_OPERATOR if caller.is_operator else sql.DELETE
    write = _Write(plan, namespace, key, caller, condition, now or clock.now())
    verdict = write.apply(value=None, value_bytes=0, entry_bytes=0, log_bytes=len(key.encode()), expires_at=None)
    return Deleted(namespace, key, verdict["revision"], allowance_of(verdict, write.now))


def _checked_ttl(ttl: float) -> timedelta:
    most = limit("ttl_seconds")
    if not 0 < ttl <= most:
        raise InvalidTTL(f"A ttl is a number of seconds above 0 and at most {most:,}.", limit=most)
    return max(timedelta(seconds=ttl), timedelta(microseconds=1))


@dataclass(frozen=True, slots=True)
class _Write:
    """One write on its way: the plan, what it concerns, and the moment that counts for all of it."""

    plan: sql.Plan
    namespace: str
    key: str
    caller: Caller
    condition: Condition
    now: datetime

    def __post_init__(self) -> None:
        check_namespace(self.namespace)
        check_key(self.key)
        check_writer(self.caller.writer, is_operator=self.caller.is_operator)

    def apply(self, *, value_bytes: int, **parameters: Any) -> database.Row:
        """Carry the write out and return its verdict, or raise why not."""
        parameters |= parameters_of(self.plan, self.namespace, self.key, self.now, value_bytes=value_bytes)
        parameters["writer"] = self.caller.writer
        with database.turn(writes=True):
            verdict = self._run(parameters)
            if verdict["refusal"] == StorageLimit.code and reclaim(self.namespace, self.now):
                verdict = self._run(parameters)
        if verdict["refusal"] is not None:
            raise refusal_of(verdict, parameters, self.now)
        return verdict

    def _run(self, parameters: Mapping[str, Any]) -> database.Row:
        if self.caller.witness:
            verdict = self._run_with(self.caller.witness, parameters)
        else:
            verdict = database.run(self.plan, self.condition.sql, parameters)
        return self._run_in_new_namespace(parameters) if verdict is None else verdict

    def _run_with(self, witness: Callable[[int], None], parameters: Mapping[str, Any]) -> database.Row | None:
        with database.write_transaction():
            verdict = database.run(self.plan, self.condition.sql, parameters)
            if verdict and verdict["refusal"] is None:
                witness(verdict["revision"])
        return verdict

    def _run_in_new_namespace(self, parameters: Mapping[str, Any]) -> database.Row:
        if not self.condition.is_met_by_nothing:
            raise PreconditionFailed(current_version=None)
        if self.plan is not sql.SET:
            raise KeyNotFound(self.namespace, self.key)
        with database.write_transaction():
            born = {"created_at": self.now, "created_from": self.caller.address}
            if Namespace.objects.get_or_create(name=self.namespace, defaults=born)[1]:
                self.caller.admit_creation()  # asked only by the one who makes it, and undone with it
            verdict = database.run(self.plan, self.condition.sql, parameters)
            if verdict is None:
                raise NamespaceNotFound(self.namespace)
            if verdict["refusal"] is not None:  # raised inside, so that the namespace is not made either
                raise refusal_of(verdict, parameters, self.now)
        return verdict
