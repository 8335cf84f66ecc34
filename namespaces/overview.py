"""Who needs an operator's attention: the state of all namespaces, and lists of them. Nothing here writes.

Lists are found and sorted by `Standing`, which is a few seconds behind; every number of a row is read from the
namespace's own rows and exact. Each query walks an index from where the page begins, and nothing is counted to its end.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from namespaces import clock, standing
from namespaces.errors import InvalidCursor, InvalidNamespace
from namespaces.models import DailyTotal, DailyUsage, ModerationAction, Namespace, PurgeJob, Standing
from namespaces.names import after_prefix, check_namespace, is_namespace
from namespaces.reading import effective_status, limits_of

PER_PAGE = 50
MOST_COUNTED = 200
NEAR = 800  # thousandths of a limit
FULL_OF_BYTES = 990  # a namespace seldom ends on the last byte: what does not fit is refused before
IDLE = timedelta(days=30)
_LARGEST_INTEGER = 2**63 - 1
_RESTRICTED = (Namespace.Status.READ_ONLY, Namespace.Status.SUSPENDED)


@dataclass(frozen=True, slots=True)
class Count:
    """A number that was counted up to MOST_COUNTED; `str()` says "200+" beyond."""

    number: int

    def __str__(self) -> str:
        return f"{MOST_COUNTED}+" if self.number > MOST_COUNTED else str(self.number)


def count(chosen: QuerySet[Any]) -> Count:
    """How many rows there are, read no further than the bound."""
    return Count(len(chosen.values_list("pk")[: MOST_COUNTED + 1]))


# --- rows


@dataclass(frozen=True, slots=True)
class Row:
    """A namespace in a list; every number is exact and of the UTC day at hand."""

    name: str
    status: str
    until: datetime | None
    writes: int
    write_limit: int
    bytes: int
    byte_limit: int
    entries: int
    bytes_written: int
    refusals: dict[str, int]
    created_at: datetime
    created_from: str
    last_write_at: datetime | None

    @property
    def write_use(self) -> int:
        """Thousandths of the day's writes that are used."""
        return standing.use(self.writes, self.write_limit)

    @property
    def byte_use(self) -> int:
        """Thousandths of the bytes that are used."""
        return standing.use(self.bytes, self.byte_limit)

    @property
    def refused(self) -> int:
        return sum(self.refusals.values())


def rows_of(namespaces: Iterable[Namespace], now: datetime) -> list[Row]:
    """The namespaces with what they use today, in the order given."""
    found = list(namespaces)
    today = clock.day_of(now)
    usage = {
        used.namespace_id: used
        for used in DailyUsage.objects.filter(namespace_id__in=[one.name for one in found], day=today)
    }
    return [_row_of(one, usage.get(one.name) or DailyUsage(day=today), now) for one in found]


def _row_of(namespace: Namespace, usage: DailyUsage, now: datetime) -> Row:
    limits, status = limits_of(namespace), effective_status(namespace, now)
    return Row(
        name=namespace.name,
        status=status,
        until=namespace.status_until if status != Namespace.Status.ACTIVE else None,
        writes=usage.writes,
        write_limit=limits["writes_per_day"],
        bytes=namespace.bytes,
        byte_limit=limits["bytes"],
        entries=namespace.entries,
        bytes_written=usage.bytes_written,
        refusals=usage.refusals,
        created_at=namespace.created_at,
        created_from=namespace.created_from,
        last_write_at=namespace.last_write_at,
    )


# --- lists


@dataclass(frozen=True, slots=True)
class Order:
    """An order of namespaces that an index serves; ties go by name. `is_of_today` tells that yesterday's is none."""

    label: str
    column: str
    is_descending: bool = True
    is_of_today: bool = False

    def as_query(self) -> tuple[str, ...]:
        if self.column == "name":
            return ("name",)
        return (f"{'-' if self.is_descending else ''}{self.column}", self.tie)

    @property
    def tie(self) -> str:
        """The name, in the table whose index gives the order."""
        return "standing__namespace_id" if self.column.startswith("standing__") else "name"

    def value_of(self, namespace: Namespace) -> Any:
        row: Any = namespace
        for part in self.column.split("__"):
            row = getattr(row, part)
        return row


ORDERS = {
    "name": Order("Name", "name", is_descending=False),
    "writes": Order("Closest to the write limit", "standing__write_use", is_of_today=True),
    "bytes": Order("Largest", "standing__bytes"),
    "storage": Order("Closest to the storage limit", "standing__byte_use"),
    "growth": Order("Fastest growing today", "standing__growth", is_of_today=True),
    "refused": Order("Most refused today", "standing__refusals", is_of_today=True),
    "newest": Order("Newest", "created_at"),
    "idle": Order("Longest without a write", "standing__last_write_at", is_descending=False),
}
STATUSES = {
    "active": "Active",
    "read_only": "Read-only",
    "suspended": "Suspended",
    "restricted": "Read-only or suspended",
}
USES = {"near": "Over 80 % of a limit", "full": "At a limit"}


@dataclass(frozen=True, slots=True)
class Choice:
    """Which namespaces a list shows, and in which order; all that is given has to hold.

    `status` is one of STATUSES, `use` one of USES, `order` one of ORDERS; `refused` is the code of a refusal of today.
    """

    prefix: str = ""
    status: str = ""
    use: str = ""
    address: str = ""
    is_idle: bool = False
    refused: str = ""
    order: str = "name"


@dataclass(frozen=True, slots=True)
class ListPage:
    """Some rows of a list. `next_cursor` is None on the last page."""

    rows: list[Row]
    next_cursor: str | None


def top(orders: Iterable[str], *, most: int = 5, now: datetime | None = None) -> dict[str, list[Row]]:
    """By order, the first namespaces of each."""
    now = now or clock.now()
    found = {order: list(_in_order(Namespace.objects.all(), ORDERS[order], now)[:most]) for order in orders}
    rows = {row.name: row for row in rows_of({one.name: one for some in found.values() for one in some}.values(), now)}
    return {order: [rows[one.name] for one in some] for order, some in found.items()}


def find(choice: Choice, *, cursor: str = "", most: int = PER_PAGE, now: datetime | None = None) -> ListPage:
    """The namespaces of a choice from `cursor` on, up to `most`. Raises InvalidCursor."""
    now = now or clock.now()
    order = ORDERS[choice.order]
    chosen = _in_order(_chosen(choice, now), order, now)
    if cursor:
        chosen = _after(chosen, order, cursor)
    found = list(chosen[: most + 1])
    is_last = len(found) <= most
    return ListPage(rows_of(found[:most], now), None if is_last else _cursor_of(found[most - 1], order))


def _chosen(choice: Choice, now: datetime) -> QuerySet[Namespace]:
    chosen: QuerySet[Namespace] = Namespace.objects.all()
    if choice.prefix and not is_namespace(choice.prefix):
        return chosen.none()
    if choice.prefix:
        end = after_prefix(choice.prefix)
        chosen = chosen.filter(name__gte=choice.prefix, **({"name__lt": end} if end else {}))
    if choice.status:
        chosen = _of_status(chosen, choice.status, now)
    if choice.use:
        chosen = chosen.filter(name__in=_of_use(choice.use, now).values_list("namespace_id"))
    if choice.address:
        chosen = chosen.filter(created_from=choice.address)
    if choice.is_idle:
        chosen = chosen.filter(standing__last_write_at__lt=now - IDLE)
    if choice.refused:
        today = clock.day_of(now)
        chosen = chosen.filter(
            standing__day=today,
            standing__refusals__gt=0,
            daily_usage_set__day=today,
            daily_usage_set__refusals__has_key=choice.refused,
        )
    return chosen


def _of_status(chosen: QuerySet[Namespace], status: str, now: datetime) -> QuerySet[Namespace]:
    """Those whose status counts at `now`: a restriction that has run out is none."""
    if status == Namespace.Status.ACTIVE:
        return chosen.filter(Q(status=Namespace.Status.ACTIVE) | Q(status_until__lte=now))
    wanted = _RESTRICTED if status == "restricted" else (status,)
    in_force = Q(status_until__isnull=True) | Q(status_until__gt=now)
    # Said twice, as SQLite takes the index only where its own condition stands in the query.
    return chosen.filter(in_force, status__in=wanted).exclude(status=Namespace.Status.ACTIVE)


def _of_use(use: str, now: datetime) -> QuerySet[Standing]:
    """Those near or at one of their limits: two ranges of two indexes."""
    of_writes, of_bytes = (NEAR, NEAR) if use == "near" else (standing.WHOLE, FULL_OF_BYTES)
    return Standing.objects.filter(
        Q(day=clock.day_of(now), write_use__gte=of_writes) | Q(byte_use__gte=of_bytes)
    ).order_by()


def _in_order(chosen: QuerySet[Namespace], order: Order, now: datetime) -> QuerySet[Namespace]:
    if order.is_of_today:
        chosen = chosen.filter(standing__day=clock.day_of(now), **{f"{order.column}__gt": 0})
    elif order.column.startswith("standing__"):
        chosen = chosen.filter(**{f"{order.column}__isnull": False})
    if order.column.startswith("standing__"):
        chosen = chosen.select_related("standing")
    return chosen.order_by(*order.as_query())


def _after(chosen: QuerySet[Namespace], order: Order, cursor: str) -> QuerySet[Namespace]:
    value, name = _parts_of(cursor, order)
    if order.column == "name":
        return chosen.filter(name__gt=name)
    beyond, from_there = ("lt", "lte") if order.is_descending else ("gt", "gte")
    return chosen.filter(
        Q(**{f"{order.column}__{beyond}": value}) | Q(**{order.column: value, f"{order.tie}__gt": name}),
        **{f"{order.column}__{from_there}": value},  # where the walk of the index begins
    )


def _cursor_of(namespace: Namespace, order: Order) -> str:
    value = order.value_of(namespace)
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return namespace.name if order.column == "name" else f"{text},{namespace.name}"


def _parts_of(cursor: str, order: Order) -> tuple[Any, str]:
    """The value and the name after which a page begins. Only what `_cursor_of` may have made is taken."""
    if order.column == "name":
        value, name = "", cursor
    else:
        value, _, name = cursor.rpartition(",")
    try:
        check_namespace(name)
        if order.column == "name":
            return value, name
        if order.column.endswith("_at"):
            return datetime.fromisoformat(value).astimezone(UTC), name
        return min(max(int(value), 0), _LARGEST_INTEGER), name
    except (InvalidNamespace, ValueError, OverflowError):
        raise InvalidCursor("This cursor was not given by a list of BotWire in this order.") from None


# --- the whole


@dataclass(frozen=True, slots=True)
class Glance:
    """The service at one moment. `writes` and `refusals` of the UTC day are a few seconds behind."""

    writes: int
    refusals: dict[str, int]
    at_limit: Count
    suspended: Count
    read_only: Count
    jobs: list[PurgeJob]

    @property
    def refused(self) -> int:
        return sum(self.refusals.values())


def glance(now: datetime | None = None) -> Glance:
    """What all namespaces do today, and how many are limited by themselves or by operators."""
    now = now or clock.now()
    total = DailyTotal.objects.filter(day=clock.day_of(now)).first() or DailyTotal()
    return Glance(
        writes=total.writes,
        refusals=dict(sorted(total.refusals.items(), key=lambda counted: -counted[1])),
        at_limit=count(_of_use("full", now)),
        suspended=count(_of_status(Namespace.objects.all(), Namespace.Status.SUSPENDED, now)),
        read_only=count(_of_status(Namespace.objects.all(), Namespace.Status.READ_ONLY, now)),
        jobs=running_jobs(),
    )


def running_jobs(namespace: str | None = None) -> list[PurgeJob]:
    """The purges that are under way, the oldest first; of one namespace, or of all."""
    running = PurgeJob.objects.filter(state=PurgeJob.State.RUNNING).order_by("started_at")
    return list((running if namespace is None else running.filter(namespace_id=namespace))[:MOST_COUNTED])


def last_actions(namespace: str | None = None, *, most: int = 10) -> list[ModerationAction]:
    """What operators did last, the newest first; to one namespace, or to all."""
    actions = ModerationAction.objects.order_by("-id")
    return list((actions if namespace is None else actions.filter(namespace=namespace))[:most])


@dataclass(frozen=True, slots=True)
class Siblings:
    """The namespaces that were made from one address, the newest first: how many, and a few of them."""

    address: str
    number: Count
    newest: list[str]

    def besides(self, name: str) -> list[str]:
        """The few of them other than `name`."""
        return [sibling for sibling in self.newest if sibling != name]


def siblings_of(addresses: Iterable[str], *, most: int = 5) -> dict[str, Siblings]:
    """By address, for those that are known; one query for each."""
    found = {}
    for address in filter(None, set(addresses)):
        made = Namespace.objects.filter(created_from=address).order_by("-created_at")
        names = list(made.values_list("name", flat=True)[: MOST_COUNTED + 1])
        found[address] = Siblings(address, Count(len(names)), names[:most])
    return found


def get(namespace: str) -> Namespace | None:
    """The namespace of exactly this name, None if there is none."""
    return Namespace.objects.filter(name=namespace).first() if is_namespace(namespace) else None
