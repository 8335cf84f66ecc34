"""Changes of one entry as the API writes them: the body of a PATCH, or one operation of a batch. Nothing is sent."""

from __future__ import annotations

import json
from datetime import timedelta
from enum import Enum
from typing import Any, Final, TypeAlias

from botwire._exceptions import InvalidTTLError
from botwire._names import check_key
from botwire._values import JSONValue, encode_value


class Unset(Enum):
    """The type of UNSET, which stands for an argument that was not given where None could have been."""

    UNSET = "<unset>"

    def __repr__(self) -> str:
        return self.value


UNSET: Final = Unset.UNSET

#: The members of a JSON object, each as its JSON text.
Operation: TypeAlias = dict[str, bytes]

# Above what any server takes; NaN and infinity are not below it, and so never become JSON.
_BEYOND_ANY_TTL = 1e15


def json_text(operation: Operation) -> bytes:
    return b"{" + b",".join(b'"' + name.encode() + b'":' + text for name, text in operation.items()) + b"}"


def batch_text(operations: list[Operation]) -> bytes:
    return b'{"operations":[' + b",".join(map(json_text, operations)) + b"]}"


def about(key: str, operation: Operation) -> Operation:
    """The operation of a batch that does to `key` what `operation` says."""
    return {"op": operation["op"], "key": encode_value(check_key(key)), **operation}


def set_to(
    value: JSONValue, ttl: float | timedelta | None, if_version: int | None = None, if_absent: bool = False
) -> Operation:
    given = _operation("set", value=encode_value(value), ttl=_ttl(ttl))
    return given | version_condition(if_version) | ({"if_absent": b"true"} if if_absent else {})


def get() -> Operation:
    return _operation("get")


def delete(if_version: int | None = None) -> Operation:
    return _operation("delete") | version_condition(if_version)


def check(version: int | None) -> Operation:
    return _operation("check", version=json.dumps(version).encode())


def append(value: JSONValue, max_length: int | None, ttl: float | timedelta | None) -> Operation:
    return _operation("append", value=encode_value(value), max_length=_count(max_length, "max_length"), ttl=_ttl(ttl))


def pop(count: int, first: bool) -> Operation:
    end = b'"first"' if first else b'"last"'
    return {**_operation("pop", count=_count(count, "count")), "from": end}


def increment(by: float, initial: float | None) -> Operation:
    start = None if initial is None else _number(initial, "initial")
    return _operation("increment", by=_number(by, "by"), initial=start)


def merge(patch: JSONValue, initial: JSONValue | Unset) -> Operation:
    start = None if isinstance(initial, Unset) else encode_value(initial)
    return _operation("merge", patch=encode_value(patch), initial=start)


def patch(operations: list[dict[str, Any]]) -> Operation:
    if not isinstance(operations, list):
        raise TypeError(f"A JSON Patch is a list of operations, not {type(operations).__name__}.")
    return _operation("patch", patch=encode_value(operations))


def version_condition(if_version: int | None) -> Operation:
    return {} if if_version is None else {"if_version": str(checked_version(if_version)).encode()}


def checked_version(version: int, name: str = "if_version") -> int:
    if isinstance(version, bool) or not isinstance(version, int):
        raise TypeError(f"{name} is the int that an entry's version is, not {type(version).__name__}.")
    return int(version)


def seconds_text(ttl: float | timedelta) -> str:
    """A time to live as JSON: TypeError if it is no number of seconds, InvalidTTLError if none could be so long."""
    seconds = ttl.total_seconds() if isinstance(ttl, timedelta) else ttl
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"ttl is a number of seconds or a timedelta, not {type(ttl).__name__}.")
    if not abs(seconds) < _BEYOND_ANY_TTL:
        raise InvalidTTLError(
            f"ttl is a number of seconds, below {_BEYOND_ANY_TTL:g}; leave it out for an entry that stays."
        )
    return json.dumps(int(seconds) if seconds == int(seconds) else seconds)


def _operation(op: str, **members: bytes | None) -> Operation:
    return {"op": b'"' + op.encode() + b'"', **{name: text for name, text in members.items() if text is not None}}


def _ttl(ttl: float | timedelta | None) -> bytes | None:
    return None if ttl is None else seconds_text(ttl).encode()


def _count(count: int | None, name: str) -> bytes | None:
    if count is None:
        return None
    if isinstance(count, bool) or not isinstance(count, int):
        raise TypeError(f"{name} is an int, not {type(count).__name__}.")
    return str(int(count)).encode()


def _number(number: float, name: str) -> bytes:
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise TypeError(f"{name} is an int or a float, not {type(number).__name__}.")
    return encode_value(number)
