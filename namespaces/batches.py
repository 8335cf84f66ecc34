"""Batches: several reads and writes of one namespace, in order, all or nothing. Each write is judged like any other.

An operation is a write as `namespaces.writing` makes it, or one of the classes here. The rules of a batch itself are
how many operations it has, and how many bytes of values it reads.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from namespaces import reading, sql
from namespaces.callers import NOBODY, Caller
from namespaces.errors import BatchTooLarge, KeyNotFound, PreconditionFailed, Refusal
from namespaces.limits import limit
from namespaces.names import check_key
from namespaces.reading import Remembered
from namespaces.units import FREE, Terms, Unit
from namespaces.verdicts import Allowance
from namespaces.writing import Changed, ChangeOf, Deleted, Write, Written, in_unit, run_all


@dataclass(frozen=True, slots=True)
class Get:
    """Read an entry, as the operations before have left it."""

    key: str

    def __post_init__(self) -> None:
        check_key(self.key)


@dataclass(frozen=True, slots=True)
class Check:
    """Go on only if the entry is at `version`, or with None if there is none."""

    key: str
    version: int | None

    def __post_init__(self) -> None:
        check_key(self.key)


@dataclass(frozen=True, slots=True)
class NotFound:
    """There was no entry to read, or to delete."""

    key: str
    was_to_be_deleted: bool = False


Operation = Get | Check | Write | ChangeOf
Result = Remembered | NotFound | Check | Written | Deleted | Changed


@dataclass(slots=True)
class Batch:
    """What a batch has done. `revision` is the namespace's after it; `allowance` is None where nothing was written."""

    namespace: str
    revision: int
    results: list[Result] = field(default_factory=list)
    allowance: Allowance | None = None
    bytes_read: int = 0

    def add(self, result: Result) -> None:
        """Take the next result; BatchTooLarge where the answer would read too much."""
        match result:
            case Remembered():
                self.bytes_read += len(result.value)
            case Changed():
                self.bytes_read += result.edited.value.size
                self._note(result.written)
            case Written() | Deleted():
                self._note(result)
        most = limit("batch_bytes")
        if self.bytes_read > most:
            raise BatchTooLarge(f"The values that this batch reads have more than {most:,} bytes.", limit=most)
        self.results.append(result)

    def _note(self, written: Written | Deleted) -> None:
        self.revision = max(self.revision, written.version)
        self.allowance = written.allowance


def carry_out(
    namespace: str,
    operations: Sequence[Operation],
    *,
    caller: Caller = NOBODY,
    terms: Terms = FREE,
    now: datetime | None = None,
) -> Batch:
    """Carry out all operations, or none; the fact `operation` of a refusal is the number of the one that was refused.

    Raises what each operation does by itself, except that deleting what is not there is no mistake; BatchTooLarge; and
    what `units.carry_out` does.
    """
    return in_unit(namespace, lambda unit: _carry_out(unit, operations, caller), caller, terms, now)


def _carry_out(unit: Unit, operations: Sequence[Operation], caller: Caller) -> Batch:
    batch = Batch(unit.namespace, unit.revision)
    for _, run in groupby(operations, lambda operation: isinstance(operation, Write)):
        try:
            for result in _results_of(unit, list(run), caller):
                batch.add(result)
        except Refusal as refusal:
            refusal.facts["operation"] = len(batch.results) + refusal.position
            raise
    return batch


def _results_of(unit: Unit, run: list[Operation], caller: Caller) -> Iterator[Result]:
    """The results of operations that are all writes of which the size is known, or none of them is."""
    writes = [operation for operation in run if isinstance(operation, Write)]
    if writes:
        for write, verdict in zip(writes, run_all(unit, writes, tolerated=[KeyNotFound.code]), strict=True):
            if verdict["refusal"] is not None:
                yield NotFound(write.key, was_to_be_deleted=True)
            else:
                yield write.deleted(verdict) if write.plan is sql.DELETE else write.written(verdict)
        return
    for operation in run:
        match operation:
            case Get():
                yield _read(unit, operation.key, caller)
            case Check():
                yield _checked(unit, operation, caller)
            case ChangeOf():
                yield operation.carry_out(unit)


def _read(unit: Unit, key: str, caller: Caller) -> Remembered | NotFound:
    caller.check_reads(key)
    unit.cursor.execute(sql.READ_ENTRY, reading.read_parameters(unit.namespace, key, caller, unit.now))
    try:
        return reading.remembered(unit.namespace, key, unit.cursor.fetchone())
    except KeyNotFound:
        return NotFound(key)


def _checked(unit: Unit, check: Check, caller: Caller) -> Check:
    caller.check_reads(check.key)
    found = unit.fetch(sql.READ_VERSION, key=check.key)
    version = found["version"] if found else None
    if version != check.version:
        raise PreconditionFailed(current_version=version)
    return check
