"""CrewAI: tools that let a crew remember, and its agents know what others found out.

    from botwire.memory import memory_tools

    researcher = Agent(role="Researcher", tools=memory_tools("crew-research"), ...)

They only translate to the verbs of Memory. Annotations are evaluated here: CrewAI reads a tool's arguments from them.
"""

import asyncio
import functools
import json
from collections.abc import Callable, Iterable
from typing import Annotated, Any

from botwire._adapters import framework, memory_of
from botwire._exceptions import BotWireAPIError, BotWireConnectionError, BotWireError
from botwire._sync import Memory
from botwire._values import JSONValue

with framework("crewai"):
    from crewai.tools import BaseTool
    from crewai.tools.tool_failure import ToolFailure
    from pydantic import Field, PrivateAttr

__all__ = ["memory_tools"]

Key = Annotated[str, Field(description="The name that it is remembered under, such as 'findings/market'.")]
Value = Annotated[JSONValue, Field(description="Any JSON value: text, number, true or false, null, list or object.")]
Seconds = Annotated[float, Field(description="How long to wait at most.", gt=0, le=600)]


def memory_tools(
    namespace: str | None = None,
    *,
    base_url: str | None = None,
    token: str | None = None,
    agent: str | None = None,
    memory: Memory | None = None,
    extra: Iterable[str] = (),
) -> list[BaseTool]:
    """Return the tools `remember(key, value)`, `recall(key)` and `list_memory()` on the memory named `namespace`.

    Every agent, crew and process that has them of the same name shares what is remembered. `base_url`, `token` and
    `agent` are as for Memory; `memory` is one to use instead. `extra` adds `wait_for`, `append_to_list` or both.

    What the server refuses, the agent is told, with what it can do next; its run goes on. CrewAI never caches what the
    tools answer.
    """
    used = memory_of(Memory, memory, namespace, base_url=base_url, token=token, agent=agent)
    tools: list[type[MemoryTool]] = [Remember, Recall, ListMemory, *map(_extra_tool, extra)]
    return [tool(used) for tool in tools]


def _tells_refusals(run: Callable[..., str]) -> Callable[..., str | ToolFailure]:
    @functools.wraps(run)
    def told(*args: Any, **kwargs: Any) -> str | ToolFailure:
        try:
            return run(*args, **kwargs)
        except BotWireAPIError as refusal:
            return ToolFailure(message=str(refusal), code=refusal.code, retryable=refusal.retry_after is not None)
        except BotWireError as error:
            return ToolFailure(message=str(error), retryable=isinstance(error, BotWireConnectionError))

    return told


def _never(_arguments: Any = None, _result: Any = None) -> bool:
    return False


class MemoryTool(BaseTool):
    """A tool on one memory. The memory is no field: what CrewAI shows or stores of a tool has no token in it."""

    _memory: Memory = PrivateAttr()

    def __init__(self, memory: Memory, **fields: Any) -> None:
        # What others write meanwhile must be seen.
        super().__init__(**{"cache_function": _never, **fields})
        self._memory = memory

    async def _arun(self, **arguments: Any) -> Any:
        return await asyncio.to_thread(self._run, **arguments)


class Remember(MemoryTool):
    name: str = "remember"
    description: str = "Remember a value under a key, in the place of what was there. All agents of the team see it."

    @_tells_refusals
    def _run(self, key: Key, value: Value) -> str:
        self._memory.set(key, value)
        return f"Remembered under {_text(key)}."


class Recall(MemoryTool):
    name: str = "recall"
    description: str = "Recall what any agent of the team remembered under a key, as JSON."

    @_tells_refusals
    def _run(self, key: Key) -> str:
        nothing = object()
        value = self._memory.get(key, nothing)
        return f"Nothing is remembered under {_text(key)}." if value is nothing else _text(value)


class ListMemory(MemoryTool):
    name: str = "list_memory"
    description: str = "List all keys under which the team remembers something, as a JSON array."

    @_tells_refusals
    def _run(self) -> str:
        return _text(self._memory.list_keys())


class WaitFor(MemoryTool):
    name: str = "wait_for"
    description: str = "Wait until another agent has remembered something under a key, and recall it, as JSON."

    @_tells_refusals
    def _run(self, key: Key, seconds: Seconds = 60) -> str:
        return _text(self._memory.wait(key, timeout=seconds))


class AppendToList(MemoryTool):
    name: str = "append_to_list"
    description: str = "Add a value to the end of the list under a key. Nothing that others add meanwhile is lost."

    @_tells_refusals
    def _run(self, key: Key, value: Value) -> str:
        return f"The list under {_text(key)} has {self._memory.append(key, value)} values now."


_EXTRA: dict[str, type[MemoryTool]] = {"wait_for": WaitFor, "append_to_list": AppendToList}


def _extra_tool(name: str) -> type[MemoryTool]:
    if name not in _EXTRA:
        raise ValueError(f"extra is out of {sorted(_EXTRA)}, and {name!r} is not.")
    return _EXTRA[name]


def _text(value: JSONValue) -> str:
    return json.dumps(value, ensure_ascii=False)
