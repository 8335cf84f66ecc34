"""Entries as text files for a model: paths, folders, lines, and the words that the SDK's own memory tool has for them.

Nothing is sent here.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from botwire._operations import Unset

ROOT = "/memories"
_MOST_LINES = 999_999
_NUMBER_WIDTH = 6
_AROUND = 2
_DEEPEST = 2


class NotDone(Exception):
    """What a model asked for can not be done; the message tells it why."""


def relative(path: str) -> str:
    """What `path` is below the root: "" for the root itself; NotDone if it is not there."""
    if not f"{path}/".startswith(f"{ROOT}/"):
        raise NotDone(f"Path must start with {ROOT}, got: {path}")
    found = posixpath.normpath(path)
    if not f"{found}/".startswith(f"{ROOT}/"):
        raise NotDone(f"Path {path} would escape {ROOT} directory")
    return found.removeprefix(ROOT).removeprefix("/")


def missing(path: str) -> NotDone:
    return NotDone(f"The path {path} does not exist. Please provide a valid path.")


def text_of(value: Any) -> str:
    """A value as a file's text; one that other agents keep there and that is no text, as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def numbered(path: str, text: str, view_range: list[int] | None) -> str:
    """The lines of a file, or those of `view_range`, with their numbers."""
    lines = text.split("\n")
    if len(lines) > _MOST_LINES:
        raise NotDone(f"File {path} exceeds maximum line limit of {_MOST_LINES:,} lines.")
    first, last = view_range if view_range and len(view_range) == 2 else (1, -1)
    start = max(1, first) - 1
    shown = lines[start : len(lines) if last == -1 else last]
    return f"Here's the content of {path} with line numbers:\n" + _with_numbers(shown, start + 1)


def folder(path: str, sizes: Mapping[str, int]) -> str:
    """What is in a folder, two levels deep, without what is hidden; `sizes` are bytes by the path in it."""
    lines = [f"{_size(sum(sizes.values()))}\t{path}"]
    lines += [f"{_size(size)}\t{path}/{name}" for name, size in _entries(sizes, 1)]
    head = f"Here're the files and directories up to 2 levels deep in {path}, excluding hidden items:"
    return "\n".join([head, *lines])


def replaced(path: str, value: Any, old: str, new: str) -> str:
    """The text with `old`, which must be in it exactly once, replaced by `new`."""
    text = _file(path, value)
    places = list(_places(text, old))
    if not places:
        raise NotDone(f"No replacement was performed, old_str `{old}` did not appear verbatim in {path}.")
    if len(places) > 1:
        numbers = ", ".join(str(text[:place].count("\n") + 1) for place in places)
        raise NotDone(
            f"No replacement was performed. Multiple occurrences of old_str `{old}` in lines: {numbers}. "
            "Please ensure it is unique"
        )
    return text.replace(old, new)


def snippet(before: str, after: str, old: str) -> str:
    """What is told of a replacement: the lines around it."""
    changed = before[: before.find(old)].count("\n")
    start = max(0, changed - _AROUND)
    shown = _with_numbers(after.split("\n")[start : changed + _AROUND + 1], start + 1)
    return f"The memory file has been edited. Here is the snippet showing the change (with line numbers):\n{shown}"


def inserted(path: str, value: Any, line: int, text: str) -> str:
    """The text with `text` as lines of its own after the line number `line`."""
    lines = _file(path, value).split("\n")
    if lines[-1] == "":
        lines.pop()
    if not 0 <= line <= len(lines):
        raise NotDone(f"Invalid `insert_line` parameter: {line}. It should be within the range [0, {len(lines)}].")
    lines.insert(line, text.rstrip("\n"))
    joined = "\n".join(lines)
    return joined if joined.endswith("\n") else f"{joined}\n"


def _file(path: str, value: Any) -> str:
    if isinstance(value, Unset):
        raise missing(path)
    if not isinstance(value, str):
        raise NotDone(f"The path {path} is not a text file: other agents keep a JSON value there.")
    return value


def _places(text: str, part: str) -> Iterator[int]:
    place = text.find(part)
    while place != -1:
        yield place
        place = text.find(part, place + 1)


def _with_numbers(lines: list[str], first: int) -> str:
    return "\n".join(f"{number:>{_NUMBER_WIDTH}}\t{line}" for number, line in enumerate(lines, first))


def _entries(sizes: Mapping[str, int], depth: int) -> Iterator[tuple[str, int]]:
    """Names and sizes, each folder before what is in it."""
    inside: dict[str, dict[str, int]] = {}
    for path, size in sizes.items():
        name, _, rest = path.partition("/")
        inside.setdefault(name, {})[rest] = size
    for name in sorted(name for name in inside if not name.startswith(".")):
        files = inside[name]
        if "" in files:
            yield name, files.pop("")
        if files:
            yield f"{name}/", sum(files.values())
        if depth < _DEEPEST:
            yield from ((f"{name}/{below}", size) for below, size in _entries(files, depth + 1))


def _size(size: int) -> str:
    """As du says it: 0B, 512B, 1.5K, 20M."""
    if not size:
        return "0B"
    power = min((size.bit_length() - 1) // 10, 3)
    scaled = size / 1024**power
    return f"{scaled:.0f}{'BKMG'[power]}" if scaled == int(scaled) else f"{scaled:.1f}{'BKMG'[power]}"
