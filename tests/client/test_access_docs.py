"""docs/access.md: its program runs as it stands, and a token looks as it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

from namespaces.tokens import make_text

PAGE = (Path(__file__).parents[2] / "docs" / "access.md").read_text()
[PROGRAM] = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
[PATTERN] = re.findall(r"^```text\n(.*)\n```$", PAGE, re.MULTILINE)


def test_the_program_runs(server, namespace):
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("trading-desk-7", namespace)],
        env={**os.environ, "BOTWIRE_URL": server.url}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert finished.stderr == ""
    assert re.fullmatch(PATTERN, finished.stdout.strip())


def test_tokens_look_as_scanners_are_told():
    assert all(re.fullmatch(PATTERN, make_text()) for _ in range(100))
