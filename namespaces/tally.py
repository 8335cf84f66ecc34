"""Reads and refusals, counted in memory and added to the day's usage every few seconds.

Neither is ever limited, so neither is worth a write of its own: a crash loses the last few seconds of these two counts.
"""

import logging
import threading
from collections import Counter

from django.db import Error, connection

from namespaces import clock, database
from namespaces.errors import DatabaseTrouble
from namespaces.models import DailyUsage, Namespace

FLUSH_SECONDS = 5.0
MOST_NAMESPACES = 10_000

logger = logging.getLogger("botwire.tally")
_lock = threading.Lock()
_reads: Counter[str] = Counter()
_refusals: dict[str, Counter[str]] = {}
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


def count_refusal(namespace: str, code: str) -> None:
    """Count one refused request, by its code. Names beyond MOST_NAMESPACES in one interval are not counted."""
    if not _is_started:
        return
    with _lock:
        if namespace in _refusals or len(_refusals) < MOST_NAMESPACES:
            _refusals.setdefault(namespace, Counter())[code] += 1


def flush() -> None:
    """Add what was counted to today's usage. Names that are no namespace are dropped; database errors are raised."""
    with _lock:
        reads, refusals = _reads.copy(), dict(_refusals)
        _reads.clear()
        _refusals.clear()
    for name in Namespace.objects.filter(name__in=reads.keys() | refusals.keys()).values_list("name", flat=True):
        _add(name, reads[name], refusals.get(name, Counter()))


def _add(namespace: str, reads: int, refusals: Counter[str]) -> None:
    with database.write_transaction():
        # The namespace's row is the lock that writes count under, too.
        Namespace.objects.select_for_update(no_key=True).get(name=namespace)
        usage, _ = DailyUsage.objects.get_or_create(namespace_id=namespace, day=clock.day_of(clock.now()))
        total = dict(Counter(usage.refusals) + refusals)
        DailyUsage.objects.filter(pk=usage.pk).update(reads=usage.reads + reads, refusals=total)


def _flush_forever() -> None:
    while not _stopping.wait(FLUSH_SECONDS):
        flush_quietly()


def flush_quietly() -> None:
    """Flush; where the database does not answer, what was counted is lost, with a line in the log."""
    try:
        flush()
    except (Error, DatabaseTrouble) as error:
        logger.warning("reads and refusals of the last seconds are not counted: %s", error)
    finally:
        connection.close_if_unusable_or_obsolete()  # gives PostgreSQL's back to the pool
