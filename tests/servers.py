"""`manage.py serve` as tests start it: in a process of its own, past which nothing of Django is loaded here."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

ROOT = Path(__file__).parent.parent
#: The Python that has Django; the frameworks' environments, which have none, are told where it is.
PYTHON = os.environ.get("BOTWIRE_SERVER_PYTHON", sys.executable)


class Server:
    """`manage.py serve` as a process of its own, on a database of its own."""

    def __init__(self, folder: Path, database_url: str | None, environment: dict[str, str] | None = None) -> None:
        self.folder, self.database_url = folder, database_url
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = environment or {}
        self.workers: int | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "serve.log"

    def start(self) -> None:
        """Start, and wait until the database answers."""
        environment = {**os.environ, **self.environment}
        if self.database_url:
            environment["DATABASE_URL"] = self.database_url
        with self.log.open("ab") as log:
            command = [PYTHON, "manage.py", "serve", "--bind", f"127.0.0.1:{self.port}"]
            command += ["--data", str(self.folder)]
            command += ["--workers", str(self.workers)] if self.workers else []
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        self.wait_until_ready()

    def wait_until_ready(self, seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process is not None
            assert self.process.poll() is None, self.log.read_text()
            try:
                if httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"not ready after {seconds} s:\n{self.log.read_text()}")

    def process_ids(self) -> list[int]:
        """The server's processes, parents first."""
        assert self.process is not None
        found = [self.process.pid]
        for parent in found:
            children = Path(f"/proc/{parent}/task/{parent}/children")
            if children.exists():
                found += map(int, children.read_text().split())
        return found

    def kill(self) -> None:
        """`kill -9` of every process of the server."""
        for number in self.process_ids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        assert self.process is not None
        self.process.wait(10)

    def stop(self) -> int:
        """Ctrl-C, and the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
