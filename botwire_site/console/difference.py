"""What differs between two JSON texts, line by line, in bounded time: what is alike at both ends is set aside first.

White space outside of strings is no difference. Texts that differ in more than `COMPARED` lines are not compared line
by line: the beginning of what was is shown as removed, that of what is as added.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice
from typing import Any

from botwire_site.console.jsontree import lines_of, symbols_of

COMPARED = 800
CONTEXT = 3
LINES = 400
LINE_CHARACTERS = 500
# Symbols that are kept around what differs, so that there is context to show.
_AROUND = 40


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a difference: `kind` is `removed`, `added`, `same`, or `gap` where like lines are left out."""

    kind: str
    text: str

    @property
    def sign(self) -> str:
        return {"removed": "-", "added": "+", "same": " ", "gap": "…"}[self.kind]


@dataclass(frozen=True, slots=True)
class Difference:
    """The lines, at most LINES of them; `is_whole` tells that nothing that differs is missing."""

    lines: list[Line]
    is_whole: bool


def difference(before: str, after: str) -> Difference:
    """What changed from `before` to `after`; no lines where only white space did. A text may also be no JSON at all."""
    old, new = symbols_of(before), symbols_of(after)
    start = _alike(old, new)
    end = _alike_at_end(old, new, min(len(old), len(new)) - start)
    if start == len(old) == len(new):
        return Difference([], True)
    first = max(start - _AROUND, 0)
    depth = _depth(old[:first])
    last = max(end - _AROUND, 0)
    old_lines = list(islice(lines_of(old[first : len(old) - last], depth), COMPARED + 1))
    new_lines = list(islice(lines_of(new[first : len(new) - last], depth), COMPARED + 1))
    is_whole = max(len(old_lines), len(new_lines)) <= COMPARED
    found = [Line("gap", "")] if first else []
    found += _compared(old_lines, new_lines) if is_whole else _all(old_lines, new_lines)
    return Difference([_cut(line) for line in found[:LINES]], is_whole and len(found) <= LINES)


def _compared(old: list[str], new: list[str]) -> Iterator[Line]:
    # A comma appears behind a line whenever another follows: it is no difference of the line.
    matcher = SequenceMatcher(None, [text.rstrip(",") for text in old], [text.rstrip(",") for text in new])
    groups = matcher.get_grouped_opcodes(CONTEXT)
    for number, group in enumerate(groups):
        if number:
            yield Line("gap", "")
        for tag, old_from, old_to, new_from, new_to in group:
            if tag == "equal":
                yield from (Line("same", text) for text in new[new_from:new_to])
            else:
                yield from (Line("removed", text) for text in old[old_from:old_to])
                yield from (Line("added", text) for text in new[new_from:new_to])


def _all(old: list[str], new: list[str]) -> Iterator[Line]:
    yield from (Line("removed", text) for text in old[: LINES // 2])
    yield from (Line("added", text) for text in new[: LINES // 2])


def _cut(line: Line) -> Line:
    return line if len(line.text) <= LINE_CHARACTERS else Line(line.kind, f"{line.text[:LINE_CHARACTERS]}…")


def _alike(old: list[Any], new: list[Any]) -> int:
    """How many of the first items are the same: by halving, as comparing slices costs next to nothing."""
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if old[low:middle] == new[low:middle] else (low, middle - 1)
    return low


def _alike_at_end(old: list[str], new: list[str], most: int) -> int:
    return _alike(old[len(old) - most :][::-1], new[len(new) - most :][::-1]) if most else 0


def _depth(symbols: list[str]) -> int:
    return symbols.count("[") + symbols.count("{") - symbols.count("]") - symbols.count("}")
