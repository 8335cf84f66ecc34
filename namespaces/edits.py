"""What a change does to the JSON text of an entry: append, pop, increment, merge, patch. Nothing here writes.

What is not changed keeps its text byte for byte: an edit puts pieces of text together, and decodes only the numbers it
adds. The words of RFC 7396 (merge) and RFC 6902 (patch) are kept; where an entry is missing, `initial` stands in.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

import jsonpatch
from jsonpointer import JsonPointerException

from namespaces.errors import (
    InvalidPatch,
    JSONTooDeep,
    NumberOutOfRange,
    PatchFailed,
    PreconditionFailed,
    TargetMissing,
    ValueTooLarge,
    WrongType,
)
from namespaces.jsontext import JSONText, array_parts, kind_of, length_of, members
from namespaces.jsontree import Closed, Node, Object, opened, text_of
from namespaces.limits import limit

_INTEGER = re.compile(r"-?[0-9]+")
# How many commas are tried from an array's end before it is read from its beginning.
_TRIES = 1_000
_SPACE = " \t\n\r"


@dataclass(frozen=True, slots=True)
class Target:
    """What an edit finds. `version` is None where an initial value stands in for an entry."""

    text: str
    version: int | None


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit makes of it. `popped` are the elements that were taken; nothing `has_changed` if there were none."""

    value: JSONText
    popped: tuple[str, ...] | None = None
    has_changed: bool = True

    @property
    def length(self) -> int | None:
        """How many elements the value has, if it is a list."""
        return length_of(self.value.text) if kind_of(self.value.text) == "array" else None


class Edit(Protocol):
    """A change to one entry. It raises TargetMissing, WrongType, and what the class says beside."""

    def edit(self, target: Target | None) -> Edited: ...


@dataclass(frozen=True, slots=True)
class Append:
    """Add `value` to the end of an array, of which the newest `max_length` elements stay; without one, make it."""

    value: JSONText
    max_length: int | None = None

    def edit(self, target: Target | None) -> Edited:
        inside = "" if target is None else _inside_of_array(target)
        joined = f"{inside},{self.value.text}" if inside else self.value.text
        excess = length_of(f"[{joined}]") - self.max_length if self.max_length else 0
        if excess > 0:
            dropped = islice(array_parts(f"[{joined}]"), excess)
            joined = joined[sum(len(element) + 1 for element in dropped) :].lstrip()
        JSONText.of_scanned(f"[{self.value.text}]")  # it stands one level deeper now
        return Edited(JSONText.of_checked(f"[{joined}]"))


@dataclass(frozen=True, slots=True)
class Pop:
    """Take up to `count` elements from the end of an array, or from its beginning; they are told as they stood."""

    count: int = 1
    is_first: bool = False

    def edit(self, target: Target | None) -> Edited:
        if target is None:
            raise TargetMissing
        inside = _inside_of_array(target)
        if not inside:
            return Edited(JSONText.of_checked(target.text), (), has_changed=False)
        array = f"[{inside}]"
        if self.is_first:
            popped = list(islice(array_parts(array), self.count))
            left = inside[sum(len(element) + 1 for element in popped) :].lstrip()
        else:
            popped = _last_elements(array, self.count)
            left = inside[: max(len(inside) - sum(len(element) + 1 for element in popped), 0)].rstrip()
        return Edited(JSONText.of_checked(f"[{left}]"), tuple(element.strip(_SPACE) for element in popped))


@dataclass(frozen=True, slots=True)
class Increment:
    """Add `by`: integers exactly, whatever their size; with a fraction or an exponent on either side, as binary64.

    Raises NumberOutOfRange.
    """

    by: str = "1"
    initial: JSONText | None = None

    def edit(self, target: Target | None) -> Edited:
        found = _found(target, self.initial)
        if kind_of(found.text) != "number":
            raise _wrong_type("a number", found)
        return Edited(JSONText.of_checked(_sum(found.text, self.by, found.version)))


@dataclass(frozen=True, slots=True)
class Merge:
    """Merge `patch` into an object (RFC 7396). A patch that is no object takes the value's place, as that RFC says.

    Raises JSONTooDeep.
    """

    patch: JSONText
    initial: JSONText | None = None

    def edit(self, target: Target | None) -> Edited:
        found = _found(target, self.initial)
        if kind_of(self.patch.text) == "object" and kind_of(found.text) != "object":
            raise _wrong_type("an object", found)
        return Edited(JSONText.of_scanned(text_of(_merged(Closed(found.text), self.patch.text)).strip(_SPACE)))


@dataclass(frozen=True, slots=True)
class Patch:
    """Carry out a JSON Patch (RFC 6902), whole or not at all.

    Raises PreconditionFailed for a `test` that fails, PatchFailed for a place that is not there, InvalidPatch for what
    shows only now to be no patch, JSONTooDeep, ValueTooLarge for copies that would grow beyond any value.
    """

    operations: tuple[Mapping[str, Any], ...]
    initial: JSONText | None = None

    @classmethod
    def parse(cls, text: str, initial: JSONText | None = None) -> "Patch":
        """The patch that a JSON text, which was scanned before, holds; InvalidPatch if it holds none."""
        if kind_of(text) != "array":
            raise InvalidPatch("A JSON Patch is a list of operations.")
        listed = [element.strip(_SPACE) for element in array_parts(text)]
        most = limit("batch_operations")
        if len(listed) > most:
            raise InvalidPatch(f"A JSON Patch has at most {most:,} operations; this one has {len(listed):,}.")
        operations = tuple(map(_operation, listed))
        try:
            jsonpatch.JsonPatch(operations)
        except (jsonpatch.JsonPatchException, JsonPointerException) as error:
            raise InvalidPatch(f"This is no JSON Patch: {_first_line(error)}.") from None
        return cls(operations, initial)

    def edit(self, target: Target | None) -> Edited:
        found = _found(target, self.initial)
        try:
            patched = self._apply(opened(Closed(found.text)))
            text = text_of(patched)
        except jsonpatch.JsonPatchTestFailed:
            raise PreconditionFailed(current_version=found.version) from None
        except jsonpatch.InvalidJsonPatch as error:
            raise InvalidPatch(f"This is no JSON Patch: {_first_line(error)}.") from None
        except (jsonpatch.JsonPatchConflict, JsonPointerException) as error:
            raise PatchFailed(_first_line(error), current_version=found.version) from None
        except RecursionError:
            raise JSONTooDeep("The result would be nested too deep.", limit=limit("json_depth")) from None
        return Edited(JSONText.of_scanned(text.strip(_SPACE)))

    def _apply(self, node: Any) -> Node:
        room = limit("value_bytes")
        for operation in self.operations:
            before = operation["op"] == "copy" and jsonpatch.JsonPointer(operation["from"]).resolve(node, None)
            if before:
                room -= len(text_of(opened(before)))
                if room < 0:  # doubled often enough, a value would fill the memory
                    raise ValueTooLarge(limit=limit("value_bytes"), used=limit("value_bytes") - room)
            node = opened(jsonpatch.JsonPatch([operation]).apply(node, in_place=True))
        return node  # type: ignore[no-any-return]


def _found(target: Target | None, initial: JSONText | None) -> Target:
    if target is not None:
        return target
    if initial is None:
        raise TargetMissing
    return Target(initial.text, None)


def _wrong_type(needed: str, target: Target) -> WrongType:
    return WrongType(needed=needed, current_type=kind_of(target.text), current_version=target.version)


def _inside_of_array(target: Target) -> str:
    """What stands between the brackets, without the space at either end."""
    if kind_of(target.text) != "array":
        raise _wrong_type("a list", target)
    return target.text[1:-1].strip(_SPACE)


def _last_elements(array: str, count: int) -> list[str]:
    """The last elements of an array that is not empty.

    What follows a comma is the last element if it is one JSON value: anything that begins inside a string has an odd
    number of quotes, anything that begins inside a nested value closes more brackets than it opens.
    """
    found: list[str] = []
    end = comma = len(array) - 1
    tries = 0
    while len(found) < count and end > 0:
        comma = array.rfind(",", 0, comma)
        if comma < 0:
            found.append(array[1:end])
            break
        if _is_one_value(array, comma + 1, end):
            found.append(array[comma + 1 : end])
            end, tries = comma, 0
        tries += 1
        if tries > _TRIES:
            return list(array_parts(array))[-count:]
    return found[::-1]


_decoder = json.JSONDecoder(parse_int=len, parse_float=len)


def _is_one_value(text: str, start: int, end: int) -> bool:
    while text[start] in _SPACE:
        start += 1
    try:
        _, stop = _decoder.raw_decode(text, start)
    except json.JSONDecodeError:
        return False
    return not text[stop:end].strip(_SPACE)


def _sum(text: str, by: str, version: int | None) -> str:
    digits = limit("integer_digits")
    try:
        if _INTEGER.fullmatch(text) and _INTEGER.fullmatch(by):
            total = str(int(text) + int(by))  # which Python refuses to write beyond its own limit
            is_in_range = len(total.lstrip("-")) <= digits
        else:
            number = float(text) + float(by)
            total, is_in_range = repr(number), math.isfinite(number)
    except (ValueError, OverflowError):
        is_in_range = False
    if not is_in_range:
        raise NumberOutOfRange(digits=digits, current_version=version)
    return total


def _merged(target: Node, patch: str) -> Node:
    if kind_of(patch) != "object":
        return Closed(patch)
    merged = opened(target)
    if not isinstance(merged, Object):
        merged = Object()
    for name, value in members(patch):
        if value == "null":
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name, Closed("{}")), value)
    return merged


def _operation(text: str) -> dict[str, Any]:
    """One operation of a patch as the library takes it, its value as text."""
    if kind_of(text) != "object":
        raise InvalidPatch("Each operation of a JSON Patch is an object.")
    operation: dict[str, Any] = {}
    for name, value in members(text):
        if name in operation:
            raise InvalidPatch(f"The member {name[:80]!r} of an operation stands twice.")
        operation[name] = Closed(value) if name == "value" else json.loads(value)
    required = {"add": "value", "replace": "value", "test": "value", "move": "from", "copy": "from", "remove": "path"}
    kind = operation.get("op")
    needed = required.get(kind) if isinstance(kind, str) else None
    if needed is None:
        raise InvalidPatch(f"The op of an operation is one of {', '.join(required)}.")
    if needed not in operation:
        raise InvalidPatch(f"The operation {kind} has no member {needed!r}.")
    for name in ("path", "from") if needed == "from" else ("path",):
        if not isinstance(operation.get(name), str):
            raise InvalidPatch(f"The operation {kind} has no text as its {name!r}.")
    if needed == "from":
        _check_pointer(operation["from"])
    return operation


def _check_pointer(pointer: str) -> None:
    try:
        jsonpatch.JsonPointer(pointer)
    except JsonPointerException as error:
        raise InvalidPatch(f"This is no JSON Pointer: {_first_line(error)}.") from None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200].rstrip(".")
