"""MCP: a memory as a server of the Model Context Protocol, for every host that can start one or reach one.

    botwire-mcp --namespace trading-desk

speaks the protocol on stdin and stdout; `--bind HOST:PORT` serves streamable HTTP instead. What a host can do with it
is in `_mcp_tools`, which only translates to the verbs of AsyncMemory.
"""

import argparse
import json
import os
import sys
from typing import Any
from urllib.parse import quote

from botwire._adapters import framework, memory_of
from botwire._async import AsyncMemory
from botwire._exceptions import BotWireError, KeyNotFoundError
from botwire._mcp_tools import first_keys, tools_of
from botwire._settings import __version__

with framework("mcp"):
    from mcp import MCPError
    from mcp.server import MCPServer
    from mcp.server.mcpserver import ResourceSecurity
    from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
    from mcp.server.mcpserver.tools import Tool
    from mcp_types import INTERNAL_ERROR, Completion, Resource

__all__ = ["memory_server"]

#: How many keys are told at once, to hosts that list resources and complete their names.
_KEYS_LISTED = 500
_KEYS_COMPLETED = 100

_INSTRUCTIONS = """\
A memory that is shared by a team of agents, and that outlives every conversation. Values are JSON, under keys such as
"findings/market": `list` shows which there are, `recall` reads one, `remember` writes one in the place of what was
there. To add to what others add to as well, use `append` and `increment`: nothing gets lost. To write only if nobody
else wrote since you read, give `remember` the version that `recall` told. `wait` waits for another agent, `changes`
tells what happened. A call that is refused says what to do next."""


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
    server = _Server(used, [tool for tool in tools_of(used) if tool.annotations.read_only_hint or not read_only])
    _add_resources(server, used)
    return server


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
        root = _root(self._memory)
        keys = await _keys(self._memory, "", _KEYS_LISTED)
        return [Resource(uri=root + quote(key, safe=""), name=key, mime_type="application/json") for key in keys]


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
        keys = await _keys(memory, argument.value, _KEYS_COMPLETED + 1)
        return Completion(values=keys[:_KEYS_COMPLETED], has_more=len(keys) > _KEYS_COMPLETED)


async def _keys(memory: AsyncMemory, prefix: str, count: int) -> list[str]:
    try:
        return await first_keys(memory, prefix, count)
    except BotWireError as error:
        raise MCPError(INTERNAL_ERROR, str(error)) from error


def _root(memory: AsyncMemory) -> str:
    return f"botwire://memory/{quote(memory.namespace, safe='')}/"


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
            host, port = given.bind
            _say(f"serving {given.namespace} on http://{f'[{host}]' if ':' in host else host}:{port}/mcp")
            server.run("streamable-http", host=host, port=port)
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

    def from_environment(variable: str, *names: str, says: str = "", **options: Any) -> None:
        default = os.environ.get(variable) or None
        parser.add_argument(*names, default=default, help=f"{says}default: {variable}", **options)

    is_named = bool(os.environ.get("BOTWIRE_NAMESPACE"))
    from_environment("BOTWIRE_NAMESPACE", "-n", "--namespace", metavar="NAME", required=not is_named)
    from_environment("BOTWIRE_URL", "--url", says="the BotWire server; ")
    from_environment("BOTWIRE_TOKEN", "--token")
    from_environment("BOTWIRE_AGENT", "--agent", metavar="NAME", says="the writer; ")
    parser.add_argument("--read-only", action="store_true", help="offer only the tools that write nothing")
    over_http = "serve streamable HTTP on /mcp there, instead of stdin and stdout"
    parser.add_argument("--bind", type=_address, metavar="HOST:PORT", help=over_http)
    return parser


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit() and int(port) < 65_536):
        raise argparse.ArgumentTypeError(f"{text!r} is not like 127.0.0.1:8765.")
    return host.strip("[]"), int(port)


if __name__ == "__main__":
    sys.exit(main())
