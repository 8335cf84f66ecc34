"""`botwire-mcp` as hosts start it and reach it: processes of their own, on stdin and stdout and by HTTP."""

import asyncio
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import httpx
import pytest
from mcp import Client

from botwire.mcp import _parser
from tests.frameworks.mcp.hosts import COMMAND, by_stdio, call, served_by_http
from tests.frameworks.pages import PAGES


def run(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *options], env=environment, input="", capture_output=True, text=True, timeout=60)


async def test_two_agents_in_two_processes_share_what_they_know(server, namespace):
    options = ("--namespace", namespace, "--url", server.url)

    async def analyst() -> object:
        async with Client(by_stdio(*options, "--agent", "analyst")) as client:
            found = await call(client, "wait", key="market/size", seconds=60)
            return await call(client, "remember", key="verdict", value=f"enter at {found['value']['usd']}")

    async def researcher() -> None:
        async with Client(by_stdio(*options, "--agent", "researcher")) as client:
            await call(client, "remember", key="market/size", value={"usd": 4_000_000})
            verdict = await call(client, "wait", key="verdict", seconds=60)
            assert verdict["value"] == "enter at 4000000"
            assert (await call(client, "recall", key="verdict"))["writer"] == "analyst"

    await asyncio.gather(analyst(), researcher())


async def test_what_was_remembered_outlives_the_process(server, namespace):
    options = ("--namespace", namespace, "--url", server.url)
    async with Client(by_stdio(*options)) as client:
        await call(client, "remember", key="k", value="from before")

    async with Client(by_stdio(*options)) as client:
        assert (await call(client, "recall", key="k"))["value"] == "from before"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_it_is_served_by_http(server, namespace, mode):
    with served_by_http("--namespace", namespace, "--url", server.url) as url:
        async with Client(url, mode=mode) as one, Client(url, mode=mode) as other:
            waiting = asyncio.create_task(call(one, "wait", key="k", seconds=30))
            await call(other, "remember", key="k", value=[1])

            assert (await waiting)["value"] == [1]


def test_a_page_of_another_origin_reaches_nothing(server, namespace):
    hello = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    headers = {"Accept": "application/json, text/event-stream"}

    with served_by_http("--namespace", namespace, "--url", server.url) as url:
        rebound = httpx.post(url, json=hello, headers={**headers, "Host": "evil.example"})
        foreign = httpx.post(url, json=hello, headers={**headers, "Origin": "https://evil.example"})

    assert (rebound.status_code, foreign.status_code) == (421, 403)


def test_it_ends_when_its_host_closes_stdin_and_prints_nothing_of_its_own(namespace):
    finished = run("--namespace", namespace, "--url", "http://127.0.0.1:1")

    assert (finished.returncode, finished.stdout) == (0, "")


def test_settings_come_from_the_environment(namespace):
    finished = run(BOTWIRE_NAMESPACE=namespace, BOTWIRE_URL="not a url")

    assert finished.returncode == 2
    assert finished.stderr.startswith("botwire-mcp: base_url")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "--namespace"),
        (("-n", "a b"), "is not a namespace's name"),
        (("-n", "a", "--bind", "8000"), "is not like 127.0.0.1:8765"),
        (("-n", "a", "--bind", "a:99999"), "is not like 127.0.0.1:8765"),
    ],
)
def test_a_wrong_command_line_is_told(options, told):
    finished = run(*options)

    assert finished.returncode == 2
    assert told in finished.stderr
    assert "Traceback" not in finished.stderr
    assert finished.stdout == ""


def test_the_command_is_installed():
    finished = subprocess.run(
        [Path(sys.executable).with_name("botwire-mcp"), "--help"], capture_output=True, text=True, timeout=60
    )

    assert "--read-only" in finished.stdout


def test_the_page_is_true(run_page):
    run_page("mcp")


def test_the_settings_on_the_page_start_the_command():
    page = (PAGES / "mcp.md").read_text()
    found = [json.loads(text) for text in re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)]
    found += [tomllib.loads(text) for text in re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)]

    assert [list(host) for host in found] == [["mcpServers"], ["servers"], ["mcp_servers"]]
    for host in found:
        (servers,) = host.values()
        _, _, command, *options = servers["botwire"]["args"]
        assert command == "botwire-mcp"
        assert _parser().parse_args(options).namespace == "trading-desk"
        assert {*servers["botwire"]["env"]} == {"BOTWIRE_URL", "BOTWIRE_AGENT"}
