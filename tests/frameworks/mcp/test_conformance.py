"""The protocol's own tools, from npm: its conformance runner and its Inspector, on the command as it is served."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from botwire import Memory
from tests.frameworks.mcp.hosts import COMMAND, served_by_http

ENVIRONMENT = Path(sys.executable).parent
NODE = ENVIRONMENT / "node"
PACKAGES = ENVIRONMENT.parent / "npm" / "node_modules"
RUNNER = PACKAGES / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
INSPECTOR = PACKAGES / ".bin" / "inspector"

#: What concerns every server. The runner's other scenarios call tools, prompts and resources of a sample server.
SCENARIOS = [
    "server-initialize",
    "ping",
    "completion-complete",
    "tools-list",
    "resources-list",
    "prompts-list",
    "server-sse-multiple-streams",
    "dns-rebinding-protection",
]


def node(*arguments: object, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HOME": str(home), "PATH": f"{ENVIRONMENT}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        [NODE, *map(str, arguments)], env=environment, cwd=home, capture_output=True, text=True, timeout=90
    )


@pytest.fixture(scope="module")
def served(server):
    with (
        Memory("conformance", base_url=server.url) as memory,
        served_by_http("--namespace", "conformance", "--url", server.url) as url,
    ):
        memory.set("findings/market", {"usd": 4_000_000})
        yield url


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_conformance_runner_passes(served, tmp_path, scenario):
    finished = node(RUNNER, "server", "--url", served, "--scenario", scenario, home=tmp_path)

    assert finished.returncode == 0, finished.stdout + finished.stderr
    passed, failed = re.search(r"(\d+)/\d+, (\d+) failed", finished.stdout).groups()
    assert int(passed) > 0
    assert int(failed) == 0


@pytest.fixture(params=["http", "stdio"])
def inspect(request, server, served, tmp_path):
    """Asks the Inspector, by HTTP and by stdio; what it prints."""
    target = [served] if request.param == "http" else [*COMMAND, "-n", "conformance", "--url", server.url]

    def ask(*options: str) -> tuple[dict, str]:
        finished = node(INSPECTOR, "--cli", *target, *options, home=tmp_path)
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return json.loads(finished.stdout), finished.stderr

    return ask


def test_the_inspector_finds_every_schema_portable(inspect):
    found, complaints = inspect("--method", "tools/list", "--strict")

    assert len(found["tools"]) == 8
    assert "warning" not in complaints.lower()
    assert "error" not in complaints.lower()


def test_the_inspector_calls_tools_and_reads_resources(inspect):
    called, _ = inspect(
        "--method", "tools/call", "--tool-name", "recall", "--tool-arg", "key=findings/market"
    )  # fmt: skip
    listed, _ = inspect("--method", "resources/list")
    read, _ = inspect("--method", "resources/read", "--uri", listed["resources"][0]["uri"])

    assert called["structuredContent"]["value"] == {"usd": 4_000_000}
    assert json.loads(read["contents"][0]["text"]) == {"usd": 4_000_000}
