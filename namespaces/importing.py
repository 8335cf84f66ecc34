"""Import: a part of an export is taken in as one unit of work, all or nothing, and may come again without effect.

Into a namespace that nothing was written to, entries come back as they were: version, times, writer; and the changes,
if the export has them. The namespace then goes on from the revision of the export, and remembers which one it was, so
that its other parts come back so too. Elsewhere, and where a key was written to since, an entry is a write like any
other: it takes a new revision, and is logged. Whatever is put in counts against the day's writes and the stored bytes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from namespaces import clock, database, sql
from namespaces.callers import NOBODY, Caller
from namespaces.errors import (
    DailyWriteLimit,
    ImportConflict,
    InvalidExport,
    InvalidTTL,
    Refusal,
    StorageLimit,
    ValueTooLarge,
)
from namespaces.jsontext import JSONText
from namespaces.limits import limit
from namespaces.models import Change
from namespaces.names import OPERATOR, check_key, check_namespace, check_writer
from namespaces.units import Unit
from namespaces.verdicts import Allowance, parameters_of, refusal_of
from namespaces.writing import in_unit

# So that every reader of JSON holds a revision exactly, and there is room for all that come after it.
MOST_REVISION = 10**15
_ROWS_PER_STATEMENT = 100


class OnConflict(StrEnum):
    """What becomes of an entry whose key is there with something else."""

    FAIL = "fail"
    SKIP = "skip"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Given:
    """An entry of an export, and the number of its line in the part."""

    line: int
    key: str
    value: JSONText
    version: int
    writer: str
    is_verified: bool
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None

    @property
    def size(self) -> int:
        return len(self.key.encode()) + self.value.size


@dataclass(frozen=True, slots=True)
class GivenChange:
    """A change of an export, and the number of its line in the part."""

    line: int
    revision: int
    kind: str
    key: str
    value: JSONText | None
    writer: str
    is_verified: bool
    at: datetime

    @property
    def size(self) -> int:
        return len(self.key.encode()) + (self.value.size if self.value else 0)


@dataclass(slots=True)
class Part:
    """Some lines of the export whose digest is `origin`, and which was made at `revision`."""

    origin: str
    revision: int
    entries: list[Given] = field(default_factory=list)
    changes: list[GivenChange] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """What a part did, or would do: how many entries are which, and what of the limits that takes.

    `is_exact` tells that entries come back as they were. What is left is what was left before the part.
    """

    namespace: str
    revision: int
    is_exact: bool
    new: int = 0
    same: int = 0
    different: int = 0
    expired: int = 0
    too_large: int = 0
    changes: int = 0
    writes_needed: int = 0
    writes_left: int = 0
    bytes_needed: int = 0
    bytes_left: int = 0
    allowance: Allowance | None = None


def take_in(
    namespace: str,
    part: Part,
    *,
    on_conflict: OnConflict = OnConflict.FAIL,
    is_dry_run: bool = False,
    caller: Caller = NOBODY,
    now: datetime | None = None,
) -> Report:
    """Take a part in, or with `is_dry_run` only tell what that would do.

    Only an admin token vouches for the writers that the export calls verified; without one they are self-declared, and
    operators are always. An entry that is there with the same value, writer and expiry is left alone, and so is one
    that has expired. The fact `line` of a refusal is the number of the line at which the part was refused. Raises
    InvalidNamespace, TokenNotAllowed, InvalidExport, InvalidKey, InvalidWriter, InvalidTTL, ValueTooLarge,
    ImportConflict, NamespaceReadOnly, NamespaceSuspended, DailyWriteLimit, StorageLimit, DatabaseUnavailable, DiskFull,
    and what `caller.admit_creation` raises.
    """
    check_namespace(namespace)
    caller.check_admin("import")
    may_vouch = caller.token is not None
    now = now or clock.now()
    checked = _checked(part, may_vouch, now)

    def work(unit: Unit) -> Report:
        intake = _Intake(unit, checked, caller, on_conflict, is_dry_run)
        report = intake.plan()
        if not is_dry_run:
            intake.carry_out()
        return report

    return in_unit(namespace, work, caller, now=now)


def _checked(part: Part, may_vouch: bool, now: datetime) -> Part:
    """The part with writers that are verified only as far as the importer may say so; refused where it can not be."""
    entries = [_checked_entry(given, may_vouch, now) for given in part.entries]
    changes = [_checked_change(given, may_vouch) for given in part.changes]
    for what, names in (("key", [e.key for e in entries]), ("revision", [c.revision for c in changes])):
        if len(set(names)) < len(names):
            raise InvalidExport(f"The part has a {what} twice.")
    return replace(part, entries=entries, changes=changes)


def _checked_entry(given: Given, may_vouch: bool, now: datetime) -> Given:
    with _Line(given.line):
        check_key(given.key)
        check_writer(given.writer, is_operator=True)
        most = limit("ttl_seconds")
        if given.expires_at is not None and given.expires_at > now + timedelta(seconds=most):
            raise InvalidTTL(f"An entry expires within {most:,} seconds.", limit=most)
    return replace(given, is_verified=_is_vouched(given, may_vouch))


def _checked_change(given: GivenChange, may_vouch: bool) -> GivenChange:
    with _Line(given.line):
        check_key(given.key)
        check_writer(given.writer, is_operator=True)
        if given.kind not in Change.Kind.values:
            raise InvalidExport(f"A change is one of {', '.join(Change.Kind.values)}.")
    return replace(given, is_verified=_is_vouched(given, may_vouch))


def _is_vouched(given: Given | GivenChange, may_vouch: bool) -> bool:
    return given.is_verified and may_vouch and given.writer != "" and given.writer != OPERATOR


class _Line:
    """Whatever is refused within says at which line."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if isinstance(error, Refusal):
            error.facts["line"] = self._number


@dataclass(frozen=True, slots=True)
class _Stored:
    """What is under a key already; `value` is read only where its size is the given one's."""

    bytes: int
    version: int
    writer: str
    is_verified: bool
    created_at: datetime
    expires_at: datetime | None
    value: str | None


_ENTRY_COLUMNS = (
    *("namespace_id", "key", "bytes", "version", "created_at", "updated_at", "expires_at", "writer"),
    *("is_verified", "value"),
)
_CHANGE_COLUMNS = ("namespace_id", "revision", "kind", "key", "bytes", "at", "writer", "is_verified", "value")


class _Intake:
    """One part on its way into a locked namespace: planned whole, then carried out."""

    def __init__(self, unit: Unit, part: Part, caller: Caller, on_conflict: OnConflict, is_dry_run: bool) -> None:
        self._unit, self._part = unit, part
        self._on_conflict, self._is_dry_run = on_conflict, is_dry_run
        self._state = self._judged_state(caller)
        self._is_fresh = unit.revision == 0 < part.revision
        began = unit.fetch(sql.FIND_RESTORATION)
        self._base = part.revision if self._is_fresh else began["revision"] if began else 0
        # Where the log was trimmed beyond the export, it no longer tells which keys were written to since.
        self._is_exact = self._is_fresh or (
            began is not None and began["origin"] == part.origin and self._state["trimmed_revision"] <= self._base
        )
        self._revision = part.revision if self._is_fresh else unit.revision
        self._trimmed = part.revision if self._is_fresh else self._state["trimmed_revision"]
        self._written: list[dict[str, Any]] = []
        self._logged: list[dict[str, Any]] = []
        self._appeared = 0
        self._report = Report(
            unit.namespace,
            self._revision,
            self._is_exact,
            writes_left=max(self._state["write_limit"] - self._state["writes"], 0),
            bytes_left=max(self._state["byte_limit"] - self._state["stored_bytes"], 0),
        )

    def _judged_state(self, caller: Caller) -> dict[str, Any]:
        """Counters and limits of the namespace; raises where its status forbids to write."""
        parameters = parameters_of(sql.LOOK, self._unit.namespace, "", self._unit.now, value_bytes=0, caller=caller)
        verdict = self._unit.fetch(sql.LOOK.verdict("TRUE"), **parameters)
        assert verdict is not None, "the namespace is locked"
        if verdict["refusal"] is not None:
            raise refusal_of(verdict, parameters, self._unit.now)
        trimmed = self._unit.fetch(sql.READ_TRIMMED)
        return {**verdict, **(trimmed or {})}

    # --- what is to be done

    def plan(self) -> Report:
        """Judge every line; raises what refuses the part, unless it is a dry run."""
        stored = self._stored()
        touched = self._touched()
        for given in self._part.entries:
            with _Line(given.line):
                self._judge(given, stored.get(given.key), is_exact=self._is_exact and given.key not in touched)
        for change in self._part.changes:
            with _Line(change.line):
                self._judge_change(change)
        self._report.revision = self._revision
        return self._report

    def _judge(self, given: Given, stored: _Stored | None, *, is_exact: bool) -> None:
        report, now = self._report, self._unit.now
        is_live = stored is not None and (stored.expires_at is None or stored.expires_at > now)
        if given.expires_at is not None and given.expires_at <= now:
            report.expired += 1
        elif given.value.size > self._state["value_limit"]:
            report.too_large += 1
            if not self._is_dry_run:
                raise ValueTooLarge(limit=self._state["value_limit"], used=given.value.size)
        elif stored is None or not is_live:
            report.new += 1
            self._write(given, stored, None, is_exact=is_exact)
        elif _is_same(given, stored):
            report.same += 1
        else:
            self._meet(given, stored)

    def _meet(self, given: Given, stored: _Stored) -> None:
        self._report.different += 1
        if self._on_conflict == OnConflict.REPLACE:
            self._write(given, stored, stored.created_at, is_exact=False)
        elif self._on_conflict == OnConflict.FAIL and not self._is_dry_run:
            raise ImportConflict(given.key, current_version=stored.version)

    def _write(self, given: Given, stored: _Stored | None, since: datetime | None, *, is_exact: bool) -> None:
        growth = given.size - (stored.bytes if stored else 0)
        self._check_room(growth)
        self._appeared += stored is None
        row = {
            "key": given.key,
            "bytes": given.size,
            "version": given.version,
            "created_at": given.created_at,
            "updated_at": given.updated_at,
            "expires_at": given.expires_at,
            "writer": given.writer,
            "is_verified": given.is_verified,
            "value": given.value.text,
        }
        if not is_exact:
            self._revision += 1
            now = self._unit.now
            row |= {"version": self._revision, "created_at": since or now, "updated_at": now}
            self._logged.append(row | {"revision": self._revision, "kind": Change.Kind.SET.value, "at": now})
        self._written.append(row)
        self._count(growth)

    def _judge_change(self, given: GivenChange) -> None:
        """Put a change below the oldest one of the log; what would leave a gap stays out."""
        if not self._is_exact or given.revision != self._trimmed:
            return
        self._check_room(0)
        self._trimmed -= 1
        self._logged.append(
            {
                "revision": given.revision,
                "kind": given.kind,
                "key": given.key,
                "bytes": given.size,
                "at": given.at,
                "writer": given.writer,
                "is_verified": given.is_verified,
                "value": given.value.text if given.value else None,
            }
        )
        self._report.changes += 1
        self._count(0)

    def _check_room(self, growth: int) -> None:
        """Raise unless one more write fits, that makes what is stored grow by so many bytes."""
        if self._is_dry_run:
            return
        state, report = self._state, self._report
        name, writes = self._unit.namespace, state["writes"] + report.writes_needed
        if writes >= state["write_limit"]:
            resets_at = clock.end_of_day(self._unit.now)
            raise DailyWriteLimit(name, limit=state["write_limit"], used=writes, resets_at=resets_at)
        stored = state["stored_bytes"] + report.bytes_needed
        if growth > 0 and stored + growth > state["byte_limit"]:
            raise StorageLimit(name, limit=state["byte_limit"], used=stored, needed=growth)

    def _count(self, growth: int) -> None:
        self._report.writes_needed += 1
        self._report.bytes_needed += growth

    # --- what is there

    def _stored(self) -> dict[str, _Stored]:
        found = {row["key"]: row for row in self._rows(sql.FIND_STORED, [given.key for given in self._part.entries])}
        sized = [given.key for given in self._part.entries if found.get(given.key, {}).get("bytes") == given.size]
        values = {row["key"]: row["value"] for row in self._rows(sql.FIND_VALUES, sized)}
        return {key: _stored_in(row, values.get(key)) for key, row in found.items()}

    def _touched(self) -> set[str]:
        """The keys that were written to since the export was begun to be taken in."""
        if not self._is_exact or self._is_fresh or self._unit.revision == self._base:
            return set()
        keys = [given.key for given in self._part.entries]
        return {row["key"] for row in self._rows(sql.FIND_TOUCHED, keys, base=self._base)}

    def _rows(self, statement: str, keys: Sequence[str], **more: Any) -> Iterator[dict[str, Any]]:
        for some in _chunks(keys):
            named = {f"key_{number}": key for number, key in enumerate(some)}
            self._unit.execute(statement.format(keys=_placeholders("key", len(some))), **named, **more)
            names = [column[0] for column in self._unit.cursor.description]
            for row in self._unit.cursor.fetchall():
                yield dict(zip(names, row, strict=True))

    # --- done

    def carry_out(self) -> None:
        """Write what was planned."""
        if not (self._written or self._logged or self._is_fresh):
            return
        unit, report = self._unit, self._report
        self._insert(sql.PUT_ENTRIES, _ENTRY_COLUMNS, self._written)
        self._insert(sql.PUT_CHANGES, _CHANGE_COLUMNS, self._logged)
        unit.execute(
            sql.ADVANCE_BY_IMPORT,
            revision=self._revision,
            trimmed_revision=self._trimmed,
            growth=report.bytes_needed,
            appeared=self._appeared,
            log_bytes=sum(row["bytes"] for row in self._logged),
        )
        if report.writes_needed:
            today = database.as_day_parameter(clock.day_of(unit.now))
            written = sum(row["bytes"] for row in self._written)
            unit.execute(sql.COUNT_WRITES, today=today, writes=report.writes_needed, bytes_written=written)
            used = self._state["writes"] + report.writes_needed
            report.allowance = Allowance(self._state["write_limit"], used, clock.end_of_day(unit.now))
        if self._is_fresh:
            unit.execute(sql.BEGIN_RESTORATION, origin=self._part.origin, revision=self._part.revision)
        unit.has_written = True

    def _insert(self, statement: str, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
        for some in _chunks(rows):
            parameters = {
                f"{column}_{number}": database.as_parameter(cell) if isinstance(cell, datetime) else cell
                for number, row in enumerate(some)
                for column, cell in row.items()
                if column in columns
            }
            self._unit.execute(statement.format(rows=_rows_of(columns, len(some))), **parameters)


def _is_same(given: Given, stored: _Stored) -> bool:
    return (given.value.text, given.writer, given.is_verified, given.expires_at) == (
        stored.value,
        stored.writer,
        stored.is_verified,
        stored.expires_at,
    )


def _stored_in(row: dict[str, Any], value: str | None) -> _Stored:
    return _Stored(
        bytes=row["bytes"],
        version=row["version"],
        writer=row["writer"],
        is_verified=bool(row["is_verified"]),
        created_at=clock.from_database(row["created_at"]),
        expires_at=row["expires_at"] and clock.from_database(row["expires_at"]),
        value=value,
    )


def _chunks(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(rows), _ROWS_PER_STATEMENT):
        yield rows[start : start + _ROWS_PER_STATEMENT]


@lru_cache(maxsize=256)
def _placeholders(name: str, count: int) -> str:
    return ", ".join(f"%({name}_{number})s" for number in range(count))


@lru_cache(maxsize=256)
def _rows_of(columns: tuple[str, ...], count: int) -> str:
    own = columns[1:]
    return ", ".join(
        f"(%(namespace)s, {', '.join(f'%({column}_{number})s' for column in own)})" for number in range(count)
    )
