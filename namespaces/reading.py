"""The read path: one entry, pages of keys, a namespace's state. Nothing here writes, and no cache answers."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from namespaces import clock, database, sql
from namespaces.callers import NOBODY, Caller
from namespaces.errors import InvalidCursor, KeyNotFound, NamespaceNotFound
from namespaces.limits import LIMITS, limit
from namespaces.models import Change, DailyUsage, Entry, EntryQuerySet, Namespace, NamespaceQuerySet, is_hidden
from namespaces.names import after_prefix, check_key, check_namespace, check_prefix
from namespaces.verdicts import restriction_of


@dataclass(frozen=True, slots=True)
class Remembered:
    """An entry as it is read; `value` is the JSON text that was set, `writer` empty where none was named.

    `is_verified` tells that this server vouches for the writer's name; else it is what the writer called itself.
    """

    namespace: str
    key: str
    value: str
    version: int
    writer: str
    is_verified: bool
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some keys in byte order. `entries` is None unless values were asked for, `next_cursor` on the last page."""

    keys: list[str]
    entries: list[Remembered] | None
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class State:
    """A namespace as its users may see it. All is exact but `reads`, which is up to a few seconds behind."""

    name: str
    is_private: bool
    status: str
    reason: str
    until: datetime | None
    revision: int
    created_at: datetime
    last_write_at: datetime | None
    limits: dict[str, int]
    own_limits: dict[str, int]
    day: date
    writes: int
    bytes: int
    entries: int
    reads: int
    resets_at: datetime


def get_entry(namespace: str, key: str, *, caller: Caller = NOBODY, now: datetime | None = None) -> Remembered:
    """The entry under a key.

    Raises InvalidNamespace, InvalidKey, KeyNotFound, NamespaceSuspended, TokenNotAllowed, DatabaseUnavailable.
    """
    check_namespace(namespace)
    check_key(key)
    caller.check_reads(key)
    with database.turn():
        row = database.fetch(sql.READ_ENTRY, read_parameters(namespace, key, caller, now))
    return remembered(namespace, key, row)


def read_parameters(
    namespace: str, key: str, caller: Caller = NOBODY, now: datetime | None = None
) -> database.Parameters:
    """What `sql.READ_ENTRY` is run with."""
    now = now or clock.now()
    return {"namespace": namespace, "key": key, "digest": caller.digest, "now": database.as_parameter(now)}


def remembered(namespace: str, key: str, row: Sequence[Any] | None) -> Remembered:
    """The entry in a row that `sql.READ_ENTRY` answered; raises KeyNotFound or NamespaceSuspended if it holds none."""
    if row is None:
        raise KeyNotFound(namespace, key)
    status, reason, until, _, version, created_at, updated_at, expires_at, writer, is_verified, value = row
    check_readable(namespace, status, reason, until)
    if version is None:
        raise KeyNotFound(namespace, key)
    return Remembered(
        namespace=namespace,
        key=key,
        value=value,
        version=version,
        writer=writer,
        is_verified=bool(is_verified),
        created_at=clock.from_database(created_at),
        updated_at=clock.from_database(updated_at),
        expires_at=expires_at and clock.from_database(expires_at),
    )


def access_version_in(row: Sequence[Any] | None) -> int:
    """The namespace's access version in a row that `sql.READ_ENTRY` answered; 0 where there is none."""
    return 0 if row is None else int(row[3])


def list_entries(
    namespace: str,
    *,
    prefix: str = "",
    cursor: str = "",
    most: int | None = None,
    with_values: bool = False,
    caller: Caller = NOBODY,
    now: datetime | None = None,
) -> Page:
    """A page of up to `most` keys under `prefix`, after `cursor`; an unknown namespace has none.

    With values, a page also ends where its entries reach `page_value_bytes`. Raises InvalidNamespace, InvalidPrefix,
    InvalidCursor, NamespaceSuspended, TokenNotAllowed, DatabaseUnavailable.
    """
    check_namespace(namespace)
    check_prefix(prefix)
    caller.check_reads(prefix)
    after = key_of_cursor(cursor)
    now = now or clock.now()
    most = most or limit("keys_per_page_default")
    with database.turn():
        if not with_values and not caller.is_operator:
            parameters = keys_parameters(namespace, prefix, after, most, caller, now)
            return keys_in(namespace, most, database.fetch(sql.LIST_KEYS[database.vendor()], parameters))
        found = _seen_by(caller, now).filter(name=namespace).first()
        if found is None:
            return Page([], [] if with_values else None, None)
        check_readable(namespace, effective_status(found, now), found.status_reason, found.status_until)
        chosen = Entry.objects.filter(namespace_id=namespace).under(prefix).live(now).unhidden()
        if after:
            chosen = chosen.filter(key__gt=after)
        return page_of(chosen, most, with_values=with_values)


def keys_parameters(
    namespace: str, prefix: str, after: str, most: int, caller: Caller = NOBODY, now: datetime | None = None
) -> database.Parameters:
    """What `sql.LIST_KEYS` is run with: keys under `prefix` behind the key `after`, one more than `most`."""
    end = after_prefix(prefix)
    return {
        "namespace": namespace,
        "digest": caller.digest,
        "start": max(prefix, after),
        "after": after,
        "prefix_is_open": end is None,
        "prefix_end": end or "",
        "most": most + 1,
        "now": database.as_parameter(now or clock.now()),
    }


def keys_in(namespace: str, most: int, row: Sequence[Any] | None) -> Page:
    """The page in a row that `sql.LIST_KEYS` answered, none where there is no namespace; raises NamespaceSuspended."""
    if row is None:
        return Page([], None, None)
    status, reason, until, listed = row
    check_readable(namespace, status, reason, until)
    keys = json.loads(listed or "[]")
    return Page(keys[:most], None, _cursor_of(keys[most - 1]) if len(keys) > most else None)


def page_of(chosen: EntryQuerySet, most: int, *, with_values: bool) -> Page:
    """The first page of `chosen`, entries of one namespace: as many as fit, up to `most`."""
    sizes = list(chosen.order_by("key").values_list("key", "bytes")[: most + 1])
    length = fitting([size for _, size in sizes[:most]]) if with_values else min(most, len(sizes))
    keys = [key for key, _ in sizes[:length]]
    next_cursor = _cursor_of(keys[-1]) if length < len(sizes) else None
    if not with_values:
        return Page(keys, None, next_cursor)
    entries = _with_values(chosen, keys)
    return Page([entry.key for entry in entries], entries, next_cursor)


def fitting(sizes: list[int]) -> int:
    """How many of the leading entries fit on a page; at least one, so that paging always ends."""
    room = limit("page_value_bytes")
    for position, size in enumerate(sizes):
        room -= size
        if room < 0 and position:
            return position
    return len(sizes)


def _with_values(chosen: EntryQuerySet, keys: list[str]) -> list[Remembered]:
    if not keys:
        return []
    columns = (
        *("namespace_id", "key", "value", "version", "writer", "is_verified"),
        *("created_at", "updated_at", "expires_at"),
    )
    span = chosen.filter(key__gte=keys[0], key__lte=keys[-1]).order_by("key")
    return [Remembered(*row) for row in span.values_list(*columns)]


def state(namespace: str, *, caller: Caller = NOBODY, now: datetime | None = None) -> State:
    """Status, limits and usage of a namespace, also of a suspended one.

    Raises InvalidNamespace, NamespaceNotFound, DatabaseUnavailable.
    """
    check_namespace(namespace)
    now = now or clock.now()
    today = clock.day_of(now)
    with database.turn():
        found = _seen_by(caller, now).filter(name=namespace).first()
        if found is None:
            raise NamespaceNotFound(namespace)
        usage = DailyUsage.objects.filter(namespace_id=namespace, day=today).first() or DailyUsage(day=today)
    status = effective_status(found, now)
    is_restricted = status != Namespace.Status.ACTIVE
    return State(
        name=found.name,
        is_private=found.is_private,
        status=status,
        reason=found.status_reason if is_restricted else "",
        until=found.status_until if is_restricted else None,
        revision=found.revision,
        created_at=found.created_at,
        last_write_at=found.last_write_at,
        limits=limits_of(found),
        own_limits=own_limits_of(found),
        day=today,
        writes=usage.writes,
        bytes=found.bytes,
        entries=found.entries,
        reads=usage.reads,
        resets_at=clock.end_of_day(now),
    )


def limits_of(namespace: Namespace) -> dict[str, int]:
    """Every limit in force for a namespace, by name: the operator's where one is set, the server's elsewhere."""
    own = own_limits_of(namespace)
    return {row.name: own.get(row.name, limit(row.name)) for row in LIMITS}


def own_limits_of(namespace: Namespace) -> dict[str, int]:
    """The limits that an operator has set for this namespace alone, by name."""
    own = {row.name: getattr(namespace, f"limit_{row.name}") for row in LIMITS if row.is_per_namespace}
    return {name: number for name, number in own.items() if number is not None}


def value_limit(namespace: str) -> int:
    """How many bytes a value of this namespace may have, before anything else is known about it."""
    with database.turn():
        own = Namespace.objects.filter(name=namespace).values_list("limit_value_bytes", flat=True).first()
    return limit("value_bytes") if own is None else own


def _seen_by(caller: Caller, now: datetime) -> NamespaceQuerySet:
    return Namespace.objects.all() if caller.is_operator else Namespace.objects.seen_by(caller.digest, now)


def is_readable_now(namespace: str, caller: Caller, now: datetime) -> bool:
    """Whether there is such a namespace, for this caller; NamespaceSuspended if it is, but for operators.

    For callers that have a turn.
    """
    found = _seen_by(caller, now).filter(name=namespace).first()
    if found is not None and not caller.is_operator:
        check_readable(namespace, effective_status(found, now), found.status_reason, found.status_until)
    return found is not None


def remembered_row(namespace: str, row: Mapping[str, Any]) -> Remembered:
    """The entry in a row with all of its columns, as raw SQL answers it."""
    moments = {column: row[column] for column in ("created_at", "updated_at", "expires_at")}
    return Remembered(
        namespace=namespace,
        key=row["key"],
        value=row["value"],
        version=row["version"],
        writer=row["writer"],
        is_verified=bool(row["is_verified"]),
        **{column: moment and clock.from_database(moment) for column, moment in moments.items()},
    )


def values_at(namespace: str, revisions: Sequence[int]) -> dict[int, str]:
    """The values that were set at these revisions, as far as the change log still has them, and shows them."""
    if not revisions:
        return {}
    with database.turn():
        found = Change.objects.filter(~is_hidden(), namespace_id=namespace, revision__in=revisions)
        return {revision: value for revision, value in found.values_list("revision", "value") if value is not None}


def effective_status(namespace: Namespace, now: datetime) -> str:
    """The status that counts at `now`: a restriction ends by itself."""
    is_over = namespace.status_until is not None and namespace.status_until <= now
    return Namespace.Status.ACTIVE if is_over else namespace.status


def check_readable(namespace: str, status: str, reason: str, until: datetime | str | None) -> None:
    """Raise NamespaceSuspended where a status forbids to read."""
    restriction = restriction_of(namespace, status, reason, until)
    if restriction and status == Namespace.Status.SUSPENDED:
        raise restriction


def _cursor_of(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def key_of_cursor(cursor: str) -> str:
    """The key after which a page begins; empty for the first page. Only what `_cursor_of` made is taken."""
    try:
        key = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        key = ""
    if cursor and (not key or _cursor_of(key) != cursor):
        raise InvalidCursor("This cursor was not given by a list of BotWire.")
    return key
