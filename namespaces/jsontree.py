"""JSON that is opened only where it is changed: everything else keeps its text, byte for byte.

Arrays and objects are opened one level at a time, when somebody looks into them. They are lists and dicts, so that a
library for such may change them; what they hold is text, until it is opened in its turn. Of doubled names an opened
object keeps the last, which is the one that readers see.
"""

import json
from dataclasses import dataclass
from typing import Any

from namespaces.jsontext import are_equal, array_parts, kind_of, object_parts


class _Compared:
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Compared) and are_equal(text_of(self), text_of(other))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, eq=False)
class Closed(_Compared):
    """A value as text, with the space around it."""

    text: str


class Array(_Compared, list["Node"]):
    """An array that was opened."""

    def __getitem__(self, index: Any) -> Any:
        child = opened(super().__getitem__(index))
        super().__setitem__(index, child)
        return child


class Object(_Compared, dict[str, "Node"]):
    """An object that was opened. `names` keeps how its names were written."""

    names: dict[str, str]

    def __init__(self) -> None:
        super().__init__()
        self.names = {}

    def __getitem__(self, name: str) -> Any:
        child = opened(super().__getitem__(name))
        super().__setitem__(name, child)
        return child


Node = Closed | Array | Object


def opened(node: Node) -> Node:
    """The same value with its first level open, where it has levels."""
    if not isinstance(node, Closed):
        return node
    match kind_of(node.text.lstrip()):
        case "array":
            return Array(map(Closed, array_parts(node.text)))
        case "object":
            found = Object()
            for name, written, value in object_parts(node.text):
                found.names[name] = written
                found[name] = Closed(value)
            return found
        case _:
            return node


def text_of(node: Node) -> str:
    """The value as text."""
    match node:
        case Array():
            return "[" + ",".join(map(text_of, node)) + "]"
        case Object():
            return "{" + ",".join(f"{_written(node, name)}:{text_of(child)}" for name, child in node.items()) + "}"
        case Closed():
            return node.text


def _written(node: Object, name: str) -> str:
    return node.names.get(name) or json.dumps(name, ensure_ascii=False)
