"""One key as its page shows it: the entry or what is left of it, a view of its value, what came between, commands."""

import json
import shlex
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.http import QueryDict

from botwire_site.console.asking import as_number
from botwire_site.console.difference import Difference, difference
from botwire_site.console.jsontree import Outline, lines_of, symbols_of
from namespaces import browsing, clock, history
from namespaces.errors import VersionNotFound
from namespaces.history import Version, Versions
from namespaces.models import Entry, Namespace

RAW_CHARACTERS = 65_536
# Texts that are longer are not compared, nor edited in a browser.
COMPARED_CHARACTERS = 2_200_000
EDITED_CHARACTERS = 2_200_000
# A longer value is not repeated in a command.
COMMAND_CHARACTERS = 300
# What stands for itself in a path (RFC 3986 section 3.3). A slash is encoded, so that no proxy makes one of two.
_PLAIN = ":@"
VIEWS = ("tree", "raw", "diff", "edit", "delete", "restore")


@dataclass(frozen=True, slots=True)
class Race:
    """Who changed an entry since an operator opened it, what they changed, and what the operator's text would."""

    last: Version | None
    change: Difference | None
    own: Difference | None


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a text stops being JSON: line and column from 1 on, and the line itself around it."""

    line: int
    column: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Sight:
    """A key with its entry, and the version that is looked at: the entry's own, or an older one out of the log.

    `text` is the value's JSON text; None where there is none at that version, or the log has lost it.
    """

    namespace: Namespace
    key: str
    entry: Entry | None
    newest: Version | None
    version: int | None
    text: str | None
    now: datetime

    @classmethod
    def of(cls, namespace: Namespace, key: str, version: int | None) -> "Sight":
        """What there is under `key`, at `version` or at present; raises InvalidKey, DatabaseUnavailable."""
        now = clock.now()
        entry = browsing.entry_of(namespace.name, key)
        newest = next(iter(history.versions_of(namespace.name, key, most=1).versions), None)
        if entry and version in (None, entry.version):
            return cls(namespace, key, entry, newest, entry.version, entry.value, now)
        text = None if version is None else _value_at(namespace.name, key, version)
        return cls(namespace, key, entry, newest, version, text, now)

    @property
    def is_anything(self) -> bool:
        """Whether there is an entry, or the log knows that there was one."""
        return self.entry is not None or self.newest is not None

    @property
    def is_live(self) -> bool:
        """Whether readers see an entry."""
        return self.entry is not None and not self.is_expired

    @property
    def is_expired(self) -> bool:
        return self.entry is not None and self.entry.expires_at is not None and self.entry.expires_at <= self.now

    @property
    def current_version(self) -> int | None:
        """The version on whose condition a write goes; None where readers see no entry."""
        return self.entry.version if self.entry and not self.is_expired else None

    @property
    def is_current(self) -> bool:
        """Whether what is looked at is what readers see."""
        return self.is_live and self.version == self.current_version

    @property
    def pinned(self) -> int | None:
        """The version that addresses have to name, so that they stay with what is looked at; None for the present."""
        return None if self.is_current else self.version

    @property
    def views(self) -> tuple[tuple[str, str], ...]:
        return ("tree", "Tree"), ("raw", "Raw"), ("diff", "Difference")

    @property
    def can_be_edited(self) -> bool:
        return self.text is not None and len(self.text) <= EDITED_CHARACTERS

    def versions(self, before: int | None) -> Versions:
        return history.versions_of(self.namespace.name, self.key, before=before)

    def version_before(self) -> Version | None:
        """The change before the version that is looked at; None where there is none, or the log has lost it."""
        if self.version is None:
            return None
        found = history.versions_of(self.namespace.name, self.key, before=self.version, most=1)
        return next(iter(found.versions), None)

    def race(self, seen: int | None, text: str | None) -> Race:
        """What came between version `seen` and now, and what saving `text` would change now."""
        before = _value_at(self.namespace.name, self.key, seen) if seen is not None else ""
        now = self.text if self.is_live else ""
        change = _difference(before, now) if before is not None and now is not None else None
        own = _difference(now, text) if now is not None and text is not None else None
        return Race(self.newest, change, own)


def value_view(sight: Sight, asked: QueryDict) -> dict[str, Any]:
    """What the template needs for `?view=`; an unknown one is the tree."""
    view = asked.get("view", "tree")
    view = view if view in VIEWS else "tree"
    found: dict[str, Any] = {"view": view, "opened": sight.current_version}
    match view:
        case "tree":
            return found | _tree(sight, asked)
        case "raw":
            return found | _raw(sight, as_number(asked.get("from", "")) or 0)
        case "diff":
            return found | _difference_before(sight)
        case "edit":
            return found | {"text": _editable(sight, "indented" in asked)}
        case _:
            return found | {"restored": as_number(asked.get("restored", ""))}


def _tree(sight: Sight, asked: QueryDict) -> dict[str, Any]:
    if sight.text is None:
        return {"steps": []}
    at, begin = as_number(asked.get("at", "")) or 0, as_number(asked.get("begin", ""))
    try:
        steps = Outline.part(sight.text, at, begin, as_number(asked.get("first", "")) or 0)
    except ValueError:
        return {"steps": [], "is_no_place": True}
    return {"steps": steps, "at": at, "begin": begin}


def _raw(sight: Sight, start: int) -> dict[str, Any]:
    text = sight.text or ""
    end = start + RAW_CHARACTERS
    return {
        "raw": text[start:end],
        "start": start,
        "end": min(end, len(text)),
        "length": len(text),
        "earlier": max(start - RAW_CHARACTERS, 0) if start else None,
        "later": end if end < len(text) else None,
    }


def _difference_before(sight: Sight) -> dict[str, Any]:
    before = sight.version_before()
    if before is None or sight.text is None:
        return {"before": before, "difference": None}
    old = _value_at(sight.namespace.name, sight.key, before.version) if before.is_value else ""
    return {"before": before, "difference": _difference(old, sight.text) if old is not None else None}


def _editable(sight: Sight, is_indented: bool) -> str:
    if sight.text is None or not sight.can_be_edited:
        return ""
    return "\n".join(lines_of(symbols_of(sight.text))) if is_indented else sight.text


def _difference(before: str, after: str) -> Difference | None:
    return difference(before, after) if len(before) + len(after) <= COMPARED_CHARACTERS else None


def _value_at(namespace: str, key: str, version: int) -> str | None:
    try:
        return history.value_at(namespace, key, version)
    except VersionNotFound:
        return None


def fault_in(text: str) -> Fault | None:
    """Where `text` stops being JSON; None where it is, or the fault has no place."""
    try:
        json.loads(text, parse_int=str, parse_float=str)
    except json.JSONDecodeError as error:
        start = error.pos - error.colno + 1
        line = text[start:].partition("\n")[0]
        cut = error.colno - 1
        return Fault(error.lineno, error.colno, line[max(cut - 60, 0) : cut], line[cut : cut + 60])
    except RecursionError:
        return None
    return None


def commands_of(server: str, sight: Sight) -> list[tuple[str, str]]:
    """What to paste into a shell to read, set and delete this entry, the latter two at this version alone."""
    path = f"{quote(sight.namespace.name, safe=_PLAIN)}/{quote(sight.key, safe=_PLAIN)}"
    target = shlex.quote(f"{server}/memory/{path}")
    if sight.entry is None or not sight.is_live:
        return [("Read", f"curl {target}")]
    match = shlex.quote(f'If-Match: "{sight.current_version}"')
    value = sight.entry.value if len(sight.entry.value) <= COMMAND_CHARACTERS else "…"
    body = shlex.quote(f'{{"value": {value}}}')
    put = f"curl -X PUT {target} -H {match} -H 'Content-Type: application/json' -d {body}"
    return [
        ("Read", f"curl {target}"),
        ("Set, if still at this version", put),
        ("Delete, if still at this version", f"curl -X DELETE {target} -H {match}"),
    ]
