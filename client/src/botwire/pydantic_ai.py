"""Pydantic AI: tools that remember, and conversations that live in a memory.

They only translate to the verbs of AsyncMemory. The store for the harness's notes is in `botwire.pydantic_ai_harness`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from botwire._adapters import framework, memory_of
from botwire._async import AsyncMemory
from botwire._exceptions import BotWireError, TransactionConflictError
from botwire._operations import UNSET
from botwire._segments import joined
from botwire._transactions import AsyncTransaction
from botwire._values import JSONValue

with framework("pydantic-ai"):
    from pydantic import TypeAdapter
    from pydantic_ai.conversation_store import (
        ConversationConflict,
        ConversationEntry,
        ConversationRecord,
        ConversationStore,
    )
    from pydantic_ai.exceptions import ToolFailed
    from pydantic_ai.messages import ModelMessagesTypeAdapter
    from pydantic_ai.toolsets import FunctionToolset

__all__ = ["BotWireConversationStore", "memory_toolset"]

_RECORD: Any = TypeAdapter(ConversationRecord)
# Each entry names so many before it, so that a history is read in that many times fewer requests.
_BEFORE = 20
# Of a batch's 500 operations; the rest is for the record, its checks and the index of forks.
_ENTRIES_AT_ONCE = 450


def memory_toolset(
    namespace: str | None = None,
    *,
    base_url: str | None = None,
    token: str | None = None,
    agent: str | None = None,
    memory: AsyncMemory | None = None,
    id: str | None = "botwire",  # noqa: A002  # the framework's name for it
) -> Any:
    """Return a toolset of `remember(key, value)`, `recall(key)` and `list_memory()` on the memory named `namespace`.

    Every agent and process that has one of the same name shares what is remembered. `base_url`, `token` and `agent` are
    as for Memory; `memory` is an AsyncMemory to use instead; `id` is the toolset's. What the server refuses, the model
    is told, with what it can do next (ToolFailed); the run goes on.
    """
    used = memory_of(AsyncMemory, memory, namespace, base_url=base_url, token=token, agent=agent)

    async def remember(key: str, value: JSONValue) -> str:
        """Remember a value under a key, in the place of what was there. All agents of the team see it.

        Args:
            key: The name that it is remembered under, such as 'findings/market'.
            value: Any JSON value: text, number, true or false, null, list or object.
        """
        try:
            await used.set(key, value)
        except BotWireError as error:
            raise ToolFailed(str(error)) from error
        return f"Remembered under {key!r}."

    async def recall(key: str) -> Any:
        """Recall what any agent of the team remembered under a key.

        Args:
            key: The name that it was remembered under.
        """
        try:
            value = await used.get(key, UNSET)
        except BotWireError as error:
            raise ToolFailed(str(error)) from error
        if value is UNSET:
            raise ToolFailed(f"Nothing is remembered under {key!r}. list_memory tells what is.")
        return value

    async def list_memory() -> list[str]:
        """List all keys under which the team remembers something."""
        try:
            return await used.list_keys()
        except BotWireError as error:
            raise ToolFailed(str(error)) from error

    return FunctionToolset([remember, recall, list_memory], id=id)


class BotWireConversationStore(ConversationStore):
    """Conversations that agents in any number of processes load, continue and save: each message is stored once.

        store = BotWireConversationStore("my-desk")
        conversation = await store.load("customers/42") or Conversation(conversation_id="customers/42")
        result = await agent.run("Where is my parcel?", conversation=conversation)
        await store.save(result)

    Records, entries and an index of forks are under `prefix`. A save is all or nothing: of two that continue the same
    conversation at once, one raises ConversationConflict and leaves nothing behind. Deleting a conversation deletes its
    messages with it, unless a fork of it was ever made and not deleted. `base_url`, `token` and `agent` are as for
    Memory; `memory` is an AsyncMemory to use instead. What the server refuses raises the BotWireError that says so.
    """

    def __init__(
        self,
        namespace: str | None = None,
        *,
        base_url: str | None = None,
        token: str | None = None,
        agent: str | None = None,
        memory: AsyncMemory | None = None,
        prefix: str = "conversations/",
    ) -> None:
        self._memory = memory_of(AsyncMemory, memory, namespace, base_url=base_url, token=token, agent=agent)
        self._prefix = prefix

    async def read_record(self, conversation_id: str) -> ConversationRecord | None:
        """Return the record of a conversation, None if there is none."""
        stored = await self._memory.get(self._key("records", conversation_id))
        return None if stored is None else _RECORD.validate_python(stored)

    async def read_records(self, *, scope: str | None = None, limit: int | None = None) -> Sequence[ConversationRecord]:
        """Return the records, those of `scope` alone where it is given, the latest saved first; all are read for it."""
        stored = [value async for _, value in self._memory.items(f"{self._prefix}records/")]
        records = [_RECORD.validate_python(value) for value in stored if scope is None or value["scope"] == scope]
        return sorted(records, key=lambda record: record.updated_at, reverse=True)[:limit]

    async def write_record(
        self,
        record: ConversationRecord,
        *,
        new_entries: Sequence[ConversationEntry] = (),
        expected_revision: str | None,
    ) -> None:
        """Store a record and its new entries, all or nothing, in the place of the record with that revision.

        Of more than 450 entries those before the last 450 are stored first; nothing points at them until the end.
        """
        entries = await self._stored(new_entries)
        first, last = entries[:-_ENTRIES_AT_ONCE], entries[-_ENTRIES_AT_ONCE:]
        async with self._changing(record.conversation_id, expected_revision) as t:
            if record.head_id is not None and record.head_id not in {entry.id for entry in new_entries}:
                await self._must_be_there(t, record)
            if expected_revision is None and record.forked_from is not None:
                t.append(self._key("forks", record.forked_from), record.conversation_id)
            await self._memory.set_many(dict(first))
            for key, entry in last:
                t.set(key, entry)
            t.set(self._key("records", record.conversation_id), _RECORD.dump_python(record, mode="json"))

    async def delete_record(self, conversation_id: str, *, expected_revision: str) -> None:
        """Delete the record with that revision, and the entries that no fork can share."""
        own = await self._own_entries(conversation_id)
        async with self._changing(conversation_id, expected_revision) as t:
            record = await t.get(self._key("records", conversation_id))
            if await t.get(self._key("forks", conversation_id)):
                own = []
            else:
                await self._note_gone(t, conversation_id, record["forked_from"])
            for key in [self._key("records", conversation_id), *own[:_ENTRIES_AT_ONCE]]:
                t.delete(key)
        await self._memory.delete_many(own[_ENTRIES_AT_ONCE:])

    async def read_entry(self, entry_id: str) -> ConversationEntry:
        """Return the entry; KeyNotFoundError, which is a LookupError, if there is none."""
        return _entry((await self._memory.get_entry(self._key("entries", entry_id))).value)

    async def read_history(self, head_id: str | None, *, limit: int | None = None) -> list[ConversationEntry]:
        """Return the entries up to `head_id` in order, or the last `limit` of them, 20 with each request."""
        entries: list[ConversationEntry] = []
        wanted = [] if head_id is None else [head_id]
        while wanted := wanted[: None if limit is None else limit - len(entries)]:
            keys = [self._key("entries", entry_id) for entry_id in wanted]
            found = await self._memory.get_many(keys)
            entries += [_entry(found[key]) for key in keys]
            wanted = found[keys[-1]]["before"]
        return entries[::-1]

    async def close(self) -> None:
        """Close the connections, also those of a `memory` that was given."""
        await self._memory.close()

    @asynccontextmanager
    async def _changing(self, conversation_id: str, expected_revision: str | None) -> AsyncIterator[AsyncTransaction]:
        """A transaction on a conversation whose record has that revision (None: there is none), else a conflict."""
        try:
            async with self._memory.transaction() as t:
                record = await t.get(self._key("records", conversation_id))
                if (None if record is None else record["revision"]) != expected_revision:
                    raise ConversationConflict(conversation_id)
                yield t
        except TransactionConflictError:
            raise ConversationConflict(conversation_id) from None

    async def _note_gone(self, t: AsyncTransaction, conversation_id: str, source: str | None) -> None:
        """Take a conversation that has no forks out of the index, where it may stand as a fork itself."""
        t.delete(self._key("forks", conversation_id))
        if source is not None:
            forks = self._key("forks", source)
            t.set(forks, [fork for fork in await t.get(forks, []) if fork != conversation_id])

    async def _must_be_there(self, t: AsyncTransaction, record: ConversationRecord) -> None:
        """Let `t` hold only while the record's head, which is another's entry, is there."""
        if await t.get(self._key("entries", str(record.head_id))) is None:
            raise ConversationConflict(record.conversation_id)

    async def _stored(self, entries: Sequence[ConversationEntry]) -> list[tuple[str, dict[str, Any]]]:
        """The keys of new entries and what is stored under them: each names its nearest ancestors, the parent first."""
        known: dict[str | None, list[str]] = {None: []}
        stored = []
        for entry in entries:
            if entry.parent_id not in known:
                parent = await self._memory.get(self._key("entries", entry.parent_id), {"before": []})
                known[entry.parent_id] = [entry.parent_id, *parent["before"]]
            before = known[entry.parent_id][:_BEFORE]
            known[entry.id] = [entry.id, *before]
            (message,) = ModelMessagesTypeAdapter.dump_python([entry.message], mode="json")
            stored.append((self._key("entries", entry.id), {"id": entry.id, "before": before, "message": message}))
        return stored

    async def _own_entries(self, conversation_id: str) -> list[str]:
        """The keys of the entries of all branches of a conversation, without those that it has from another."""
        record = await self.read_record(conversation_id)
        if record is None:
            return []
        lines = [await self.read_history(tip) for tip in [record.head_id, *record.branches]]
        shared = {entry.id for entry in await self.read_history(record.forked_at)}
        own = {entry.id for line in lines for entry in line} - shared
        return [self._key("entries", entry_id) for entry_id in sorted(own)]

    def _key(self, kind: str, name: str) -> str:
        return self._prefix + joined(kind, name)


def _entry(stored: dict[str, Any]) -> ConversationEntry:
    (message,) = ModelMessagesTypeAdapter.validate_python([stored["message"]])
    return ConversationEntry(id=stored["id"], parent_id=next(iter(stored["before"]), None), message=message)
