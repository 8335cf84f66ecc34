"""The README of the examples: its commands are the programs that there are, and they do what it says."""

import os
import re
import subprocess

import pytest

from botwire import Memory
from tests.examples.programs import EXAMPLES, SECONDS
from tests.examples.test_poisoning_drill import FACTS
from tests.examples.test_research_team import REPORT
from tests.examples.test_trading_desk import PORTFOLIO
from tests.examples.test_work_queue import RESULTS

README = (EXAMPLES / "README.md").read_text()
SET_URL, RUN_DESK, RUN_TEAM, RUN_QUEUE, RUN_DRILL = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_the_commands_and_links_are_the_programs_that_there_are():
    programs = sorted(str(path.relative_to(EXAMPLES)) for path in EXAMPLES.rglob("*.py"))

    assert sorted(set(re.findall(r"uv run examples/(\S+)", RUN_DESK + RUN_TEAM + RUN_QUEUE + RUN_DRILL))) == programs
    assert sorted(re.findall(r"\]\((\S+\.py)\)", README)) == programs


def test_the_address_is_set_as_the_client_reads_it(monkeypatch):
    name, url = SET_URL.removeprefix("export ").strip().split("=")
    monkeypatch.setenv(name, url)

    with Memory("desk") as memory:
        assert f"base_url={url!r}" in repr(memory)


@pytest.mark.parametrize(
    ("commands", "namespace", "key", "value"),
    [
        pytest.param(RUN_DESK, "my-desk", "portfolio", PORTFOLIO, id="desk"),
        pytest.param(RUN_TEAM, "my-team", "report", REPORT, id="team"),
        pytest.param(RUN_QUEUE, "my-queue", "results", RESULTS, id="queue"),
    ],
)
def test_the_commands_do_what_they_say(server, commands, namespace, key, value):
    run(commands, server)

    with Memory(namespace, base_url=server.url) as memory:
        assert memory.get(key) == value


def test_the_commands_of_the_drill_do_what_they_say(server):
    said = run(RUN_DRILL + 'echo "token $LEAD_TOKEN"', server)

    token = re.search(r"^token (bw_\w{36})$", said, re.MULTILINE)[1]
    with Memory("my-drill", base_url=server.url, token=token) as memory:
        assert memory.get("facts/007") == FACTS["facts/007"]


def run(commands: str, server) -> str:
    """What commands print that end well, run as a shell of a user's runs them."""
    done = subprocess.run(
        ["bash", "-eu", "-c", commands],
        cwd=EXAMPLES.parent,
        env={**os.environ, "BOTWIRE_URL": server.url},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
