"""Sessions of the OpenAI Agents SDK that live in a memory. It only translates: the SDK asks, `AsyncMemory` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botwire._adapters import framework, memory_of
from botwire._async import AsyncMemory
from botwire._conversations import append_all, listed, plain
from botwire._segments import joined

with framework("openai-agents"):
    from agents.memory import SessionSettings

if TYPE_CHECKING:
    from agents import TResponseInputItem

__all__ = ["BotWireSession"]


class BotWireSession:
    """A conversation that agents in any number of processes share: the SDK's `Session` protocol.

        session = BotWireSession("support/42", "my-desk")
        await Runner.run(agent, "Where is my parcel?", session=session)

    The items are one list under the key `prefix` + `session_id` (percent-encoded where no key can have it), so that a
    conversation has as much room as a value. `base_url`, `token` and `agent` are as for Memory; `memory` is an
    AsyncMemory to use instead. What the server refuses (the day's writes are used up, the conversation is too large)
    raises the BotWireError that says so, out of the run, and nothing of that call is stored.
    """

    def __init__(
        self,
        session_id: str,
        namespace: str | None = None,
        *,
        base_url: str | None = None,
        token: str | None = None,
        agent: str | None = None,
        memory: AsyncMemory | None = None,
        prefix: str = "sessions/",
        session_settings: SessionSettings | None = None,
    ) -> None:
        self.session_id = session_id
        self.session_settings = session_settings or SessionSettings()
        self._memory = memory_of(AsyncMemory, memory, namespace, base_url=base_url, token=token, agent=agent)
        self._key = prefix + joined(session_id)

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        """Return all items in order, or the latest `limit`: those of `session_settings` where none is given."""
        items: list[Any] = listed(await self._memory.get(self._key, []), self._key)
        if limit is None:
            limit = self.session_settings.limit
        return items if limit is None else items[max(len(items) - limit, 0) :]

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        """Add `items` at the end, in one step: those of others never come in between."""
        await append_all(self._memory, self._key, plain(items))

    async def pop_item(self) -> TResponseInputItem | None:
        """Take out the latest item and return it, None where there is none; no two callers get the same."""
        item: Any = await self._memory.pop(self._key, None)
        return item

    async def clear_session(self) -> None:
        """Delete the conversation."""
        await self._memory.delete(self._key)

    async def close(self) -> None:
        """Close the connections, also those of a `memory` that was given."""
        await self._memory.close()
