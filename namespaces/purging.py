"""Purging: removing a range of a namespace for good, in a job of short batches that may be killed at any point.

A job is a row. Whoever drives it, the worker or an operator's page, does a batch and says so in the row in one
transaction, so that it goes on exactly where it was; two drivers at once take turns and do no harm.

A purge removes the entries under a prefix, and erases what the change log kept of their values, those of keys deleted
earlier included. It is no write of the day. What agents write meanwhile survives it whole: it has a later revision.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db.models.functions import Substr

from namespaces import clock, database, removal, standing
from namespaces.callers import AN_OPERATOR
from namespaces.errors import ActRefused, NamespaceNotFound
from namespaces.models import Change, Entry, Namespace, PurgeJob
from namespaces.moderation import Action, check_reason, locked, record
from namespaces.names import check_namespace, check_prefix

State = PurgeJob.State
Driver = PurgeJob.Driver

# How many entries a page counts before it says "more than".
MOST_COUNTED = 10_000
SAMPLES = 5
SAMPLE_LENGTH = 120
BATCH_BYTES = 4_194_304
# SQLite has one writer: while a batch is on its way, every namespace waits, and those who wait ask again ever later.
# So a batch is as large as fits into a moment, whatever the machine, and is followed by a longer rest.
BATCH_SECONDS = 0.005
REST = 3  # times as long as the batch took
SHORTEST_REST = 0.01
FEWEST_ROWS, MOST_ROWS = 50, removal.BATCH
# A job that nobody has touched for so long has no worker.
PATIENCE = timedelta(seconds=6)


@dataclass(slots=True)
class Pace:
    """How many rows a driver takes at once, and how many seconds it rests after them: by what the last ones took."""

    fewest: ClassVar[int] = FEWEST_ROWS

    rows: int = FEWEST_ROWS
    rest: float = SHORTEST_REST

    def adapt(self, seconds: float) -> None:
        """The last batch took so long; a larger step up than to twice the rows would be a guess."""
        fitting = int(self.rows * min(2.0, BATCH_SECONDS / max(seconds, 0.0001)))
        self.rows = min(max(fitting, self.fewest), MOST_ROWS)
        self.rest = max(SHORTEST_REST, REST * seconds)


@dataclass(frozen=True, slots=True)
class Sample:
    """A key, and how its value begins."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Range:
    """What a purge would remove, entries included that have expired and are not yet swept.

    `entries` and `bytes` are exact, unless `is_more` tells that they stop at MOST_COUNTED.
    """

    namespace: str
    prefix: str
    entries: int
    bytes: int
    is_more: bool
    first: list[Sample]
    last: list[Sample]


def survey(namespace: str, prefix: str) -> Range:
    """What is in a range, without counting more than MOST_COUNTED rows.

    Raises InvalidNamespace, InvalidPrefix, NamespaceNotFound, DatabaseUnavailable.
    """
    check_namespace(namespace)
    check_prefix(prefix)
    with database.turn():
        row = Namespace.objects.filter(name=namespace).first()
        if row is None:
            raise NamespaceNotFound(namespace)
        chosen = Entry.objects.filter(namespace_id=namespace).under(prefix)
        if prefix:
            sizes = list(chosen.order_by("key").values_list("bytes", flat=True)[: MOST_COUNTED + 1])
            counted, is_more = sizes[:MOST_COUNTED], len(sizes) > MOST_COUNTED
            entries, size = len(counted), sum(counted)
        else:
            entries, size, is_more = row.entries, row.bytes, False
        samples = chosen.annotate(start=Substr("value", 1, SAMPLE_LENGTH)).values_list("key", "start")
        first = [Sample(*found) for found in samples.order_by("key")[:SAMPLES]]
        last = [Sample(*found) for found in reversed(samples.order_by("-key")[:SAMPLES])] if entries > SAMPLES else []
    known = {sample.key for sample in first}
    return Range(namespace, prefix, entries, size, is_more, first, [one for one in last if one.key not in known])


def start(namespace: str, prefix: str, *, reason: str, operator: str, now: datetime | None = None) -> PurgeJob:
    """Begin a purge of what is under `prefix` at this moment, and log it; a driver does the rest.

    Raises ActRefused, InvalidNamespace, InvalidPrefix, NamespaceNotFound, DatabaseUnavailable.
    """
    now = now or clock.now()
    check_namespace(namespace)
    check_prefix(prefix)
    reason = check_reason(reason)
    with database.turn(writes=True):
        # Counted before the lock is taken: it is only what the progress is measured against.
        expected = Entry.objects.filter(namespace_id=namespace).under(prefix).count() if prefix else None
        with database.write_transaction():
            row = locked(namespace)
            if PurgeJob.objects.filter(namespace_id=namespace, state=State.RUNNING).exists():
                raise ActRefused("A purge of this namespace is running: wait for its end, or cancel it.")
            job = PurgeJob.objects.create(
                namespace=row,
                started_at=now,
                prefix=prefix,
                up_to_revision=row.revision,
                operator=operator,
                reason=reason,
                expected=row.entries if expected is None else expected,
                updated_at=now,
            )
            before = {"entries": row.entries, "bytes": row.bytes}
            _record(Action.PURGE, job, operator, now, before=before, up_to_revision=row.revision, expected=job.expected)
    return job


def advance(
    driver: Driver, pace: Pace | None = None, *, only: PurgeJob | None = None, now: datetime | None = None
) -> bool:
    """Do the next batch of the running job that has waited longest, or of `only`; False where there is none to do.

    The caller rests for `pace.rest` seconds before the next one. Raises DatabaseUnavailable, DiskFull.
    """
    pace = pace or Pace()
    with database.turn(writes=True):
        waiting = PurgeJob.objects.filter(state=State.RUNNING).order_by("updated_at")
        if only is not None:
            waiting = waiting.filter(pk=only.pk)
        if not waiting.exists():  # asked first, because the transaction below takes SQLite's write lock
            return False
        with database.write_transaction():
            began = time.monotonic()
            job = waiting.select_for_update(skip_locked=True, no_key=True).first()
            if job is not None:
                _advance(job, driver, pace.rows, now or clock.now())
        pace.adapt(time.monotonic() - began)
        if job is not None and job.state == State.DONE:
            standing.refresh([job.namespace_id])
        return job is not None


def _advance(job: PurgeJob, driver: Driver, rows: int, now: datetime) -> None:
    job.driver, job.updated_at = driver, now
    if job.erased_revision is None:
        _remove_entries(job, rows, now)
    else:
        _erase_values(job, rows, now)
    changed = ("state", "cursor", "removed", "removed_bytes", "erased_revision", "driver", "updated_at")
    PurgeJob.objects.filter(pk=job.pk).update(**{name: getattr(job, name) for name in changed})


def _remove_entries(job: PurgeJob, rows: int, now: datetime) -> None:
    chosen = Entry.objects.filter(namespace_id=job.namespace_id, version__lte=job.up_to_revision).under(job.prefix)
    # Beyond the cursor, because PostgreSQL would walk over all that was removed before.
    chosen = chosen.filter(key__gt=job.cursor) if job.cursor else chosen
    batch = removal.remove_batch(
        job.namespace_id, chosen, Change.Kind.DELETE, now, AN_OPERATOR, most=rows, most_bytes=BATCH_BYTES
    )
    if not batch.count:
        job.erased_revision = 0
        return
    job.cursor = batch.last_key
    job.removed += batch.count
    job.removed_bytes += batch.bytes


def _erase_values(job: PurgeJob, rows: int, now: datetime) -> None:
    reached = removal.erase_values(
        job.namespace_id,
        job.prefix,
        after=job.erased_revision or 0,
        up_to=job.up_to_revision,
        most=rows,
        most_bytes=BATCH_BYTES,
    )
    if reached is not None:
        job.erased_revision = reached
        return
    job.erased_revision, job.state = job.up_to_revision, State.DONE
    _record(Action.PURGE_DONE, job, job.operator, now, removed=job.removed, removed_bytes=job.removed_bytes)


def cancel(job: PurgeJob, *, operator: str, now: datetime | None = None) -> None:
    """Stop a job for good, and log it. What it removed stays removed; a new purge would do the rest.

    Raises ActRefused where it does not run any more, DatabaseUnavailable.
    """
    now = now or clock.now()
    with database.turn(writes=True), database.write_transaction():
        found = PurgeJob.objects.select_for_update(no_key=True).filter(pk=job.pk, state=State.RUNNING).first()
        if found is None:
            raise ActRefused("This purge does not run any more.")
        PurgeJob.objects.filter(pk=job.pk).update(state=State.CANCELLED, updated_at=now)
        _record(Action.PURGE_CANCELLED, found, operator, now, removed=found.removed, removed_bytes=found.removed_bytes)


def _record(
    action: Action,
    job: PurgeJob,
    operator: str,
    now: datetime,
    *,
    before: dict[str, Any] | None = None,
    **facts: Any,
) -> None:
    after = {"prefix": job.prefix, "started_at": job.started_at.isoformat(), **facts}
    record(
        action,
        operator=operator,
        reason=job.reason,
        namespace=job.namespace_id,
        before=before,
        after=after,
        now=now,
    )


def find(namespace: str, started_at: datetime) -> PurgeJob | None:
    """The job that began at this moment."""
    with database.turn():
        return PurgeJob.objects.filter(namespace_id=namespace, started_at=started_at).first()


def latest(namespace: str, *, most: int = 5) -> list[PurgeJob]:
    """The last jobs of a namespace, newest first."""
    with database.turn():
        return list(PurgeJob.objects.filter(namespace_id=namespace).order_by("-started_at")[:most])


def needs_driver(job: PurgeJob, now: datetime) -> bool:
    """Whether a page should do the next batch: no worker has touched the job for a while."""
    if job.state != State.RUNNING:
        return False
    return job.driver == Driver.PAGE or now - job.updated_at > PATIENCE
