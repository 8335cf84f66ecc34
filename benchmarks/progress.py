"""How far a run is: one line that changes on a terminal, one line a step elsewhere, and none if it is to be quiet."""

import sys
import time
from typing import TextIO


class Progress:
    """Counts steps out of `total`; what is left is guessed from the steps after the first."""

    def __init__(self, total: int, output: TextIO | None = sys.stderr) -> None:
        self._total, self._done = total, 0
        self._output = output
        self._began = 0.0

    def say(self, what: str) -> None:
        """Show what is being done now."""
        if self._output is None:
            return
        line = f"[{self._done:>3}/{self._total}] {what}{self._left()}"
        if self._output.isatty():
            self._output.write(f"\r\x1b[2K{line[:110]}")
        else:
            self._output.write(f"{line}\n")
        self._output.flush()

    def step(self) -> None:
        """One more step is done."""
        self._done += 1
        if self._done == 1:  # before it, there was more to prepare than there is between the others
            self._began = time.monotonic()

    def end(self) -> None:
        """Leave the terminal's line as it was found."""
        if self._output is not None and self._output.isatty():
            self._output.write("\r\x1b[2K")
            self._output.flush()

    def _left(self) -> str:
        if not 1 < self._done < self._total:
            return ""
        seconds = (time.monotonic() - self._began) / (self._done - 1) * (self._total - self._done)
        return f", about {seconds / 60:.0f} min left" if seconds >= 90 else f", about {seconds:.0f} s left"
