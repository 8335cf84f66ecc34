"""Reads, refusals, accepted writes and used tokens, counted in memory and added up every few seconds.

Reads and refusals go to the day's usage: neither is ever limited, so neither is worth a write of its own. Writes have
been counted, exactly, in their own transaction; here they only tell whose standing has moved, and the day's total of
all namespaces. A crash loses the last few seconds of these counts.
"""

import logging
import threading
from collections import Counter
from collections.abc import Collection, Iterator

from django.db import Error, connection

from namespaces import clock, database, sql, standing
from namespaces.errors import DatabaseTrouble
from namespaces.models import DailyTotal, DailyUsage, Namespace, Token
from namespaces.names import is_namespace

FLUSH_SECONDS = 5.0
MOST_NAMESPACES = 10_000

logger = logging.getLogger("botwire.tally")
_lock = threading.Lock()
_reads: Counter[str] = Counter()
_writes: Counter[str] = Counter()
_uses: set[tuple[str, str]] = set()
_refusals: dict[str, Counter[str]] = {}
_refusals_of_all: Counter[str] = Counter()
_stopping = threading.Event()
_is_started = False


def start() -> None:
    """Count from now on, and flush every FLUSH_SECONDS. To be called in each serving process, after it was forked."""
    global _is_started
    _is_started = True
    threading.Thread(target=_flush_forever, name="botwire-tally", daemon=True).start()


def stop() -> None:
    """Flush once more, and count no longer."""
    global _is_started
    _is_started = False
    _stopping.set()
    flush_quietly()


def count_read(namespace: str) -> None:
    """Count one read of a namespace."""
    if _is_started:
        with _lock:
            _reads[namespace] += 1


def count_write(namespace: str, number: int = 1) -> None:
    """Count accepted writes of a namespace: a set, a change, a delete, a clear, as many as a batch has done of them."""
    if _is_started and number:
        with _lock:
            _writes[namespace] += number


def count_use(namespace: str, digest: str) -> None:
    """Note that a token was used."""
    if _is_started:
        with _lock:
            _uses.add((namespace, digest))


def count_refusal(namespace: str, code: str) -> None:
    """Count one refused request, by its code: for all, and for `namespace` unless no namespace may be called so.

    Names beyond MOST_NAMESPACES in one interval are counted for all alone.
    """
    if not _is_started:
        return
    with _lock:
        _refusals_of_all[code] += 1
        if namespace in _refusals or (len(_refusals) < MOST_NAMESPACES and is_namespace(namespace)):
            _refusals.setdefault(namespace, Counter())[code] += 1


def flush() -> None:
    """Add up what was counted, and set the standing of whom it concerns; database errors are raised.

    Names that are no namespace are dropped.
    """
    with _lock:
        reads, writes, refusals, refusals_of_all = (
            _reads.copy(),
            _writes.copy(),
            dict(_refusals),
            _refusals_of_all.copy(),
        )
        uses = set(_uses)
        for counted in (_reads, _writes, _uses, _refusals, _refusals_of_all):
            counted.clear()
    for names in _known(reads.keys() | refusals.keys()):
        _add_reads({name: reads[name] for name in names if reads[name]})
        for name in names:
            if name in refusals:
                _add_refusals(name, refusals[name])
    for namespace, digest in sorted(uses):
        Token.objects.filter(namespace_id=namespace, digest=digest).update(last_used_at=clock.now())
    _add_to_all(writes.total(), refusals_of_all)
    standing.refresh(writes.keys() | refusals.keys())


def _known(names: Collection[str]) -> Iterator[list[str]]:
    """Those of the names that are namespaces, in order, some at a time."""
    for batch in standing.batches(sorted(names)):
        yield list(Namespace.objects.filter(name__in=batch).order_by("name").values_list("name", flat=True))


def _add_reads(reads: dict[str, int]) -> None:
    """All in one transaction, which waits once for the disk and for whoever writes."""
    if not reads:
        return
    today = database.as_day_parameter(clock.day_of(clock.now()))
    rows = [{"namespace": name, "today": today, "reads": number} for name, number in reads.items()]
    with database.write_transaction(), connection.cursor() as cursor:
        cursor.executemany(sql.COUNT_READS, rows)


def _add_refusals(namespace: str, refusals: Counter[str]) -> None:
    with database.write_transaction():
        # The namespace's row is the lock that writes count under, too.
        Namespace.objects.select_for_update(no_key=True).get(name=namespace)
        usage, _ = DailyUsage.objects.get_or_create(namespace_id=namespace, day=clock.day_of(clock.now()))
        total = dict(Counter(usage.refusals) + refusals)
        DailyUsage.objects.filter(pk=usage.pk).update(refusals=total)


def _add_to_all(writes: int, refusals: Counter[str]) -> None:
    if not writes and not refusals:
        return
    today = clock.day_of(clock.now())
    with database.write_transaction():
        DailyTotal.objects.get_or_create(day=today)
        total = DailyTotal.objects.select_for_update().get(day=today)
        added = dict(Counter(total.refusals) + refusals)
        DailyTotal.objects.filter(day=today).update(writes=total.writes + writes, refusals=added)


def _flush_forever() -> None:
    while not _stopping.wait(FLUSH_SECONDS):
        flush_quietly()


def flush_quietly() -> None:
    """Flush; where the database does not answer, what was counted is lost, with a line in the log."""
    try:
        flush()
    except (Error, DatabaseTrouble) as error:
        logger.warning("reads, refusals and writes of the last seconds are not added up: %s", error)
    finally:
        connection.close_if_unusable_or_obsolete()  # gives PostgreSQL's back to the pool
