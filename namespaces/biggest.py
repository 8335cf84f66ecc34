"""The biggest keys of a namespace. No index on sizes serves them, as each write would pay for it.

Up to LIVE entries they are sorted when asked for. Where there are more, the worker looks once an hour if something was
written; what it found is kept with the namespace's `Standing`, and its sizes are read anew when asked for.
"""

from dataclasses import dataclass
from datetime import datetime

from namespaces import clock
from namespaces.models import Entry, EntryQuerySet, Namespace, Standing

LIVE = 5_000
KEPT = 10
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Biggest:
    """The biggest keys with their bytes, the biggest first.

    `looked_at` is None where they are those of this moment, or where nobody has looked, and then `keys` is None.
    """

    keys: list[tuple[str, int]] | None
    looked_at: datetime | None = None


def biggest_keys(namespace: Namespace, now: datetime) -> Biggest:
    """The KEPT biggest keys that can be read at `now`, or those of the worker's last look, with the sizes of now."""
    live = Entry.objects.filter(namespace_id=namespace.name).live(now)
    if namespace.entries <= LIVE:
        return Biggest(_sorted(live))
    seen = Standing.objects.filter(namespace=namespace, biggest_at__isnull=False).first()
    if seen is None:
        return Biggest(None)
    still_there = live.filter(key__in=seen.biggest).values_list("key", "bytes")
    return Biggest(sorted(still_there, key=lambda pair: (-pair[1], pair[0])), seen.biggest_at)


def look_at_all(now: datetime | None = None) -> int:
    """Look at every namespace of more than LIVE entries that was written to since the last look; return how many."""
    now = now or clock.now()
    large = Namespace.objects.filter(entries__gt=LIVE, standing__isnull=False).select_related("standing")
    total, last = 0, ""
    while page := list(large.filter(name__gt=last).order_by("name")[:_BATCH]):
        changed = [one for one in page if _is_changed(one)]
        for namespace in changed:
            _look_at(namespace, now)
        total, last = total + len(changed), page[-1].name
    return total


def _is_changed(namespace: Namespace) -> bool:
    looked_at, written_at = namespace.standing.biggest_at, namespace.last_write_at
    return looked_at is None or (written_at is not None and written_at > looked_at)


def _look_at(namespace: Namespace, now: datetime) -> None:
    keys = [key for key, _ in _sorted(Entry.objects.filter(namespace_id=namespace.name).live(now))]
    Standing.objects.filter(namespace=namespace).update(biggest=keys, biggest_at=now)


def _sorted(entries: EntryQuerySet) -> list[tuple[str, int]]:
    return list(entries.order_by("-bytes", "key").values_list("key", "bytes")[:KEPT])
