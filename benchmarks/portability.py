"""What exporting and importing a large namespace takes: its rate, the peak memory of server and command, others' p99.

    uv run python -m benchmarks.portability --entries 1000000 [--database-url postgres://...]

It serves from a new data folder (and fills the given PostgreSQL database), exports one namespace with the command
`botwire`, imports it into another, exports that, and compares. It removes nothing but the folder.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.purge import ROOT, free_port, manage, report, say, shell, wait_until_ready, write_for

FILL = """
from datetime import UTC, datetime
from namespaces.models import Entry, Namespace
now, number, name = datetime.now(UTC), {entries}, "large"
Namespace.objects.create(name=name, created_at=now, revision=number, trimmed_revision=number, entries=number,
    bytes=number * 109)
value = '"' + "x" * 98 + '"'
for first in range(0, number, 5_000):
    Entry.objects.bulk_create(
        Entry(namespace_id=name, key=f"k{{i:08}}", bytes=109, value=value, version=i + 1, created_at=now,
            updated_at=now, writer="agent")
        for i in range(first, min(first + 5_000, number)))
"""


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m benchmarks.portability", description=__doc__)
    options.add_argument("--entries", type=int, default=1_000_000)
    options.add_argument("--seconds", type=float, default=10, help="of the measurement alone")
    options.add_argument("--database-url")
    chosen = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="botwire-portability-"))
    try:
        measure(chosen, folder)
    finally:
        shutil.rmtree(folder)


def measure(chosen: argparse.Namespace, folder: Path) -> None:
    environment = {**os.environ, "BOTWIRE_DATA": str(folder / "data"), "BOTWIRE_BYTES": str(10**12)}
    environment |= {"BOTWIRE_WRITES_PER_DAY": "100000000", "BOTWIRE_CHANGE_LOG_BYTES": str(10**12)}
    if chosen.database_url:
        environment["DATABASE_URL"] = chosen.database_url
    manage(environment, "migrate", "-v0")
    began = time.monotonic()
    shell(environment, FILL.format(entries=chosen.entries))
    say(f"filled with {chosen.entries:,} entries in {time.monotonic() - began:.0f} s")
    port = free_port()
    command = [sys.executable, "manage.py", "serve", "--bind", f"127.0.0.1:{port}", "--data", str(folder / "data")]
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(url)
        report("warm-up", write_for(url, 3))
        alone = report("alone", write_for(url, chosen.seconds))
        run = Run(url, server.pid, chosen.entries, alone)
        run.command("export", "large", "export", "-o", str(folder / "first"))
        run.command("import", "copy", "import", str(folder / "first"))
        run.command("import of what is there", "copy", "import", str(folder / "first"))
        run.command("export of the copy", "copy", "export", "-o", str(folder / "second"))
        is_same = digest_of(folder / "first") == digest_of(folder / "second")
        say(f"{(folder / 'first').stat().st_size / 1e6:,.0f} MB, round trip {'exact' if is_same else 'NOT EXACT'}")
    finally:
        server.terminate()
        server.wait(30)


class Run:
    """Runs commands while others write."""

    def __init__(self, url: str, server: int, entries: int, alone: float) -> None:
        self._url, self._server, self._entries, self._alone = url, server, entries, alone

    def command(self, name: str, namespace: str, *arguments: str) -> None:
        """Run `botwire` to its end, and say how fast it was, what memory it took, and what others' writes took."""
        workers = list(_children_of(self._server))
        before = {worker: memory_of(worker, "VmRSS") for worker in workers}
        for worker in workers:
            Path(f"/proc/{worker}/clear_refs").write_text("5")  # its peak counts from now on
        began, took, peak = time.monotonic(), [], 0.0
        command = [sys.executable, "-m", "botwire", "--url", self._url, "-n", namespace, *arguments]
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
        while running.poll() is None:
            peak = max(peak, memory_of(running.pid, "VmHWM"))
            took += write_for(self._url, 1)
        seconds = time.monotonic() - began
        if running.returncode:
            raise SystemExit(f"{name} ended with {running.returncode}")
        say(f"{name}: {seconds:.0f} s, {self._entries / seconds:,.0f} entries/s; the command's peak is {peak:.0f} MB")
        peaks = [(memory_of(worker, "VmHWM"), before[worker]) for worker in workers]
        highest, was = max(peaks, key=lambda pair: pair[0] - pair[1])
        say(f"  the web process whose memory grew most: {was:.0f} MB before, {highest:.0f} MB at its peak")
        during = report("  meanwhile", took)
        say(f"  others' p99 {self._alone:.1f} ms -> {during:.1f} ms")


def _children_of(process: int) -> Iterator[int]:
    """The processes below one, however deep."""
    for child in map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split()):
        yield child
        yield from _children_of(child)


def memory_of(process: int, what: str) -> float:
    """Megabytes that /proc tells of a process; 0 when it has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{what}:"))


def digest_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


if __name__ == "__main__":
    main()
