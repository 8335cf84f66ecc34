"""What was: the versions of a key, the value at a version, the change log from a revision on. Nothing here writes.

Operators see all of it (`versions_of`, `value_at`, `changes_of`); others not what is hidden (`history_of`, `past_of`).
The log is kept for a bounded time and size (`change_log_days`, `change_log_bytes`), so that the oldest may be missing.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Case, Count, Max, Q, QuerySet, When

from namespaces import clock, database
from namespaces.browsing import preview_of
from namespaces.callers import NOBODY, Caller
from namespaces.errors import VersionNotFound
from namespaces.models import Change, Entry, Namespace, is_hidden
from namespaces.names import Writer, check_key, check_namespace
from namespaces.reading import fitting, is_readable_now

VERSIONS_PER_PAGE = 20
CHANGES_PER_PAGE = 100
# In how many of the newest changes writers are looked for.
WRITERS_WITHIN = 1_000


@dataclass(frozen=True, slots=True)
class Version:
    """What one revision did to a key. `value` is there where it was asked for, was set, and may be read.

    `is_hidden` tells that a value may not be read because its writer is in quarantine.
    """

    version: int
    kind: str
    bytes: int
    writer: str
    is_verified: bool
    at: datetime
    is_hidden: bool = False
    value: str | None = None

    @property
    def is_value(self) -> bool:
        return self.kind == Change.Kind.SET


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions of a key, newest first; `next_before` is where to go on, None at the end of what the log has."""

    versions: list[Version]
    next_before: int | None


@dataclass(frozen=True, slots=True)
class Past:
    """What a key was at one of its versions."""

    namespace: str
    key: str
    version: Version


@dataclass(frozen=True, slots=True)
class LoggedChange:
    """A row of the change log. `preview` is the beginning of what was set, None where that is too large, or nothing."""

    revision: int
    kind: str
    key: str
    bytes: int
    writer: str
    is_verified: bool
    at: datetime
    preview: str | None


@dataclass(frozen=True, slots=True)
class RecentWriter:
    """Who made some of the newest changes: how many, and when the last one."""

    writer: Writer
    changes: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Log:
    """Changes, newest first. `skipped` of those asked for came before them, and are not among them.

    `forgotten` is the last revision that the log has lost.
    """

    changes: list[LoggedChange]
    skipped: int
    forgotten: int


def versions_of(namespace: str, key: str, *, before: int | None = None, most: int = VERSIONS_PER_PAGE) -> Versions:
    """What happened to a key, before the revision `before`; of a key that never was, nothing.

    Raises InvalidNamespace, InvalidKey, DatabaseUnavailable.
    """
    check_namespace(namespace)
    check_key(key)
    chosen = Change.objects.filter(namespace_id=namespace, key=key)
    if before is not None:
        chosen = chosen.filter(revision__lt=before)
    columns = ("revision", "kind", "bytes", "writer", "is_verified", "at")
    with database.turn():
        # By key first, so that no planner walks the log by revision to find the key's.
        found = list(chosen.order_by("key", "-revision").values_list(*columns)[: most + 1])
    shown = [Version(*row) for row in found[:most]]
    return Versions(shown, shown[-1].version if len(found) > most else None)


def history_of(
    namespace: str,
    key: str,
    *,
    before: int | None = None,
    most: int = VERSIONS_PER_PAGE,
    with_values: bool = False,
    caller: Caller = NOBODY,
    now: datetime | None = None,
) -> Versions:
    """What happened to a key, before the revision `before`, and if asked the values, as far as they may be read.

    What the log has lost is missing, but for the version that the entry has now. With values, a page also ends where
    they reach `page_value_bytes`. Raises InvalidNamespace, InvalidKey, NamespaceSuspended, TokenNotAllowed,
    DatabaseUnavailable.
    """
    check_namespace(namespace)
    check_key(key)
    caller.check_reads(key)
    with database.turn():
        if not is_readable_now(namespace, caller, now or clock.now()):
            return Versions([], None)
        chosen = _telling_hidden(Change.objects.filter(namespace_id=namespace, key=key), before)
        found = list(chosen.order_by("key", "-revision").values_list(*_VERSION)[: most + 1])
        length = fitting([row[2] for row in found[:most]]) if with_values else min(most, len(found))
        shown = [Version(*row) for row in found[:length]]
        if with_values:
            shown = _with_values(namespace, shown)
        if length < len(found):
            return Versions(shown, shown[-1].version)
        current = None if shown else _current_of(namespace, key, before)
    return Versions(shown if current is None else [current if with_values else replace(current, value=None)], None)


_VERSION = ("revision", "kind", "bytes", "writer", "is_verified", "at", "is_value_hidden")


def _telling_hidden(chosen: QuerySet[Change], before: int | None) -> QuerySet[Any]:
    """The rows before a revision, with whether their values are hidden."""
    is_value_hidden = Case(When(Q(is_hidden(), value__isnull=False), then=True), default=False)
    return (chosen if before is None else chosen.filter(revision__lt=before)).annotate(is_value_hidden=is_value_hidden)


def _with_values(namespace: str, versions: list[Version]) -> list[Version]:
    shown = [version.version for version in versions if not version.is_hidden]
    log = Change.objects.filter(namespace_id=namespace, revision__in=shown)
    values = dict(log.values_list("revision", "value"))
    return [replace(version, value=values.get(version.version)) for version in versions]


def _current_of(namespace: str, key: str, before: int | None) -> Version | None:
    """The version of an entry of which the log has lost everything."""
    chosen = Entry.objects.filter(namespace_id=namespace, key=key).annotate(is_hidden=is_hidden())
    if before is not None:
        chosen = chosen.filter(version__lt=before)
    columns = ("version", "bytes", "writer", "is_verified", "updated_at", "is_hidden", "value")
    row = chosen.values_list(*columns).first()
    if row is None:
        return None
    version, size, writer, is_verified, at, hidden, value = row
    return Version(version, Change.Kind.SET, size, writer, is_verified, at, hidden, None if hidden else value)


def past_of(namespace: str, key: str, version: int, *, caller: Caller = NOBODY, now: datetime | None = None) -> Past:
    """What a key was at one of its versions, with its value.

    Raises VersionNotFound where that value is not known, not any more, or may not be read, and what `history_of` does.
    """
    check_namespace(namespace)
    check_key(key)
    caller.check_reads(key)
    with database.turn():
        if not is_readable_now(namespace, caller, now or clock.now()):
            raise VersionNotFound(key, version)
        log = Change.objects.filter(namespace_id=namespace, revision=version, key=key, value__isnull=False)
        row = _telling_hidden(log, None).values_list(*_VERSION, "value").first()
        found = Version(*row) if row else _current_of(namespace, key, None)
    if found is None or found.version != version or found.value is None or found.is_hidden:
        raise VersionNotFound(key, version, versions=versions_with_value(namespace, key))
    return Past(namespace, key, found)


def versions_with_value(namespace: str, key: str) -> list[int]:
    """The newest VERSIONS_PER_PAGE versions of a key that have a value which may be read."""
    log = Change.objects.filter(~is_hidden(), namespace_id=namespace, key=key, value__isnull=False)
    with database.turn():
        found = list(log.order_by("key", "-revision").values_list("revision", flat=True)[:VERSIONS_PER_PAGE])
        current = None if found else _current_of(namespace, key, None)
    return found if current is None or current.is_hidden else [current.version]


def recent_writers(namespace: str, *, caller: Caller = NOBODY, now: datetime | None = None) -> list[RecentWriter]:
    """Who made the newest WRITERS_WITHIN changes, as far as the log has them, whoever wrote last first.

    What expired is by nobody. Raises InvalidNamespace, NamespaceSuspended, TokenNotAllowed, DatabaseUnavailable.
    """
    check_namespace(namespace)
    caller.check_reads("")
    with database.turn():
        if not is_readable_now(namespace, caller, now or clock.now()):
            return []
        revision = Namespace.objects.values_list("revision", flat=True).get(name=namespace)
        log = Change.objects.filter(namespace_id=namespace, revision__gt=revision - WRITERS_WITHIN)
        made = log.exclude(kind=Change.Kind.EXPIRE).values("writer", "is_verified").order_by()
        rows = list(made.annotate(changes=Count("*"), last_at=Max("at"), last=Max("revision")).order_by("-last"))
    return [RecentWriter(Writer(row["writer"], row["is_verified"]), row["changes"], row["last_at"]) for row in rows]


def value_at(namespace: str, key: str, version: int) -> str:
    """The JSON text that `version` set the key to.

    Raises VersionNotFound, InvalidNamespace, InvalidKey, DatabaseUnavailable.
    """
    check_namespace(namespace)
    check_key(key)
    chosen = Change.objects.filter(namespace_id=namespace, revision=version, key=key, kind=Change.Kind.SET)
    with database.turn():
        value = chosen.values_list("value", flat=True).first()
    if value is None:
        raise VersionNotFound(key, version)
    return value


def changes_of(namespace: Namespace, *, since: int = 0, until: int | None = None) -> Log:
    """The newest CHANGES_PER_PAGE changes with a revision above `since` and, if given, up to `until`."""
    chosen = Change.objects.filter(namespace_id=namespace.name, revision__gt=since)
    if until is not None:
        chosen = chosen.filter(revision__lte=until)
    columns = ("revision", "kind", "key", "bytes", "writer", "is_verified", "at")
    with database.turn():
        found = list(chosen.order_by("-revision").values_list(*columns, preview_of("value"))[:CHANGES_PER_PAGE])
    changes = [LoggedChange(*row) for row in found]
    first_kept = max(since, namespace.trimmed_revision) + 1
    skipped = max(changes[-1].revision - first_kept, 0) if changes else 0  # revisions have no gaps
    return Log(changes, skipped, namespace.trimmed_revision)
