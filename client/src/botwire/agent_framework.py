"""Microsoft's Agent Framework: conversations that live in a memory. It only translates to the verbs of AsyncMemory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from botwire._adapters import framework, memory_of
from botwire._async import AsyncMemory
from botwire._conversations import listed, note_appended, plain
from botwire._exceptions import TransactionConflictError
from botwire._segments import joined

with framework("agent-framework"):
    from agent_framework import HistoryProvider, InMemoryHistoryProvider, Message

__all__ = ["BotWireHistoryProvider"]


class BotWireHistoryProvider(HistoryProvider):
    """The history of an agent's sessions, which agents in any number of processes share.

        history = BotWireHistoryProvider("my-desk")
        agent = Agent(client=..., context_providers=[history])
        await agent.run("Where is my parcel?", session=agent.create_session(session_id="customers/42"))

    Each session is one list under the key `prefix` + its id (percent-encoded where no key can have it), so that it has
    as much room as a value. `base_url`, `token` and `agent` are as for Memory; `memory` is an AsyncMemory to use
    instead; `options` are those of HistoryProvider. What the server refuses (the day's writes are used up, the
    conversation is too large) raises the BotWireError that says so, out of the run, and nothing of it is stored.
    """

    def __init__(
        self,
        namespace: str | None = None,
        *,
        base_url: str | None = None,
        token: str | None = None,
        agent: str | None = None,
        memory: AsyncMemory | None = None,
        prefix: str = "sessions/",
        source_id: str = "botwire_history",
        **options: Any,
    ) -> None:
        super().__init__(source_id, **options)
        self._memory = memory_of(AsyncMemory, memory, namespace, base_url=base_url, token=token, agent=agent)
        self._prefix = prefix

    async def get_messages(
        self, session_id: str | None, *, state: dict[str, Any] | None = None, **kwargs: Any
    ) -> list[Message]:
        """Return the session's messages in order. Without an id it is the session "default"."""
        key = self._key(session_id)
        return _messages(await self._memory.get(key, []), key)

    async def save_messages(
        self,
        session_id: str | None,
        messages: Sequence[Message],
        *,
        state: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Add what is new of `messages` at the end, in one step: those of others never come in between.

        What is new is decided as by the framework's own providers, since a workflow may give the whole conversation.
        """
        key = self._key(session_id)
        while True:
            try:
                async with self._memory.transaction() as t:
                    new = await _new(_messages(await t.get(key, []), key), messages)
                    note_appended(t, key, [plain(message.to_dict()) for message in new])
            except TransactionConflictError:
                continue
            return

    async def clear(self, session_id: str | None) -> None:
        """Delete the session's messages."""
        await self._memory.delete(self._key(session_id))

    async def aclose(self) -> None:
        """Close the connections, also those of a `memory` that was given."""
        await self._memory.close()

    def _key(self, session_id: str | None) -> str:
        return self._prefix + joined(session_id or "default")


def _messages(stored: Any, key: str) -> list[Message]:
    return [Message.from_dict(message) for message in listed(stored, key)]


async def _new(stored: list[Message], messages: Sequence[Message]) -> list[Message]:
    """Those of `messages` that the framework's provider in memory would add to what is `stored`."""
    state: dict[str, Any] = {"messages": stored}
    await InMemoryHistoryProvider().save_messages(None, messages, state=state)
    added: list[Message] = state["messages"][len(stored) :]
    return added
