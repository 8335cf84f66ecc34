"""A JSON text as the lines of a tree, for `templates/json_tree.html`: literals stay as they were written.

It reads the text from the front and stops after so many lines, so that a value of any size and depth costs little;
nothing here is recursive, and nothing is decoded.
"""

import re
from dataclasses import dataclass, field

MOST_PARTS = 500
MOST_CHARACTERS = 2_000  # of one string or number
OPEN_DEPTH = 2  # deeper arrays and objects begin closed

_PIECE = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{},:]|[^\s\[\]{},:"]+')


@dataclass(slots=True)
class Part:
    """One line of a tree: a `leaf`, or the beginning (`open`) or end (`close`) of an array or object.

    `label` is the member's name as its literal, or the element's position; empty for the outermost value. `size` counts
    the members of an array or object, None where the tree ends before it does; `hidden` the characters left out.
    """

    kind: str
    text: str = ""
    label: str = ""
    depth: int = 0
    size: int | None = None
    hidden: int = 0

    @property
    def is_array(self) -> bool:
        return self.text.startswith("[")

    @property
    def starts_open(self) -> bool:
        return self.depth < OPEN_DEPTH

    @property
    def look(self) -> str:
        """Which of string, number or word (true, false, null) a leaf is; empty for an empty array or object."""
        if self.text.startswith('"'):
            return "string"
        if self.text[:1] in "[{":
            return ""
        return "word" if self.text in ("true", "false", "null") else "number"


@dataclass(slots=True)
class Tree:
    """The lines of a value in the order of its text. `is_cut` tells that there are more than it holds."""

    parts: list[Part] = field(default_factory=list)
    is_cut: bool = False


def tree_of(text: str, *, most: int = MOST_PARTS) -> Tree:
    """The tree of `text`, one JSON value that has passed `namespaces.jsontext`.

    Its first `most` lines, and those that close what is then open.
    """
    tree, inside, name = Tree(), [Part("open", size=0)], ""
    for found in _PIECE.finditer(text):
        piece, around = found[0], inside[-1]
        if piece in ",:":
            continue
        if piece in "]}":
            _close(tree, inside.pop())
        elif around.text == "{" and not name:
            name = piece
        elif len(tree.parts) >= most:
            tree.is_cut = True
            break
        else:
            part = _begun(piece, name or _position_in(around), len(inside) - 1)
            around.size = (around.size or 0) + 1
            name = ""
            tree.parts.append(part)
            if part.kind == "open":
                inside.append(part)
    for part in reversed(inside[1:]):
        part.size = None
        tree.parts.append(Part("close"))
    return tree


def _begun(piece: str, label: str, depth: int) -> Part:
    if piece in "[{":
        return Part("open", piece, label, depth, 0)
    return Part("leaf", piece[:MOST_CHARACTERS], label, depth, hidden=max(0, len(piece) - MOST_CHARACTERS))


def _position_in(around: Part) -> str:
    return str(around.size) if around.text == "[" else ""


def _close(tree: Tree, part: Part) -> None:
    if part.size:
        tree.parts.append(Part("close"))
    else:
        part.kind, part.text = "leaf", "[]" if part.is_array else "{}"
