"""What adapters that keep conversations share: a list under one key that grows by several values in one step.

What the values are is the frameworks' matter.
"""

from __future__ import annotations

import json
from typing import Any

from botwire._async import AsyncMemory
from botwire._exceptions import WrongTypeError
from botwire._transactions import BATCH_OPERATIONS, Collected


async def append_all(memory: AsyncMemory, key: str, values: list[Any]) -> None:
    """Append `values` to the list under `key`, as two writes; up to 500 values all or nothing, and nothing in between.

    WrongTypeError is raised where something else than a list is there.
    """
    for start in range(0, len(values), BATCH_OPERATIONS):
        async with memory.transaction() as t:
            note_appended(t, key, values[start : start + BATCH_OPERATIONS])


def note_appended(t: Collected, key: str, values: list[Any]) -> None:
    """Note in a transaction that up to 500 values are appended to the list under `key`, as two writes at most."""
    for first in values[:1]:
        t.append(key, first)  # refuses what is no list; the patch alone would change an object
    if values[1:]:
        t.patch(key, [{"op": "add", "path": "/-", "value": value} for value in values[1:]])


def listed(value: Any, key: str) -> list[Any]:
    """`value`, which was found under `key`; WrongTypeError unless it is a list."""
    if not isinstance(value, list):
        raise WrongTypeError(f"Under {key!r} is no list, so it is no conversation of this adapter; use another key.")
    return value


def plain(value: Any) -> Any:
    """`value` as the frameworks' own stores would write and read it: an enum is its value, a tuple a list."""
    return json.loads(json.dumps(value))
