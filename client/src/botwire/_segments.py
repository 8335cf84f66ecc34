"""Keys made of several texts, each of which may be anything, so that no two lists of texts have the same key.

The parts are joined by slashes; what would be mistaken in a part is percent-encoded, and all else is left readable.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

_MISTAKEN = re.compile(r"[%/\x00-\x1f\x7f-\x9f]")


def joined(*parts: str) -> str:
    """The key of `parts`. That of some, with a slash behind it, begins the keys of all that begin with those parts."""
    return "/".join(map(_encoded, parts))


def parted(key: str) -> list[str]:
    """The parts that `key` was joined of."""
    return [unquote(part) for part in key.split("/")]


def _encoded(part: str) -> str:
    if part in (".", ".."):
        return part.replace(".", "%2E")  # they can not be whole path segments
    return _MISTAKEN.sub(lambda found: quote(found[0], safe=""), part)
