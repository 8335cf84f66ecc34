"""MCP: a memory as a server of the Model Context Protocol, for every host that can start one or reach one.

    botwire-mcp --namespace trading-desk

speaks the protocol on stdin and stdout; `--bind HOST:PORT` serves streamable HTTP instead. The tools only translate to
the verbs of AsyncMemory. Annotations are evaluated here: the SDK reads a tool's parameters from them.
"""

import argparse
import json
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import wraps
from typing import Annotated, Any, ParamSpec, TypeVar
from urllib.parse import quote

from botwire._adapters import framework, memory_of
from botwire._async import AsyncMemory
from botwire._exceptions import BotWireError, KeyNotFoundError, WaitTimeoutError
from botwire._operations import UNSET
from botwire._settings import __version__

with framework("mcp"):
    from mcp import MCPError
    from mcp.server import MCPServer
    from mcp.server.mcpserver import ResourceSecurity
    from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, ToolError
    from mcp.server.mcpserver.tools import Tool
    from mcp.server.mcpserver.utilities.func_metadata import FuncMetadata
    from mcp_types import INTERNAL_ERROR, Completion, Resource, ToolAnnotations
    from pydantic import BaseModel, Field, WithJsonSchema

__all__ = ["memory_server"]

P = ParamSpec("P")
T = TypeVar("T")

#: How many keys are told at once, to hosts that list resources and complete their names.
_KEYS_LISTED = 500
_KEYS_COMPLETED = 100

_INSTRUCTIONS = """\
A memory that is shared by a team of agents, and that outlives every conversation. Values are JSON, under keys such as
"findings/market": `list` shows which there are, `recall` reads one, `remember` writes one in the place of what was
there. To add to what others add to as well, use `append` and `increment`: nothing gets lost. To write only if nobody
else wrote since you read, give `remember` the version that `recall` told. `wait` waits for another agent, `changes`
tells what happened. A call that is refused says what to do next."""

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


def memory_server(
    namespace: str | None = None,
    *,
    base_url: str | None = None,
    token: str | None = None,
    agent: str | None = None,
    memory: AsyncMemory | None = None,
    read_only: bool = False,
) -> MCPServer:
    """Return an MCPServer with the memory named `namespace`: its verbs as tools, its entries as resources.

    `base_url`, `token` and `agent` are as for AsyncMemory; `memory` is one to use instead. With `read_only` there are
    only the tools that write nothing. `run()` it, or mount its `streamable_http_app()`.

    What BotWire refuses, the model is told, with what it can do next.
    """
    used = memory_of(AsyncMemory, memory, namespace, base_url=base_url, token=token, agent=agent)
    server = _Server(used, [tool for tool in _tools(used) if tool.annotations.read_only_hint or not read_only])
    _add_resources(server, used)
    return server


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
        keys = await _first_keys(self._memory, prefix, limit + 1)
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


def _tools(memory: AsyncMemory) -> list[Tool]:
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


class _Server(MCPServer):
    """Its resources are those of the moment, up to so many."""

    def __init__(self, memory: AsyncMemory, tools: list[Tool]) -> None:
        super().__init__(
            "botwire",
            title=f"BotWire: {memory.namespace}",
            description="Shared, persistent memory for teams of AI agents.",
            instructions=_INSTRUCTIONS,
            version=__version__,
            tools=tools,
            log_level="WARNING",
            subscriptions=False,  # what others write is told by `changes` and `wait`
        )
        self._memory = memory

    async def list_resources(self) -> list[Resource]:
        try:
            keys = await _first_keys(self._memory, "", _KEYS_LISTED)
        except BotWireError as error:
            raise MCPError(INTERNAL_ERROR, str(error)) from error
        return [
            Resource(uri=f"{_root(self._memory)}{quote(key, safe='')}", name=key, mime_type="application/json")
            for key in keys
        ]


def _add_resources(server: MCPServer, memory: AsyncMemory) -> None:
    # Keys are no paths: `/etc` and `a..b` are as good as any.
    @server.resource(
        f"{_root(memory)}{{key}}",
        name="entry",
        title="What is remembered under a key",
        description="The value under a key, as JSON; the key is percent-encoded.",
        mime_type="application/json",
        security=ResourceSecurity(exempt_params={"key"}),
    )
    async def entry(key: str) -> str:
        try:
            return json.dumps((await memory.get_entry(key)).value, ensure_ascii=False)
        except KeyNotFoundError as error:
            raise ResourceNotFoundError(str(error)) from error
        except BotWireError as error:
            raise ResourceError(str(error)) from error

    @server.completion()
    async def complete(_: Any, argument: Any, __: Any) -> Completion:
        keys = await _first_keys(memory, argument.value, _KEYS_COMPLETED + 1)
        return Completion(values=keys[:_KEYS_COMPLETED], has_more=len(keys) > _KEYS_COMPLETED)


def _root(memory: AsyncMemory) -> str:
    return f"botwire://memory/{quote(memory.namespace, safe='')}/"


async def _first_keys(memory: AsyncMemory, prefix: str, count: int) -> list[str]:
    """The first keys under `prefix`, in as few requests as that takes."""
    keys: list[str] = []
    async for key in memory._each(memory._calls.keys, prefix):
        keys.append(key)
        if len(keys) == count:
            break
    return keys


# --- the command


def main(arguments: list[str] | None = None) -> int:
    """`botwire-mcp`, or `python -m botwire.mcp`: serve until the host closes stdin, or until Ctrl-C."""
    given = _parser().parse_args(arguments)
    try:
        server = memory_server(
            given.namespace, base_url=given.url, token=given.token, agent=given.agent, read_only=given.read_only
        )
        if given.bind is None:
            server.run("stdio")
        else:
            _say(f"serving {given.namespace} on http://{given.bind[0]}:{given.bind[1]}/mcp")
            server.run("streamable-http", host=given.bind[0], port=given.bind[1])
    except KeyboardInterrupt:
        return 130
    except (BotWireError, ValueError, TypeError, OSError) as error:
        _say(str(error))
        return 2
    return 0


def _say(text: str) -> None:
    """To people: stdout belongs to the protocol."""
    print(f"botwire-mcp: {text}", file=sys.stderr)  # noqa: T201


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="botwire-mcp", description="Serve a BotWire memory over MCP.", allow_abbrev=False
    )
    add = parser.add_argument
    namespace = os.environ.get("BOTWIRE_NAMESPACE") or None
    add(
        "-n",
        "--namespace",
        default=namespace,
        required=not namespace,
        metavar="NAME",
        help="default: BOTWIRE_NAMESPACE",
    )
    add("--url", default=os.environ.get("BOTWIRE_URL") or None, help="the BotWire server; default: BOTWIRE_URL")
    add("--token", default=os.environ.get("BOTWIRE_TOKEN") or None, help="default: BOTWIRE_TOKEN")
    add(
        "--agent",
        default=os.environ.get("BOTWIRE_AGENT") or None,
        metavar="NAME",
        help="the writer; default: BOTWIRE_AGENT",
    )
    add("--read-only", action="store_true", help="offer only the tools that write nothing")
    add(
        "--bind",
        type=_address,
        metavar="HOST:PORT",
        help="serve streamable HTTP on /mcp there, instead of stdin and stdout",
    )
    return parser


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit() and int(port) < 65_536):
        raise argparse.ArgumentTypeError(f"{text!r} is not like 127.0.0.1:8765.")
    return host.strip("[]"), int(port)


if __name__ == "__main__":
    sys.exit(main())
