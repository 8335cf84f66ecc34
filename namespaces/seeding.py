"""A data set to try a server's size with: namespaces with entries, usage, a change log and operators' acts, in bulk.

It writes what as many requests would have left behind, counters included, but in one transaction for each batch of
namespaces. It is for `manage.py seed`; nothing that serves calls it.
"""

import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import Any

from django.db import connection

from namespaces import biggest, clock, database, moderation, standing
from namespaces.limits import limit
from namespaces.models import DailyTotal, ModerationAction, Namespace

BATCH = 100
DAYS = 30
OPERATOR = "seed"
_LOGGED, _LOGGED_OF_LARGEST = 25, 2_000  # changes that the log has kept
_LOGGED_SPAN = timedelta(hours=12)
_TEAMS = ("trading-desk", "research", "support", "build", "crawler", "planner", "night-shift", "ops", "labs", "qa")
_FOLDERS = ("signals", "tasks/open", "tasks/done", "agents", "notes/2026", "cache", "team:state", "drafts")
_ACTIONS = ("buy", "hold", "sell", "wait", "ask")
_RESTRICTIONS = (
    (Namespace.Status.READ_ONLY, 2, "Looks like a loop: the same key is written every second."),
    (Namespace.Status.SUSPENDED, None, "Stores what is not its own; asked by mail, not answered."),
    (Namespace.Status.SUSPENDED, 7, "Hammers the server after its limit is reached."),
    (Namespace.Status.READ_ONLY, -1, "Was over its storage for a week."),  # has run out
)


@dataclass(frozen=True, slots=True)
class Planned:
    """One namespace to be made: its place in the data set, name, and number of entries."""

    number: int
    name: str
    entries: int


def plan(entries: int, namespaces: int, largest: int) -> list[Planned]:
    """Who gets how many entries: always the same for the same numbers, `entries` in all, `largest` for the first.

    Every namespace has one entry at least; most have few.
    """
    chance = random.Random(namespaces)  # noqa: S311 - a data set, no secret
    others = namespaces - 1
    weights = [min(chance.paretovariate(1.2), 60) for _ in range(others)]
    total, spare = sum(weights), entries - largest - others
    ends = [round(spare * reached / total) for reached in accumulate(weights)]
    sizes = [largest, *(1 + end - begin for begin, end in zip([0, *ends], ends, strict=False))]
    return [Planned(n, f"{_TEAMS[n % len(_TEAMS)]}-{n:05}", size) for n, size in enumerate(sizes)]


def make(planned: list[Planned], now: datetime | None = None) -> Iterator[int]:
    """Make what is planned and is not there; yields how many entries each batch has added, or found."""
    now = now or clock.now()
    for start in range(0, len(planned), BATCH):
        batch = planned[start : start + BATCH]
        with database.write_transaction():
            there = set(Namespace.objects.filter(name__in=[one.name for one in batch]).values_list("name", flat=True))
            missing = [one for one in batch if one.name not in there]
            if missing:
                _insert_all([_Made(one, now) for one in missing], now)
        standing.refresh([one.name for one in missing], now=now)
        yield sum(one.entries for one in batch)


def settle() -> None:
    """Do what the worker, and PostgreSQL's own, would do in a while: find biggest keys, and see the tables' size."""
    biggest.look_at_all()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


class _Made:
    """The rows of one namespace, consistent with one another."""

    def __init__(self, planned: Planned, now: datetime) -> None:
        self.chance = random.Random(planned.number)  # noqa: S311 - a data set, no secret
        self.planned, self.now, self.is_largest = planned, now, planned.number == 0
        age, idle = self._age_and_idle()
        self.created_at, self.last_write_at = now - age, now - idle
        self.limit_writes = 25_000 if self.is_largest else None
        self.days = {} if clock.day_of(self.last_write_at) < self._first_day() else dict(self._days())
        self.revision = planned.entries + sum(writes for writes, _ in self.days.values())
        self.entries = list(self._entries())
        self.bytes = sum(entry[2] for entry in self.entries)
        self.log = self._logged()
        self.restriction = _RESTRICTIONS[planned.number // 50 % 4] if planned.number % 50 == 7 else None

    def _age_and_idle(self) -> tuple[timedelta, timedelta]:
        age = timedelta(days=self.chance.uniform(0, 120) ** 2 / 120)
        if self.is_largest:
            return timedelta(days=90), timedelta(seconds=20)
        share = self.chance.random() ** (1 if self.planned.number % 4 == 0 else 12)
        return age, age * share

    def _logged(self) -> list[tuple[Any, ...]]:
        """The newest entries, whose changes the log still has; older ones are trimmed."""
        kept_since = self.now - timedelta(days=limit("change_log_days"))
        if self.last_write_at - _LOGGED_SPAN < kept_since:
            return []
        return self.entries[-(_LOGGED_OF_LARGEST if self.is_largest else _LOGGED) :]

    def _first_day(self) -> date:
        return clock.day_of(self.now) - timedelta(days=DAYS - 1)

    def _days(self) -> Iterator[tuple[date, tuple[int, Counter[str]]]]:
        most = self.limit_writes or limit("writes_per_day")
        habit = min(self.chance.paretovariate(1) * 0.03, 1.1)
        day = max(self._first_day(), clock.day_of(self.created_at))
        while day <= clock.day_of(self.last_write_at):
            wanted = int(most * habit * self.chance.uniform(0.4, 1.3)) + 1
            refused = Counter(daily_write_limit=wanted - most) if wanted > most else Counter()
            if self.chance.random() < 0.1:
                refused["precondition_failed"] = self.chance.randint(1, 20)
            yield day, (min(wanted, most), refused)
            day += timedelta(days=1)

    def _entries(self) -> Iterator[tuple[Any, ...]]:
        """In the order in which they were written; the last revision is that of the last entry."""
        pace = (self.last_write_at - self.created_at) / (self.planned.entries + 1)
        numbers = list(range(self.planned.entries))
        self.chance.shuffle(numbers)
        first = self.revision - self.planned.entries + 1
        for place, number in enumerate(numbers):
            key, value = self._key(number), self._value(number)
            at = database.as_parameter(self.last_write_at - pace * (self.planned.entries - 1 - place))
            expires_at = self.now + timedelta(hours=number % 72 + 1) if number % 20 == 3 else None
            yield (
                self.planned.name,
                key,
                len(key) + len(value),
                first + place,
                at,
                at,
                database.as_parameter(expires_at),
                f"agent-{number % 9}",
                value,
            )

    def _key(self, number: int) -> str:
        return f"{_FOLDERS[number % len(_FOLDERS)]}/{number // 1_000:03}/{number:06}"

    def _value(self, number: int) -> str:
        chance = self.chance.random()
        if number < 3 and self.planned.number % 40 == 0:
            return json.dumps({"page": "lorem ipsum " * int(chance * 12_000)})
        action = _ACTIONS[number % len(_ACTIONS)]
        return (
            f'{{"action": "{action}", "confidence": {chance:.4f}, "step": {number}, "note": "{"." * (number % 60)}"}}'
        )

    def namespace_row(self) -> tuple[Any, ...]:
        status, days, reason = self.restriction or (Namespace.Status.ACTIVE, None, "")
        until = self.now + timedelta(days=days) if days else None
        return (
            self.planned.name,
            status,
            reason,
            database.as_parameter(until),
            self.limit_writes,
            self._limit_bytes(),
            self.revision,
            self.revision - len(self.log),
            self.bytes,
            len(self.entries),
            sum(entry[2] for entry in self.log),
            database.as_parameter(self.created_at),
            self._address(),
            database.as_parameter(self.last_write_at),
        )

    def _limit_bytes(self) -> int | None:
        """One in thirty has a limit of its own that it has nearly, or just, reached."""
        return self.bytes * 1_000 // self.chance.randint(800, 1_000) if self.planned.number % 30 == 11 else None

    def _address(self) -> str:
        """From the ranges that are kept for examples; one address has made a tenth of all."""
        if self.planned.number % 10 == 3:
            return "203.0.113.7"
        if self.planned.number % 10 == 4:
            return f"2001:db8::{self.chance.randint(1, 0xFFFF):x}"
        return f"198.51.100.{self.chance.randint(1, 254)}"

    def usage_rows(self) -> Iterator[tuple[Any, ...]]:
        size = self.bytes // len(self.entries)
        for day, (writes, refused) in self.days.items():
            stamp = database.as_day_parameter(day)
            yield self.planned.name, stamp, writes, writes * size, writes * 7, json.dumps(refused)

    def change_rows(self) -> Iterator[tuple[Any, ...]]:
        """The latest writes, as far apart as those of the last day were."""
        writes = next(reversed(self.days.values()), (1, Counter()))[0]
        pace = _LOGGED_SPAN / max(writes, len(self.log))
        for place, (name, key, size, version, _, _, _, writer, value) in enumerate(reversed(self.log)):
            at = max(self.last_write_at - pace * place, self.created_at)
            yield name, version, "set", key, size, database.as_parameter(at), writer, value


def _insert_all(made: list[_Made], now: datetime) -> None:
    _insert(
        "namespace",
        "name, status, status_reason, status_until, limit_writes_per_day, limit_bytes, revision, trimmed_revision, "
        "bytes, entries, log_bytes, created_at, created_from, last_write_at",
        (one.namespace_row() for one in made),
    )
    _insert(
        "entry",
        "namespace_id, key, bytes, version, created_at, updated_at, expires_at, writer, value",
        (entry for one in made for entry in one.entries),
    )
    _insert(
        "change",
        "namespace_id, revision, kind, key, bytes, at, writer, value",
        (change for one in made for change in one.change_rows()),
    )
    _insert(
        "dailyusage",
        "namespace_id, day, writes, bytes_written, reads, refusals",
        (usage for one in made for usage in one.usage_rows()),
    )
    _add_to_totals(made)
    for one in made:
        _record(one, now)


def _insert(table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY namespaces_{table} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            places = ", ".join(["%s"] * len(columns.split(",")))
            cursor.executemany(
                f"INSERT INTO namespaces_{table} ({columns}) VALUES ({places})",  # noqa: S608 - our own constants
                list(rows),
            )


def _add_to_totals(made: list[_Made]) -> None:
    for day in {day for one in made for day in one.days}:
        used = [one.days[day] for one in made if day in one.days]
        total, _ = DailyTotal.objects.get_or_create(day=day)
        total.writes += sum(writes for writes, _ in used)
        total.refusals = dict(sum((refused for _, refused in used), Counter(total.refusals)))
        total.save()


def _record(made: _Made, now: datetime) -> None:
    if made.restriction is None:
        return
    status, days, reason = made.restriction
    is_suspended = status == Namespace.Status.SUSPENDED
    moderation.record(
        ModerationAction.Action.SUSPEND if is_suspended else ModerationAction.Action.READ_ONLY,
        operator=OPERATOR,
        reason=reason,
        namespace=made.planned.name,
        before={"status": Namespace.Status.ACTIVE},
        after={"status": status, "until": (now + timedelta(days=days)).isoformat() if days else None},
    )
