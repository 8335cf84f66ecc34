"""What may be called what: namespaces, keys, prefixes, writers. Nothing here looks into the database."""

import re
from dataclasses import dataclass

from namespaces.errors import InvalidInput, InvalidKey, InvalidNamespace, InvalidPrefix, InvalidWriter
from namespaces.limits import limit

NAMESPACE_LENGTH = 64
# Who operators' own changes are logged as, for agents to see. Which of them it was is in the moderation log alone: a
# stranger need not learn the name of an account.
OPERATOR = "operator"
_NAMESPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-.:@+]{0,63}")
# Unicode category Cc: C0, DEL and C1.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_DOT_SEGMENT = re.compile(r"(?:^|/)\.\.?(?:/|$)")
_LAST_CODE_POINT = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Writer:
    """Who wrote: a name that this server vouches for if `is_verified`, else what the writer called itself.

    Two of the same name are two writers where one is verified and the other is not; an empty name was not given.
    """

    name: str
    is_verified: bool


def is_namespace(name: str) -> bool:
    """Whether a namespace may be called so."""
    return _NAMESPACE.fullmatch(name) is not None


def check_namespace(name: str) -> str:
    """Return `name` if a namespace may be called so: 1-64 of `A-Z a-z 0-9 _ - . : @ +`, first a letter or digit."""
    if not is_namespace(name):
        raise InvalidNamespace(
            "A namespace's name is 1 to 64 characters out of A-Z a-z 0-9 _ - . : @ +, the first a letter or a digit.",
            limit=NAMESPACE_LENGTH,
        )
    return name


def check_key(key: str) -> str:
    """Return `key` if it may be one: 1 to `key_bytes` bytes of UTF-8, no control character, no `.`/`..` segment."""
    if not key:
        raise InvalidKey("A key has at least one byte.", limit=limit("key_bytes"))
    _check_text(key, InvalidKey, "A key", limit("key_bytes"))
    if "." in key and _DOT_SEGMENT.search(key):
        raise InvalidKey(
            "A key has no '.' or '..' as a whole path segment: HTTP libraries rewrite it before they send it.",
            limit=limit("key_bytes"),
        )
    return key


def check_prefix(prefix: str) -> str:
    """Return `prefix` if a key may begin with it; the empty one begins every key."""
    _check_text(prefix, InvalidPrefix, "A prefix", limit("key_bytes"))
    return prefix


def check_writer(name: str, *, is_operator: bool = False) -> str:
    """Return `name` if a writer may call itself so: up to `writer_bytes` bytes of UTF-8, no control character.

    Operators are called `operator`; nobody else is, in whatever case, nor with a colon and something behind it.
    """
    if not name:
        return name  # most say none
    _check_text(name, InvalidWriter, "A writer's name", limit("writer_bytes"))
    if not is_operator and name.casefold().partition(":")[0] == OPERATOR:
        raise InvalidWriter(
            f"{OPERATOR!r}, alone or with a colon behind it, is what this server's operators are called.",
            limit=limit("writer_bytes"),
        )
    return name


def is_operator_writer(writer: str) -> bool:
    """Whether a writer is an operator, who has signed in, and no agent, who may call itself as it likes."""
    return writer == OPERATOR


def _check_text(text: str, refusal: type[InvalidInput], what: str, most: int) -> None:
    try:
        length = len(text.encode())
    except UnicodeEncodeError:
        raise refusal(f"{what} is valid Unicode, without lone surrogates.", limit=most) from None
    if length > most:
        raise refusal(f"{what} has at most {most:,} bytes of UTF-8; this one has {length:,}.", limit=most)
    if _CONTROL.search(text):
        raise refusal(f"{what} has no control characters.", limit=most)


def after_prefix(prefix: str) -> str | None:
    """The smallest string above every string that begins with `prefix`, in byte order; None if there is none.

    The order of UTF-8 bytes is that of code points (RFC 3629 section 1), so one code point is raised by one.
    """
    stem = prefix.rstrip(_LAST_CODE_POINT)
    if not stem:
        return None
    following = ord(stem[-1]) + 1
    if 0xD800 <= following <= 0xDFFF:
        following = 0xE000
    return stem[:-1] + chr(following)
