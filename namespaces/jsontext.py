"""JSON as text: checked to be what every reader can hold (RFC 8259), and kept exactly as it was sent.

The standard library's scanner walks the text and tells where each member ends; what it decodes is thrown away, so that
no number is ever rounded and no key order or spelling is ever changed. Nothing here writes JSON.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn

from namespaces.errors import InvalidJSON, JSONTooDeep
from namespaces.limits import limit

_WHITESPACE = re.compile(r"[ \t\n\r]*")
# A member's name without escapes, up to where its value begins.
_PLAIN_NAME = re.compile(r'"([^"\\\x00-\x1f]*)"[ \t\n\r]*:[ \t\n\r]*')
_STRINGS_AND_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}]')
_MAYBE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a whole pair
    r"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})"
    r"|.)",
)


@dataclass(frozen=True, slots=True)
class JSONText:
    """The text of one JSON value that has passed every check of `parse`; `size` is its length in bytes of UTF-8."""

    text: str
    size: int

    @classmethod
    def parse(cls, text: str) -> "JSONText":
        """Check `text`, one JSON value with optional white space around it; raise InvalidJSON or JSONTooDeep."""
        start = _skip_space(text, 0)
        end = _scan(text, start)
        if _skip_space(text, end) != len(text):
            raise InvalidJSON(f"There is something after the JSON value, at character {end}.")
        return cls.of_scanned(text[start:end])

    @classmethod
    def of_scanned(cls, text: str) -> "JSONText":
        """The checks beyond syntax, for a text that the scanner has accepted as one value."""
        _check_surrogates(text)
        _check_depth(text)
        return cls(text, len(text.encode()))

    @classmethod
    def of_checked(cls, text: str) -> "JSONText":
        """A text that was put together of such texts, no deeper than they were."""
        return cls(text, len(text.encode()))


def members(text: str) -> Iterator[tuple[str, str]]:
    """The members of a JSON object as (name, text of the value), in order, doubled names included.

    The iterator raises InvalidJSON where the text stops being JSON, so it has to be used up.
    """
    position = _skip_space(text, 0)
    if text[position : position + 1] != "{":
        _scan(text, position)
        raise InvalidJSON("The body is JSON, but not an object.")
    position = _skip_space(text, position + 1)
    is_first = True
    while text[position : position + 1] != "}":
        if not is_first:
            position = _skip_space(text, _expect(text, position, ","))
        is_first = False
        plain = _PLAIN_NAME.match(text, position)
        if plain:
            name, start = plain[1], plain.end()
        else:
            name, position = _scan_name(text, position)
            start = _skip_space(text, _expect(text, _skip_space(text, position), ":"))
        end = _scan(text, start)
        yield name, text[start:end]
        position = _skip_space(text, end)
    if _skip_space(text, position + 1) != len(text):
        raise InvalidJSON(f"There is something after the JSON object, at character {position + 1}.")


def object_parts(text: str) -> Iterator[tuple[str, str, str]]:
    """The members of a valid object as (name, the name's own text, the value's text), both with the space around them.

    Joined by colons and commas, they are what stands between the braces.
    """
    position = text.index("{") + 1
    while text[_skip_space(text, position)] != "}":
        name, end = _scan_name(text, _skip_space(text, position))
        colon = _skip_space(text, end)
        comma = _skip_space(text, _scan(text, _skip_space(text, colon + 1)))
        yield name, text[position:colon], text[colon + 1 : comma]
        if text[comma] == "}":
            return
        position = comma + 1


def array_parts(text: str) -> Iterator[str]:
    """The elements of a valid array as text, with the space around them: joined by commas, what the brackets hold."""
    position = text.index("[") + 1
    if text[_skip_space(text, position)] == "]":
        return
    while True:
        comma = _skip_space(text, _scan(text, _skip_space(text, position)))
        yield text[position:comma]
        if text[comma] == "]":
            return
        position = comma + 1


def kind_of(text: str) -> str:
    """What a valid text stands for: object, array, string, number, boolean or null."""
    return {"{": "object", "[": "array", '"': "string", "t": "boolean", "f": "boolean", "n": "null"}.get(
        text[0], "number"
    )


def length_of(text: str) -> int:
    """How many elements a valid array has."""
    return len(_decoder.decode(text))


def are_equal(one: str, other: str) -> bool:
    """Whether two valid texts stand for the same value: numbers by what they are worth (RFC 6902 section 4.6)."""
    return one == other or _are_equal(*(json.loads(text, parse_float=Decimal) for text in (one, other)))


def _are_equal(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_are_equal(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_are_equal, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)  # to Python, True equals 1


def _scan_name(text: str, position: int) -> tuple[str, int]:
    if text[position : position + 1] != '"':
        raise InvalidJSON(f"The body is not JSON: a member's name in double quotes belongs at character {position}.")
    end = _scan(text, position)
    return json.loads(text[position:end]), end


def _expect(text: str, position: int, character: str) -> int:
    if text[position : position + 1] != character:
        raise InvalidJSON(f"The body is not JSON: '{character}' belongs at character {position}.")
    return position + 1


def _skip_space(text: str, position: int) -> int:
    found = _WHITESPACE.match(text, position)
    return found.end() if found else position


def _check_integer(digits: str) -> int:
    most = limit("integer_digits")
    if len(digits) > most and len(digits.lstrip("-")) > most:
        raise InvalidJSON(f"An integer has at most {most:,} digits.")
    return 0


def _check_float(number: str) -> float:
    if not math.isfinite(float(number)):
        raise InvalidJSON(f"The number {number[:40]} is beyond what a JSON reader can hold.")
    return 0.0


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidJSON(f"{name} is not JSON (RFC 8259 section 6).")


_decoder = json.JSONDecoder(parse_int=_check_integer, parse_float=_check_float, parse_constant=_refuse_constant)


def _scan(text: str, position: int) -> int:
    """Where the JSON value that starts at `position` ends."""
    try:
        _, end = _decoder.raw_decode(text, position)
    except json.JSONDecodeError as error:
        raise InvalidJSON(f"The body is not JSON: {error.msg} at character {error.pos}.") from None
    except RecursionError:
        raise _too_deep() from None
    return end


def _check_surrogates(text: str) -> None:
    if _MAYBE_SURROGATE.search(text) and any(found["lone"] for found in _ESCAPE.finditer(text)):
        raise InvalidJSON("A string escapes a lone surrogate, which is no Unicode text (RFC 8259 section 8.2).")


def _check_depth(text: str) -> None:
    most = limit("json_depth")
    if text.count("[") + text.count("{") <= most:
        return
    depth = 0
    for found in _STRINGS_AND_BRACKETS.finditer(text):
        bracket = found[0]
        if bracket in "[{":
            depth += 1
            if depth > most:
                raise _too_deep()
        elif bracket in "]}":
            depth -= 1


def _too_deep() -> JSONTooDeep:
    most = limit("json_depth")
    return JSONTooDeep(f"Arrays and objects are nested more than {most} deep.", limit=most)
