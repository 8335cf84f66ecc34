"""Markdown as HTML that fits the site: no raw HTML, no inline styles, headings with anchors, links to the site's pages.

Headings get the anchors that Git hosts give them, so that `http.md#errors` leads to the same place in both.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

Resolver = Callable[[str], str | None]

_LINK = re.compile(r"(?<=\]\()[^)\s]+(?=\))")
_NOT_IN_A_SLUG = re.compile(r"[^\w\- ]")


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a document: its anchor, its words, and its level from 1 to 6."""

    anchor: str
    text: str
    level: int


@dataclass(frozen=True, slots=True)
class Rendered:
    """A document as HTML that may be put into a page as it is, and its headings in order."""

    html: str
    headings: list[Heading]


class _Renderer(RendererHTML):
    """Tables and code that scroll in boxes of their own, reachable by keyboard."""

    def table_open(self, tokens: Sequence[Token], position: int, options: OptionsDict, env: Any) -> str:
        return '<div class="scroll" tabindex="0" role="group" aria-label="Table">\n<table>\n'

    def table_close(self, tokens: Sequence[Token], position: int, options: OptionsDict, env: Any) -> str:
        return "</table>\n</div>\n"

    def fence(self, tokens: Sequence[Token], position: int, options: OptionsDict, env: Any) -> str:
        return super().fence(tokens, position, options, env).replace("<pre>", '<pre tabindex="0">', 1)

    def heading_close(self, tokens: Sequence[Token], position: int, options: OptionsDict, env: Any) -> str:
        opening = tokens[position - 2]
        anchor = f' <a class="anchor" href="#{opening.attrGet("id")}" aria-label="Link to this section">#</a>'
        return f"{anchor if opening.tag != 'h1' else ''}</{opening.tag}>\n"


_markdown = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")


def render(text: str, resolve: Resolver) -> Rendered:
    """`text` as HTML. `resolve` gives each link's target on the site, or None: its words then stand without a link."""
    tokens = _markdown.parse(text)
    headings = [_anchored(*pair) for pair in _headings(tokens)]
    _make_unique(headings)
    for token in tokens:
        _class_for_style(token)
        _lead(token.children or [], resolve)
    return Rendered(
        _markdown.renderer.render(tokens, _markdown.options, {}),
        [Heading(str(opening.attrGet("id")), text, int(opening.tag[1])) for opening, text in headings],
    )


def with_targets(text: str, resolve: Resolver) -> str:
    """The Markdown itself with its links' targets resolved; what leads nowhere stays as it is."""
    return _LINK.sub(lambda found: resolve(found[0]) or found[0], text)


def _headings(tokens: list[Token]) -> list[tuple[Token, Token]]:
    return [(token, tokens[n + 1]) for n, token in enumerate(tokens) if token.type == "heading_open"]


def _anchored(opening: Token, inline: Token) -> tuple[Token, str]:
    words = "".join(child.content for child in inline.children or [] if child.type in ("text", "code_inline"))
    opening.attrSet("id", _NOT_IN_A_SLUG.sub("", words.lower()).replace(" ", "-"))
    return opening, words


def _make_unique(headings: list[tuple[Token, str]]) -> None:
    seen: dict[Any, int] = {}
    for opening, _ in headings:
        anchor = opening.attrGet("id")
        seen[anchor] = seen.get(anchor, -1) + 1
        if seen[anchor]:
            opening.attrSet("id", f"{anchor}-{seen[anchor]}")


def _class_for_style(token: Token) -> None:
    """The policy forbids inline styles, by which a table's columns are aligned."""
    style = str(token.attrs.pop("style", ""))
    if style.startswith("text-align:"):
        token.attrSet("class", f"align-{style.partition(':')[2]}")


def _lead(tokens: list[Token], resolve: Resolver) -> None:
    """Give links (which never contain links) their targets; one that leads nowhere becomes a plain span."""
    tag = "a"
    for token in tokens:
        if token.type == "link_open":
            target = resolve(str(token.attrs["href"]))
            tag, token.attrs = ("a", {"href": target}) if target else ("span", {})
        if token.type in ("link_open", "link_close"):
            token.tag = tag
        elif token.type == "image":
            token.attrs["src"] = resolve(str(token.attrs["src"])) or token.attrs["src"]
