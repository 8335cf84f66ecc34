"""The poisoning drill: one of four agents lies to 200 keys; they are taken back, and the rest of the work stands."""

import os
import re
import subprocess
import sys
from collections import Counter

import pytest

from botwire import Memory, Writer
from tests.examples.programs import EXAMPLES, SECONDS

DRILL = [f"poisoning_drill/{name}.py" for name in ("collector", "checker", "analyst", "lead")]
NUMBERS = range(250)
FACTS = {f"facts/{number:03}": {"number": number, "square": number**2} for number in NUMBERS}
SUMS = {f"sums/{block:02}": sum(number**2 for number in range(block * 10, block * 10 + 10)) for block in range(25)}
LIED_ABOUT = {f"facts/{number:03}" for number in range(150)}
MADE_OF_LIES = {f"sums/{block:02}" for block in range(15)}


@pytest.fixture
def lead(server, namespace, monkeypatch):
    """The namespace of the drill as its lead sees it; the agents' tokens are in the environment."""
    said = subprocess.run(
        [sys.executable, EXAMPLES / "poisoning_drill/tokens.py", namespace],
        env={**os.environ, "BOTWIRE_URL": server.url},
        check=True,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    ).stdout
    tokens = dict(re.findall(r"^export (\w+)=(bw_\w{36})$", said, re.MULTILINE))
    for name, token in tokens.items():
        monkeypatch.setenv(name, token)
    with Memory(namespace, base_url=server.url, token=tokens["LEAD_TOKEN"]) as memory:
        yield memory


def test_the_lies_are_found_and_taken_back_and_the_rest_of_the_work_stands(server, start, lead):
    crew = [start(server, path) for path in DRILL]

    exits = [program.end() for program in crew]

    assert exits == [0] * 4
    assert dict(lead.items("facts/")) == FACTS
    assert {key: made["sum"] for key, made in lead.items("sums/")} == SUMS
    assert crew[-1].output.splitlines() == [
        "200 keys were written by checker",
        "would restore 150 keys, delete 50 and keep 1",
        "restored 150 deleted 50 kept ['status']",
        "20 sums were made of them",
        f"the sum of all squares is {sum(number**2 for number in NUMBERS)}",
    ]
    writers = {entry.key: entry.writer for entry in map(lead.get_entry, [*FACTS, *SUMS])}
    assert {key for key, writer in writers.items() if writer == Writer("lead", verified=True)} == LIED_ABOUT
    assert {writers[key] for key in FACTS.keys() - LIED_ABOUT} == {Writer("collector", verified=True)}
    times = Counter(change.key for change in lead.changes(0, "sums/").changes)
    assert {key for key, number in times.items() if number == 1} == SUMS.keys() - MADE_OF_LIES


def test_what_was_lied_is_still_told_by_the_log_but_read_by_nobody(server, start, lead):
    for program in [start(server, path) for path in DRILL]:
        assert program.end() == 0

    versions = list(lead.history("facts/007", values=True))

    assert [(version.writer.name, version.value) for version in versions] == [
        ("lead", {"number": 7, "square": 49}),
        ("checker", None),
        ("collector", {"number": 7, "square": 49}),
    ]
    [hidden] = lead.quarantined()
    assert (hidden.writer.name, hidden.by.name) == ("checker", "lead")
    assert lead.release("checker")
    assert lead.get("facts/007", version=versions[1].version) == {"number": 7, "square": 50}
