"""Export: everything under a prefix as it was at one revision, page by page, in bounded memory.

An export reads from a snapshot (`namespaces.snapshots`), so that it holds no lock and nobody waits for it. The other
way would be to page through the entries as they come and to take what was replaced meanwhile from the change log; but
the log is trimmed, and has no longer what an old entry held when it is replaced in the middle: such an export would be
consistent almost always. What a snapshot costs is that the database keeps what is replaced while it is open; so there
are few at a time (`exports_per_process`) and none is open for long (`export_seconds`), and whoever sends the pages
drops a reader that does not take them.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from namespaces import changes, clock, database, reading, sql
from namespaces.callers import AN_OPERATOR, NOBODY, Caller
from namespaces.changes import LoggedChange
from namespaces.errors import NamespaceNotFound, TooManyExports
from namespaces.limits import limit
from namespaces.moderation import Action, locked, record
from namespaces.names import after_prefix, check_namespace, check_prefix
from namespaces.reading import Remembered
from namespaces.snapshots import Snapshot

ROWS_PER_PAGE = 250  # so few that making a page holds up the event loop beside it for milliseconds only
PAGE_BYTES = 262_144
RETRY_SECONDS = 5

_lock = threading.Lock()
_open = 0


# How often it is asked whether an export may still be read: a token that is taken back ends it.
CHECK_SECONDS = 1.0


class Overdue(Exception):
    """An export has taken `export_seconds`, and is broken off: whoever reads it is too slow."""


@dataclass(frozen=True, slots=True)
class Outline:
    """What an export holds: how many live entries, and with its history how many changes, as of `revision`."""

    namespace: str
    prefix: str
    revision: int
    entries: int
    has_history: bool
    changes: int


class Export:
    """An export that has begun. `close` has to be called, whatever happens; it may be called by another thread."""

    def __init__(self, snapshot: Snapshot, outline: Outline, parameters: dict[str, Any], caller: Caller) -> None:
        self.outline = outline
        self._snapshot, self._parameters, self._caller = snapshot, parameters, caller
        self._checked_at = time.monotonic()
        self._deadline = self._checked_at + limit("export_seconds")
        self._is_open = True

    def entries(self) -> Iterator[list[Remembered]]:
        """The entries in byte order, page by page; each page is read when it is asked for.

        Raises Overdue, DatabaseUnavailable, NamespaceNotFound and NamespaceSuspended, on any page.
        """
        after = ""
        while rows := self._page(sql.EXPORT_ENTRIES, after=after):
            yield [_entry_in(self.outline.namespace, row) for row in rows]
            after = rows[-1][0]

    def changes(self) -> Iterator[list[LoggedChange]]:
        """The changes, newest first: so whoever puts them back has at each moment a log without a gap."""
        before = self.outline.revision + 1
        while self.outline.has_history and (rows := self._page(sql.EXPORT_CHANGES, before=before)):
            yield [changes.change_in(row) for row in rows]
            before = rows[-1][0]

    def _page(self, statement: str, **place: Any) -> Sequence[Sequence[Any]]:
        now = time.monotonic()
        if now > self._deadline:
            raise Overdue
        with database.turn():
            if now - self._checked_at > CHECK_SECONDS:
                self._check_seen()
                self._checked_at = now
            return self._snapshot.fetch_all(statement, self._parameters | place)

    def _check_seen(self) -> None:
        """Raise unless the caller may still read what is exported."""
        parameters = self._parameters | {"now": database.as_parameter(clock.now())}
        found = database.fetch_all(_statement_for(self._caller), parameters)
        database.let_go()  # whatever thread this is
        _check_found(found, self.outline.namespace, self._caller)

    def close(self) -> None:
        """Let the database forget what it kept for this; closing twice does no harm."""
        with _lock:
            was_open, self._is_open = self._is_open, False
        if was_open:
            self._snapshot.close()
            _give_place_back()


def begin(
    namespace: str,
    prefix: str = "",
    *,
    has_history: bool = False,
    caller: Caller = NOBODY,
    now: datetime | None = None,
) -> Export:
    """Begin to export every live entry under `prefix` and, if asked, the changes that the log has.

    Of a private namespace, the changes are for admin tokens. Raises InvalidNamespace, InvalidPrefix, TokenNotAllowed,
    NamespaceNotFound, TooManyExports, DatabaseUnavailable, and NamespaceSuspended unless an operator asks.
    """
    check_namespace(namespace)
    check_prefix(prefix)
    caller.check_reads(prefix)
    if has_history:
        caller.check_admin("export the history")
    now = now or clock.now()
    _take_place()
    snapshot = None
    try:
        with database.turn():
            snapshot = Snapshot()
            parameters = _parameters(namespace, prefix, caller, now)
            outline = _outline(snapshot, parameters, caller, has_history)
        return Export(snapshot, outline, parameters, caller)
    except BaseException:
        if snapshot:
            snapshot.close()
        _give_place_back()
        raise


def begin_for_operator(namespace: str, prefix: str, *, operator: str) -> Export:
    """The same for an operator, whose exports are in the moderation log, and who may export what is suspended."""
    check_namespace(namespace)
    check_prefix(prefix)
    with database.turn(writes=True), database.write_transaction():
        row = locked(namespace)
        after = {"prefix": prefix, "entries": row.entries, "revision": row.revision}
        record(Action.EXPORT, operator=operator, reason="", namespace=namespace, after=after)
    return begin(namespace, prefix, caller=AN_OPERATOR)


def _parameters(namespace: str, prefix: str, caller: Caller, now: datetime) -> dict[str, Any]:
    end = after_prefix(prefix)
    return {
        "namespace": namespace,
        "prefix": prefix,
        "prefix_is_open": end is None,
        "prefix_end": end or "",
        "digest": caller.digest,
        "now": database.as_parameter(now),
        "most": ROWS_PER_PAGE,
        "room": PAGE_BYTES,
    }


def _outline(snapshot: Snapshot, parameters: database.Parameters, caller: Caller, has_history: bool) -> Outline:
    namespace, prefix = parameters["namespace"], parameters["prefix"]
    found = snapshot.fetch_all(_statement_for(caller), parameters)
    revision = _check_found(found, namespace, caller)
    [(entries,)] = snapshot.fetch_all(sql.COUNT_LIVE, parameters)
    [(logged,)] = snapshot.fetch_all(sql.COUNT_LOGGED, parameters) if has_history else [(0,)]
    return Outline(namespace, prefix, revision, entries, has_history, logged)


def _statement_for(caller: Caller) -> str:
    return sql.EXPORT_OUTLINE_FOR_ALL if caller.is_operator else sql.EXPORT_OUTLINE


def _check_found(found: Sequence[Sequence[Any]], namespace: str, caller: Caller) -> int:
    """The revision of the namespace that was found; raises NamespaceNotFound or NamespaceSuspended."""
    if not found:
        raise NamespaceNotFound(namespace)
    status, reason, until, revision = found[0]
    if not caller.is_operator:
        reading.check_readable(namespace, status, reason, until)
    return int(revision)


def _entry_in(namespace: str, row: Sequence[Any]) -> Remembered:
    key, value, version, writer, is_verified, created_at, updated_at, expires_at = row
    return Remembered(
        namespace=namespace,
        key=key,
        value=value,
        version=version,
        writer=writer,
        is_verified=bool(is_verified),
        created_at=clock.from_database(created_at),
        updated_at=clock.from_database(updated_at),
        expires_at=expires_at and clock.from_database(expires_at),
    )


def _take_place() -> None:
    global _open
    most = limit("exports_per_process")
    with _lock:
        if _open >= most:
            raise TooManyExports(limit=most, retry_after=RETRY_SECONDS)
        _open += 1


def _give_place_back() -> None:
    global _open
    with _lock:
        _open -= 1
