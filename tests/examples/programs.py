"""Example programs as processes."""

import os
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"
SECONDS = 60


class Program:
    """A running example; `end()` waits for it, and `output` is what it then had printed."""

    def __init__(self, path: str, namespace: str, url: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-u", EXAMPLES / path, namespace],
            env={**os.environ, "BOTWIRE_URL": url, "PYTHONWARNINGS": "ignore::UserWarning"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output = ""

    def wait_for_line(self, line: str) -> None:
        """Read what it prints up to `line`; that is not part of `output` then."""
        assert self._process.stdout is not None
        assert line in iter(self._process.stdout.readline, "")

    def end(self) -> int:
        """Its exit status; it is killed where it takes too long."""
        try:
            self.output, _ = self._process.communicate(timeout=SECONDS)
        finally:
            self.kill()
        return self._process.returncode

    def kill(self) -> None:
        """`kill -9`, unless it has ended."""
        self._process.kill()
        self._process.wait(SECONDS)
