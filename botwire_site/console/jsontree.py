"""A JSON text as an outline of bounded size, and as indented lines: each scalar and name is shown as it is spelt.

It never decodes, so that no number is rounded and no doubled name lost, and never recurses. The text is one that
`JSONText` has accepted; a place in it is the position of a character.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

SYMBOL = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}:,]|[^\s\[\]{}:,"]++')
_skipper = json.JSONDecoder(parse_int=str, parse_float=str)  # finds the end of a value, at the speed of C

CHILDREN = 100
# Steps of a whole outline, beyond which containers stay closed and lists end after FEW.
STEPS = 600
FEW = 10
TEXT_CHARACTERS = 500
NAME_CHARACTERS = 200


@dataclass(slots=True)
class Step:
    """One step of an outline: `open` and `close` of a container, a `scalar`, or `more`: a link to what is left out.

    `at` is the position of the value, or of the container that goes on; `begin` and `first` are the position and the
    number of the child at which it goes on.
    """

    kind: str
    at: int
    name: str = ""
    is_member: bool = False
    text: str = ""
    is_cut: bool = False
    children: int = 0
    begin: int = 0
    first: int = 0

    @property
    def brackets(self) -> str:
        return "{…}" if self.text == "{" else "[…]"

    @property
    def type(self) -> str:
        """What kind of scalar it is."""
        if self.text.startswith('"'):
            return "string"
        return "literal" if self.text in ("true", "false", "null") else "number"


@dataclass(slots=True)
class _Open:
    step: Step
    number: int
    shown: int = 0


@dataclass
class Outline:
    """Walks a text and collects the steps; `part(...)` is the only way in."""

    text: str
    steps: list[Step] = field(default_factory=list)
    _stack: list[_Open] = field(default_factory=list)
    _room: int = STEPS

    @classmethod
    def part(cls, text: str, at: int = 0, begin: int | None = None, first: int = 0) -> list[Step]:
        """The outline of the value at `at`; of a container, from its child at `begin`, which is its `first`-th.

        Raises ValueError where there is no value at these places.
        """
        outline = cls(text)
        outline._walk(at, begin, first)
        return outline.steps

    def _walk(self, at: int, begin: int | None, first: int) -> None:
        position = self._value(at, "", False)
        if self._stack and begin is not None:
            self._stack[0].number = first
            position = begin
        while self._stack:
            position = self._next(position)

    def _next(self, position: int) -> int:
        """Take one child of the innermost open container, or its end; return the position behind."""
        container = self._stack[-1]
        start, symbol = self._symbol(position)
        if symbol == ",":
            start, symbol = self._symbol(start + 1)
        if symbol in ("]", "}"):
            return self._close(start + 1)
        if container.shown >= (CHILDREN if self._room > 0 else FEW):
            self.steps.append(Step("more", container.step.at, begin=start, first=container.number))
            return self._close(self._end_of(container.step.at))
        return self._child(container, start, symbol)

    def _child(self, container: _Open, start: int, symbol: str) -> int:
        name, is_member = str(container.number), self.text[container.step.at] == "{"
        container.number += 1
        container.shown += 1
        if is_member:
            name, (colon, _) = symbol, self._symbol(start + len(symbol))
            start, _ = self._symbol(colon + 1)
        return self._value(start, name, is_member)

    def _value(self, start: int, name: str, is_member: bool) -> int:
        start, symbol = self._symbol(start)
        name = name if len(name) <= NAME_CHARACTERS else f"{name[:NAME_CHARACTERS]}…"
        self._room -= 1
        if symbol in ("[", "{"):
            return self._container(start, name, is_member, symbol)
        most = TEXT_CHARACTERS if self._room > 0 else NAME_CHARACTERS
        self._room -= min(len(symbol), most) // 80
        self.steps.append(Step("scalar", start, name, is_member, symbol[:most], len(symbol) > most))
        return start + len(symbol)

    def _container(self, start: int, name: str, is_member: bool, bracket: str) -> int:
        if self._room <= 0 and self._stack:
            self.steps.append(Step("closed", start, name, is_member, bracket))
            return self._end_of(start)
        step = Step("open", start, name, is_member, bracket)
        self.steps.append(step)
        self._stack.append(_Open(step, 0))
        return start + 1

    def _close(self, position: int) -> int:
        container = self._stack.pop()
        container.step.children = container.number
        container.step.is_cut = self.steps[-1].kind == "more" and self.steps[-1].at == container.step.at
        self.steps.append(Step("close", container.step.at))
        return position

    def _symbol(self, position: int) -> tuple[int, str]:
        found = SYMBOL.search(self.text, position)
        if found is None:
            raise ValueError("there is no value at this place")
        return found.start(), found[0]

    def _end_of(self, start: int) -> int:
        return _skipper.raw_decode(self.text, start)[1]


def symbols_of(text: str) -> list[str]:
    """The symbols of a JSON text, white space left out."""
    return SYMBOL.findall(text)


def lines_of(symbols: Iterable[str], depth: int = 0) -> Iterator[str]:
    """Symbols as lines, a value or a bracket each, indented by two spaces a level; empty containers stay together."""
    line, last = "  " * depth, ""
    for symbol in symbols:
        is_end = symbol in ("]", "}")
        if last in ("[", "{") and not is_end:
            depth += 1
        elif is_end and last not in ("[", "{"):
            depth = max(depth - 1, 0)
        if last == "," or (last in ("[", "{")) != is_end:
            yield line
            line = "  " * depth
        line += f"{symbol} " if symbol == ":" else symbol
        last = symbol
    yield line
