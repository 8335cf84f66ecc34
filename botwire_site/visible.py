"""Text by strangers as it can be seen: nothing hides in it or turns its neighbours around. It is not escaped here."""


def visible(text: str, *, but: str = "") -> str:
    r"""`text` with characters that cannot be seen as escapes: a right-to-left override is shown as `\u202e`.

    Those in `but` stay as they are.
    """
    return "".join(part for part, _ in visible_parts(text, but=but))


def visible_parts(text: str, *, but: str = "") -> list[tuple[str, bool]]:
    """The pieces of `visible(text)`, each with whether it is an escape, so that a page can tell it from such a text."""
    parts: list[tuple[str, bool]] = []
    start = 0
    for position, character in enumerate("" if text.isprintable() else text):
        if not (character.isprintable() or character in but):
            parts += [(text[start:position], False), (_escaped(character), True)]
            start = position + 1
    return [(part, is_escape) for part, is_escape in [*parts, (text[start:], False)] if part]


def _escaped(character: str) -> str:
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
