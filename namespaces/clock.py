"""Time as the domain uses it: aware datetimes in UTC, to the microsecond. Nothing here waits."""

from datetime import UTC, date, datetime, timedelta


def now() -> datetime:
    """The time of this moment."""
    return datetime.now(UTC)


def day_of(moment: datetime) -> date:
    """The UTC day that a write at `moment` counts for."""
    return moment.astimezone(UTC).date()


def start_of_day(moment: datetime) -> datetime:
    """The 00:00 UTC at which the daily limits of `moment` began."""
    return datetime.combine(day_of(moment), datetime.min.time(), UTC)


def end_of_day(moment: datetime) -> datetime:
    """When the daily limits of `moment` start again: the next 00:00 UTC."""
    return start_of_day(moment) + timedelta(days=1)


def from_database(value: datetime | str) -> datetime:
    """A moment as raw SQL answers it: aware on PostgreSQL, text without a zone (meaning UTC) on SQLite."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
