"""Exports as files: whole or not at all while they arrive, checked before they are sent, and sent part by part.

What stands in one is described in docs/portability.md. Nothing here talks to a server: `_sync` and `_async` do.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, TypeAlias

from botwire._answers import Members
from botwire._call import Steps
from botwire._exceptions import BotWireAPIError, InvalidExportError
from botwire._models import ExportResult, ImportResult
from botwire._wire import Calls

#: A path, or a file that is open for bytes.
File: TypeAlias = str | os.PathLike[str] | IO[bytes]
#: Is told how many entries and changes are done, and how many there are.
Progress: TypeAlias = Callable[[int, int], object]

FORMAT = 1
#: What a server takes in one part, at least unless its operator lowered it.
PART_LINES = 500
PART_BYTES = 8 * 1024 * 1024
ON_CONFLICT = ("fail", "skip", "replace")
_CHUNK = 1024 * 1024
_MARK = b'{"botwire_export": '


class Check:
    """Follows the bytes of an export, whatever pieces they come in, and tells in the end whether it is whole."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._last: list[bytes] = []  # pieces of the line that may turn out to be the trailer
        self._header = b""
        self._lines = self._bytes = 0

    def feed(self, piece: bytes) -> None:
        """Take the next bytes."""
        if not piece:
            return
        self._bytes += len(piece)
        if self._last and self._last[-1].endswith(b"\n"):
            self._pass_on(b"")
        end = piece.rfind(b"\n", 0, -1) + 1
        if end:
            self._pass_on(piece[:end])
        self._last.append(piece[end:])

    def _pass_on(self, rest: bytes) -> None:
        """What is held, and `rest`, are whole lines that others follow."""
        lines = b"".join((*self._last, rest))
        self._last.clear()
        self._digest.update(lines)
        if not self._lines:
            self._header = lines[: lines.index(b"\n")]
        self._lines += lines.count(b"\n")

    @property
    def done(self) -> int:
        """How many entries and changes have come."""
        return max(self._lines - 1, 0)

    @property
    def total(self) -> int:
        """How many there are to be, as the header says; 0 while it has not come, or is none."""
        header = _members_in(self._header)
        counts = (header.get("entries"), header.get("changes"))
        return sum(count for count in counts if isinstance(count, int))

    def end(self) -> ExportResult:
        """What the export holds; raises InvalidExportError if it is none, or not whole, or was edited."""
        last = b"".join(self._last)
        check_header(self._header or last)
        header, trailer = Members(_members_in(self._header)), _members_in(last)
        if not last.endswith(b"\n") or trailer.get("sha256") != self._digest.hexdigest():
            raise InvalidExportError("This export is not whole, or was edited: its last line does not fit the others.")
        return ExportResult(
            revision=header.integer("revision"),
            entries=Members(trailer).integer("entries"),
            changes=Members(trailer).integer("changes"),
            bytes=self._bytes,
            sha256=self._digest.hexdigest(),
        )


def check_header(line: bytes) -> None:
    """Raise InvalidExportError if an export of a format that is known does not begin so."""
    found = _members_in(line).get("botwire_export")
    if not line.startswith(_MARK) or found is None:
        raise InvalidExportError("This is no export of BotWire: its first line is not the header that one has.")
    if found != FORMAT:
        raise InvalidExportError(f"This export has the format {found}; this version of botwire reads {FORMAT}.")


def _members_in(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


# --- export


class Receiver:
    """Writes an export where it belongs, as it arrives."""

    def __init__(self, file: IO[bytes], progress: Progress | None) -> None:
        self._file, self._progress = file, progress
        self._check = Check()
        self._total = 0

    def take(self, piece: bytes) -> None:
        self._file.write(piece)
        self._check.feed(piece)
        self._total = self._total or self._check.total
        if self._progress is not None:
            self._progress(min(self._check.done, self._total), self._total)

    def end(self) -> ExportResult:
        result = self._check.end()
        if self._progress is not None:
            self._progress(self._total, self._total)
        return result


@contextmanager
def written(file: File) -> Iterator[IO[bytes]]:
    """What to write an export to. A path is there only when it is whole: until then, it is beside it as `….part`."""
    if not isinstance(file, str | os.PathLike):
        yield file
        return
    unfinished = Path(f"{os.fspath(file)}.part")
    try:
        with unfinished.open("wb") as opened:
            yield opened
            opened.flush()
            os.fsync(opened.fileno())
        unfinished.replace(file)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink()
        raise


# --- import


@dataclass(frozen=True, slots=True)
class Part:
    """Some lines of an export, of which the first is the file's line `first`."""

    first: int
    lines: list[bytes]


class Source:
    """An export that has been read once and is whole, to be read once more."""

    def __init__(self, file: IO[bytes], export: ExportResult) -> None:
        self._file, self.export = file, export

    @classmethod
    def checked(cls, file: IO[bytes]) -> Source:
        """Read a file to its end; raises InvalidExportError if it is no whole export."""
        check = Check()
        while piece := file.read(_CHUNK):
            check.feed(piece)
        return cls(file, check.end())

    def parts(self) -> Iterator[tuple[bytes, Part]]:
        """The header and each part, of which at least one, if an empty one."""
        self._file.seek(0)
        header, number = self._file.readline(), 2
        part, size = Part(number, []), len(header)
        last = number + self.export.entries + self.export.changes
        while number < last:
            line = self._file.readline()
            if len(part.lines) == PART_LINES or (part.lines and size + len(line) > PART_BYTES):
                yield header, part
                part, size = Part(number, []), len(header)
            part.lines.append(line)
            size += len(line)
            number += 1
        yield header, part


def readable(file: File) -> AbstractContextManager[IO[bytes]]:
    """A file that can be read twice: what cannot be rewound is kept in a temporary one."""
    if isinstance(file, str | os.PathLike):
        return Path(file).open("rb")
    return _rewindable(file)


@contextmanager
def _rewindable(file: IO[bytes]) -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as kept:
        while piece := file.read(_CHUNK):
            kept.write(piece)
        kept.seek(0)
        yield kept


def check_on_conflict(on_conflict: str) -> str:
    if on_conflict not in ON_CONFLICT:
        raise ValueError(f"on_conflict is one of {', '.join(ON_CONFLICT)}, not {on_conflict!r}.")
    return on_conflict


def taken_in(
    calls: Calls, source: Source, dry_run: bool, on_conflict: str, progress: Progress | None
) -> Steps[ImportResult]:
    """Send part after part. Where one is refused at a line, what is before that line is put in nevertheless."""
    total = source.export.entries + source.export.changes
    done = 0
    result: ImportResult | None = None
    for header, part in source.parts():
        try:
            answer = yield calls.import_part(header, part.lines, source.export.sha256, dry_run, on_conflict)
        except BotWireAPIError as error:
            if error.line is None:
                raise
            before = part.lines[: error.line - 2]
            if before:
                yield calls.import_part(header, before, source.export.sha256, dry_run, on_conflict)
            error.line += part.first - 2
            error.args = (f"Line {error.line:,}: {error}",)
            raise
        result = answer if result is None else _sum(result, answer)
        done += len(part.lines)
        if progress is not None:
            progress(done, total)
    assert result is not None, "there is at least one part"
    return result


_COUNTS = ("new", "same", "different", "expired", "too_large", "changes", "writes_needed", "bytes_needed")


def _sum(one: ImportResult, other: ImportResult) -> ImportResult:
    """What two parts do together. What was left before the first of them counts."""
    counts = {name: getattr(one, name) + getattr(other, name) for name in _COUNTS}
    return replace(one, revision=other.revision, exact=one.exact and other.exact, **counts)
