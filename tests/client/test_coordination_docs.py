"""docs/coordination.md: its programs run as they stand and print what they say; on a real server, both databases."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "coordination.md").read_text()
PROGRAMS = re.findall(r"^## ([^\n]+)\n(?:(?!^## ).)*?^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_there_are_programs():
    assert [name for name, _ in PROGRAMS] == [
        "A counter, and a log", "All or nothing", "A work queue", "A leader", "A dashboard",
    ]  # fmt: skip


@pytest.mark.parametrize("program", [program for _, program in PROGRAMS], ids=[name for name, _ in PROGRAMS])
def test_a_program_prints_what_it_says(program, server, namespace):
    said = re.findall(r"^ *print\(.*\)  # (.*)$", program, re.MULTILINE)

    finished = subprocess.run(
        [sys.executable, "-c", program, namespace],
        env={**os.environ, "BOTWIRE_URL": server.url, "PYTHONWARNINGS": "ignore::UserWarning"},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert finished.stderr == ""
    assert finished.stdout.splitlines() == said
