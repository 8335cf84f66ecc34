"""LangGraph's store, kept in a memory: items by namespace and key, searched by prefix and filter, with times to live.

An item is one entry, under `store/<label>/<label>//<key>`: a label is never empty, so that the empty part tells where
the key begins. Its value is the entry's. Where a read has prolonged its life the entry is a list, of the value and of
when it was last put, since the prolonging was a write as well. There is no search by meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from botwire import _operations, _transactions
from botwire._adapters import BothMemories, framework
from botwire._answers import Page
from botwire._async import AsyncMemory
from botwire._call import Steps
from botwire._exceptions import LimitError, PreconditionFailedError
from botwire._models import Entry
from botwire._segments import joined, parted
from botwire._sync import Memory
from botwire._waiting import entry_or_none, is_equal
from botwire._wire import Calls

with framework("langgraph"):
    from langgraph.store.base import (
        BaseStore,
        GetOp,
        Item,
        ListNamespacesOp,
        MatchCondition,
        Op,
        PutOp,
        Result,
        SearchItem,
        SearchOp,
        TTLConfig,
        validate_op_namespace,
    )

_ROOT = "store"
_MINUTE = 60.0


class BotWireStore(BaseStore):
    """A BaseStore on the memory named `namespace`; `base_url`, `token` and `agent` are as for Memory.

    `memory`, a Memory or an AsyncMemory, is one to use instead; the store can be called and awaited with either.
    `ttl` is LangGraph's configuration of times to live, in minutes. A read that prolongs an item's life is a write of
    the memory (`refresh_on_read` turns that off); where the day's writes are used up it is left, and the item is read.

    What one `batch` puts and deletes happens all or nothing, up to 500 items and 8 MiB. Values are JSON objects;
    anything else in them raises UnsupportedValueError. What the server refuses raises a BotWireError.
    """

    supports_ttl = True

    def __init__(
        self,
        namespace: str | None = None,
        *,
        base_url: str | None = None,
        token: str | None = None,
        agent: str | None = None,
        memory: Memory | AsyncMemory | None = None,
        ttl: TTLConfig | None = None,
    ) -> None:
        self._memories = BothMemories(memory, namespace, base_url=base_url, token=token, agent=agent)
        self.ttl_config = ttl

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do `ops`; what they read is as it was before what they put."""
        return self._memories.run(_batch([*ops]))

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """The same as batch(), awaited."""
        return await self._memories.arun(_batch([*ops]))

    def __repr__(self) -> str:
        return f"BotWireStore({self._memories!r})"


def _batch(ops: list[Op]) -> Callable[[Calls], Steps[list[Result]]]:
    for op in ops:
        validate_op_namespace(op)

    def steps(calls: Calls) -> Steps[list[Result]]:
        results = []
        for op in ops:
            results.append((yield from _read(calls, op)))
        # The last put of an item counts.
        yield from _write(calls, {(op.namespace, op.key): op for op in ops if isinstance(op, PutOp)}.values())
        return results

    return steps


def _read(calls: Calls, op: Op) -> Steps[Result]:
    if isinstance(op, GetOp):
        return (yield from _get(calls, op))
    if isinstance(op, SearchOp):
        return (yield from _search(calls, op))
    if isinstance(op, ListNamespacesOp):
        return (yield from _list_namespaces(calls, op))
    if isinstance(op, PutOp):
        return None
    raise ValueError(f"{op!r} is no operation of a store.")


def _get(calls: Calls, op: GetOp) -> Steps[Item | None]:
    entry = yield from entry_or_none(calls, _key(op.namespace, op.key))
    kept = _kept(entry) if entry else None
    if entry is None or kept is None:
        return None
    if op.refresh_ttl:
        yield from _prolong(calls, entry)
    return Item(namespace=op.namespace, key=op.key, **kept)


def _search(calls: Calls, op: SearchOp) -> Steps[list[SearchItem]]:
    """Items in the order of their entries' keys, page by page, until enough are found."""
    found: list[tuple[Entry, SearchItem]] = []
    cursor: str | None = None
    while len(found) < op.offset + op.limit:
        page: Page[Entry] = yield calls.entries(_prefix(op.namespace_prefix), cursor)
        found += [(entry, item) for entry in page.items if (item := _matching(entry, op.filter or {}))]
        cursor = page.next_cursor
        if cursor is None:
            break
    chosen = found[op.offset : op.offset + op.limit]
    if op.refresh_ttl:
        for entry, _ in chosen:
            yield from _prolong(calls, entry)
    return [item for _, item in chosen]


def _matching(entry: Entry, conditions: dict[str, Any]) -> SearchItem | None:
    address, kept = _address(entry.key), _kept(entry)
    if address is None or kept is None:
        return None
    if not all(_matches(_member(kept["value"], path), wanted) for path, wanted in conditions.items()):
        return None
    return SearchItem(*address, **kept)


def _list_namespaces(calls: Calls, op: ListNamespacesOp) -> Steps[list[tuple[str, ...]]]:
    conditions = op.match_conditions or ()
    found: set[tuple[str, ...]] = set()
    cursor: str | None = None
    while True:
        page: Page[str] = yield calls.keys(_prefix(_known_beginning(conditions)), cursor)
        addresses = filter(None, map(_address, page.items))
        found |= {labels for labels, _ in addresses if all(_fits(condition, labels) for condition in conditions)}
        cursor = page.next_cursor
        if cursor is None:
            break
    return sorted({labels[: op.max_depth] for labels in found})[op.offset : op.offset + op.limit]


def _write(calls: Calls, puts: Iterable[PutOp]) -> Steps[None]:
    operations = [_operations.about(_key(put.namespace, put.key), _operation(put)) for put in puts]
    for batch in _transactions.batches(operations):
        yield calls.batch(batch)


def _operation(put: PutOp) -> _operations.Operation:
    if put.value is None:
        return _operations.delete()
    return _operations.set_to(dict(put.value), None if put.ttl is None else put.ttl * _MINUTE)


def _prolong(calls: Calls, entry: Entry) -> Steps[None]:
    """Let the entry live as long again as it was to live; unless somebody else wrote it, and so has done that."""
    kept = _kept(entry)
    if entry.expires_at is None or kept is None:
        return
    value = [kept["value"], kept["updated_at"].isoformat()]
    with suppress(PreconditionFailedError, LimitError):
        yield calls.set(entry.key, value, entry.expires_at - entry.updated_at, entry.version, False)


# --- entries


def _prefix(labels: tuple[str, ...]) -> str:
    return joined(_ROOT, *labels, "")


def _key(labels: tuple[str, ...], key: str) -> str:
    return joined(_ROOT, *labels, "", key)


def _address(key: str) -> tuple[tuple[str, ...], str] | None:
    """The namespace and key of the item in the entry `key`; None where no item can be there."""
    parts = parted(key)
    return (tuple(parts[1:-2]), parts[-1]) if len(parts) > 2 and parts[-2] == "" else None


def _kept(entry: Entry) -> dict[str, Any] | None:
    """The value and times of the item in `entry`; None where somebody else left something that is no item."""
    value: Any = entry.value
    updated_at: datetime | None = entry.updated_at
    if isinstance(value, list) and len(value) == 2:
        value, updated_at = value[0], _moment(value[1])
    if not isinstance(value, dict) or updated_at is None:
        return None
    return {"value": value, "created_at": entry.created_at, "updated_at": updated_at}


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None


# --- conditions


def _known_beginning(conditions: Iterable[MatchCondition]) -> tuple[str, ...]:
    """The labels that all namespaces that fit begin with, as far as the first condition on the beginning says."""
    path = next((condition.path for condition in conditions if condition.match_type == "prefix"), ())
    return tuple(_until_wildcard(path))


def _until_wildcard(path: Iterable[str]) -> Iterator[str]:
    for label in path:
        if label == "*":
            return
        yield label


def _fits(condition: MatchCondition, labels: tuple[str, ...]) -> bool:
    path = condition.path
    if condition.match_type not in ("prefix", "suffix"):
        raise ValueError(f"A namespace is matched by prefix or suffix, not by {condition.match_type!r}.")
    part = labels[: len(path)] if condition.match_type == "prefix" else labels[len(labels) - len(path) :]
    return len(labels) >= len(path) and all(want in ("*", label) for want, label in zip(path, part, strict=True))


def _member(value: dict[str, Any], path: str) -> Any:
    """The member called `path`; where there is none, the one that it leads to by its dots; else None."""
    if path in value or "." not in path:
        return value.get(path)
    name, _, rest = path.partition(".")
    inner = value.get(name)
    return _member(inner, rest) if isinstance(inner, dict) else None


def _matches(value: Any, wanted: Any) -> bool:
    """Whether all operators hold; whether an object has the wanted members, at any depth; else whether it is equal."""
    if isinstance(wanted, dict) and any(name.startswith("$") for name in wanted):
        return all(_holds(value, operator, operand) for operator, operand in wanted.items())
    if isinstance(wanted, dict):
        return isinstance(value, dict) and all(_matches(_member(value, path), want) for path, want in wanted.items())
    return is_equal(value, list(wanted) if isinstance(wanted, tuple) else wanted)


def _holds(value: Any, operator: str, operand: Any) -> bool:
    if operator == "$eq":
        return is_equal(value, operand)
    if operator == "$ne":
        return not is_equal(value, operand)
    if operator not in _ORDERS:
        raise ValueError(f"A filter has $eq, $ne, $gt, $gte, $lt and $lte, not {operator!r}.")
    return _are_ordered(value, operand) and _ORDERS[operator](value, operand)


def _are_ordered(value: Any, operand: Any) -> bool:
    """Numbers are compared with numbers, texts with texts; nothing else is larger or smaller."""
    return any(isinstance(value, kind) and isinstance(operand, kind) for kind in (str, int | float)) and not any(
        isinstance(one, bool) for one in (value, operand)
    )


_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "$gt": lambda value, operand: bool(value > operand),
    "$gte": lambda value, operand: bool(value >= operand),
    "$lt": lambda value, operand: bool(value < operand),
    "$lte": lambda value, operand: bool(value <= operand),
}
