"""Rollbacks: at once where one transaction takes all of it, else as a job of short batches that may be killed.

A job is a row. The worker does a batch and says so in the row in one transaction, so that it goes on exactly where it
was. Each batch judges its keys at its turn: what others have written meanwhile stays.
"""

import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from namespaces import clock, database, units
from namespaces.callers import NOBODY, Caller
from namespaces.errors import Restricted, RollbackNotFound, RollbackRunning, StorageLimit, ValueTooLarge
from namespaces.limits import limit
from namespaces.models import Namespace, RollbackJob
from namespaces.names import Writer, check_namespace, check_writer
from namespaces.purging import Pace
from namespaces.reading import is_readable_now
from namespaces.rollback import (
    LEFT,
    MOST_NAMED,
    TAKEN_BACK,
    Extent,
    Fate,
    Judgement,
    Report,
    carried_out,
    extent_of,
    first_touched,
    roll_back_few,
    touched,
)
from namespaces.units import FREE, Terms, Unit
from namespaces.writing import in_unit

State = RollbackJob.State
_COUNTS = tuple(fate.value for fate in Fate)
_STORED = ("state", "cursor_revision", *_COUNTS, "moved", "left", "updated_at")


@dataclass(slots=True)
class RollbackPace(Pace):
    """Each key of a rollback is a write of its own, so that few fit into a moment."""

    fewest: ClassVar[int] = 50


def roll_back(
    namespace: str,
    writer: Writer,
    *,
    since: int | datetime = 0,
    prefix: str = "",
    caller: Caller = NOBODY,
    terms: Terms = FREE,
    now: datetime | None = None,
) -> Report:
    """Take back what `writer` did after `since`; up to `batch_operations` keys all or nothing, more by a job.

    Raises RollbackRunning, what `rollback.extent_of` and `rollback.roll_back_few` do, and InvalidWriter for the caller.
    """
    now = now or clock.now()
    check_writer(caller.writer, is_operator=caller.is_operator)
    extent = extent_of(namespace, writer, since, prefix, caller, now)
    most = limit("batch_operations")
    keys = first_touched(extent, most + 1, now)
    if len(keys) <= most:
        return roll_back_few(extent, keys, caller=caller, terms=terms, now=now)
    return in_unit(namespace, lambda unit: _begin(unit, extent, caller), caller, terms, now)


def _begin(unit: Unit, extent: Extent, caller: Caller) -> Report:
    if not caller.is_operator:
        unit.check_writable()
    running = RollbackJob.objects.filter(namespace_id=unit.namespace, state=State.RUNNING).first()
    if running is not None:
        raise RollbackRunning(unit.namespace, job=running.started_at)
    unit.has_written = True
    job = RollbackJob.objects.create(
        namespace_id=unit.namespace,
        started_at=unit.now,
        writer=extent.writer.name,
        is_verified=extent.writer.is_verified,
        since_revision=extent.since,
        up_to_revision=extent.until,
        prefix=extent.prefix,
        started_by=caller.writer,
        is_starter_verified=caller.is_verified,
        cursor_revision=extent.since,
        updated_at=unit.now,
    )
    return _report_of(job, extent)


def advance(pace: Pace | None = None, *, now: datetime | None = None) -> bool:
    """Do the next batch of the running job that has waited longest; False where there is none to do.

    One whose namespace may not be written to waits until it may. The caller rests for `pace.rest` seconds before the
    next batch. Raises DatabaseUnavailable, DiskFull.
    """
    pace = pace or RollbackPace()
    with database.turn():
        job = RollbackJob.objects.filter(state=State.RUNNING).order_by("updated_at").first()
    if job is None:
        return False
    began = time.monotonic()
    try:
        _do_batch(job, pace.rows, now or clock.now())
    except Restricted:
        _postpone(job, now or clock.now())
        return False
    pace.adapt(time.monotonic() - began)
    return True


def _do_batch(job: RollbackJob, rows: int, now: datetime) -> None:
    """A batch, or as much of it as fits: what a limit refuses when room was made is left alone, and told."""
    caller = Caller(job.started_by, is_verified=job.is_starter_verified)

    def do(*tolerated: str) -> None:
        def work(unit: Unit) -> None:
            _advance(unit, job, rows, caller, tolerated)

        # For anyone: whether the starter may do this was judged when the job began.
        units.carry_out(job.namespace_id, work, now=now, caller=caller, is_for_anyone=True)

    try:
        do()
    except (StorageLimit, ValueTooLarge):
        do(StorageLimit.code, ValueTooLarge.code)


def _advance(unit: Unit, job: RollbackJob, rows: int, caller: Caller, tolerated: tuple[str, ...]) -> None:
    found = RollbackJob.objects.select_for_update(no_key=True).filter(pk=job.pk, state=State.RUNNING).first()
    if found is None:  # cancelled meanwhile
        return
    extent = _extent_of(found)
    keys, found.cursor_revision = touched(unit.fetch_rows, extent, found.cursor_revision, rows)
    _count(found, carried_out(unit, extent, keys, caller, tolerated=tolerated))
    if found.cursor_revision >= extent.until:
        found.state = State.DONE
    found.updated_at = unit.now
    RollbackJob.objects.filter(pk=found.pk).update(**{name: getattr(found, name) for name in _STORED})


def _extent_of(job: RollbackJob) -> Extent:
    trimmed_revision = Namespace.objects.values_list("trimmed_revision", flat=True).get(name=job.namespace_id)
    writer = Writer(job.writer, job.is_verified)
    return Extent(job.namespace_id, writer, job.since_revision, job.up_to_revision, job.prefix, trimmed_revision)


def _count(job: RollbackJob, judgements: list[Judgement]) -> None:
    for judgement in judgements:
        setattr(job, judgement.fate, getattr(job, judgement.fate) + 1)
        if judgement.fate in TAKEN_BACK and len(job.moved) < MOST_NAMED:
            job.moved.append([judgement.key, judgement.fate, judgement.from_version, judgement.to_version])
        if judgement.fate in LEFT and len(job.left) < MOST_NAMED:
            job.left.append([judgement.key, judgement.fate, judgement.from_version, judgement.to_version])


def _postpone(job: RollbackJob, now: datetime) -> None:
    with database.turn(writes=True), database.write_transaction():
        RollbackJob.objects.filter(pk=job.pk, state=State.RUNNING).update(updated_at=now)


def find(namespace: str, started_at: datetime, *, caller: Caller = NOBODY, now: datetime | None = None) -> Report:
    """What the job that began at this moment has done so far.

    Raises RollbackNotFound, InvalidNamespace, NamespaceSuspended, TokenNotAllowed, DatabaseUnavailable.
    """
    check_namespace(namespace)
    caller.check_admin("look at rollbacks")
    with database.turn():
        return _found(namespace, started_at, caller, now or clock.now())


def cancel(namespace: str, started_at: datetime, *, caller: Caller = NOBODY, now: datetime | None = None) -> Report:
    """Stop a job for good; what it took back stays taken back. One that has ended is left as it ended.

    Raises what `find` does.
    """
    now = now or clock.now()
    check_namespace(namespace)
    caller.check_admin("stop a rollback")
    with database.turn(writes=True), database.write_transaction():
        _found(namespace, started_at, caller, now)
        running = RollbackJob.objects.filter(namespace_id=namespace, started_at=started_at, state=State.RUNNING)
        running.update(state=State.CANCELLED, updated_at=now)
        return _found(namespace, started_at, caller, now)


def _found(namespace: str, started_at: datetime, caller: Caller, now: datetime) -> Report:
    is_readable = is_readable_now(namespace, caller, now)
    job = RollbackJob.objects.filter(namespace_id=namespace, started_at=started_at).first()
    if job is None or not is_readable:
        raise RollbackNotFound(namespace, started_at.isoformat())
    return _report_of(job, _extent_of(job))


def _report_of(job: RollbackJob, extent: Extent) -> Report:
    counts: Counter[Fate] = Counter({fate: getattr(job, fate) for fate in Fate})
    moved, left = _judgements(job.moved), _judgements(job.left)
    return Report(extent, counts, moved, left, is_whole=job.state == State.DONE, job=job)


def _judgements(rows: list[list[Any]]) -> list[Judgement]:
    return [Judgement(key, Fate(fate), before, after) for key, fate, before, after in rows]
