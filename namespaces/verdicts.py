"""What a verdict of `namespaces.sql` is asked with, and what it means in words. It judges nothing itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from namespaces import clock, database
from namespaces.callers import NOBODY, Caller
from namespaces.errors import (
    DailyWriteLimit,
    KeyNotFound,
    NamespaceReadOnly,
    NamespaceSuspended,
    PreconditionFailed,
    Refusal,
    Restricted,
    StorageLimit,
    ValueTooLarge,
)
from namespaces.limits import limit
from namespaces.sql import Plan

RESTRICTIONS: dict[str, type[Restricted]] = {"suspended": NamespaceSuspended, "read_only": NamespaceReadOnly}


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many of its writes of the UTC day a namespace has used, the one just accepted included."""

    limit: int
    used: int
    resets_at: datetime

    @property
    def remaining(self) -> int:
        return max(self.limit - self.used, 0)


def parameters_of(
    plan: Plan, namespace: str, key: str, now: datetime, *, value_bytes: int, caller: Caller = NOBODY
) -> dict[str, Any]:
    """The parameters of every plan: what it concerns, who asks, the moment that counts, the limits of this server."""
    return {
        "namespace": namespace,
        "digest": caller.digest,
        "key": key,
        "kind": plan.kind,
        "now": database.as_parameter(now),
        "today": database.as_day_parameter(clock.day_of(now)),
        "value_bytes": value_bytes,
        "writes_per_day": limit("writes_per_day"),
        "bytes": limit("bytes"),
        "value_bytes_limit": limit("value_bytes"),
    }


def allowance_of(verdict: database.Row, now: datetime, *, is_counted: bool = True) -> Allowance:
    """What an accepted write leaves of the day's writes; one that is not counted, all that there were."""
    return Allowance(verdict["write_limit"], verdict["writes"] + int(is_counted), clock.end_of_day(now))


def restriction_of(namespace: str, status: str, reason: str, until: datetime | str | None) -> Restricted | None:
    """What an operator's status forbids, None for an active namespace."""
    if status not in RESTRICTIONS:
        return None
    return RESTRICTIONS[status](namespace, reason=reason, until=clock.from_database(until) if until else None)


def refusal_of(verdict: database.Row, parameters: database.Parameters, now: datetime) -> Refusal:
    """The exception for a verdict, taken at `now`, that refuses."""
    namespace, key = parameters["namespace"], parameters["key"]
    restriction = restriction_of(namespace, verdict["status"], verdict["status_reason"], verdict["status_until"])
    if restriction and restriction.code == verdict["refusal"]:
        return restriction
    match verdict["refusal"]:
        case ValueTooLarge.code:
            return ValueTooLarge(limit=verdict["value_limit"], used=parameters["value_bytes"])
        case KeyNotFound.code:
            return KeyNotFound(namespace, key)
        case DailyWriteLimit.code:
            resets_at = clock.end_of_day(now)
            return DailyWriteLimit(namespace, limit=verdict["write_limit"], used=verdict["writes"], resets_at=resets_at)
        case StorageLimit.code:
            return StorageLimit(
                namespace, limit=verdict["byte_limit"], used=verdict["stored_bytes"], needed=verdict["growth"]
            )
        case PreconditionFailed.code:
            return PreconditionFailed(current_version=verdict["live_version"])
        case unknown:
            raise ValueError(f"a verdict that nobody knows: {unknown}")
