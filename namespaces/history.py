"""What was: the versions of a key, the value at a version, the change log from a revision on. Nothing here writes.

The log is kept for a bounded time and size (`change_log_days`, `change_log_bytes`), so that the oldest may be missing.
"""

from dataclasses import dataclass
from datetime import datetime

from namespaces import database
from namespaces.browsing import preview_of
from namespaces.errors import VersionNotFound
from namespaces.models import Change, Namespace
from namespaces.names import check_key, check_namespace

VERSIONS_PER_PAGE = 20
CHANGES_PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class Version:
    """What one revision did to a key."""

    version: int
    kind: str
    bytes: int
    writer: str
    is_verified: bool
    at: datetime

    @property
    def is_value(self) -> bool:
        return self.kind == Change.Kind.SET


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions of a key, newest first; `next_before` is where to go on, None at the end of what the log has."""

    versions: list[Version]
    next_before: int | None


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
