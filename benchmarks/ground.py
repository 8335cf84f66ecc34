"""What a run stands on: one folder for all data, one PostgreSQL where it is needed, and an end that leaves nothing."""

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from benchmarks.postgresql import Cluster
from benchmarks.processes import Child

ROOT = Path(__file__).resolve().parent.parent


def clean_environment() -> dict[str, str]:
    """This process's environment without BotWire's settings: a database that somebody uses must not be filled."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BOTWIRE_")}
    return {name: value for name, value in kept.items() if name not in ("DATABASE_URL", "REDIS_URL")}


class Ground:
    """A temporary folder under `parent`; leaving the context ends every process that was started and removes it."""

    def __init__(self, parent: Path | None, workers: int) -> None:
        self.workers = workers
        self.folder = Path(tempfile.mkdtemp(prefix="botwire-benchmark-", dir=parent))
        self._ends = ExitStack()
        self._ends.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self._cluster: Cluster | None = None

    def __enter__(self) -> "Ground":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it behind
        self._ends.close()
        signal.signal(signal.SIGINT, interrupt)

    @property
    def cluster(self) -> Cluster:
        """The run's PostgreSQL, started when it is first asked for; OSError if it cannot be."""
        if self._cluster is None:
            try:
                self._cluster = Cluster(self.folder / "postgresql")
            except subprocess.SubprocessError as error:
                raise OSError(f"PostgreSQL did not start: {error}") from error
            self._ends.callback(self._cluster.end)
        return self._cluster

    def new_folder(self, name: str) -> Path:
        """An empty folder of its own."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))

    def start(self, *command: str, folder: Path, environment: dict[str, str]) -> Child:
        """Start a process from the checkout's root, its log in `folder`."""
        log = folder / f"{Path(command[0]).name}.log"
        child = Child(*command, log=log, environment={**clean_environment(), **environment}, folder=ROOT)
        self._ends.callback(child.end)
        return child

    def filesystem(self) -> str:
        """The type of the file system that data is on: on tmpfs, a commit to disk costs nothing."""
        real = os.path.realpath(self.folder)
        mounts = (line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines())
        return max((len(at), kind) for at, kind in mounts if f"{real}/".startswith(f"{at.rstrip('/')}/"))[1]
