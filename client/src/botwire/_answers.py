"""How the server's answers are read: into the values of `_models`, with nothing taken on trust.

Whatever is not what BotWire sends raises KeyError, TypeError or ValueError here; `_wire` makes one exception of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from botwire._models import Entry, Limits, SetResult, Usage, Writer

T = TypeVar("T")

CREATED = 201


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list; `next_cursor` asks for the next part, and is None on the last."""

    items: list[T]
    next_cursor: str | None


class Members:
    """The members of a JSON object, each asked for by the type that it has to have."""

    def __init__(self, answer: object) -> None:
        self._answer = _typed(answer, dict)

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

    def texts(self, name: str) -> list[str]:
        return [_typed(text, str) for text in _typed(self._answer[name], list)]

    def rows(self, name: str) -> list[Members]:
        return [Members(row) for row in _typed(self._answer[name], list)]

    def optional(self, read: Callable[[str], T], name: str) -> T | None:
        return None if self._answer[name] is None else read(name)


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
    return Entry(
        namespace=answer.text("namespace"),
        key=answer.text("key"),
        value=answer.value("value"),
        version=answer.integer("version"),
        writer=answer.optional(lambda name: _writer(answer.members(name)), "writer"),
        created_at=answer.moment("created_at"),
        updated_at=answer.moment("updated_at"),
        expires_at=answer.optional(answer.moment, "expires_at"),
    )


def read_deleted(answer: Members, status: int) -> bool:
    return answer.truth("deleted")


def read_count(answer: Members, status: int) -> int:
    return answer.integer("count")


def read_keys(answer: Members, status: int) -> Page[str]:
    return Page(answer.texts("keys"), answer.optional(answer.text, "next_cursor"))


def read_items(answer: Members, status: int) -> Page[tuple[str, Any]]:
    rows = [(row.text("key"), row.value("value")) for row in answer.rows("entries")]
    return Page(rows, answer.optional(answer.text, "next_cursor"))


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


def _writer(writer: Members) -> Writer:
    return Writer(writer.text("name"), writer.truth("verified"))


def _typed(value: object, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise TypeError(f"{type(value).__name__} instead of {kind.__name__}")
    return value
