"""LangGraph's checkpoints, kept in a memory: a thread's state after every step, and what its tasks wrote since.

All of a checkpoint is under `checkpoints/<thread>/<namespace>/<id>/`: the entry `checkpoint`, `part/...` where it is
too long for one value, and `writes/<task>`. A checkpoint and its parts are written in one batch, so that there is all
of it or none. States are bytes of LangGraph's serializer, as Base64.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from botwire import _operations, _transactions, _waiting
from botwire._adapters import BothMemories, framework
from botwire._answers import Page
from botwire._async import AsyncMemory
from botwire._call import Steps
from botwire._exceptions import NamespaceNotFoundError
from botwire._segments import joined, parted
from botwire._sync import Memory
from botwire._wire import Calls

with framework("langgraph"):
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import (
        WRITES_IDX_MAP,
        BaseCheckpointSaver,
        ChannelVersions,
        Checkpoint,
        CheckpointMetadata,
        CheckpointTuple,
        get_checkpoint_id,
        get_checkpoint_metadata,
        writes_sort_key,
    )
    from langgraph.checkpoint.serde.base import SerializerProtocol

_ROOT = "checkpoints"
_HEAD = "checkpoint"
_PART = 700_000  # characters; below the 1,048,576 bytes that a value may have

#: The kind and the Base64 of what the serializer made of something.
_Packed = list[str]
#: What a task wrote: by its index the task's path, the channel, and the packed value.
_Rows = dict[int, list[Any]]


class BotWireSaver(BaseCheckpointSaver[int]):
    """A checkpointer on the memory named `namespace`; `base_url`, `token` and `agent` are as for Memory.

    `memory`, a Memory or an AsyncMemory, is one to use instead; the saver can be called and awaited with either. A
    checkpoint is one write of the memory (one more per 700,000 characters), and what a task writes is another. One of
    more than 8 MiB raises BodyTooLargeError, any other refusal of the server another BotWireError; nothing is stored
    then.
    """

    def __init__(
        self,
        namespace: str | None = None,
        *,
        base_url: str | None = None,
        token: str | None = None,
        agent: str | None = None,
        memory: Memory | AsyncMemory | None = None,
        serde: SerializerProtocol | None = None,
    ) -> None:
        super().__init__(serde=serde)
        self._memories = BothMemories(memory, namespace, base_url=base_url, token=token, agent=agent)

    # --- one checkpoint

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Store a checkpoint, all of it or nothing, and return the configuration that leads to it."""
        place = _Place.of(config, checkpoint["id"])
        self._memories.run(partial(_put, place, self._head(config, checkpoint, metadata)))
        return place.config

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """The same as put(), awaited."""
        place = _Place.of(config, checkpoint["id"])
        await self._memories.arun(partial(_put, place, self._head(config, checkpoint, metadata)))
        return place.config

    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Store what a task wrote after a checkpoint; what it has written before stays, but for errors and the like."""
        place, rows = _Place.of(config, get_checkpoint_id(config)), self._rows(writes, task_path)
        self._memories.run(partial(_put_writes, place, task_id, rows))

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """The same as put_writes(), awaited."""
        place, rows = _Place.of(config, get_checkpoint_id(config)), self._rows(writes, task_path)
        await self._memories.arun(partial(_put_writes, place, task_id, rows))

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return the checkpoint that `config` names, or the thread's latest; None if there is none."""
        return self._tuple(self._memories.run(partial(_find, config)))

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The same as get_tuple(), awaited."""
        return self._tuple(await self._memories.arun(partial(_find, config)))

    # --- many

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Iterate over the checkpoints of a thread, or of all, the latest first; each is fetched when asked for."""
        selection = _Selection(filter or {}, limit)
        for place in self._memories.run(partial(_places, config, before)):
            if selection.is_complete:
                return
            found = self._tuple(self._memories.run(partial(_load, place)))
            if found and selection.takes(found):
                yield found

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """The same as list(), for `async for`."""
        selection = _Selection(filter or {}, limit)
        for place in await self._memories.arun(partial(_places, config, before)):
            if selection.is_complete:
                return
            found = self._tuple(await self._memories.arun(partial(_load, place)))
            if found and selection.takes(found):
                yield found

    def delete_thread(self, thread_id: str) -> None:
        """Delete all checkpoints of a thread and what its tasks wrote, as one write of the memory."""
        self._memories.run(partial(_delete, [_thread(thread_id)]))

    async def adelete_thread(self, thread_id: str) -> None:
        """The same as delete_thread(), awaited."""
        await self._memories.arun(partial(_delete, [_thread(thread_id)]))

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints that these runs made, of whatever thread: all are read for that."""
        self._memories.run(partial(_delete_runs, run_ids, self._tuple))

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """The same as delete_for_runs(), awaited."""
        await self._memories.arun(partial(_delete_runs, run_ids, self._tuple))

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy all checkpoints of a thread, with what its tasks wrote, to another."""
        self._memories.run(partial(_copy, _thread(source_thread_id), _thread(target_thread_id)))

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """The same as copy_thread(), awaited."""
        await self._memories.arun(partial(_copy, _thread(source_thread_id), _thread(target_thread_id)))

    def prune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Delete the checkpoints of these threads: all ("delete"), or what the latest does not need ("keep_latest").

        The latest of each of LangGraph's namespaces needs those before it from which a DeltaChannel is put together.
        """
        self._memories.run(partial(_prune, [*map(_thread, thread_ids)], strategy, self._tuple))

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """The same as prune(), awaited."""
        await self._memories.arun(partial(_prune, [*map(_thread, thread_ids)], strategy, self._tuple))

    # --- what is stored

    def _head(self, config: RunnableConfig, checkpoint: Checkpoint, metadata: CheckpointMetadata) -> dict[str, Any]:
        return {
            "checkpoint": self._packed(checkpoint),
            "metadata": self._packed(get_checkpoint_metadata(config, metadata)),
            "parent": get_checkpoint_id(config),
        }

    def _rows(self, writes: Sequence[tuple[str, Any]], path: str) -> _Rows:
        return {
            WRITES_IDX_MAP.get(channel, number): [path, channel, *self._packed(value)]
            for number, (channel, value) in enumerate(writes)
        }

    def _tuple(self, found: _Found | None) -> CheckpointTuple | None:
        if found is None:
            return None
        writes = sorted(found.writes, key=lambda write: writes_sort_key(write.path, write.task, write.index))
        parent = found.head["parent"]
        return CheckpointTuple(
            config=found.place.config,
            checkpoint=self._unpacked(found.head["checkpoint"]),
            metadata=self._unpacked(found.head["metadata"]),
            parent_config=found.place.beside(parent).config if parent else None,
            pending_writes=[(write.task, write.channel, self._unpacked(write.packed)) for write in writes],
        )

    def _packed(self, value: Any) -> _Packed:
        kind, data = self.serde.dumps_typed(value)
        return [kind, base64.b64encode(data).decode()]

    def _unpacked(self, packed: _Packed) -> Any:
        kind, text = packed
        return self.serde.loads_typed((kind, base64.b64decode(text)))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one checkpoint is."""

    thread: str
    namespace: str
    id: str

    @classmethod
    def of(cls, config: RunnableConfig, checkpoint_id: str | None) -> _Place:
        configured = config["configurable"]
        return cls(str(configured["thread_id"]), configured.get("checkpoint_ns") or "", str(checkpoint_id))

    @property
    def prefix(self) -> str:
        return joined(_ROOT, self.thread, self.namespace, self.id, "")

    @property
    def config(self) -> RunnableConfig:
        names = {"thread_id": self.thread, "checkpoint_ns": self.namespace, "checkpoint_id": self.id}
        return {"configurable": names}

    def beside(self, checkpoint_id: str) -> _Place:
        return _Place(self.thread, self.namespace, checkpoint_id)


@dataclass(frozen=True, slots=True)
class _Write:
    """One value that a task wrote to a channel."""

    task: str
    index: int
    path: str
    channel: str
    packed: _Packed


@dataclass(frozen=True, slots=True)
class _Found:
    """One checkpoint as it is stored."""

    place: _Place
    head: dict[str, Any]
    writes: list[_Write]


class _Selection:
    """Which checkpoints of a list are taken: those whose metadata has what is asked for, and not more than `limit`."""

    def __init__(self, wanted: dict[str, Any], limit: int | None) -> None:
        self._wanted, self._left = wanted, limit

    @property
    def is_complete(self) -> bool:
        return self._left is not None and self._left <= 0

    def takes(self, found: CheckpointTuple) -> bool:
        if not all(found.metadata.get(name) == value for name, value in self._wanted.items()):
            return False
        if self._left is not None:
            self._left -= 1
        return True


_Unpack = Callable[[_Found | None], CheckpointTuple | None]


def _thread(thread_id: str) -> str:
    return joined(_ROOT, str(thread_id), "")


def _put(place: _Place, head: dict[str, Any], calls: Calls) -> Steps[None]:
    kind, text = head["checkpoint"]
    parts = [text[start : start + _PART] for start in range(0, len(text), _PART)]
    values = {f"part/{number:04}": part for number, part in enumerate(parts[1:])}
    values[_HEAD] = {**head, "checkpoint": [kind, parts[0]], "parts": len(parts) - 1}
    yield calls.batch(
        [_operations.about(place.prefix + name, _operations.set_to(value, None)) for name, value in values.items()]
    )


def _put_writes(place: _Place, task: str, rows: _Rows, calls: Calls) -> Steps[None]:
    def together(written: list[list[Any]]) -> list[list[Any]]:
        before = {row[0]: row[1:] for row in written}
        # What has an index below zero is an error, an interrupt or the like, and the newest counts.
        kept = {index: row for index, row in before.items() if index >= 0 or index not in rows}
        return [[index, *row] for index, row in sorted({**rows, **kept}.items())]

    yield from _waiting.update(calls, place.prefix + joined("writes", task), together, [], None, 30, None)


def _find(config: RunnableConfig, calls: Calls) -> Steps[_Found | None]:
    if get_checkpoint_id(config):
        return (yield from _load(_Place.of(config, get_checkpoint_id(config)), calls))
    configured = config["configurable"]
    thread = {"thread_id": configured["thread_id"], "checkpoint_ns": configured.get("checkpoint_ns") or ""}
    places: list[_Place] = yield from _places({"configurable": thread}, None, calls)
    return (yield from _load(places[0], calls)) if places else None


def _load(place: _Place, calls: Calls) -> Steps[_Found | None]:
    entries: dict[str, Any] = yield from _entries(place.prefix, calls)
    head = entries.get(_HEAD)
    if head is None:
        return None
    kind, text = head["checkpoint"]
    rest = (entries[f"part/{number:04}"] for number in range(head["parts"]))
    writes = [
        _Write(parted(name)[1], index, path, channel, packed)
        for name, rows in entries.items()
        if name.startswith("writes/")
        for index, path, channel, *packed in rows
    ]
    return _Found(place, {**head, "checkpoint": [kind, "".join([text, *rest])]}, writes)


def _entries(prefix: str, calls: Calls) -> Steps[dict[str, Any]]:
    """What is under all keys that begin with `prefix`, by the rest of the key."""
    found: dict[str, Any] = {}
    cursor: str | None = None
    while True:
        page: Page[tuple[str, Any]] = yield calls.items(prefix, cursor)
        found |= {key.removeprefix(prefix): value for key, value in page.items}
        cursor = page.next_cursor
        if cursor is None:
            return found


def _places(config: RunnableConfig | None, before: RunnableConfig | None, calls: Calls) -> Steps[list[_Place]]:
    """Where the checkpoints are that `config` does not exclude, the latest first."""
    configured = config["configurable"] if config else {}
    names = [configured.get(name) for name in ("thread_id", "checkpoint_ns")]
    known = names[: names.index(None)] if None in names else names
    found: list[_Place] = []
    cursor: str | None = None
    while True:
        page: Page[str] = yield calls.keys(joined(_ROOT, *map(str, known), ""), cursor)
        found += [_Place(*parts[1:4]) for key in page.items if (parts := parted(key))[4:] == [_HEAD]]
        cursor = page.next_cursor
        if cursor is None:
            break
    exact, end = configured.get("checkpoint_id"), get_checkpoint_id(before) if before else None
    wanted = (place for place in found if exact in (None, place.id) and (end is None or place.id < end))
    return sorted(wanted, key=lambda place: place.id, reverse=True)


def _delete(prefixes: Sequence[str], calls: Calls) -> Steps[None]:
    for prefix in prefixes:
        try:
            yield calls.clear(prefix)
        except NamespaceNotFoundError:
            return


def _delete_runs(run_ids: Sequence[str], unpack: _Unpack, calls: Calls) -> Steps[None]:
    places: list[_Place] = yield from _places(None, None, calls)
    for place in places:
        found = unpack((yield from _load(place, calls)))
        if found and found.metadata.get("run_id") in run_ids:
            yield from _delete([place.prefix], calls)


def _copy(source: str, target: str, calls: Calls) -> Steps[None]:
    entries: dict[str, Any] = yield from _entries(source, calls)
    yield from _transactions.set_many(calls, {target + name: value for name, value in entries.items()}, None, None)


def _prune(threads: Sequence[str], strategy: str, unpack: _Unpack, calls: Calls) -> Steps[None]:
    if strategy not in ("keep_latest", "delete"):
        raise ValueError(f"The strategy is 'keep_latest' or 'delete', not {strategy!r}.")
    if strategy == "delete":
        yield from _delete(threads, calls)
        return
    for thread in threads:
        yield from _keep_latest({"configurable": {"thread_id": parted(thread)[1]}}, unpack, calls)


def _keep_latest(config: RunnableConfig, unpack: _Unpack, calls: Calls) -> Steps[None]:
    places: list[_Place] = yield from _places(config, None, calls)
    latest = {place.namespace: place for place in reversed(places)}
    needed: set[_Place] = set()
    for place in latest.values():
        needed |= yield from _needed(place, unpack, calls)
    yield from _delete([place.prefix for place in places if place not in needed], calls)


def _needed(latest: _Place, unpack: _Unpack, calls: Calls) -> Steps[set[_Place]]:
    """The checkpoint and those before it, as far back as a DeltaChannel of it has no value of its own."""
    needed: set[_Place] = set()
    missing: set[str] | None = None
    place: _Place | None = latest
    while place is not None:
        found = unpack((yield from _load(place, calls)))
        if found is None:
            break
        needed.add(place)
        if missing is None:
            missing = set(found.metadata.get("counters_since_delta_snapshot") or ())
        missing -= set(found.checkpoint["channel_values"])
        parent = get_checkpoint_id(found.parent_config) if found.parent_config else None
        place = place.beside(parent) if parent and missing else None
    return needed
