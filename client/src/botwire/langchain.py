"""LangChain: chat histories, key-value stores and a cache of models' answers that all processes share.

    history = BotWireChatHistory("session-17", namespace="support")
    history.add_user_message("Where is my order?")

They only translate to the verbs of the memory. Nothing that is read is constructed by a name in it: whoever knows a
namespace can write to it, so that only messages and generations are made of what is found there.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from botwire import _operations
from botwire._adapters import BothMemories, framework
from botwire._async import AsyncMemory
from botwire._call import Steps
from botwire._exceptions import BotWireError
from botwire._segments import joined
from botwire._sync import Memory
from botwire._transactions import BATCH_OPERATIONS
from botwire._values import JSONValue
from botwire._wire import Calls

with framework("langchain"):
    from langchain_core.caches import BaseCache
    from langchain_core.chat_history import BaseChatMessageHistory
    from langchain_core.messages import BaseMessage, messages_from_dict
    from langchain_core.outputs import ChatGeneration, Generation
    from langchain_core.stores import BaseStore

__all__ = ["BotWireByteStore", "BotWireCache", "BotWireChatHistory", "BotWireKVStore"]

_logger = logging.getLogger(__name__)


class BotWireChatHistory(BaseChatMessageHistory):
    """The messages of one session, under `chats/<session_id>` in the memory named `namespace`.

    `base_url`, `token` and `agent` are as for Memory; `memory`, a Memory or an AsyncMemory, is one to use instead. What
    several write at once is all kept, in one order; what one call adds is added together and is one write (one per 500
    messages). A session has as much room as a value of the memory; more raises ValueTooLargeError.
    """

    def __init__(
        self,
        session_id: str,
        *,
        namespace: str | None = None,
        base_url: str | None = None,
        token: str | None = None,
        agent: str | None = None,
        memory: Memory | AsyncMemory | None = None,
    ) -> None:
        self._memories = BothMemories(memory, namespace, base_url=base_url, token=token, agent=agent)
        self._key = joined("chats", session_id)

    @property
    def messages(self) -> list[BaseMessage]:
        """The messages of now, the oldest first."""
        return messages_from_dict(self._memories.blocking.get(self._key, []))

    async def aget_messages(self) -> list[BaseMessage]:
        """The same as `messages`, awaited."""
        return messages_from_dict(await self._memories.awaited.get(self._key, []))

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Add `messages` at the end, all or none."""
        self._memories.run(partial(_append, self._key, messages))

    async def aadd_messages(self, messages: Sequence[BaseMessage]) -> None:
        """The same as add_messages(), awaited."""
        await self._memories.arun(partial(_append, self._key, messages))

    def clear(self) -> None:
        """Forget the session."""
        self._memories.blocking.delete(self._key)

    async def aclear(self) -> None:
        """The same as clear(), awaited."""
        await self._memories.awaited.delete(self._key)


class _Store(BaseStore[str, Any]):
    def __init__(
        self,
        namespace: str | None = None,
        *,
        base_url: str | None = None,
        token: str | None = None,
        agent: str | None = None,
        memory: Memory | AsyncMemory | None = None,
        prefix: str = "",
    ) -> None:
        self._memories = BothMemories(memory, namespace, base_url=base_url, token=token, agent=agent)
        self._prefix = prefix

    def mget(self, keys: Sequence[str]) -> list[Any]:
        """Return the value under each of `keys`, None where there is none."""
        return self._in_order(keys, self._memories.blocking.get_many({*self._keys(keys)}))

    async def amget(self, keys: Sequence[str]) -> list[Any]:
        """The same as mget(), awaited."""
        return self._in_order(keys, await self._memories.awaited.get_many({*self._keys(keys)}))

    def mset(self, key_value_pairs: Sequence[tuple[str, Any]]) -> None:
        """Store each value under its key; up to 500 and 8 MiB all or none."""
        self._memories.blocking.set_many(self._entries(key_value_pairs))

    async def amset(self, key_value_pairs: Sequence[tuple[str, Any]]) -> None:
        """The same as mset(), awaited."""
        await self._memories.awaited.set_many(self._entries(key_value_pairs))

    def mdelete(self, keys: Sequence[str]) -> None:
        """Delete those of `keys` that are there."""
        self._memories.blocking.delete_many(self._keys(keys))

    async def amdelete(self, keys: Sequence[str]) -> None:
        """The same as mdelete(), awaited."""
        await self._memories.awaited.delete_many(self._keys(keys))

    def yield_keys(self, *, prefix: str | None = None) -> Iterator[str]:
        """Iterate over the keys that begin with `prefix`, in the order of their bytes."""
        for key in self._memories.blocking.list_keys(self._prefix + (prefix or "")):
            yield key.removeprefix(self._prefix)

    async def ayield_keys(self, *, prefix: str | None = None) -> AsyncIterator[str]:
        """The same as yield_keys(), for `async for`."""
        for key in await self._memories.awaited.list_keys(self._prefix + (prefix or "")):
            yield key.removeprefix(self._prefix)

    def _keys(self, keys: Sequence[str]) -> list[str]:
        return [self._prefix + key for key in keys]

    def _entries(self, pairs: Sequence[tuple[str, Any]]) -> dict[str, JSONValue]:
        return {self._prefix + key: self._stored(value) for key, value in pairs}

    def _in_order(self, keys: Sequence[str], found: dict[str, Any]) -> list[Any]:
        return [self._given(found[key]) if key in found else None for key in self._keys(keys)]

    def _stored(self, value: Any) -> JSONValue:
        raise NotImplementedError

    def _given(self, value: JSONValue) -> Any:
        raise NotImplementedError


class BotWireKVStore(_Store):
    """JSON values by key, on the memory named `namespace`; its keys are the memory's, after `prefix`.

    `base_url`, `token` and `agent` are as for Memory; `memory`, a Memory or an AsyncMemory, is one to use instead.
    LangChain can not tell a stored None from a key that is not there.
    """

    def _stored(self, value: Any) -> JSONValue:
        stored: JSONValue = value
        return stored

    def _given(self, value: JSONValue) -> Any:
        return value


class BotWireByteStore(_Store):
    """Bytes by key, as Base64 on the memory named `namespace`; its keys are the memory's, after `prefix`.

    The options are those of BotWireKVStore. A value that is no Base64 raises ValueError.
    """

    def _stored(self, value: Any) -> JSONValue:
        return base64.b64encode(value).decode()

    def _given(self, value: JSONValue) -> Any:
        if not isinstance(value, str):
            raise ValueError(f"What is stored here are no bytes, but of type {type(value).__name__}.")
        return base64.b64decode(value, validate=True)


class BotWireCache(BaseCache):
    """A cache of models' answers, under `prefix` in the memory named `namespace`; `ttl` is that of Memory.set().

    `base_url`, `token` and `agent` are as for Memory; `memory`, a Memory or an AsyncMemory, is one to use instead. A
    cache ends no run: what the server refuses is logged as a warning, and is a miss.
    """

    def __init__(
        self,
        namespace: str | None = None,
        *,
        base_url: str | None = None,
        token: str | None = None,
        agent: str | None = None,
        memory: Memory | AsyncMemory | None = None,
        prefix: str = "llm-cache/",
        ttl: float | timedelta | None = None,
    ) -> None:
        self._memories = BothMemories(memory, namespace, base_url=base_url, token=token, agent=agent)
        self._prefix, self._ttl = prefix, ttl

    def lookup(self, prompt: str, llm_string: str) -> list[Generation] | None:
        """Return what the model answered to `prompt`, None if it is not known."""
        try:
            return _generations(self._memories.blocking.get(self._key(prompt, llm_string)))
        except BotWireError as error:
            _logger.warning("The cache was not read: %s", error)
            return None

    async def alookup(self, prompt: str, llm_string: str) -> list[Generation] | None:
        """The same as lookup(), awaited."""
        try:
            return _generations(await self._memories.awaited.get(self._key(prompt, llm_string)))
        except BotWireError as error:
            _logger.warning("The cache was not read: %s", error)
            return None

    def update(self, prompt: str, llm_string: str, return_val: Sequence[Generation]) -> None:
        """Remember what the model answered to `prompt`."""
        try:
            self._memories.blocking.set(self._key(prompt, llm_string), _stored(return_val), ttl=self._ttl)
        except BotWireError as error:
            _logger.warning("The cache was not written: %s", error)

    async def aupdate(self, prompt: str, llm_string: str, return_val: Sequence[Generation]) -> None:
        """The same as update(), awaited."""
        try:
            await self._memories.awaited.set(self._key(prompt, llm_string), _stored(return_val), ttl=self._ttl)
        except BotWireError as error:
            _logger.warning("The cache was not written: %s", error)

    def clear(self, **kwargs: Any) -> None:
        """Forget all answers."""
        self._memories.blocking.clear(self._prefix)

    async def aclear(self, **kwargs: Any) -> None:
        """The same as clear(), awaited."""
        await self._memories.awaited.clear(self._prefix)

    def _key(self, prompt: str, llm_string: str) -> str:
        return self._prefix + hashlib.sha256(json.dumps([prompt, llm_string]).encode()).hexdigest()


def _append(key: str, messages: Sequence[BaseMessage], calls: Calls) -> Steps[None]:
    for start in range(0, len(messages), BATCH_OPERATIONS):
        rows = messages[start : start + BATCH_OPERATIONS]
        additions = [{"op": "add", "path": "/-", "value": _message(message)} for message in rows]
        yield calls.change(key, {**_operations.patch(additions), "initial": b"[]"}, None, is_brief=True)


def _message(message: BaseMessage) -> dict[str, Any]:
    return {"type": message.type, "data": message.model_dump(mode="json")}


def _stored(generations: Sequence[Generation]) -> list[dict[str, Any]]:
    return [_generation(generation) for generation in generations]


def _generation(generation: Generation) -> dict[str, Any]:
    info = generation.model_dump(mode="json", include={"generation_info"})
    if isinstance(generation, ChatGeneration):
        return {**info, "message": _message(generation.message)}
    return {**info, "text": generation.text}


def _generations(value: Any) -> list[Generation] | None:
    """The answers in an entry; None where there is none, or something that is no answer."""
    try:
        return [_made_of(row) for row in value]
    except (TypeError, KeyError, ValueError):
        return None


def _made_of(row: dict[str, Any]) -> Generation:
    if "message" in row:
        (message,) = messages_from_dict([row["message"]])
        return ChatGeneration(message=message, generation_info=row["generation_info"])
    return Generation(text=row["text"], generation_info=row["generation_info"])
