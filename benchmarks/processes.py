"""The processes of the peers: started on loopback, watched through /proc, ended by their number. Linux only."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path

START_SECONDS = 60.0
STOP_SECONDS = 30.0
_TICKS = os.sysconf("SC_CLK_TCK")


class NotStarted(Exception):
    """A peer did not come up; the message says why, with the end of its log."""


class Child:
    """One process of a peer, with its own log, and its own session, so that Ctrl-C reaches the benchmark alone."""

    def __init__(
        self,
        *command: str,
        log: Path,
        environment: Mapping[str, str],
        folder: Path | None = None,
    ) -> None:
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own commands
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_until_answers(self, port: int, path: str) -> None:
        """Return once `path` is answered without a server error; NotStarted if it ends or takes START_SECONDS."""
        deadline = time.monotonic() + START_SECONDS
        while not answers(port, path):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise NotStarted(f"it did not start; the end of its log is:\n{self._log.read_text()[-2000:]}")
            time.sleep(0.02)

    def end(self) -> None:
        """Ask it to stop, insist after STOP_SECONDS, and leave nothing of its process group behind."""
        if self._process.returncode is not None:  # its number may be another's by now
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


def answers(port: int, path: str) -> bool:
    """Whether a server on loopback answers `path`, and not with an error of its own."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 500
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def descendants(roots: Iterable[int]) -> list[int]:
    """The processes `roots` with their children and children's children, parents first."""
    found = list(roots)
    for parent in found:
        found += children_of(parent)
    return found


def children_of(parent: int) -> list[int]:
    """The processes that a process, or a thread of it, has started and that are still there."""
    found: list[int] = []
    for children in Path(f"/proc/{parent}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, children.read_text().split())
    return found


def command_of(pid: int) -> str:
    """The command line of a process, its arguments parted by spaces; empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def cpu_seconds(roots: Iterable[int]) -> float:
    """Processor time that `roots` and their descendants have used, those that have ended included."""
    return sum(map(_cpu_seconds_of, descendants(roots)))


def _cpu_seconds_of(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS  # user and system time, its own and that of children it waited for


def resident_megabytes(pid: int) -> float:
    """Memory that a process holds, what it shares with others included (RSS), in 1,000,000 bytes."""
    return _megabytes(Path(f"/proc/{pid}/status"), "VmRSS:")


def proportional_megabytes(pid: int) -> float:
    """Memory that a process holds, what is shared counted in part (PSS), in 1,000,000 bytes."""
    return _megabytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss:")


def _megabytes(path: Path, field: str) -> float:
    [kibibytes] = [line.split()[1] for line in path.read_text().splitlines() if line.startswith(field)]
    return int(kibibytes) * 1024 / 1e6
