"""The tools of the MCP server: what hosts are told about them, and what they do. The server itself is in `mcp`.

Annotations are evaluated here: the SDK reads a tool's parameters from them.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import wraps
from typing import Annotated, Any, ParamSpec, TypeVar

from botwire._adapters import framework
from botwire._async import AsyncMemory
from botwire._exceptions import BotWireError, KeyNotFoundError, WaitTimeoutError
from botwire._operations import UNSET

with framework("mcp"):
    from mcp.server.mcpserver.exceptions import ToolError
    from mcp.server.mcpserver.tools import Tool
    from mcp.server.mcpserver.utilities.func_metadata import FuncMetadata
    from mcp_types import ToolAnnotations
    from pydantic import BaseModel, Field, WithJsonSchema

P = ParamSpec("P")
T = TypeVar("T")

Key = Annotated[str, Field(description="The name that it is under: 1 to 512 bytes, such as 'findings/market'.")]
Prefix = Annotated[str, Field(description="Only keys that begin so; empty for all.")]
# Some hosts refuse a schema that constrains nothing, or has several types at once: what is in a list is said, too.
_TYPES = ("boolean", "number", "string", "array", "object", "null")
Item = Annotated[Any, WithJsonSchema({"anyOf": [{"type": name} for name in _TYPES]})]
JSON = bool | int | float | str | list[Item] | dict[str, Any] | None
Value = Annotated[JSON, Field(description="Any JSON value, stored as it is: text is never parsed.")]
Number = int | float


class Remembered(BaseModel):
    """What was written: its version, and whether the key is new."""

    key: str
    version: int
    created: bool
    expires_at: datetime | None


class Recalled(BaseModel):
    """What is under a key; nothing, where `found` is false."""

    key: str
    found: bool
    value: JSON = None
    version: int | None = None
    writer: str | None = None
    updated_at: datetime | None = None


class Forgotten(BaseModel):
    """Whether there was something to forget."""

    key: str
    forgotten: bool


class Listed(BaseModel):
    """Keys in the order of their bytes; where `more` is true there are others, to be found by a longer prefix."""

    keys: list[str]
    more: bool


class Appended(BaseModel):
    """How long the list is now."""

    key: str
    length: int


class Incremented(BaseModel):
    """What the number is now."""

    key: str
    value: Number


class Awaited(BaseModel):
    """What was waited for, where it came."""

    key: str
    came: bool
    value: JSON = None


class Happened(BaseModel):
    """One write: `kind` is "set", "delete" or "expire"; `value` is what was set."""

    revision: int
    kind: str
    key: str
    value: JSON = None
    writer: str | None
    at: datetime


class Changes(BaseModel):
    """What happened, in order. Give `next` as `since` for what comes after; below `revision` there is more already."""

    changes: list[Happened]
    next: int
    revision: int


def _told(act: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Let what BotWire says reach the model as it is, and not as a crash."""

    @wraps(act)
    async def tell(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await act(*args, **kwargs)
        except (BotWireError, ValueError) as error:
            raise ToolError(str(error)) from error

    return tell


class _Verbs:
    """The tools; their docstrings are what models read."""

    def __init__(self, memory: AsyncMemory) -> None:
        self._memory = memory

    @_told
    async def remember(
        self,
        key: Key,
        value: Value,
        ttl_seconds: Annotated[float | None, Field(description="Forget it after so many seconds; null: never.")] = None,
        if_version: Annotated[
            int | None, Field(description="Write only if this is still the version; 0: only if nothing is there.", ge=0)
        ] = None,
    ) -> Remembered:
        """Remember a value under a key, in the place of what was there. Every agent of the team sees it at once."""
        condition: dict[str, Any] = {"if_absent": True} if if_version == 0 else {"if_version": if_version}
        stored = await self._memory.set(key, value, ttl=ttl_seconds, **condition)
        return Remembered(key=key, version=stored.version, created=stored.created, expires_at=stored.expires_at)

    @_told
    async def recall(self, key: Key) -> Recalled:
        """Recall what any agent of the team remembered under a key, with its version and who wrote it."""
        try:
            entry = await self._memory.get_entry(key)
        except KeyNotFoundError:
            return Recalled(key=key, found=False)
        writer = entry.writer.name if entry.writer else None
        return Recalled(
            key=key, found=True, value=entry.value, version=entry.version, writer=writer, updated_at=entry.updated_at
        )

    @_told
    async def forget(self, key: Key) -> Forgotten:
        """Forget what is under a key, for every agent of the team."""
        return Forgotten(key=key, forgotten=await self._memory.delete(key))

    @_told
    async def list(
        self,
        prefix: Prefix = "",
        limit: Annotated[int, Field(description="At most so many keys.", ge=1, le=1_000)] = 100,
    ) -> Listed:
        """List the keys under which the team remembers something."""
        keys = await first_keys(self._memory, prefix, limit + 1)
        return Listed(keys=keys[:limit], more=len(keys) > limit)

    @_told
    async def append(
        self,
        key: Key,
        value: Value,
        max_length: Annotated[int | None, Field(description="Keep only the newest so many values.", ge=1)] = None,
    ) -> Appended:
        """Add a value to the end of the list under a key, which is made if it is not there. What others add stays."""
        return Appended(key=key, length=await self._memory.append(key, value, max_length=max_length))

    @_told
    async def increment(
        self,
        key: Key,
        by: Annotated[Number, Field(description="What to add; negative to subtract.")] = 1,
    ) -> Incremented:
        """Add to the number under a key, which counts from 0 if it is not there. What others add is not lost."""
        return Incremented(key=key, value=await self._memory.increment(key, by))

    @_told
    async def wait(
        self,
        key: Key,
        equals: Annotated[JSON, Field(description="Wait for exactly this value; null: for any.")] = None,
        after_version: Annotated[int | None, Field(description="Wait for a newer version than this.", ge=0)] = None,
        seconds: Annotated[float, Field(description="How long to wait at most.", gt=0, le=300)] = 30,
    ) -> Awaited:
        """Wait until another agent has written what you need under a key; where it does not come, `came` is false."""
        awaited = UNSET if equals is None else equals
        try:
            value = await self._memory.wait(key, equals=awaited, after=after_version, timeout=seconds)
        except WaitTimeoutError:
            return Awaited(key=key, came=False)
        return Awaited(key=key, came=True, value=value)

    @_told
    async def changes(
        self,
        since: Annotated[
            int, Field(description="Only what happened after this revision; 0: from the start.", ge=0)
        ] = 0,
        prefix: Prefix = "",
        limit: Annotated[int, Field(description="At most so many changes.", ge=1, le=1_000)] = 100,
    ) -> Changes:
        """Tell what was written by whom, in order: what happened while you were not looking."""
        page = await self._memory.changes(since, prefix, limit)
        happened = [
            Happened(
                revision=change.revision, kind=change.kind, key=change.key, value=change.value,
                writer=change.writer.name if change.writer else None, at=change.at,
            )
            for change in page.changes
        ]  # fmt: skip
        return Changes(changes=happened, next=page.next, revision=page.revision)


def tools_of(memory: AsyncMemory) -> list[Tool]:
    """The verbs of `memory` as tools, with hints for hosts: which only read, may destroy, or may be repeated."""
    verbs = _Verbs(memory)
    hints: dict[Callable[..., Any], ToolAnnotations] = {
        verbs.remember: _hints("Remember", destructive=True, idempotent=True),
        verbs.recall: _hints("Recall", read_only=True),
        verbs.forget: _hints("Forget", destructive=True, idempotent=True),
        verbs.list: _hints("List what is remembered", read_only=True),
        verbs.append: _hints("Append to a list"),
        verbs.increment: _hints("Increment a number"),
        verbs.wait: _hints("Wait for a value", read_only=True),
        verbs.changes: _hints("Tell what changed", read_only=True),
    }
    return [_tool(verb, annotations) for verb, annotations in hints.items()]


def _hints(
    title: str, *, read_only: bool = False, destructive: bool = False, idempotent: bool = False
) -> ToolAnnotations:
    return ToolAnnotations(
        title=title,
        read_only_hint=read_only,
        destructive_hint=destructive,
        idempotent_hint=read_only or idempotent,
        open_world_hint=False,
    )


def _tool(verb: Callable[..., Any], annotations: ToolAnnotations) -> Tool:
    tool = Tool.from_function(verb, title=annotations.title, annotations=annotations)
    of = tool.fn_metadata
    tool.fn_metadata = _AsSent(arg_model=of.arg_model, output_schema=of.output_schema, output_model=of.output_model)
    return tool


class _AsSent(FuncMetadata):
    """The SDK reads text that is JSON as the JSON it is, for hosts that send so; here "[1]" is not [1]."""

    def pre_parse_json(self, data: dict[str, Any]) -> dict[str, Any]:
        return data


async def first_keys(memory: AsyncMemory, prefix: str, count: int) -> list[str]:
    """The first keys under `prefix`, in as few requests as that takes."""
    keys: list[str] = []
    async for key in memory._each(memory._calls.keys, prefix):
        keys.append(key)
        if len(keys) == count:
            break
    return keys
