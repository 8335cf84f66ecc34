"""What may be called what, as far as it must be known before a request. The server has the last word."""

from __future__ import annotations

import re
from urllib.parse import quote

from botwire._exceptions import InvalidAgentError, InvalidKeyError, InvalidNamespaceError, InvalidPrefixError

NAMESPACE_LENGTH = 64
KEY_BYTES = 512
_NAMESPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-.:@+]{0,63}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_DOT_SEGMENT = re.compile(r"(?:^|/)\.\.?(?:/|$)")
_READABLE = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")


def check_namespace(name: str) -> str:
    """Return `name`; raise InvalidNamespaceError unless a namespace may be called so, TypeError if it is not a str."""
    if not _NAMESPACE.fullmatch(_text(name, "A namespace's name")):
        raise InvalidNamespaceError(
            f"{_shown(name)} is not a namespace's name: 1 to {NAMESPACE_LENGTH} characters out of "
            "A-Z a-z 0-9 _ - . : @ +, the first a letter or a digit.",
            limit=NAMESPACE_LENGTH,
        )
    return name


def check_key(key: str) -> str:
    """Return `key`; raise InvalidKeyError for what the server would refuse or an HTTP library would rewrite.

    TypeError if it is not a str.
    """
    reason = _trouble(_text(key, "A key"))
    if not key:
        reason = "it is empty"
    elif _DOT_SEGMENT.search(key):
        reason = "'.' and '..' can not be whole path segments"
    if reason:
        raise InvalidKeyError(f"{_shown(key)} can not be a key: {reason}.", limit=KEY_BYTES)
    return key


def check_prefix(prefix: str) -> str:
    """Return `prefix`; raise InvalidPrefixError if no key can begin so, TypeError if it is not a str."""
    reason = _trouble(_text(prefix, "A prefix"))
    if reason:
        raise InvalidPrefixError(f"{_shown(prefix)} can not begin a key: {reason}.", limit=KEY_BYTES)
    return prefix


def quote_agent(agent: str) -> str:
    """Return a writer's name for the header: readable where it is ASCII, else percent-encoded UTF-8.

    Raises InvalidAgentError where it is empty or no Unicode text, TypeError if it is not a str.
    """
    if not _text(agent, "An agent's name") or _has_surrogates(agent):
        raise InvalidAgentError(f"{_shown(agent)} can not be an agent's name: it is empty, or no Unicode text.")
    # HTTP drops white space at the ends of a header, so a name with some there has all its spaces encoded.
    return quote(agent, safe=_READABLE if agent == agent.strip() else _READABLE.replace(" ", ""))


def _text(text: str, what: str) -> str:
    if not isinstance(text, str):
        raise TypeError(f"{what} is a str, not {type(text).__name__}.")
    return text


def _trouble(text: str) -> str | None:
    """Why `text` can be neither a key nor the beginning of one, or None."""
    if _has_surrogates(text):
        return "it has a lone surrogate, which is no Unicode text"
    if _CONTROL.search(text):
        return "it has control characters"
    size = len(text.encode())
    return f"it has {size:,} bytes of UTF-8, more than {KEY_BYTES}" if size > KEY_BYTES else None


def _has_surrogates(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 80 else f"{text[:80]}...")
