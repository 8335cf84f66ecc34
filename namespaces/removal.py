"""Removing many rows: clearing on request, sweeping what has expired, trimming the change log, erasing values in it.

All of it goes in batches of one short transaction each, so that it can be killed at any point and never holds up the
namespace's other writers for long. Deleting a single key is a write like any other: `namespaces.writing`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate, count
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Func, IntegerField, QuerySet, Sum

from namespaces import clock, database, sql, standing
from namespaces.callers import NOBODY, Caller
from namespaces.conditions import ALWAYS
from namespaces.errors import NamespaceNotFound
from namespaces.limits import limit
from namespaces.models import Change, Entry, EntryQuerySet, Lease, Namespace, Receipt, Token, begins_with
from namespaces.names import check_namespace, check_prefix, check_writer
from namespaces.verdicts import Allowance, allowance_of, parameters_of, refusal_of

BATCH = 1_000
# How much of the log is forgotten in one transaction, whose writers wait.
TRIMMED_BYTES = 4_194_304


@dataclass(frozen=True, slots=True)
class Cleared:
    """An accepted clear: how many entries went. `allowance` is None where there was nothing to do, and no write."""

    namespace: str
    prefix: str
    count: int
    allowance: Allowance | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries that were removed in one transaction; `last_key` is empty where there were none."""

    count: int
    bytes: int
    last_key: str


NO_ENTRIES = Batch(0, 0, "")


def clear(namespace: str, prefix: str = "", *, caller: Caller = NOBODY, now: datetime | None = None) -> Cleared:
    """Delete every entry whose key begins with `prefix`; counts as one write, whatever their number.

    Entries written after the call began survive. It is all or nothing up to `BATCH` entries; beyond that, a crash may
    leave the last batches undone. Raises InvalidNamespace, InvalidPrefix, InvalidWriter, NamespaceNotFound,
    NamespaceReadOnly, NamespaceSuspended, DailyWriteLimit, DatabaseUnavailable, DiskFull.
    """
    check_namespace(namespace)
    check_prefix(prefix)
    check_writer(caller.writer)
    caller.check_writes(prefix)
    with database.turn(writes=True):
        return _clear(namespace, prefix, caller, now or clock.now())


def _clear(namespace: str, prefix: str, caller: Caller, now: datetime) -> Cleared:
    parameters = parameters_of(sql.CLEAR, namespace, "", now, value_bytes=0, caller=caller) | {"entry_bytes": 0}
    chosen = Entry.objects.filter(namespace_id=namespace).under(prefix).live(now)
    is_empty = not chosen.exists()
    with database.write_transaction():
        plan = sql.LOOK if is_empty else sql.CLEAR
        verdict = database.run(plan, ALWAYS.sql, parameters)
        if verdict is None:
            raise NamespaceNotFound(namespace)
        if verdict["refusal"] is not None:
            raise refusal_of(verdict, parameters, now)
        if is_empty:
            return Cleared(namespace, prefix, 0, None)
        chosen = chosen.filter(version__lt=verdict["revision"])
        removed = total = remove_batch(namespace, chosen, Change.Kind.DELETE, now, caller).count
    while removed == BATCH:
        removed = remove_batch(namespace, chosen, Change.Kind.DELETE, now, caller).count
        total += removed
    return Cleared(namespace, prefix, total, allowance_of(verdict, now))


def reclaim(namespace: str, now: datetime) -> int:
    """Remove the namespace's expired entries, and return how many there were."""
    expired = Entry.objects.filter(namespace_id=namespace).expired(now)
    total = 0
    while removed := remove_batch(namespace, expired, Change.Kind.EXPIRE, now).count:
        total += removed
    return total


def sweep(now: datetime | None = None, *, most: int = BATCH) -> int:
    """Remove expired entries of all namespaces, those due first, about `most` of them; return how many."""
    now = now or clock.now()
    due = dict.fromkeys(Entry.objects.expired(now).order_by("expires_at").values_list("namespace_id", flat=True)[:most])
    total = sum(reclaim(namespace, now) for namespace in due)
    standing.refresh(due, now=now)
    return total


def sweep_leases(now: datetime | None = None) -> int:
    """Forget leases that have expired, up to BATCH of them; return how many. The fencing numbers go on."""
    return _forget(Lease.objects.filter(expires_at__lte=now or clock.now()))


def sweep_tokens(now: datetime | None = None) -> int:
    """Forget tokens that have expired, up to BATCH of them; return how many."""
    return _forget(Token.objects.filter(expires_at__lte=now or clock.now()))


def sweep_receipts(now: datetime | None = None) -> int:
    """Forget receipts that are older than `idempotency_hours`, up to BATCH of them; return how many."""
    oldest = (now or clock.now()) - timedelta(hours=limit("idempotency_hours"))
    return _forget(Receipt.objects.filter(at__lte=oldest))


def _forget(due: QuerySet[Any]) -> int:
    with database.write_transaction():
        keys = list(due.values_list("pk", flat=True)[:BATCH])
        return due.filter(pk__in=keys).delete()[0] if keys else 0  # judged again: it may have been renewed meanwhile


def remove_batch(
    namespace: str,
    chosen: EntryQuerySet,
    kind: Change.Kind,
    now: datetime,
    caller: Caller = NOBODY,
    *,
    most: int | None = None,
    most_bytes: int | None = None,
) -> Batch:
    """Remove up to `most` (BATCH) of `chosen`, entries of `namespace`, in byte order; each takes a revision of its own.

    With `most_bytes` a batch also ends where its entries reach that; it has at least one.
    """
    with database.write_transaction():
        locked = Namespace.objects.select_for_update(no_key=True).get(name=namespace)
        found = list(chosen.order_by("key").values_list("key", "bytes")[: most or BATCH])
        batch = found[: _fitting([size for _, size in found], most_bytes)]
        if not batch:
            return NO_ENTRIES
        chosen.filter(key__lte=batch[-1][0]).delete()
        changes = [
            Change(
                namespace_id=namespace,
                revision=revision,
                kind=kind,
                key=key,
                bytes=len(key.encode()),
                at=now,
                writer=caller.writer,
                is_verified=caller.is_verified,
            )
            for revision, (key, _) in zip(count(locked.revision + 1), batch, strict=False)
        ]
        Change.objects.bulk_create(changes)
        removed = Batch(len(batch), sum(size for _, size in batch), batch[-1][0])
        Namespace.objects.filter(name=namespace).update(
            revision=changes[-1].revision,
            bytes=F("bytes") - removed.bytes,
            entries=F("entries") - removed.count,
            log_bytes=F("log_bytes") + sum(change.bytes for change in changes),
            last_write_at=locked.last_write_at if kind == Change.Kind.EXPIRE else now,
        )
        return removed


def _fitting(sizes: list[int], most_bytes: int | None) -> int:
    """How many of the leading rows a batch takes."""
    if most_bytes is None:
        return len(sizes)
    return max(1, sum(total <= most_bytes for total in accumulate(sizes)))


def erase_values(namespace: str, prefix: str, *, after: int, up_to: int, most: int, most_bytes: int) -> int | None:
    """Erase what the change log says was set under `prefix`, in up to `most` of the revisions after `after`.

    The rows stay, and tell who wrote which key when. Returns the revision that was reached, None if there is no row
    left up to the revision `up_to`.
    """
    with database.write_transaction():
        Namespace.objects.select_for_update(no_key=True).get(name=namespace)
        log = Change.objects.filter(namespace_id=namespace, revision__gt=after, revision__lte=up_to)
        rows = list(log.order_by("revision").values_list("revision", "bytes")[:most])
        if not rows:
            return None
        reached: int = rows[_fitting([size for _, size in rows], most_bytes) - 1][0]
        chosen = log.filter(begins_with(prefix), revision__lte=reached, value__isnull=False)
        freed = chosen.aggregate(total=Sum(F("bytes") - KeyBytes("key")))["total"] or 0
        chosen.update(value=None, bytes=KeyBytes("key"))
        Namespace.objects.filter(name=namespace).update(log_bytes=F("log_bytes") - freed)
        return reached


class KeyBytes(Func):
    """The length of a key in UTF-8: what a change without a value counts for."""

    function = "OCTET_LENGTH"
    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        # OCTET_LENGTH is known from SQLite 3.43 on.
        return self.as_sql(compiler, connection, template="LENGTH(CAST(%(expressions)s AS BLOB))", **context)


def trim_all(now: datetime | None = None) -> int:
    """Trim the change log of every namespace to the limits; return how many changes were forgotten."""
    now = now or clock.now()
    with_log = Namespace.objects.filter(log_bytes__gt=0).order_by("name").values_list("name", flat=True)
    total, last = 0, ""
    while page := list(with_log.filter(name__gt=last)[:BATCH]):
        total += sum(trim(name, now) for name in page)
        last = page[-1]
    return total


def trim_overfull(now: datetime | None = None) -> int:
    """Trim the logs that are beyond `change_log_bytes`; return how many changes were forgotten.

    Between two rounds of `trim_all`, a busy namespace could write many times what may be kept.
    """
    now = now or clock.now()
    overfull = Namespace.objects.filter(log_bytes__gt=limit("change_log_bytes"))
    return sum(trim(name, now) for name in list(overfull.values_list("name", flat=True)))


def trim(namespace: str, now: datetime) -> int:
    """Forget this namespace's changes that are older than `change_log_days` or beyond `change_log_bytes`."""
    total = 0
    while trimmed := _trim_batch(namespace, now - timedelta(days=limit("change_log_days"))):
        total += trimmed
    return total


def _trim_batch(namespace: str, oldest: datetime) -> int:
    with database.write_transaction():
        locked = Namespace.objects.select_for_update(no_key=True).get(name=namespace)
        log = Change.objects.filter(namespace_id=namespace)
        excess = locked.log_bytes - limit("change_log_bytes")
        forgotten, freed = 0, 0
        for revision, at, size in log.order_by("revision").values_list("revision", "at", "bytes")[:BATCH]:
            if (at >= oldest and freed >= excess) or (forgotten and freed + size > TRIMMED_BYTES):
                break
            forgotten, freed, trimmed_revision = forgotten + 1, freed + size, revision
        if forgotten:
            log.filter(revision__lte=trimmed_revision).delete()
            Namespace.objects.filter(name=namespace).update(
                log_bytes=F("log_bytes") - freed, trimmed_revision=trimmed_revision
            )
        return forgotten
