"""When two JSON texts say the same (RFC 6902 section 4.6). No number is rounded, and no text is changed.

Strings are the same if their code points are, numbers if their values are (`1e3` and `1000.0`), arrays member by
member, objects without regard to order; of a name that stands twice the last member counts, as for most readers.
"""

import json
import re
from typing import Any, NamedTuple

_NUMBER = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?")
# An exponent of more digits is not worth calculating with: such numbers are equal if written alike.
_MOST_EXPONENT_DIGITS = 1_000


class Number(NamedTuple):
    """A number as `sign`, `digits` without zeros at either end, times 10 to the power of `exponent`."""

    sign: str
    digits: str
    exponent: int | str


def are_equal(one: str, other: str) -> bool:
    """Whether two JSON texts say the same."""
    return bool(comparable(one) == comparable(other))


def comparable(text: str) -> Any:
    """What a JSON text says, in a form that `==` compares as RFC 6902 does. The text has been checked already."""
    return _decoder.decode(text)


def _number(text: str) -> Number:
    found = _NUMBER.fullmatch(text)
    assert found is not None, "the scanner gives numbers only"
    sign, whole, fraction, exponent = found[1], found[2], found[3] or "", found[4] or "0"
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return Number("", "", 0)
    if len(exponent) > _MOST_EXPONENT_DIGITS:
        return Number(sign, f"{whole}.{fraction}", exponent)
    significant = digits.rstrip("0")
    return Number(sign, significant, int(exponent) - len(fraction) + len(digits) - len(significant))


_decoder = json.JSONDecoder(parse_int=_number, parse_float=_number)
