"""`Standing` is kept up to date here, from the exact rows: for what was written to every few seconds, for all hourly.

No write waits for it. It is a copy to sort and to find by; what a page shows of a namespace is read from its own rows.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from itertools import islice

from namespaces import clock, database
from namespaces.models import DailyUsage, Namespace, Standing
from namespaces.reading import limits_of

BATCH = 500
WHOLE = 1_000  # a use of 1,000 thousandths: the limit
_MOST_USE = 1_000_000  # of a limit lowered to next to nothing
_COLUMNS = ("day", "write_use", "growth", "refusals", "byte_use", "bytes", "last_write_at")


def refresh(names: Iterable[str], *, now: datetime | None = None) -> None:
    """Set the standing of these namespaces; names that are none are left out. Raises DatabaseUnavailable."""
    today = clock.day_of(now or clock.now())
    for batch in batches(sorted(set(names))):
        with database.write_transaction():
            # Who locks first has read first, so that an older reading never lands on a newer one.
            list(Standing.objects.select_for_update().filter(pk__in=batch).order_by("pk").values_list("pk"))
            Standing.objects.bulk_create(
                _standings(batch, today),
                update_conflicts=True,
                unique_fields=["namespace"],
                update_fields=_COLUMNS,
            )


def refresh_all(now: datetime | None = None) -> int:
    """Set every standing that is out of date, as after a crash or a change of the server's limits; return how many."""
    now = now or clock.now()
    everyone = Namespace.objects.order_by("name").values_list("name", flat=True)
    total, last = 0, ""
    while page := list(everyone.filter(name__gt=last)[:BATCH]):
        stale = _out_of_date(page, clock.day_of(now))
        refresh(stale, now=now)
        total, last = total + len(stale), page[-1]
    return total


def _out_of_date(names: list[str], today: date) -> list[str]:
    found = Standing.objects.in_bulk(names)
    return [fresh.namespace_id for fresh in _standings(names, today) if not _is_same(found.get(fresh.pk), fresh)]


def _is_same(found: Standing | None, fresh: Standing) -> bool:
    return found is not None and all(getattr(found, column) == getattr(fresh, column) for column in _COLUMNS)


def _standings(names: list[str], today: date) -> list[Standing]:
    usage = {row.namespace_id: row for row in DailyUsage.objects.filter(namespace_id__in=names, day=today)}
    found = Namespace.objects.filter(name__in=names).order_by("name")
    return [_standing_of(namespace, usage.get(namespace.name)) for namespace in found]


def _standing_of(namespace: Namespace, usage: DailyUsage | None) -> Standing:
    """Without usage today, the day stays that of the last write: nothing has to be set anew because a day began."""
    limits = limits_of(namespace)
    last = namespace.last_write_at or namespace.created_at
    return Standing(
        namespace=namespace,
        day=usage.day if usage else clock.day_of(last),
        write_use=use(usage.writes, limits["writes_per_day"]) if usage else 0,
        growth=usage.bytes_written if usage else 0,
        refusals=sum(usage.refusals.values()) if usage else 0,
        byte_use=use(namespace.bytes, limits["bytes"]),
        bytes=namespace.bytes,
        last_write_at=namespace.last_write_at,
    )


def use(used: int, limit: int) -> int:
    """How much of a limit is used, in thousandths, rounded down: 1,000 is reached by the last one alone."""
    return min(used * WHOLE // limit, _MOST_USE) if limit else WHOLE


def batches(names: list[str]) -> Iterator[list[str]]:
    """The names, BATCH at a time."""
    rest = iter(names)
    while batch := list(islice(rest, BATCH)):
        yield batch
