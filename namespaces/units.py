"""Units of work: what reads, decides and writes in one transaction, with the namespace locked. No rule is made here.

A unit may be bound to a lease that has to be held, and be done once only for all requests with one idempotency key. A
refusal leaves nothing behind; a namespace that is not there is made, unless the unit writes nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import transaction

from namespaces import clock, database, engine
from namespaces.callers import Caller
from namespaces.errors import IdempotencyKeyReused, LeaseLost, NamespaceNotFound, Restricted, StorageLimit
from namespaces.limits import limit
from namespaces.models import Namespace
from namespaces.removal import reclaim
from namespaces.verdicts import restriction_of

T = TypeVar("T")

_FIND_RECEIPT = """
SELECT r.request, r.answer, r.at = ns.created_at AS is_first FROM namespaces_receipt AS r
JOIN namespaces_namespace AS ns ON ns.name = r.namespace_id
WHERE r.namespace_id = %(namespace)s AND r.key = %(key)s AND r.at > %(since)s
"""
_KEEP_RECEIPT = """
INSERT INTO namespaces_receipt (namespace_id, key, request, answer, at)
VALUES (%(namespace)s, %(key)s, %(request)s, %(answer)s, %(now)s)
ON CONFLICT (namespace_id, key) DO UPDATE SET request = excluded.request, answer = excluded.answer, at = excluded.at
"""
_IS_GOOD = """
SELECT 1 FROM namespaces_token
WHERE namespace_id = %(namespace)s AND digest = %(digest)s AND (expires_at IS NULL OR expires_at > %(now)s)
"""
_FIND_HELD = """
SELECT fencing FROM namespaces_lease WHERE namespace_id = %(namespace)s AND name = %(name)s AND expires_at > %(now)s
"""


class Repeated(Exception):
    """No refusal: the request was carried out before, and nothing is done now. `answer` is what was kept then.

    `is_first` tells that it was the one that made the namespace.
    """

    def __init__(self, namespace: str, answer: str, *, is_first: bool) -> None:
        super().__init__("This request was answered before.")
        self.namespace, self.answer, self.is_first = namespace, answer, is_first


@dataclass(frozen=True, slots=True)
class Once:
    """A request that is carried out once. `request` tells it from others; `keep` makes of a result what is kept."""

    key: str
    request: str
    keep: Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Held:
    """A lease as its holder names it."""

    name: str
    fencing: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What a write is bound to beside its condition. Without any, it needs no unit of work."""

    lease: Held | None = None
    once: Once | None = None


FREE = Terms()


@dataclass(slots=True)
class Unit:
    """A locked namespace and the moment that counts. Whoever writes through `cursor` says so in `has_written`."""

    cursor: Any
    namespace: str
    now: datetime
    fencing: int
    revision: int
    restriction: Restricted | None
    access_version: int
    created_at: datetime
    has_written: bool = False

    def execute(self, sql: str, **parameters: Any) -> None:
        """Run a statement, with `namespace` and `now` among its parameters."""
        known = {"namespace": self.namespace, "now": database.as_parameter(self.now)}
        self.cursor.execute(sql, known | parameters)

    def fetch(self, sql: str, **parameters: Any) -> Mapping[str, Any] | None:
        """The first row that a statement answers, by the names of its columns."""
        self.execute(sql, **parameters)
        return database.as_row(self.cursor)

    def fetch_rows(self, sql: str, **parameters: Any) -> Sequence[Sequence[Any]]:
        """All rows that a statement answers."""
        self.execute(sql, **parameters)
        rows: Sequence[Sequence[Any]] = self.cursor.fetchall()
        return rows

    def fetch_all(self, sql: str, **parameters: Any) -> list[Mapping[str, Any]]:
        """The same, of all rows; to be asked for few."""
        self.execute(sql, **parameters)
        return list(iter(lambda: database.as_row(self.cursor), None))

    def has_token(self, caller: Caller) -> bool:
        """Whether the caller's token is, still, one of the namespace."""
        return self.fetch(_IS_GOOD, digest=caller.digest) is not None

    def check_readable(self) -> None:
        """Raise NamespaceSuspended if it is."""
        if self.restriction and self.restriction.forbids_reading:
            raise self.restriction

    def check_writable(self) -> None:
        """Raise NamespaceSuspended or NamespaceReadOnly if it is."""
        if self.restriction:
            raise self.restriction


def carry_out(
    namespace: str,
    work: Callable[[Unit], T],
    *,
    now: datetime,
    caller: Caller,
    terms: Terms = FREE,
    is_for_anyone: bool = False,
) -> T:
    """What `work` returns, done under `terms`, after room was made if it lacked only that.

    Raises what `work` raises, LeaseLost, IdempotencyKeyReused, what `caller.admit_creation` raises, TokenNotAllowed,
    DatabaseUnavailable, DiskFull; and Repeated where it was done before. NamespaceNotFound: it is private, and not the
    caller's any more, unless the work `is_for_anyone`.
    """
    if terms.lease:
        caller.check_reads(terms.lease.name)

    def bound(cursor: Any, row: database.Row) -> T:
        unit = unit_of(cursor, row, namespace, now)
        if unit.access_version and not (is_for_anyone or caller.is_operator or unit.has_token(caller)):
            raise NamespaceNotFound(namespace)
        return _do(unit, work, terms)

    def attempt() -> T:
        try:
            return engine.transact(namespace, bound)
        except NamespaceNotFound:
            return _carry_out_in_new_namespace(namespace, bound, now, caller)

    with database.turn(writes=True):
        try:
            return attempt()
        except StorageLimit:
            if not reclaim(namespace, now):
                raise
            return attempt()


def _carry_out_in_new_namespace(
    namespace: str,
    bound: Callable[[Any, database.Row], T],
    now: datetime,
    caller: Caller,
) -> T:
    with database.write_transaction():
        born = {"created_at": now, "created_from": caller.address}
        _, is_made = Namespace.objects.get_or_create(name=namespace, defaults=born)
        result = database.transact(namespace, bound)
        if is_made:
            if Namespace.objects.filter(name=namespace, revision=0, fencing=0, access_version=0).exists():
                transaction.set_rollback(True)  # nothing was written, so it does not exist
            else:
                caller.admit_creation()  # asked only by the one who makes it, and undone with it
    return result


def unit_of(cursor: Any, row: database.Row, namespace: str, now: datetime) -> Unit:
    """The unit of work on a namespace that has been locked, and whose row this is."""
    until = row["status_until"] and clock.from_database(row["status_until"])
    is_over = until is not None and until <= now
    restriction = None if is_over else restriction_of(namespace, row["status"], row["status_reason"], until)
    return Unit(
        cursor=cursor,
        namespace=namespace,
        now=now,
        fencing=row["fencing"],
        revision=row["revision"],
        restriction=restriction,
        access_version=row["access_version"],
        created_at=clock.from_database(row["created_at"]),
    )


def _do(unit: Unit, work: Callable[[Unit], T], terms: Terms) -> T:
    unit.check_readable()
    if terms.once:
        _refuse_repetition(unit, terms.once)
    if terms.lease:
        check_held(unit, terms.lease)
    result = work(unit)
    if terms.once and unit.has_written:
        once = terms.once
        unit.execute(_KEEP_RECEIPT, key=once.key, request=once.request, answer=once.keep(result))
    return result


def _refuse_repetition(unit: Unit, once: Once) -> None:
    since = database.as_parameter(unit.now - timedelta(hours=limit("idempotency_hours")))
    found = unit.fetch(_FIND_RECEIPT, key=once.key, since=since)
    if found is None:
        return
    if found["request"] != once.request:
        raise IdempotencyKeyReused(once.key)
    raise Repeated(unit.namespace, found["answer"], is_first=bool(found["is_first"]))


def check_held(unit: Unit, lease: Held) -> None:
    """Raise LeaseLost unless the lease is held by that number."""
    found = unit.fetch(_FIND_HELD, name=lease.name)
    if found is None or found["fencing"] != lease.fencing:
        raise LeaseLost(lease.name, lease.fencing)
