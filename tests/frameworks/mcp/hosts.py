"""What stands for a host here: the SDK's own client, told what to ask by the test instead of by a model."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from mcp import Client, StdioServerParameters

#: The protocol of 2026, and the handshake of the versions before it.
PROTOCOLS = ("auto", "legacy")
COMMAND = (sys.executable, "-m", "botwire.mcp")


async def call(client: Client, tool: str, **arguments: Any) -> Any:
    """What the tool answers; a refusal fails."""
    answer = await client.call_tool(tool, arguments)
    assert not answer.is_error, answer.content
    return answer.structured_content


async def refusal(client: Client, tool: str, **arguments: Any) -> str:
    """What the model is told where the tool does not do it."""
    answer = await client.call_tool(tool, arguments)
    assert answer.is_error, answer.content
    return answer.content[0].text.removeprefix(f"Error executing tool {tool}: ")


def by_stdio(*options: str) -> StdioServerParameters:
    return StdioServerParameters(command=COMMAND[0], args=[*COMMAND[1:], *options], env=dict(os.environ))


@contextlib.contextmanager
def served_by_http(*options: str) -> Iterator[str]:
    """`botwire-mcp --bind` as a process of its own; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([*COMMAND, *options, "--bind", f"127.0.0.1:{port}"], stderr=subprocess.PIPE, text=True)
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _wait_for(port: int, process: subprocess.Popen[str], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[1]
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.05)
    raise AssertionError("it does not listen")
