"""How the server's answers are read: into the values of `_models`, with nothing taken on trust.

Whatever is not what BotWire sends raises KeyError, TypeError or ValueError here; `_wire` makes one exception of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from botwire._models import (
    Change,
    ChangePage,
    Entry,
    ImportResult,
    Left,
    Limits,
    Move,
    Quarantined,
    Rollback,
    SetResult,
    SharedToken,
    Token,
    Usage,
    Version,
    Writer,
)

T = TypeVar("T")

CREATED = 201
_ROLLBACK_COUNTS = ("keys", "restored", "deleted", "unchanged", "kept", "unreachable", "refused")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list; `next_cursor` asks for the next part, and is None on the last."""

    items: list[T]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Changed:
    """What a PATCH did: the value as it is now, its length if it is a list, and what was taken out of that."""

    value: Any
    length: int | None
    popped: list[Any]


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """The namespace's revision after a batch, and the answer to each of its operations."""

    revision: int
    results: list[Members]


@dataclass(frozen=True, slots=True)
class Grant:
    """A lease as the server granted it."""

    name: str
    fencing: int
    holder: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """An entry, and the lease on it."""

    key: str
    value: Any
    version: int
    grant: Grant


class Members:
    """The members of a JSON object, each asked for by the type that it has to have."""

    def __init__(self, answer: object) -> None:
        self._answer = _typed(answer, dict)

    def __contains__(self, name: str) -> bool:
        return name in self._answer

    def value(self, name: str) -> Any:
        return self._answer[name]

    def text(self, name: str) -> str:
        return _typed(self._answer[name], str)

    def integer(self, name: str) -> int:
        return _typed(self._answer[name], int)

    def truth(self, name: str) -> bool:
        return _typed(self._answer[name], bool)

    def moment(self, name: str) -> datetime:
        moment = datetime.fromisoformat(self.text(name))
        if moment.tzinfo is None:
            raise ValueError(f"{name} has no time zone")
        return moment

    def day(self, name: str) -> date:
        return date.fromisoformat(self.text(name))

    def members(self, name: str) -> Members:
        return Members(self._answer[name])

    def values(self, name: str) -> list[Any]:
        return _typed(self._answer[name], list)

    def texts(self, name: str) -> list[str]:
        return [_typed(text, str) for text in _typed(self._answer[name], list)]

    def rows(self, name: str) -> list[Members]:
        return [Members(row) for row in _typed(self._answer[name], list)]

    def optional(self, read: Callable[[str], T], name: str) -> T | None:
        return None if self._answer[name] is None else read(name)

    def if_there(self, read: Callable[[str], T], name: str) -> T | None:
        return read(name) if name in self._answer else None


def read_set_result(answer: Members, status: int) -> SetResult:
    return SetResult(
        namespace=answer.text("namespace"),
        key=answer.text("key"),
        version=answer.integer("version"),
        created=status == CREATED,
        bytes=answer.integer("bytes"),
        created_at=answer.moment("created_at"),
        updated_at=answer.moment("updated_at"),
        expires_at=answer.optional(answer.moment, "expires_at"),
    )


def read_entry(answer: Members, status: int) -> Entry:
    return _entry(answer, answer.text("namespace"))


def _entry(answer: Members, namespace: str) -> Entry:
    return Entry(
        namespace=namespace,
        key=answer.text("key"),
        value=answer.value("value"),
        version=answer.integer("version"),
        writer=_writer_in(answer),
        created_at=answer.moment("created_at"),
        updated_at=answer.moment("updated_at"),
        expires_at=answer.optional(answer.moment, "expires_at"),
    )


def read_deleted(answer: Members, status: int) -> bool:
    return answer.truth("deleted")


def read_changed(answer: Members, status: int) -> Changed:
    return replace(read_brief_change(answer, status), value=answer.value("value"))


def read_brief_change(answer: Members, status: int) -> Changed:
    """The same where the answer leaves out the value."""
    popped = answer.if_there(answer.values, "popped") or []
    return Changed(value=None, length=answer.if_there(answer.integer, "length"), popped=popped)


def read_batch(answer: Members, status: int) -> BatchAnswer:
    return BatchAnswer(answer.integer("revision"), answer.rows("results"))


def read_change_page(answer: Members, status: int) -> ChangePage:
    changes = [_change(row) for row in answer.rows("changes")]
    return ChangePage(changes=changes, next=answer.integer("next"), revision=answer.integer("revision"))


def read_grant(answer: Members, status: int = 200) -> Grant:
    return Grant(
        name=answer.text("name"),
        fencing=answer.integer("fencing"),
        holder=answer.optional(answer.text, "holder"),
        expires_at=answer.moment("expires_at"),
    )


def read_released(answer: Members, status: int) -> bool:
    return answer.truth("released")


def read_claimed(answer: Members, status: int) -> Claimed:
    entry = answer.members("entry")
    grant = read_grant(answer.members("lease"))
    return Claimed(entry.text("key"), entry.value("value"), entry.integer("version"), grant)


def read_version(answer: Members, status: int) -> Version:
    return _version(answer)


def read_versions(answer: Members, status: int) -> Page[Version]:
    before = answer.optional(answer.integer, "next_before")
    return Page([_version(row) for row in answer.rows("versions")], None if before is None else str(before))


def read_rollback(answer: Members, status: int) -> Rollback:
    changes = [
        Move(row.text("key"), row.optional(row.integer, "from"), row.optional(row.integer, "to"))
        for row in answer.rows("changes")
    ]
    return Rollback(
        writer=_writer_in(answer),
        since=answer.integer("since"),
        until=answer.integer("until"),
        oldest_revision=answer.integer("oldest_revision"),
        is_dry_run=answer.truth("dry_run"),
        job=answer.optional(answer.text, "job"),
        state=answer.text("state"),
        reached=answer.integer("reached"),
        is_complete=answer.truth("complete"),
        changes=changes,
        left=[Left(row.text("key"), row.text("why")) for row in answer.rows("left")],
        **{count: answer.integer(count) for count in _ROLLBACK_COUNTS},
    )


def read_quarantined(answer: Members, status: int) -> Quarantined:
    return Quarantined(_writer_in(answer), answer.text("reason"), answer.moment("at"), _writer_in(answer, "by"))


def read_quarantine(answer: Members, status: int) -> list[Quarantined]:
    return [read_quarantined(row, status) for row in answer.rows("quarantined")]


def read_count(answer: Members, status: int) -> int:
    return answer.integer("count")


def read_keys(answer: Members, status: int) -> Page[str]:
    return Page(answer.texts("keys"), answer.optional(answer.text, "next_cursor"))


def read_items(answer: Members, status: int) -> Page[tuple[str, Any]]:
    rows = [(row.text("key"), row.value("value")) for row in answer.rows("entries")]
    return Page(rows, answer.optional(answer.text, "next_cursor"))


def read_entries(answer: Members, status: int) -> Page[Entry]:
    namespace = answer.text("namespace")
    return Page([_entry(row, namespace) for row in answer.rows("entries")], answer.optional(answer.text, "next_cursor"))


def read_import(answer: Members, status: int) -> ImportResult:
    counts = [field.name for field in fields(ImportResult) if field.name not in ("namespace", "dry_run", "exact")]
    return ImportResult(
        namespace=answer.text("namespace"),
        dry_run=answer.truth("dry_run"),
        exact=answer.truth("exact"),
        **{name: answer.integer(name) for name in counts},
    )


def read_usage(answer: Members, status: int) -> Usage:
    used, limits = answer.members("usage"), answer.members("limits")
    return Usage(
        namespace=answer.text("namespace"),
        access=answer.text("access"),
        status=answer.text("status"),
        reason=answer.optional(answer.text, "reason"),
        until=answer.optional(answer.moment, "until"),
        revision=answer.integer("revision"),
        created_at=answer.moment("created_at"),
        last_write_at=answer.optional(answer.moment, "last_write_at"),
        limits=Limits(**{limit.name: limits.integer(limit.name) for limit in fields(Limits)}),
        day=used.day("day"),
        writes=used.integer("writes"),
        bytes=used.integer("bytes"),
        entries=used.integer("entries"),
        reads=used.integer("reads"),
        resets_at=used.moment("resets_at"),
    )


def read_tokens(answer: Members, status: int) -> list[Token]:
    return [Token(**_token_members(row)) for row in answer.rows("tokens")]


def read_shared(answer: Members, status: int) -> SharedToken:
    return SharedToken(**_token_members(answer), token=answer.text("token"))


def _token_members(row: Members) -> dict[str, Any]:
    return {
        "id": row.text("id"),
        "role": row.text("role"),
        "name": row.optional(row.text, "name"),
        "read": tuple(row.texts("read")),
        "write": tuple(row.texts("write")),
        "shared_by": row.optional(row.text, "shared_by"),
        "created_at": row.moment("created_at"),
        "expires_at": row.optional(row.moment, "expires_at"),
        "last_used_at": row.optional(row.moment, "last_used_at"),
    }


def _change(row: Members) -> Change:
    return Change(
        revision=row.integer("revision"),
        kind=row.text("kind"),
        key=row.text("key"),
        value=row.if_there(row.value, "value"),
        writer=_writer_in(row),
        at=row.moment("at"),
    )


def _version(row: Members) -> Version:
    return Version(
        version=row.integer("version"),
        kind=row.text("kind"),
        bytes=row.integer("bytes"),
        writer=_writer_in(row),
        at=row.moment("at"),
        value=row.if_there(row.value, "value"),
    )


def _writer_in(members: Members, name: str = "writer") -> Writer | None:
    return members.optional(lambda name: _writer(members.members(name)), name)


def _writer(writer: Members) -> Writer:
    return Writer(writer.text("name"), writer.truth("verified"))


def _typed(value: object, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise TypeError(f"{type(value).__name__} instead of {kind.__name__}")
    return value
