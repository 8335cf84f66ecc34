"""Leases: a name that one holder has for a while, with a number that only grows; and claims, leases of waiting entries.

A lease takes no revision and counts as no write, so that holding one never eats the day. Its fencing number comes from
the namespace's counter, which also grows when a lease is given back: whoever waits sees both.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from namespaces import clock, database, reading
from namespaces.callers import NOBODY, Caller
from namespaces.errors import InvalidTTL, LeaseHeld, LeaseLimit, LeaseNotFound, NothingToClaim
from namespaces.limits import limit
from namespaces.models import Lease as LeaseRow
from namespaces.names import after_prefix, check_key, check_namespace, check_prefix, check_writer
from namespaces.reading import Remembered
from namespaces.sql import is_hidden
from namespaces.units import FREE, Held, Terms, Unit, check_held
from namespaces.writing import in_unit

_FIND = """
SELECT holder, fencing, acquired_at, expires_at FROM namespaces_lease
WHERE namespace_id = %(namespace)s AND name = %(name)s AND expires_at > %(now)s
"""
_COUNT = "SELECT COUNT(*) AS held FROM namespaces_lease WHERE namespace_id = %(namespace)s AND expires_at > %(now)s"
_ADVANCE = "UPDATE namespaces_namespace SET fencing = %(fencing)s WHERE name = %(namespace)s"
_TAKE = """
INSERT INTO namespaces_lease (namespace_id, name, holder, fencing, acquired_at, expires_at)
VALUES (%(namespace)s, %(name)s, %(holder)s, %(fencing)s, %(now)s, %(expires_at)s)
ON CONFLICT (namespace_id, name) DO UPDATE SET holder = excluded.holder, fencing = excluded.fencing,
    acquired_at = excluded.acquired_at, expires_at = excluded.expires_at
"""
_PROLONG = """
UPDATE namespaces_lease SET expires_at = %(expires_at)s WHERE namespace_id = %(namespace)s AND name = %(name)s
"""
_GIVE_BACK = "DELETE FROM namespaces_lease WHERE namespace_id = %(namespace)s AND name = %(name)s"
_NEXT_UNCLAIMED = """
SELECT e.key, e.value, e.version, e.writer, e.is_verified, e.created_at, e.updated_at, e.expires_at
FROM namespaces_entry AS e
WHERE e.namespace_id = %(namespace)s AND e.key >= %(prefix)s {before_end}
    AND (e.expires_at IS NULL OR e.expires_at > %(now)s)
    AND NOT {is_hidden}
    AND NOT EXISTS (
        SELECT 1 FROM namespaces_lease AS l
        WHERE l.namespace_id = e.namespace_id AND l.name = e.key AND l.expires_at > %(now)s
    )
ORDER BY e.key LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that is held; `holder` is what the holder calls itself, empty where it gave no name."""

    namespace: str
    name: str
    holder: str
    fencing: int
    acquired_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """An entry that nobody else works on while the lease of its key is held."""

    entry: Remembered
    lease: Lease


def acquire(
    namespace: str,
    name: str,
    ttl: float,
    *,
    holder: str | None = None,
    caller: Caller = NOBODY,
    terms: Terms = FREE,
    now: datetime | None = None,
) -> Lease:
    """Take a lease for `ttl` seconds; the namespace is made if nothing was written to it. It does not wait.

    Raises InvalidNamespace, InvalidKey, InvalidWriter, InvalidTTL, LeaseHeld, LeaseLimit, NamespaceReadOnly,
    NamespaceSuspended, TokenNotAllowed, and what `units.carry_out` does.
    """
    check_namespace(namespace)
    check_key(name)
    caller.check_writes(name)
    lasting, holder = _checked_ttl(ttl), _checked_holder(holder, caller)
    return in_unit(namespace, lambda unit: _acquire(unit, name, holder, lasting), caller, terms, now)


def renew(
    namespace: str,
    name: str,
    fencing: int,
    ttl: float,
    *,
    caller: Caller = NOBODY,
    terms: Terms = FREE,
    now: datetime | None = None,
) -> Lease:
    """Hold a lease for `ttl` seconds from now. Raises LeaseLost if it is not held by that number, expired included."""
    check_namespace(namespace)
    check_key(name)
    caller.check_writes(name)
    lasting = _checked_ttl(ttl)

    def work(unit: Unit) -> Lease:
        check_held(unit, Held(name, fencing))
        unit.execute(_PROLONG, name=name, expires_at=database.as_parameter(unit.now + lasting))
        unit.has_written = True
        return _found(unit, name)

    return in_unit(namespace, work, caller, terms, now)


def release(
    namespace: str,
    name: str,
    fencing: int,
    *,
    caller: Caller = NOBODY,
    terms: Terms = FREE,
    now: datetime | None = None,
) -> Held:
    """Give a lease back. Raises LeaseLost if it is not held by that number."""
    check_namespace(namespace)
    check_key(name)
    caller.check_writes(name)

    def work(unit: Unit) -> Held:
        check_held(unit, Held(name, fencing))
        unit.execute(_GIVE_BACK, name=name)
        unit.execute(_ADVANCE, fencing=unit.fencing + 1)
        unit.has_written = True
        return Held(name, fencing)

    return in_unit(namespace, work, caller, terms, now)


def find(namespace: str, name: str, *, caller: Caller = NOBODY, now: datetime | None = None) -> Lease:
    """The lease of a name, if somebody holds it. Raises LeaseNotFound, NamespaceSuspended, TokenNotAllowed."""
    check_namespace(namespace)
    check_key(name)
    caller.check_reads(name)
    now = now or clock.now()
    with database.turn():
        is_readable = reading.is_readable_now(namespace, caller, now)
        row = LeaseRow.objects.filter(namespace_id=namespace, name=name, expires_at__gt=now).values().first()
    if row is None or not is_readable:
        raise LeaseNotFound(namespace, name)
    return _lease_of(namespace, name, row)


def claim(
    namespace: str,
    prefix: str,
    ttl: float,
    *,
    holder: str | None = None,
    caller: Caller = NOBODY,
    terms: Terms = FREE,
    now: datetime | None = None,
) -> Claim:
    """Take the lease of the first key under `prefix` whose lease nobody holds. It does not wait.

    Raises NothingToClaim where there is none, InvalidPrefix, else what `acquire` does.
    """
    check_namespace(namespace)
    check_prefix(prefix)
    caller.check_writes(prefix)
    lasting, holder = _checked_ttl(ttl), _checked_holder(holder, caller)

    def work(unit: Unit) -> Claim:
        unit.check_writable()
        end = after_prefix(prefix)
        sql = _NEXT_UNCLAIMED.format(before_end="" if end is None else "AND e.key < %(end)s", is_hidden=is_hidden("e"))
        row = unit.fetch(sql, prefix=prefix, end=end)
        if row is None:
            raise NothingToClaim(namespace, prefix)
        return Claim(reading.remembered_row(namespace, row), _acquire(unit, row["key"], holder, lasting))

    return in_unit(namespace, work, caller, terms, now)


def _acquire(unit: Unit, name: str, holder: str, lasting: timedelta) -> Lease:
    unit.check_writable()
    held = unit.fetch(_FIND, name=name)
    if held is not None:
        raise _held(unit, _lease_of(unit.namespace, name, held))
    most = limit("leases")
    counted = unit.fetch(_COUNT)
    if counted and counted["held"] >= most:
        raise LeaseLimit(unit.namespace, limit=most)
    fencing = unit.fencing + 1
    unit.execute(_ADVANCE, fencing=fencing)
    expires_at = unit.now + lasting
    unit.execute(_TAKE, name=name, holder=holder, fencing=fencing, expires_at=database.as_parameter(expires_at))
    unit.has_written = True
    return Lease(unit.namespace, name, holder, fencing, unit.now, expires_at)


def _held(unit: Unit, lease: Lease) -> LeaseHeld:
    left = math.ceil((lease.expires_at - unit.now).total_seconds())
    return LeaseHeld(lease.name, holder=lease.holder, expires_at=lease.expires_at, retry_after=max(left, 1))


def _found(unit: Unit, name: str) -> Lease:
    row = unit.fetch(_FIND, name=name)
    assert row is not None, "it has just been prolonged"
    return _lease_of(unit.namespace, name, row)


def _lease_of(namespace: str, name: str, row: Mapping[str, Any]) -> Lease:
    acquired_at, expires_at = (clock.from_database(row[column]) for column in ("acquired_at", "expires_at"))
    return Lease(namespace, name, row["holder"], row["fencing"], acquired_at, expires_at)


def _checked_holder(holder: str | None, caller: Caller) -> str:
    check_writer(caller.writer)
    return check_writer(caller.writer if holder is None else holder)


def _checked_ttl(ttl: float) -> timedelta:
    most = limit("lease_seconds")
    if not 1 <= ttl <= most:
        raise InvalidTTL(f"A lease's ttl is a number of seconds from 1 to {most:,}.", limit=most)
    return timedelta(seconds=ttl)
