"""AutoGen: what agents remember, in a memory. It only translates to the verbs of AsyncMemory."""

from __future__ import annotations

import base64
import os
from typing import Any

from botwire._adapters import framework, memory_of
from botwire._async import AsyncMemory
from botwire._conversations import listed, plain

with framework("autogen"):
    from autogen_core import CancellationToken, Component, Image
    from autogen_core.memory import ListMemory, Memory, MemoryContent, MemoryQueryResult, UpdateContextResult
    from autogen_core.model_context import ChatCompletionContext
    from pydantic import BaseModel

__all__ = ["BotWireMemory", "BotWireMemoryConfig"]


class BotWireMemoryConfig(BaseModel):
    """What dump_component() tells of a BotWireMemory. No token is in it: see BotWireMemory."""

    namespace: str
    base_url: str | None = None
    agent: str | None = None
    key: str = "memories"
    max_length: int | None = None


class BotWireMemory(Memory, Component[BotWireMemoryConfig]):
    """A list of what to remember: agents in any number of processes add to it, and are told of it before they answer.

        memory = BotWireMemory("my-desk")
        await memory.add(MemoryContent(content="Ann prefers mail.", mime_type=MemoryMimeType.TEXT))
        agent = AssistantAgent("clerk", model_client=..., memory=[memory])

    The contents are one list under `key`, of which the newest `max_length` stay. `base_url`, `token` and `agent` are as
    for botwire.Memory; `memory` is an AsyncMemory to use instead. A component that is dumped has no token in it; one
    that is loaded takes that of the environment's BOTWIRE_TOKEN. What the server refuses raises the BotWireError that
    says so, and nothing is stored.
    """

    component_type = "memory"
    component_provider_override = "botwire.autogen.BotWireMemory"
    component_config_schema = BotWireMemoryConfig

    def __init__(
        self,
        namespace: str | None = None,
        *,
        base_url: str | None = None,
        token: str | None = None,
        agent: str | None = None,
        memory: AsyncMemory | None = None,
        key: str = "memories",
        max_length: int | None = None,
    ) -> None:
        self._memory = memory_of(AsyncMemory, memory, namespace, base_url=base_url, token=token, agent=agent)
        self._key, self._max_length = key, max_length

    async def add(self, content: MemoryContent, cancellation_token: CancellationToken | None = None) -> None:
        """Add `content` at the end; of many that add at once none is lost."""
        await self._memory.append(self._key, _stored(content), max_length=self._max_length)

    async def query(
        self,
        query: str | MemoryContent = "",
        cancellation_token: CancellationToken | None = None,
        **kwargs: Any,
    ) -> MemoryQueryResult:
        """Return all contents in order, whatever `query` is: a memory is no search engine (as is ListMemory)."""
        stored = listed(await self._memory.get(self._key, []), self._key)
        return MemoryQueryResult(results=[_content(one) for one in stored])

    async def update_context(self, model_context: ChatCompletionContext) -> UpdateContextResult:
        """Add all contents to `model_context`, in the words of AutoGen's ListMemory."""
        contents = (await self.query()).results
        return await ListMemory(memory_contents=contents).update_context(model_context)

    async def clear(self) -> None:
        """Forget everything."""
        await self._memory.delete(self._key)

    async def close(self) -> None:
        """Close the connections, also those of a `memory` that was given."""
        await self._memory.close()

    def _to_config(self) -> BotWireMemoryConfig:
        settings = self._memory._settings
        return BotWireMemoryConfig(
            namespace=self._memory.namespace,
            base_url=settings.base_url,
            agent=settings.agent,
            key=self._key,
            max_length=self._max_length,
        )

    @classmethod
    def _from_config(cls, config: BotWireMemoryConfig) -> BotWireMemory:
        return cls(**config.model_dump(), token=os.environ.get("BOTWIRE_TOKEN") or None)


def _stored(content: MemoryContent) -> dict[str, Any]:
    """As JSON: a text or an object as it is, bytes and images as Base64 under a name that tells which."""
    dumped: dict[str, Any] = content.model_dump(exclude={"content"})
    value = content.content
    if isinstance(value, bytes):
        value, name = base64.b64encode(value).decode(), "bytes"
    elif isinstance(value, Image):
        value, name = value.to_base64(), "image"
    else:
        name = "content"
    stored: dict[str, Any] = plain({name: value, **dumped})
    return stored


def _content(stored: dict[str, Any]) -> MemoryContent:
    rest = {name: stored.get(name) for name in ("mime_type", "metadata")}
    if "bytes" in stored:
        return MemoryContent(content=base64.b64decode(stored["bytes"]), **rest)
    if "image" in stored:
        return MemoryContent(content=Image.from_base64(stored["image"]), **rest)
    return MemoryContent(content=stored["content"], **rest)
