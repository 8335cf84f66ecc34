"""The lines of an export (NDJSON): how they are written, and how they are read again. What they say is the domain's.

The first line is the header, then come the entries in byte order, the changes newest first, and the trailer, which
tells a whole file from one that was cut off or edited. Neither name nor time of the export is in it: the same memory
gives the same bytes. A value stands there as the text that was set; one that has line breaks, which JSON has between
its tokens only, as `value_text`, a string that holds its text.
"""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeVar

from django.http import StreamingHttpResponse

from api.bodies import members_of, text_in, truth_in, whole_number_in
from api.refusals import RequestRefused
from api.rendering import as_json, timestamp, writer_members
from namespaces.changes import LoggedChange
from namespaces.errors import BatchTooLarge, InvalidExport, InvalidInput, InvalidJSON
from namespaces.exporting import Export, Outline
from namespaces.importing import MOST_REVISION, Given, GivenChange, Part
from namespaces.jsontext import JSONText
from namespaces.limits import limit
from namespaces.reading import Remembered

T = TypeVar("T")

_text = json.encoder.encode_basestring  # a string as `as_json` encodes it

MEDIA_TYPE = "application/x-ndjson"
FORMAT = 1
_ORIGIN = re.compile(r"[0-9a-f]{64}")
_HEADER = ("botwire_export", "revision", "prefix", "history", "entries", "changes")
_ENTRY = ("key", "version", "writer", "created_at", "updated_at", "expires_at")
_CHANGE = ("revision", "kind", "key", "bytes", "writer", "at")
_TRAILER = ("entries", "changes", "sha256")


# --- written


def export_response(export: Export) -> StreamingHttpResponse:
    """An export as Django takes it; what closes the response closes the export."""
    response = StreamingHttpResponse(Lines(export), content_type=MEDIA_TYPE)
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


class Lines:
    """The parts of an export's file, each some lines; any thread may ask for the next one, and any may close it."""

    def __init__(self, export: Export) -> None:
        self._export = export
        self._lock = threading.Lock()
        self._parts = _parts_of(export)

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> bytes:
        with self._lock:
            return next(self._parts)

    def close(self) -> None:
        with self._lock:
            self._parts.close()
            self._export.close()


def _parts_of(export: Export) -> Generator[bytes, None, None]:
    outline, digest, entries, changes = export.outline, hashlib.sha256(), 0, 0
    part = header_of(outline).encode()
    for page in export.entries():
        digest.update(part)
        yield part
        part = "".join(map(entry_line, page)).encode()
        entries += len(page)
    for logged in export.changes():
        digest.update(part)
        yield part
        part = "".join(map(change_line, logged)).encode()
        changes += len(logged)
    digest.update(part)
    trailer = as_json({"entries": entries, "changes": changes, "sha256": digest.hexdigest()})
    yield part + trailer.encode() + b"\n"


def header_of(outline: Outline) -> str:
    return (
        as_json(
            {
                "botwire_export": FORMAT,
                "revision": outline.revision,
                "prefix": outline.prefix,
                "history": outline.has_history,
                "entries": outline.entries,
                "changes": outline.changes,
            }
        )
        + "\n"
    )


def entry_line(entry: Remembered) -> str:
    """The entry as the API answers it, without its namespace; put together here because there are so many of them."""
    expires_at = "null" if entry.expires_at is None else f'"{timestamp(entry.expires_at)}"'
    return (
        f'{{"key": {_text(entry.key)}, {_value_member(entry.value)}, "version": {entry.version},'
        f' "writer": {_writer(entry.writer, entry.is_verified)}, "created_at": "{timestamp(entry.created_at)}",'
        f' "updated_at": "{timestamp(entry.updated_at)}", "expires_at": {expires_at}}}\n'
    )


def change_line(change: LoggedChange) -> str:
    """The change as the API answers it."""
    value = "" if change.value is None else f"{_value_member(change.value)}, "
    end = ', "quarantined": true}\n' if change.is_hidden else "}\n"
    return (
        f'{{"revision": {change.revision}, "kind": {_text(change.kind)}, "key": {_text(change.key)}, {value}"bytes":'
        f' {change.bytes}, "writer": {_writer(change.writer, change.is_verified)}, "at": "{timestamp(change.at)}"{end}'
    )


def _value_member(text: str) -> str:
    if "\n" in text or "\r" in text:
        return f'"value_text": {_text(text)}'
    return f'"value": {text}'


@lru_cache(maxsize=256)
def _writer(name: str, is_verified: bool) -> str:
    return as_json(writer_members(name, is_verified))


# --- read


def part_of(content: bytes, origin: str | None) -> Part:
    """The part of an export that a body holds: its header and any of its lines, or all of it with the trailer.

    `origin` is the SHA-256 that the trailer has, and may be left out where the trailer is there. Raises InvalidExport,
    BatchTooLarge, or what is wrong with a line, its number as the fact `line`.
    """
    lines = _lines_of(content)
    header = _at(1, lambda: _header_in(lines[0]))
    trailer = _trailer_in(lines, content)
    if trailer is None and origin is None:
        raise InvalidExport("A part without the trailer needs the trailer's sha256 as the parameter origin.")
    if origin is not None and not _ORIGIN.fullmatch(origin):
        raise RequestRefused("invalid_parameter", "origin is the sha256 of the trailer.", parameter="origin")
    inner = lines[1 : len(lines) - (trailer is not None)]
    most = limit("batch_operations")
    if len(inner) > most:
        raise BatchTooLarge(
            f"A part has at most {most:,} entries and changes; this one has {len(inner):,}.", limit=most
        )
    part = Part(trailer or origin or "", header)
    for number, line in enumerate(inner, 2):
        _at(number, lambda line=line, number=number: _add(part, line, number))  # type: ignore[misc]
    return part


def _lines_of(content: bytes) -> list[str]:
    try:
        lines = content.decode().split("\n")
    except UnicodeDecodeError as error:
        raise InvalidJSON(f"The body is not UTF-8 at byte {error.start}.") from None
    if lines[-1] == "":
        lines.pop()
    return lines or [""]


def _at(number: int, read: Callable[[], T]) -> T:
    try:
        return read()
    except InvalidInput as refusal:
        refusal.facts["line"] = number
        raise
    except RequestRefused as refusal:
        raise InvalidExport(str(refusal), line=number) from None


def _header_in(line: str) -> int:
    if not line.startswith('{"botwire_export": '):
        raise InvalidExport("This is no export: its first line is not the header that one has.")
    kind = line.removeprefix('{"botwire_export": ').partition(",")[0]
    if kind != str(FORMAT):
        raise InvalidExport(f"This export has the format {kind[:20]}; this server reads {FORMAT}.")
    return _revision_in(members_of(line, required=_HEADER, what="header")["revision"], "revision", least=0)


def _trailer_in(lines: list[str], content: bytes) -> str | None:
    """The digest in the trailer, if it is there; refused if what is before it is not what it was made of."""
    if len(lines) < 2 or not lines[-1].startswith('{"entries": '):
        return None
    given = _at(len(lines), lambda: members_of(lines[-1], required=_TRAILER, what="trailer"))
    before = content[: content.rstrip(b"\n").rindex(b"\n") + 1]
    digest = hashlib.sha256(before).hexdigest()
    if given["sha256"] != f'"{digest}"':
        raise InvalidExport("The export is not whole, or was edited: its trailer does not fit it.", line=len(lines))
    return digest


def _add(part: Part, line: str, number: int) -> None:
    if line.startswith('{"revision": '):
        part.changes.append(_change_in(line, number, part.revision))
    else:
        part.entries.append(_entry_in(line, number, part.revision))


def _entry_in(line: str, number: int, revision: int) -> Given:
    given = members_of(line, required=_ENTRY, optional=("value", "value_text"), what="entry")
    value = _value_in(given)
    if value is None:
        raise InvalidExport("The entry has no member 'value'.")
    version = _revision_in(given["version"], "version")
    if version > revision:
        raise InvalidExport("An entry's version is at most the revision in the header.")
    writer, is_verified = _writer_in(given["writer"])
    created_at, updated_at = _moment_in(given["created_at"]), _moment_in(given["updated_at"])
    expires_at = None if given["expires_at"] == "null" else _moment_in(given["expires_at"])
    key = text_in(given["key"], "key")
    return Given(number, key, value, version, writer, is_verified, created_at, updated_at, expires_at)


def _change_in(line: str, number: int, revision: int) -> GivenChange:
    given = members_of(line, required=_CHANGE, optional=("value", "value_text", "quarantined"), what="change")
    own = _revision_in(given["revision"], "revision")
    if own > revision:
        raise InvalidExport("A change's revision is at most the one in the header.")
    writer, is_verified = _writer_in(given["writer"])
    kind, key, at = text_in(given["kind"], "kind"), text_in(given["key"], "key"), _moment_in(given["at"])
    return GivenChange(number, own, kind, key, _value_in(given), writer, is_verified, at)


def _value_in(given: dict[str, str]) -> JSONText | None:
    if "value" in given and "value_text" in given:
        raise InvalidExport("There are value and value_text, of which only one can be.")
    if "value_text" in given:
        return JSONText.parse(text_in(given["value_text"], "value_text"))
    return JSONText.of_scanned(given["value"]) if "value" in given else None


@lru_cache(maxsize=256)
def _writer_in(text: str) -> tuple[str, bool]:
    if text == "null":
        return "", False
    given = members_of(text, required=("name", "verified"), what="writer")
    return text_in(given["name"], "name"), truth_in(given["verified"], "verified")


def _revision_in(text: str, name: str, least: int = 1) -> int:
    number = whole_number_in(text, name, least)
    if number > MOST_REVISION:
        raise InvalidExport(f"{name} is at most {MOST_REVISION:,}.")
    return number


@lru_cache(maxsize=1_024)
def _moment_in(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(json.loads(text))
    except (ValueError, TypeError):
        moment = None
    if moment is None or moment.tzinfo is None or not 1970 <= moment.year < 9_999:
        raise InvalidExport("A time is RFC 3339, such as 2026-01-31T12:00:00.000000Z.")
    return moment.astimezone(UTC)
