"""What a purge costs other namespaces: their writes' p99 over HTTP, before and during a purge, in one run.

    uv run python benchmarks/purge.py --entries 1000000 [--database-url postgres://...]

It serves from a new data folder (and fills the given PostgreSQL database), and removes nothing but the folder.
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx

ROOT = Path(__file__).parent.parent
WRITERS = 4
PAUSE = 0.02  # between two writes of one writer: the server is busy, and not full
FILL = """
from datetime import UTC, datetime
from namespaces.models import Change, Entry, Namespace
now, number, name = datetime.now(UTC), {entries}, "purged"
Namespace.objects.create(name=name, created_at=now, revision=number, entries=number, bytes=number * 68,
    log_bytes=number * 68)
value = '"' + "x" * 57 + '"'
for first in range(0, number, 5_000):
    rows = range(first, min(first + 5_000, number))
    shared = [dict(namespace_id=name, key=f"k{{i:08}}", bytes=68, value=value) for i in rows]
    Entry.objects.bulk_create(
        Entry(**row, version=i + 1, created_at=now, updated_at=now) for i, row in zip(rows, shared))
    Change.objects.bulk_create(Change(**row, revision=i + 1, kind="set", at=now) for i, row in zip(rows, shared))
"""
START = """
from namespaces import purging
purging.start("purged", "", reason="benchmark", operator="benchmark")
"""
JOB = """
from namespaces.models import Namespace, PurgeJob
job, row = PurgeJob.objects.get(), Namespace.objects.get(name="purged")
print("JOB", job.state, job.removed, row.entries, row.bytes, (job.updated_at - job.started_at).total_seconds())
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--entries", type=int, default=1_000_000)
    options.add_argument("--seconds", type=float, default=20, help="of each measurement")
    options.add_argument("--database-url")
    options.add_argument("--wait", type=float, default=600, help="seconds for the purge to end")
    chosen = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="botwire-purge-"))
    try:
        measure(chosen, folder)
    finally:
        shutil.rmtree(folder)


def measure(chosen: argparse.Namespace, folder: Path) -> None:
    environment = {**os.environ, "BOTWIRE_DATA": str(folder), "BOTWIRE_WRITES_PER_DAY": "100000000"}
    if chosen.database_url:
        environment["DATABASE_URL"] = chosen.database_url
    manage(environment, "migrate", "-v0")
    began = time.monotonic()
    shell(environment, FILL.format(entries=chosen.entries))
    say(f"filled with {chosen.entries:,} entries and changes in {time.monotonic() - began:.0f} s")
    port = free_port()
    command = [sys.executable, "manage.py", "serve", "--bind", f"127.0.0.1:{port}", "--data", str(folder)]
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(url)
        report("warm-up", write_for(url, 5))
        alone = report("without a purge", write_for(url, chosen.seconds))
        shell(environment, START)
        during = report("during the purge", write_for(url, chosen.seconds))
        say(f"p99 {alone:.1f} ms -> {during:.1f} ms; allowed {max(50, 2 * alone):.1f} ms")
        deadline = time.monotonic() + chosen.wait
        while "JOB running" in (job := shell(environment, JOB)) and time.monotonic() < deadline:
            time.sleep(2)
        say(job.strip())
        report("without a purge, again", write_for(url, chosen.seconds / 2))
    finally:
        server.terminate()
        server.wait(30)


def write_for(url: str, seconds: float) -> list[float]:
    """The milliseconds of every write of WRITERS writers, each in a namespace of its own."""
    took: list[float] = []
    end = time.monotonic() + seconds

    def write(number: int) -> None:
        with httpx.Client(base_url=url, timeout=30) as client:
            while (began := time.monotonic()) < end:
                client.put(f"/memory/writer-{number}/k", json={"value": began}).raise_for_status()
                took.append((time.monotonic() - began) * 1_000)
                time.sleep(PAUSE)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    return took


def report(name: str, took: list[float]) -> float:
    p99 = statistics.quantiles(took, n=100)[98]
    median = statistics.median(took)
    say(f"{name}: {len(took):,} writes, median {median:.1f} ms, p99 {p99:.1f} ms, max {max(took):.0f} ms")
    return p99


def shell(environment: dict[str, str], code: str) -> str:
    return manage(environment, "shell", "-v0", "-c", code)


def manage(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    ended = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    return ended.stdout


def wait_until_ready(url: str) -> None:
    for _ in range(1_200):
        try:
            if httpx.get(f"{url}/readyz", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise SystemExit("the server does not answer")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
