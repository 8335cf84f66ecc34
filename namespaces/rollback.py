"""Rollback: every key that one writer wrote goes back to the newest version that is not by it, as new revisions.

A key is judged while the namespace is locked, by what the change log has of it. Where somebody else wrote later, it
stays; where the log does not tell what was there before, it is left alone. Nothing of it counts as a write of the day:
each undoes one that did. More keys than one transaction takes are the work of `namespaces.rollback_jobs`.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from itertools import islice
from json import dumps
from typing import Any, NamedTuple

from django.db import connection

from namespaces import clock, database
from namespaces.callers import NOBODY, Caller
from namespaces.changes import SPAN
from namespaces.errors import InvalidRevision, NamespaceNotFound
from namespaces.jsontext import JSONText
from namespaces.limits import limit
from namespaces.models import Change, Entry, Namespace, RollbackJob
from namespaces.names import Writer, after_prefix, check_namespace, check_prefix, check_writer
from namespaces.reading import check_readable, effective_status
from namespaces.removal import remove_batch
from namespaces.units import FREE, Terms, Unit
from namespaces.writing import Write, in_unit, restoration_of, run_all

# How many keys a preview judges, and how many of each kind an answer names.
MOST_JUDGED = 10_000
MOST_NAMED = 100
# How many bytes of values are put back at once.
HELD_BYTES = 4_194_304

# The keys that the writer wrote in a span of the log, each at the last revision at which it did; an expiry is nobody's.
_TOUCHED = """
SELECT c.key, c.revision FROM namespaces_change AS c
WHERE c.namespace_id = %(namespace)s AND c.revision > %(after)s AND c.revision <= %(reach)s
    AND c.writer = %(writer)s AND c.is_verified = %(is_verified)s AND c.kind <> 'expire'
    AND c.key >= %(prefix)s AND (%(prefix_is_open)s OR c.key < %(prefix_end)s)
    AND NOT EXISTS (
        SELECT 1 FROM namespaces_change AS later
        WHERE later.namespace_id = c.namespace_id AND later.key = c.key
            AND later.revision > c.revision AND later.revision <= %(until)s
            AND later.writer = %(writer)s AND later.is_verified = %(is_verified)s AND later.kind <> 'expire'
    )
ORDER BY c.revision LIMIT %(most)s
"""
# Of each key: its newest change, the newest that is neither by the writer nor hidden, the oldest that the log has, and
# the entry. By key first, so that no planner walks the log by revision to find the key's.
_JUDGE = """
WITH found AS MATERIALIZED (
    SELECT asked.key,
        (SELECT c.revision FROM namespaces_change AS c
            WHERE c.namespace_id = %(namespace)s AND c.key = asked.key AND c.kind <> 'expire'
            ORDER BY c.key, c.revision DESC LIMIT 1) AS latest,
        (SELECT c.revision FROM namespaces_change AS c
            WHERE c.namespace_id = %(namespace)s AND c.key = asked.key AND c.kind <> 'expire'
                AND NOT (c.writer = %(writer)s AND c.is_verified = %(is_verified)s)
                AND NOT EXISTS (
                    SELECT 1 FROM namespaces_quarantine AS q WHERE q.namespace_id = c.namespace_id
                        AND q.writer = c.writer AND q.is_verified = c.is_verified
                )
            ORDER BY c.key, c.revision DESC LIMIT 1) AS target,
        (SELECT c.revision FROM namespaces_change AS c
            WHERE c.namespace_id = %(namespace)s AND c.key = asked.key
            ORDER BY c.key DESC, c.revision LIMIT 1) AS oldest
    FROM ({asked}) AS asked
)
SELECT found.key, latest.revision, latest.writer = %(writer)s AND latest.is_verified = %(is_verified)s,
    entry.version, entry.bytes, target.revision, target.kind, target.bytes, target.value IS NOT NULL, target.expires_at,
    (SELECT c.kind FROM namespaces_change AS c
        WHERE c.namespace_id = %(namespace)s AND c.key = found.key AND c.revision > found.target
        ORDER BY c.key DESC, c.revision LIMIT 1) = 'expire',
    entry.value = target.value
        AND (entry.expires_at = target.expires_at OR entry.expires_at IS NULL AND target.expires_at IS NULL),
    oldest.kind = 'expire' OR oldest.kind = 'set' AND oldest.at = entry.created_at
FROM found
LEFT JOIN namespaces_change AS latest ON latest.namespace_id = %(namespace)s AND latest.revision = found.latest
LEFT JOIN namespaces_change AS target ON target.namespace_id = %(namespace)s AND target.revision = found.target
LEFT JOIN namespaces_change AS oldest ON oldest.namespace_id = %(namespace)s AND oldest.revision = found.oldest
LEFT JOIN namespaces_entry AS entry ON entry.namespace_id = %(namespace)s AND entry.key = found.key
    AND (entry.expires_at IS NULL OR entry.expires_at > %(now)s)
"""
_ASKED = {
    "sqlite": "SELECT value AS key FROM json_each(%(keys)s)",
    "postgresql": "SELECT value AS key FROM jsonb_array_elements_text(%(keys)s::jsonb)",
}

Fetch = Callable[..., Sequence[Sequence[Any]]]


class Fate(StrEnum):
    """What becomes of a key that the writer wrote."""

    RESTORED = "restored"
    DELETED = "deleted"
    UNCHANGED = "unchanged"  # it is as it should be
    KEPT = "kept"  # somebody else wrote later
    UNREACHABLE = "unreachable"  # the log has lost what was there before, or a purge has erased it
    REFUSED = "refused"  # by a limit on what is stored


TAKEN_BACK = (Fate.RESTORED, Fate.DELETED)
LEFT = (Fate.KEPT, Fate.UNREACHABLE, Fate.REFUSED)


@dataclass(frozen=True, slots=True)
class Extent:
    """What is taken back: what a writer did to the keys under a prefix after the revision `since`, up to `until`.

    `trimmed_revision` is the last that the log has lost: what was done up to it is out of reach.
    """

    namespace: str
    writer: Writer
    since: int
    until: int
    prefix: str
    trimmed_revision: int

    def parameters(self) -> dict[str, Any]:
        end = after_prefix(self.prefix)
        return {
            "writer": self.writer.name,
            "is_verified": self.writer.is_verified,
            "until": self.until,
            "prefix": self.prefix,
            "prefix_is_open": end is None,
            "prefix_end": end or "",
        }


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is to become of a key: it goes from a version to another one of `size` bytes, or to none."""

    key: str
    fate: Fate
    from_version: int | None
    to_version: int | None = None
    expires_at: datetime | None = None
    size: int = 0
    growth: int = 0


@dataclass(slots=True)
class Report:
    """What became of the keys, or would: counted by their fate, and the first of them named.

    Where not `is_whole`, there are more keys than were looked at. `job` is the one that does it, if it is one.
    """

    extent: Extent
    counts: Counter[Fate] = field(default_factory=Counter)
    moved: list[Judgement] = field(default_factory=list)
    left: list[Judgement] = field(default_factory=list)
    is_dry_run: bool = False
    is_whole: bool = True
    job: RollbackJob | None = None

    def add(self, judgements: Iterable[Judgement]) -> None:
        for judgement in judgements:
            self.counts[judgement.fate] += 1
            named = self.moved if judgement.fate in TAKEN_BACK else self.left if judgement.fate in LEFT else None
            if named is not None and len(named) < MOST_NAMED:
                named.append(judgement)


def preview(
    namespace: str,
    writer: Writer,
    *,
    since: int | datetime = 0,
    prefix: str = "",
    caller: Caller = NOBODY,
    now: datetime | None = None,
) -> Report:
    """What a rollback would do at this moment, as far as the first MOST_JUDGED keys go. Nothing is written.

    Raises what `extent_of` does.
    """
    now = now or clock.now()
    extent = extent_of(namespace, writer, since, prefix, caller, now)
    report, fetch = Report(extent, is_dry_run=True), _reading(namespace, now)
    touched = _all_touched(fetch, extent)
    while keys := list(islice(touched, limit("batch_operations"))):
        if report.counts.total() >= MOST_JUDGED:
            report.is_whole = False
            break
        report.add(judged(fetch, extent, keys, now))
    return report


def roll_back_few(
    extent: Extent, keys: Sequence[str], *, caller: Caller = NOBODY, terms: Terms = FREE, now: datetime | None = None
) -> Report:
    """Take back what the writer did to these keys, all or nothing.

    Raises InvalidWriter, NamespaceReadOnly, NamespaceSuspended, StorageLimit, ValueTooLarge, and what
    `units.carry_out` does.
    """

    def work(unit: Unit) -> Report:
        report = Report(extent)
        report.add(carried_out(unit, extent, keys, caller))
        return report

    return in_unit(extent.namespace, work, caller, terms, now)


def extent_of(
    namespace: str, writer: Writer, since: int | datetime, prefix: str, caller: Caller, now: datetime
) -> Extent:
    """What a rollback at this moment is about; `since` may be a time: then it begins with the first change from it on.

    An operator's writes are not taken back. Raises InvalidNamespace, InvalidWriter, InvalidPrefix, InvalidRevision,
    NamespaceNotFound, NamespaceSuspended, TokenNotAllowed, DatabaseUnavailable.
    """
    check_namespace(namespace)
    check_writer(writer.name)
    check_prefix(prefix)
    caller.check_admin("roll back")
    with database.turn():
        row = Namespace.objects.seen_by(caller.digest, now).filter(name=namespace).first()
        if row is None:
            raise NamespaceNotFound(namespace)
        check_readable(namespace, effective_status(row, now), row.status_reason, row.status_until)
        revision = _revision_before(row, since) if isinstance(since, datetime) else since
    if revision > row.revision:
        raise InvalidRevision(namespace, since=revision, revision=row.revision)
    return Extent(namespace, writer, revision, row.revision, prefix, row.trimmed_revision)


def _revision_before(namespace: Namespace, moment: datetime) -> int:
    """The revision before the first change that was made at `moment` or later; the last one if there is none."""
    log = Change.objects.filter(namespace_id=namespace.name, revision__lte=namespace.revision, at__gte=moment)
    first = log.order_by("revision").values_list("revision", flat=True).first()
    return namespace.revision if first is None else first - 1


def first_touched(extent: Extent, most: int, now: datetime) -> list[str]:
    """Up to `most` of the keys that the writer wrote, in the order of their last revisions by it."""
    return list(islice(_all_touched(_reading(extent.namespace, now), extent), most))


def _reading(namespace: str, now: datetime) -> Fetch:
    """Reads that hold no lock, each with a turn of its own."""

    def fetch_all(sql: str, **parameters: Any) -> Sequence[Sequence[Any]]:
        known = {"namespace": namespace, "now": database.as_parameter(now)}
        with database.turn():
            return database.fetch_all(sql, known | parameters)

    return fetch_all


def _all_touched(fetch: Fetch, extent: Extent) -> Iterator[str]:
    reached = extent.since
    while reached < extent.until:
        keys, reached = touched(fetch, extent, reached, limit("batch_operations"))
        yield from keys


def touched(fetch: Fetch, extent: Extent, after: int, most: int) -> tuple[list[str], int]:
    """The keys that the writer wrote for the last time after the revision `after`, up to `most`; and how far that is.

    It looks through up to SPAN revisions, which may have none.
    """
    after = max(after, extent.trimmed_revision)
    reach = min(after + SPAN, extent.until)
    rows = fetch(_TOUCHED, **extent.parameters(), after=after, reach=reach, most=most)
    return [key for key, _ in rows], (rows[-1][1] if len(rows) == most else max(reach, after))


def judged(fetch: Fetch, extent: Extent, keys: Sequence[str], now: datetime) -> list[Judgement]:
    """What is to become of these keys, in their order."""
    if not keys:
        return []
    sql = _JUDGE.format(asked=_ASKED[connection.vendor])
    found = {row[0]: _Found(*row) for row in fetch(sql, **extent.parameters(), keys=dumps(keys))}
    return [_judgement(found[key], extent, now) for key in keys]


class _Found(NamedTuple):
    """A row of `_JUDGE`."""

    key: str
    latest: int | None
    is_own: bool | None
    version: int | None
    size: int | None
    target: int | None
    target_kind: str | None
    target_size: int | None
    has_value: bool
    expires_at: datetime | str | None
    has_expired: bool | None
    is_same: bool | None
    is_beginning: bool | None

    def is_gone(self, now: datetime) -> bool:
        """Whether the target, or that there is none, means that there was no entry, or would be none any more."""
        ends_at = self.expires_at and clock.from_database(self.expires_at)
        is_over = bool(self.has_expired or (ends_at and ends_at <= now))
        return self.target is None or self.target_kind == Change.Kind.DELETE or is_over


def _judgement(found: _Found, extent: Extent, now: datetime) -> Judgement:
    def left(fate: Fate) -> Judgement:
        return Judgement(found.key, fate, found.version)

    # Without a target, and with a log that has lost its beginning, there may have been one.
    is_known = found.target is not None or extent.trimmed_revision == 0 or found.is_beginning
    if found.latest is not None and not found.is_own:
        return left(Fate.KEPT)
    if found.latest is None or not is_known:
        return left(Fate.UNREACHABLE)
    if found.is_gone(now):
        return left(Fate.UNCHANGED if found.version is None else Fate.DELETED)
    if not found.has_value:
        return left(Fate.UNREACHABLE)
    if found.is_same:
        return left(Fate.UNCHANGED)
    ends_at = clock.from_database(found.expires_at) if found.expires_at else None
    size = found.target_size or 0
    growth = size - (found.size or 0)
    return Judgement(found.key, Fate.RESTORED, found.version, found.target, ends_at, size, growth)


def carried_out(
    unit: Unit, extent: Extent, keys: Sequence[str], caller: Caller, *, tolerated: Collection[str] = ()
) -> list[Judgement]:
    """Take back what the writer did to these keys; a `tolerated` refusal leaves the key it concerns as it is.

    What makes room goes first, so that it is refused only where all of it together does not fit.
    """
    if not caller.is_operator:
        unit.check_writable()
    done = judged(unit.fetch_rows, extent, keys, unit.now)
    _delete(unit, [one.key for one in done if one.fate is Fate.DELETED], caller)
    refused = set()
    restored = sorted((one for one in done if one.fate is Fate.RESTORED), key=lambda one: one.growth)
    for together in _in_portions(restored, 0 if tolerated else HELD_BYTES):
        verdicts = run_all(unit, _writes_of(unit, together, caller), tolerated=tolerated)
        refused |= {one.key for one, row in zip(together, verdicts, strict=True) if row["refusal"] is not None}
    return [replace(one, fate=Fate.REFUSED, to_version=None) if one.key in refused else one for one in done]


def _delete(unit: Unit, keys: list[str], caller: Caller) -> None:
    if keys:
        chosen = Entry.objects.filter(namespace_id=unit.namespace, key__in=keys)
        remove_batch(unit.namespace, chosen, Change.Kind.DELETE, unit.now, caller)
        unit.has_written = True


def _in_portions(judgements: Iterable[Judgement], most_bytes: int) -> Iterator[list[Judgement]]:
    """Such as are written together: all in one statement or none, and their values held in memory at the same time."""
    portion: list[Judgement] = []
    size = 0
    for judgement in judgements:
        if portion and size + judgement.size > most_bytes:
            yield portion
            portion, size = [], 0
        portion.append(judgement)
        size += judgement.size
    if portion:
        yield portion


def _writes_of(unit: Unit, judgements: list[Judgement], caller: Caller) -> list[Write]:
    log = Change.objects.filter(namespace_id=unit.namespace, revision__in=[one.to_version for one in judgements])
    values = {revision: value or "" for revision, value in log.values_list("revision", "value")}
    return [
        restoration_of(
            unit.namespace,
            one.key,
            JSONText.of_checked(values[one.to_version or 0]),
            expires_at=one.expires_at,
            caller=caller,
            now=unit.now,
        )
        for one in judgements
    ]
