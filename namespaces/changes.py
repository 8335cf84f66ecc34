"""The change log as it is read: what happened to a namespace after a revision, page by page. Nothing here waits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from namespaces import clock, database, sql
from namespaces.callers import NOBODY, Caller
from namespaces.errors import InvalidRevision, RevisionTrimmed
from namespaces.limits import limit
from namespaces.names import after_prefix, check_namespace, check_prefix
from namespaces.reading import check_readable

# How many revisions one page looks through for those under its prefix.
SPAN = 10_000
# As `since`: beyond every revision, so that nothing came after it.
NOW = 2**62


@dataclass(frozen=True, slots=True)
class LoggedChange:
    """One change. `value` is the JSON text that it set, None where it set nothing; `bytes` counts key and value.

    Of a writer in quarantine the value is not told, and `is_hidden` says so.
    """

    revision: int
    kind: str
    key: str
    bytes: int
    writer: str
    is_verified: bool
    at: datetime
    is_hidden: bool
    value: str | None


@dataclass(frozen=True, slots=True)
class By:
    """Whose changes are asked for: those by a name, or with a name that is verified or not; None leaves it open."""

    name: str | None = None
    is_verified: bool | None = None

    def matches(self, change: LoggedChange) -> bool:
        """Whether this is the change's writer."""
        return self.name in (None, change.writer) and self.is_verified in (None, change.is_verified)


ANYBODY = By()


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Some changes in order. All that came after `since` and up to `next`, and were asked for, are in it.

    `revision` is the namespace's; there is more to come while `next` is below it.
    """

    namespace: str
    since: int
    revision: int
    changes: list[LoggedChange]
    next: int
    access_version: int = 0


def changes_since(
    namespace: str,
    since: int = NOW,
    *,
    prefix: str = "",
    by: By = ANYBODY,
    most: int | None = None,
    caller: Caller = NOBODY,
    now: datetime | None = None,
) -> ChangePage:
    """Up to `most` changes of keys that begin with `prefix` after the revision `since`, or none, from now on.

    A page also ends where its changes reach `page_value_bytes`, and after SPAN revisions; a namespace that does not
    exist is at revision 0. Raises InvalidNamespace, InvalidPrefix, InvalidRevision, RevisionTrimmed,
    NamespaceSuspended, TokenNotAllowed, DatabaseUnavailable.
    """
    check_namespace(namespace)
    check_prefix(prefix)
    caller.check_reads(prefix)
    most = most or limit("keys_per_page_default")
    parameters = read_parameters(namespace, since, prefix, most, by=by, caller=caller, now=now)
    with database.turn():
        rows = database.fetch_all(sql.READ_CHANGES, parameters)
    return page_of(namespace, since, rows)


def read_parameters(
    namespace: str,
    since: int,
    prefix: str,
    most: int,
    *,
    by: By = ANYBODY,
    room: int | None = None,
    caller: Caller = NOBODY,
    now: datetime | None = None,
) -> database.Parameters:
    """What `sql.READ_CHANGES` is run with; `room` is in bytes."""
    end = after_prefix(prefix)
    return {
        "namespace": namespace,
        "digest": caller.digest,
        "since": since,
        "until": since + SPAN,
        "prefix": prefix,
        "prefix_is_open": end is None,
        "prefix_end": end or "",
        "is_any_writer": by.name is None,
        "writer": by.name or "",
        "is_any_standing": by.is_verified is None,
        "is_verified": bool(by.is_verified),
        "most": most,
        "room": limit("page_value_bytes") if room is None else room,
        "now": database.as_parameter(now or clock.now()),
    }


def page_of(namespace: str, since: int, rows: Sequence[Sequence[Any]]) -> ChangePage:
    """The page in the rows that `sql.READ_CHANGES` answered.

    Raises NamespaceSuspended, RevisionTrimmed, InvalidRevision.
    """
    status, reason, until, access, revision, trimmed_revision = rows[0][:6] if rows else ("active", "", None, 0, 0, 0)
    check_readable(namespace, status, reason, until)
    if since == NOW:
        return ChangePage(namespace, revision, revision, [], revision, access)
    if since > revision:
        raise InvalidRevision(namespace, since=since, revision=revision)
    if since < trimmed_revision:
        raise RevisionTrimmed(namespace, since=since, oldest_revision=trimmed_revision + 1)
    changes = [change_in(row[6:]) for row in rows if row[6] is not None]
    reached = changes[-1].revision if changes else min(revision, since + SPAN)
    return ChangePage(namespace, since, revision, changes, reached, access)


def change_in(row: Sequence[Any]) -> LoggedChange:
    """The change in a row with its columns, in the order of `LoggedChange`."""
    revision, kind, key, size, writer, is_verified, at, is_hidden, value = row
    moment = clock.from_database(at)
    return LoggedChange(revision, kind, key, size, writer, bool(is_verified), moment, bool(is_hidden), value)
