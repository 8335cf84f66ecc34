"""LlamaIndex's stores on a memory: documents and indices (`BaseKVStore`), and chats (`BaseChatStore`).

They only translate to the verbs of Memory. The asynchronous methods work in threads, as LlamaIndex's own do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from botwire._adapters import framework, memory_of
from botwire._conversations import listed, plain
from botwire._exceptions import TransactionConflictError
from botwire._segments import joined, parted
from botwire._sync import Memory
from botwire._transactions import Transaction

with framework("llamaindex"):
    from llama_index.core.base.llms.types import ChatMessage
    from llama_index.core.bridge.pydantic import PrivateAttr
    from llama_index.core.storage.chat_store.base import BaseChatStore
    from llama_index.core.storage.kvstore.types import DEFAULT_BATCH_SIZE, DEFAULT_COLLECTION, BaseKVStore

__all__ = ["BotWireChatStore", "BotWireKVStore"]


class BotWireKVStore(BaseKVStore):
    """The store behind KVDocumentStore, KVIndexStore and their like, shared by every process that names the namespace.

        store = BotWireKVStore("library")
        documents = KVDocumentStore(store)

    A value is the entry `prefix` + collection/key, in which a slash, a percent sign and what no key can have are
    percent-encoded. `base_url`, `token` and `agent` are as for Memory; `memory` is one to use instead. What the server
    refuses raises the BotWireError that says so, and nothing of that request is stored.
    """

    def __init__(
        self,
        namespace: str | None = None,
        *,
        base_url: str | None = None,
        token: str | None = None,
        agent: str | None = None,
        memory: Memory | None = None,
        prefix: str = "llamaindex/",
    ) -> None:
        self._memory = memory_of(Memory, memory, namespace, base_url=base_url, token=token, agent=agent)
        self._prefix = prefix

    def put(self, key: str, val: dict[str, Any], collection: str = DEFAULT_COLLECTION) -> None:
        """Store `val` under `key`, in the place of what was there."""
        self._memory.set(self._key(collection, key), plain(val))

    def put_all(
        self,
        kv_pairs: list[tuple[str, dict[str, Any]]],
        collection: str = DEFAULT_COLLECTION,
        batch_size: int = DEFAULT_BATCH_SIZE,
    ) -> None:
        """Store all pairs, up to 500 (and 8 MiB) of them all or nothing, whatever `batch_size` is."""
        self._memory.set_many({self._key(collection, key): plain(val) for key, val in kv_pairs})

    def get(self, key: str, collection: str = DEFAULT_COLLECTION) -> dict[str, Any] | None:
        """Return the value under `key`, or None."""
        found: dict[str, Any] | None = self._memory.get(self._key(collection, key))
        return found

    def get_all(self, collection: str = DEFAULT_COLLECTION) -> dict[str, dict[str, Any]]:
        """Return all values of the collection by their keys."""
        return {parted(key)[-1]: value for key, value in self._memory.items(self._key(collection, ""))}

    def delete(self, key: str, collection: str = DEFAULT_COLLECTION) -> bool:
        """Delete `key` and tell whether it was there."""
        return self._memory.delete(self._key(collection, key))

    async def aput(self, key: str, val: dict[str, Any], collection: str = DEFAULT_COLLECTION) -> None:
        """The same as put()."""
        await asyncio.to_thread(self.put, key, val, collection)

    async def aput_all(
        self,
        kv_pairs: list[tuple[str, dict[str, Any]]],
        collection: str = DEFAULT_COLLECTION,
        batch_size: int = DEFAULT_BATCH_SIZE,
    ) -> None:
        """The same as put_all()."""
        await asyncio.to_thread(self.put_all, kv_pairs, collection, batch_size)

    async def aget(self, key: str, collection: str = DEFAULT_COLLECTION) -> dict[str, Any] | None:
        """The same as get()."""
        return await asyncio.to_thread(self.get, key, collection)

    async def aget_all(self, collection: str = DEFAULT_COLLECTION) -> dict[str, dict[str, Any]]:
        """The same as get_all()."""
        return await asyncio.to_thread(self.get_all, collection)

    async def adelete(self, key: str, collection: str = DEFAULT_COLLECTION) -> bool:
        """The same as delete()."""
        return await asyncio.to_thread(self.delete, key, collection)

    def _key(self, collection: str, key: str) -> str:
        return self._prefix + joined(collection, key)


class BotWireChatStore(BaseChatStore):
    """Chats that any number of agents write to: each a list of messages under the key `prefix` + the chat's key.

        memory = ChatMemoryBuffer.from_defaults(chat_store=BotWireChatStore("desk"), chat_store_key="customers/42")

    The options are those of BotWireKVStore, and neither a token nor a connection is in what is serialized of it. The
    asynchronous methods, which are the base class's, do the same in threads.
    """

    prefix: str = "chats/"
    _memory: Memory = PrivateAttr()

    def __init__(
        self,
        namespace: str | None = None,
        *,
        base_url: str | None = None,
        token: str | None = None,
        agent: str | None = None,
        memory: Memory | None = None,
        prefix: str = "chats/",
    ) -> None:
        super().__init__(prefix=prefix)
        self._memory = memory_of(Memory, memory, namespace, base_url=base_url, token=token, agent=agent)

    @classmethod
    def class_name(cls) -> str:
        return "BotWireChatStore"

    def set_messages(self, key: str, messages: list[ChatMessage]) -> None:
        """Store `messages` as the chat, in the place of what was there."""
        self._memory.set(self._key(key), [_stored(message) for message in messages])

    def get_messages(self, key: str) -> list[ChatMessage]:
        """Return the chat's messages, in order."""
        stored = listed(self._memory.get(self._key(key), []), self._key(key))
        return [ChatMessage.model_validate(message) for message in stored]

    def add_message(self, key: str, message: ChatMessage) -> None:
        """Add a message at the end; of many that add at once none is lost."""
        self._memory.append(self._key(key), _stored(message))

    def delete_messages(self, key: str) -> list[ChatMessage] | None:
        """Delete the chat and return what was in it, None if there was none."""

        def take(t: Transaction, messages: list[Any]) -> Any:
            t.delete(self._key(key))
            return messages

        deleted = self._taken(key, take)
        return None if deleted is None else [ChatMessage.model_validate(message) for message in deleted]

    def delete_message(self, key: str, idx: int) -> ChatMessage | None:
        """Delete the message number `idx` and return it, None if there is none."""

        def take(t: Transaction, messages: list[Any]) -> Any:
            if idx >= len(messages):
                return None
            taken = messages.pop(idx)
            t.set(self._key(key), messages)
            return taken

        deleted = self._taken(key, take)
        return None if deleted is None else ChatMessage.model_validate(deleted)

    def delete_last_message(self, key: str) -> ChatMessage | None:
        """Delete the last message and return it, None if there is none; no two callers get the same."""
        deleted = self._memory.pop(self._key(key), None)
        return None if deleted is None else ChatMessage.model_validate(deleted)

    def get_keys(self) -> list[str]:
        """Return the keys of all chats."""
        return [parted(key)[-1] for key in self._memory.list_keys(self.prefix)]

    def _key(self, key: str) -> str:
        return self.prefix + joined(key)

    def _taken(self, key: str, take: Callable[[Transaction, list[Any]], Any]) -> Any:
        """What `take` takes out of the chat, if there is one; again, where somebody else wrote in between."""
        while True:
            try:
                with self._memory.transaction() as t:
                    messages = t.get(self._key(key))
                    return None if messages is None else take(t, listed(messages, self._key(key)))
            except TransactionConflictError:
                continue


def _stored(message: ChatMessage) -> dict[str, Any]:
    stored: dict[str, Any] = plain(message.model_dump(mode="json"))
    return stored
