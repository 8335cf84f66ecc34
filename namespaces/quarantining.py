"""Quarantine: a writer whose values nobody reads until it is released. Nothing that it wrote is changed.

Its values are hidden as if the keys were not there, its changes tell who wrote which key when. Writes go on: conditions
see the versions that there are, a set or a delete takes the place of what is hidden, and nothing is made of it.
"""

from dataclasses import dataclass
from datetime import datetime

from namespaces import clock, database
from namespaces.callers import NOBODY, Caller
from namespaces.errors import NamespaceNotFound, NotQuarantined, QuarantineLimit
from namespaces.limits import limit
from namespaces.models import Namespace, Quarantine
from namespaces.moderation import Action, check_reason, locked, record
from namespaces.names import OPERATOR, Writer, check_namespace, check_writer
from namespaces.reading import effective_status, is_readable_now
from namespaces.verdicts import restriction_of


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A writer in quarantine: since when, why, and by whose hand."""

    writer: Writer
    reason: str
    at: datetime
    placed_by: Writer
    is_new: bool = False


def quarantine(
    namespace: str, writer: Writer, reason: str = "", *, caller: Caller = NOBODY, now: datetime | None = None
) -> Quarantined:
    """Hide what `writer` wrote and will write; of one in quarantine already, only the reason is another one then.

    Raises InvalidNamespace, InvalidWriter (also for operators, whom nobody hides), NamespaceNotFound,
    NamespaceReadOnly, NamespaceSuspended, TokenNotAllowed, QuarantineLimit, DatabaseUnavailable, DiskFull.
    """
    now = now or clock.now()
    check_namespace(namespace)
    check_writer(writer.name)
    check_writer(caller.writer)
    caller.check_admin("put writers in quarantine")
    with database.turn(writes=True), database.write_transaction():
        _check_writable(locked(namespace), caller, now)
        return _place(namespace, writer, reason, Writer(caller.writer, caller.is_verified), now)


def quarantine_by_operator(
    namespace: str, writer: Writer, *, reason: str, operator: str, now: datetime | None = None
) -> Quarantined:
    """The same by an operator, whatever the namespace's status, with a row in the moderation log. Raises ActRefused."""
    now, reason = now or clock.now(), check_reason(reason)
    check_namespace(namespace)
    check_writer(writer.name)
    with database.turn(writes=True), database.write_transaction():
        locked(namespace)
        _record(Action.QUARANTINE, namespace, writer, reason=reason, operator=operator, now=now)
        return _place(namespace, writer, reason, Writer(OPERATOR, is_verified=True), now)


def release(namespace: str, writer: Writer, *, caller: Caller = NOBODY, now: datetime | None = None) -> Writer:
    """Have what `writer` wrote be read again.

    Raises NotQuarantined, InvalidNamespace, InvalidWriter, NamespaceNotFound, NamespaceReadOnly, NamespaceSuspended,
    TokenNotAllowed, DatabaseUnavailable, DiskFull.
    """
    now = now or clock.now()
    check_namespace(namespace)
    check_writer(writer.name)
    caller.check_admin("release writers")
    with database.turn(writes=True), database.write_transaction():
        _check_writable(locked(namespace), caller, now)
        return _lift(namespace, writer)


def release_by_operator(
    namespace: str, writer: Writer, *, reason: str, operator: str, now: datetime | None = None
) -> Writer:
    """The same by an operator, whatever the namespace's status, with a row in the moderation log. Raises ActRefused."""
    now, reason = now or clock.now(), check_reason(reason)
    check_namespace(namespace)
    with database.turn(writes=True), database.write_transaction():
        locked(namespace)
        _record(Action.RELEASE, namespace, writer, reason=reason, operator=operator, now=now)
        return _lift(namespace, writer)


def quarantined(namespace: str, *, caller: Caller = NOBODY, now: datetime | None = None) -> list[Quarantined]:
    """Who is in quarantine, in the order of their names; in a namespace that does not exist, nobody.

    Raises InvalidNamespace, NamespaceSuspended, TokenNotAllowed where not all may be read, DatabaseUnavailable.
    """
    check_namespace(namespace)
    caller.check_reads("")
    with database.turn():
        if not is_readable_now(namespace, caller, now or clock.now()):
            return []
        rows = list(Quarantine.objects.filter(namespace_id=namespace).order_by("writer", "is_verified"))
    return [_quarantined(row) for row in rows]


def _place(namespace: str, writer: Writer, reason: str, placed_by: Writer, now: datetime) -> Quarantined:
    known = Quarantine.objects.filter(namespace_id=namespace)
    row = Quarantine(
        namespace_id=namespace,
        writer=writer.name,
        is_verified=writer.is_verified,
        reason=reason,
        at=now,
        placed_by=placed_by.name,
        is_placer_verified=placed_by.is_verified,
    )
    is_new = not known.filter(pk=row.pk).exists()
    most = limit("quarantined_writers")
    if is_new and known.count() >= most:
        raise QuarantineLimit(namespace, limit=most)
    Quarantine.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["namespace", "writer", "is_verified"],
        update_fields=["reason", "at", "placed_by", "is_placer_verified"],
    )
    return _quarantined(row, is_new=is_new)


def _lift(namespace: str, writer: Writer) -> Writer:
    chosen = Quarantine.objects.filter(namespace_id=namespace, writer=writer.name, is_verified=writer.is_verified)
    if not chosen.delete()[0]:
        raise NotQuarantined(namespace, writer.name)
    return writer


def _check_writable(namespace: Namespace, caller: Caller, now: datetime) -> None:
    if not Namespace.objects.seen_by(caller.digest, now).filter(name=namespace.name).exists():
        raise NamespaceNotFound(namespace.name)
    status = effective_status(namespace, now)
    restriction = restriction_of(namespace.name, status, namespace.status_reason, namespace.status_until)
    if restriction:
        raise restriction


def _quarantined(row: Quarantine, *, is_new: bool = False) -> Quarantined:
    writer, placed_by = Writer(row.writer, row.is_verified), Writer(row.placed_by, row.is_placer_verified)
    return Quarantined(writer, row.reason, row.at, placed_by, is_new)


def _record(action: Action, namespace: str, writer: Writer, *, reason: str, operator: str, now: datetime) -> None:
    after = {"writer": writer.name, "verified": writer.is_verified}
    record(action, operator=operator, reason=reason, namespace=namespace, after=after, now=now)
