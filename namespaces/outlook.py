"""One namespace as its operator judges it: its last days, where its use leads, what fills it. Nothing here writes."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Min

from namespaces import clock
from namespaces.models import Change, DailyUsage, Namespace
from namespaces.reading import limits_of

DAYS = 30
RECENT = timedelta(hours=3)
_LEAST = timedelta(minutes=5)  # what is written in less tells nothing about a day
_MOST_CHANGES = 1_000
_STORAGE_DAYS = 7
_FORESEEN_DAYS = 90


@dataclass(frozen=True, slots=True)
class Day:
    """What was used on one UTC day; `reads` is approximate."""

    day: date
    writes: int = 0
    bytes_written: int = 0
    reads: int = 0
    refusals: int = 0


def days_of(namespace: str, now: datetime) -> list[Day]:
    """The last DAYS days, today the last; a day without use is all zeros."""
    today = clock.day_of(now)
    first = today - timedelta(days=DAYS - 1)
    used = {row.day: row for row in DailyUsage.objects.filter(namespace_id=namespace, day__gte=first, day__lte=today)}
    days = (first + timedelta(days=number) for number in range(DAYS))
    return [_day_of(used[day]) if day in used else Day(day) for day in days]


def _day_of(row: DailyUsage) -> Day:
    return Day(row.day, row.writes, row.bytes_written, row.reads, sum(row.refusals.values()))


# --- forecasts


def writes_end_at(namespace: Namespace, writes: int, now: datetime) -> datetime | None:
    """When the day's writes will be used up if they go on as in the last hours; None if not today, or if they are.

    The pace is that of RECENT where the change log holds writes of that time, else that since 00:00 UTC.
    """
    left = limits_of(namespace)["writes_per_day"] - writes
    pace = _recent_pace(namespace, now) or _pace(writes, now - clock.start_of_day(now))
    if left <= 0 or not pace:
        return None
    # Beyond a day, and possibly beyond what a datetime holds: not today.
    if left / pace > timedelta(days=1).total_seconds():
        return None
    ends_at = now + timedelta(seconds=left / pace)
    return ends_at if ends_at < clock.end_of_day(now) else None


def _recent_pace(namespace: Namespace, now: datetime) -> float:
    """Writes a second, by the newest changes. All that a clear removed bears one time, and was one write."""
    began = max(now - RECENT, namespace.created_at)
    newest = Change.objects.filter(namespace_id=namespace.name, revision__gt=namespace.revision - _MOST_CHANGES)
    recent = newest.filter(at__gte=began, at__lte=now).exclude(kind=Change.Kind.EXPIRE)
    seen = recent.aggregate(writes=Count("at", distinct=True), oldest=Min("at"), last=Min("revision"))
    is_cut = seen["last"] is not None and seen["last"] == namespace.revision - _MOST_CHANGES + 1
    return _pace(seen["writes"], now - (seen["oldest"] if is_cut else began))


def _pace(writes: int, span: timedelta) -> float:
    return writes / max(span, _LEAST).total_seconds()


def storage_ends_in(namespace: Namespace, days: list[Day]) -> int | None:
    """In how many days, at the earliest, the storage is full if as many bytes are written as in the last week.

    At the earliest, because what replaces an older value takes less room than was written. None if it is full, or if
    it would take more than _FORESEEN_DAYS.
    """
    left = limits_of(namespace)["bytes"] - namespace.bytes
    week = days[-_STORAGE_DAYS - 1 : -1]  # whole days; today is not over
    a_day = sum(day.bytes_written for day in week) / len(week)
    if left <= 0 or a_day * _FORESEEN_DAYS < left:
        return None
    return int(left / a_day) + 1
