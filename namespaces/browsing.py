"""What operators see of a namespace's memory, whatever its status: its keys as a tree and as a list, one entry.

Every question is answered by the primary key's index in a bounded number of steps, however many entries there are. So
nothing is counted beyond `COUNTED`, and entries that have expired but are not removed yet are among what is found, and
said to be so: leaving them out could mean walking over all of them.

Keys have no folders. Where to part them is for agents to choose, and `/`, `:` and `.` are what they choose (paths,
Redis, dotted names); which of these a namespace uses cannot be known without reading it, so that each ends a segment.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Case, F, TextField, Value, When
from django.db.models.functions import Substr

from namespaces import clock, database
from namespaces.errors import NamespaceNotFound
from namespaces.models import Entry, Namespace
from namespaces.names import after_prefix, check_key, check_namespace, check_prefix
from namespaces.sql import SEGMENTS

SEPARATORS = "/:."
COUNTED = 200
SEGMENTS_PER_PAGE = 100
ROWS_PER_PAGE = 50
PREVIEW_CHARACTERS = 120
# The value of a larger entry is not read for its preview.
PREVIEWED_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Folder:
    """Several keys that begin alike, up to and with a separator. `count` is exact up to COUNTED, and above it more."""

    prefix: str
    count: int

    @property
    def is_counted(self) -> bool:
        return self.count <= COUNTED


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders among the next segments; `next_after` is where to go on, None at the end."""

    folders: list[Folder]
    next_after: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of a list. `preview` is the beginning of its value; None where it is too large to be read for that."""

    key: str
    bytes: int
    version: int
    writer: str
    is_verified: bool
    updated_at: datetime
    expires_at: datetime | None
    preview: str | None
    is_expired: bool


@dataclass(frozen=True, slots=True)
class Rows:
    """Entries in byte order of their keys; `next_after` is the last key if more follow."""

    rows: list[Row]
    next_after: str | None


def namespace_of(name: str) -> Namespace:
    """The namespace of this name; raises InvalidNamespace, NamespaceNotFound, DatabaseUnavailable."""
    check_namespace(name)
    with database.turn():
        found = Namespace.objects.filter(name=name).first()
    if found is None:
        raise NamespaceNotFound(name)
    return found


def entry_of(namespace: str, key: str) -> Entry | None:
    """The entry under a key, also an expired one that is not removed yet; None where there is none.

    Raises InvalidNamespace, InvalidKey, DatabaseUnavailable.
    """
    check_namespace(namespace)
    check_key(key)
    with database.turn():
        return Entry.objects.filter(namespace_id=namespace, key=key).first()


def folders(namespace: str, prefix: str = "", *, after: str = "") -> Folders:
    """What follows `prefix` up to the next separator, of the next SEGMENTS_PER_PAGE different segments behind `after`.

    A segment that only one key has is no folder. Raises InvalidNamespace, InvalidPrefix, DatabaseUnavailable.
    """
    check_namespace(namespace)
    check_prefix(prefix)
    check_prefix(after)
    end = after_prefix(prefix)
    start = max(prefix, _behind(prefix, after)) if after else prefix
    parameters = {
        "namespace": namespace,
        "start": start,
        "end": end,
        "length": len(prefix),
        "segments": SEGMENTS_PER_PAGE + 1,
        "counted": COUNTED + 1,
    }
    with database.turn(), connection.cursor() as cursor:
        cursor.execute(SEGMENTS[connection.vendor, end is not None], parameters)
        found = [(_segment_of(prefix, key), count) for key, count in cursor.fetchall()]
    shown = found[:SEGMENTS_PER_PAGE]
    return Folders(
        folders=[Folder(segment, count) for segment, count in shown if count > 1],
        next_after=shown[-1][0] if len(found) > len(shown) else None,
    )


def rows(namespace: str, prefix: str = "", *, after: str = "", now: datetime | None = None) -> Rows:
    """The next ROWS_PER_PAGE entries whose keys begin with `prefix`, behind the key `after`.

    Raises InvalidNamespace, InvalidPrefix, DatabaseUnavailable.
    """
    check_namespace(namespace)
    check_prefix(prefix)
    check_prefix(after)
    now = now or clock.now()
    chosen = Entry.objects.filter(namespace_id=namespace).under(prefix)
    if after:
        chosen = chosen.filter(key__gt=after)
    columns = ("key", "bytes", "version", "writer", "is_verified", "updated_at", "expires_at")
    with database.turn():
        found = list(chosen.order_by("key").values(*columns, preview=preview_of("value"))[: ROWS_PER_PAGE + 1])
    shown = found[:ROWS_PER_PAGE]
    return Rows(
        rows=[Row(**row, is_expired=row["expires_at"] is not None and row["expires_at"] <= now) for row in shown],
        next_after=shown[-1]["key"] if len(found) > len(shown) else None,
    )


def preview_of(column: str) -> Case:
    """The beginning of a value, as an expression that leaves large values where they lie."""
    small = When(bytes__lte=PREVIEWED_BYTES, then=Substr(F(column), 1, PREVIEW_CHARACTERS + 1))
    return Case(small, default=Value(None), output_field=TextField())


def _segment_of(prefix: str, key: str) -> str:
    """`key` up to the first separator behind `prefix`, that one included; all of it where there is none."""
    ends = [position for position in (key.find(separator, len(prefix)) for separator in SEPARATORS) if position >= 0]
    return key[: min(ends) + 1] if ends else key


def _behind(prefix: str, segment: str) -> str:
    """The first string behind all keys of `segment`, a folder or a key."""
    is_folder = len(segment) > len(prefix) and segment[-1] in SEPARATORS
    return (after_prefix(segment) or segment) if is_folder else segment + " "  # no key has a smaller character
