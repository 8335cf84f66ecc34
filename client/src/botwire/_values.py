"""Values on their way into JSON text: every JSON type as it is, and nothing that would come back as something else.

This module writes JSON; it does not read it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import Enum
from typing import Any, TypeAlias

from botwire._exceptions import JSONTooDeepError, UnsupportedValueError

#: What a memory holds. Values inside lists and dicts are JSON too, at any depth.
JSONValue: TypeAlias = bool | int | float | str | list[Any] | dict[str, Any] | None

_SCALARS = frozenset({type(None), bool, int, float, str})
_STRING = frozenset({str})
_ADVICE: dict[type, str] = {
    tuple: "pass list(...)",
    set: "pass sorted(...) or list(...)",
    frozenset: "pass sorted(...) or list(...)",
    bytes: "decode it, or encode it as Base64",
}

# Where something is in a value: where its container is, and the index or key in that. None is the value itself.
_Place: TypeAlias = tuple[Any, object] | None


def encode_value(value: JSONValue) -> bytes:
    """Return the JSON text of `value` in UTF-8, compact.

    Only the exact types None, bool, int, float, str, list and dict with str keys are taken. A subclass (an IntEnum, an
    OrderedDict, a numpy float) would come back as its base, so it raises UnsupportedValueError, as do NaN and infinity,
    lone surrogates, circular references and integers that Python does not write out (over 4,300 digits). Nesting that
    Python itself can not follow raises JSONTooDeepError; the server's own limit is lower.
    """
    _check_types(value)
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except RecursionError:
        raise JSONTooDeepError("This value is nested too deep; store its parts under keys of their own.") from None
    except UnicodeEncodeError:
        raise UnsupportedValueError(
            "This value has a string with a lone surrogate, which is no Unicode text."
        ) from None
    except ValueError as error:
        raise UnsupportedValueError(f"This value is not JSON: {error}.") from None


def _check_types(value: object) -> None:
    """Look at the types of everything in `value`; each list and dict once, so that a circle ends."""
    _check_type(value, None)
    seen: set[int] = set()
    waiting: list[tuple[Any, _Place]] = [] if type(value) in _SCALARS else [(value, None)]
    while waiting:
        container, place = waiting.pop()
        if id(container) not in seen:
            seen.add(id(container))
            waiting.extend(_containers_in(container, place))


def _containers_in(container: Any, place: _Place) -> list[tuple[object, _Place]]:
    """The lists and dicts directly in `container`, with their places; raise if anything else than JSON is in it."""
    is_dict = type(container) is dict
    if is_dict and not _STRING.issuperset(map(type, container)):
        _refuse_key(container, place)
    if _SCALARS.issuperset(map(type, container.values() if is_dict else container)):
        return []
    members: Iterable[tuple[object, object]] = container.items() if is_dict else enumerate(container)
    found: list[tuple[object, _Place]] = [
        (member, (place, step)) for step, member in members if type(member) not in _SCALARS
    ]
    for member, where in found:
        _check_type(member, where)
    return found


def _check_type(value: object, place: _Place) -> None:
    kind = type(value)
    if kind not in _SCALARS and kind is not list and kind is not dict:
        raise UnsupportedValueError(
            f"A memory holds JSON, and {_path(place)} is of type {kind.__name__}: {_advice(value)}."
        )


def _refuse_key(container: dict[Any, object], place: _Place) -> None:
    key = next(key for key in container if type(key) is not str)
    raise UnsupportedValueError(f"The keys of a JSON object are str, and {_path(place)} has the key {key!r}.")


def _path(place: _Place) -> str:
    steps = []
    while place is not None:
        place, step = place
        steps.append(f"[{step!r}]")
    return "value" + "".join(reversed(steps))


def _advice(value: object) -> str:
    if isinstance(value, Enum):
        return "pass its .value"
    base = next((known for known in (int, float, str, list, dict) if isinstance(value, known)), None)
    return f"pass {base.__name__}(...)" if base else _ADVICE.get(type(value), "convert it first")
