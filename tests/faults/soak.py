"""Everything at once for minutes: `uv run python -m tests.faults.soak --minutes 10 --database postgresql`.

Writers, readers, listers, deleters, a clearer and entries that expire, on a server of its own, over our client. For two
thirds of the time web processes are killed and everything is reloaded; the last third is left in peace, so that growth
shows. It ends with status 0 if nothing grew, nothing failed but what a kill explains, and all counters equal a recount.
Not a part of the test suite.
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from botwire import BotWireConnectionError, BotWireError, KeyNotFoundError, Memory
from tests.faults.load import ROOM
from tests.faults.postgresql import PostgreSQL
from tests.faults.processes import descriptors, resident_bytes, threads, web_workers
from tests.promises.books import books_of
from tests.servers import Server

NAMESPACES = [f"soak-{number}" for number in range(4)]
KEYS = 500
KILL_SECONDS, RELOAD_SECONDS, SAMPLE_SECONDS = 20.0, 45.0, 5.0
MEBIBYTE = 1_048_576
# What a process may gain in the quiet third, all noise included.
GROWTH = {"bytes": 12 * MEBIBYTE, "threads": 2, "descriptors": 12, "connections": 4}


@dataclass(frozen=True)
class Sample:
    """What the server held at one moment: the most of any web process, and the connections of all processes."""

    bytes: int
    threads: int
    descriptors: int
    connections: int


class Agents:
    """Threads that use the server as agents do, until told to stop; `counts` tells what they did and met."""

    def __init__(self, url: str) -> None:
        self.counts: Counter[str] = Counter()
        self.acknowledged: dict[str, dict[int, str]] = {name: {} for name in NAMESPACES}
        self.failures: list[BotWireError] = []
        self._memories = {name: Memory(name, base_url=url) for name in NAMESPACES}
        self._is_over = threading.Event()
        acts = [self._write] * 5 + [self._read] * 4 + [self._list, self._items, self._delete, self._clear]
        self._threads = [
            threading.Thread(target=self._repeat, args=(act, random.Random(seed))) for seed, act in enumerate(acts)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, act: Callable[[random.Random, str], None], choice: random.Random) -> None:
        while not self._is_over.wait(0.002):
            try:
                act(choice, choice.choice(NAMESPACES))
            except BotWireConnectionError as error:
                self.counts["unknown" if error.is_outcome_unknown else "unreached"] += 1
            except BotWireError as error:
                self.failures.append(error)

    def _write(self, choice: random.Random, namespace: str) -> None:
        value = f"{choice.random()} " + "x" * choice.randrange(2_000)
        ttl = choice.choice([None, None, 0.5, 5])
        stored = self._memories[namespace].set(f"key:{choice.randrange(KEYS)}", value, ttl=ttl)
        self.acknowledged[namespace][stored.version] = value
        self.counts["writes"] += 1

    def _read(self, choice: random.Random, namespace: str) -> None:
        with contextlib.suppress(KeyNotFoundError):
            self._memories[namespace].get(f"key:{choice.randrange(KEYS)}")
        self.counts["reads"] += 1

    def _list(self, choice: random.Random, namespace: str) -> None:
        self._memories[namespace].list_keys("key:1")
        self.counts["lists"] += 1
        self._is_over.wait(0.05)

    def _items(self, choice: random.Random, namespace: str) -> None:
        for _ in self._memories[namespace].items("key:2"):
            pass
        self.counts["lists"] += 1
        self._is_over.wait(0.2)

    def _delete(self, choice: random.Random, namespace: str) -> None:
        self._memories[namespace].delete(f"key:{choice.randrange(KEYS)}")
        self.counts["deletes"] += 1
        self._is_over.wait(0.01)

    def _clear(self, choice: random.Random, namespace: str) -> None:
        self._memories[namespace].clear("key:3")
        self.counts["clears"] += 1
        self._is_over.wait(3)


class Soak:
    """One run against one server."""

    def __init__(self, server: Server, minutes: float) -> None:
        self.server, self._seconds = server, minutes * 60
        self.agents = Agents(server.url)
        self.kills = self.reloads = 0

    def run(self) -> list[Sample]:
        """Two thirds with kills and reloads, one third without; what was seen in that, warmed up."""
        self.agents.start()
        try:
            began = time.monotonic()
            rough, end = began + self._seconds * 2 / 3, began + self._seconds
            self._sample_until(rough, began, self._disturb())
            return self._sample_until(end, began, iter(lambda: None, 0))
        finally:
            self.agents.stop()

    def _sample_until(self, end: float, began: float, disturbances: Iterator[None]) -> list[Sample]:
        samples = []
        while time.monotonic() < end:
            next(disturbances)
            with contextlib.suppress(FileNotFoundError):  # a process that has just been killed
                samples.append(self._sample())
                self._say(time.monotonic() - began, samples[-1])
            time.sleep(SAMPLE_SECONDS)
        return samples

    def _disturb(self) -> Iterator[None]:
        """Kill a web process or reload all, when it is time for it."""
        kill_at, reload_at = time.monotonic() + KILL_SECONDS, time.monotonic() + RELOAD_SECONDS
        while True:
            if time.monotonic() > reload_at:
                self.server.process.send_signal(signal.SIGHUP)
                self.reloads, reload_at = self.reloads + 1, time.monotonic() + RELOAD_SECONDS
            elif time.monotonic() > kill_at:
                os.kill(random.choice(web_workers(self.server)), signal.SIGKILL)
                self.kills, kill_at = self.kills + 1, time.monotonic() + KILL_SECONDS
            yield

    def _sample(self) -> Sample:
        workers = web_workers(self.server)
        return Sample(
            max(map(resident_bytes, workers)),
            max(map(threads, workers)),
            max(map(descriptors, workers)),
            self._connections(),
        )

    def _connections(self) -> int:
        if not self.server.database_url:
            return 0
        with psycopg.connect(self.server.database_url) as connection:
            others = (
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return int(connection.execute(others).fetchone()[0])

    def _say(self, seconds: float, sample: Sample) -> None:
        counts = ", ".join(f"{count:,} {name}" for name, count in sorted(self.agents.counts.items()))
        say(
            f"{seconds:5.0f} s  {counts}; {self.kills} kills, {self.reloads} reloads, "
            f"{len(self.agents.failures)} failures; at most {sample.bytes / MEBIBYTE:.0f} MiB, "
            f"{sample.threads} threads, {sample.descriptors} descriptors; {sample.connections} connections"
        )

    def faults(self, quiet: list[Sample]) -> Iterator[str]:
        """What is wrong, in sentences."""
        if len(quiet) < 6:
            yield "too short to tell: run it for longer"
        for name, most in GROWTH.items():
            held = [getattr(sample, name) for sample in quiet[len(quiet) // 4 :]]
            gained = statistics.median(held[-3:]) - statistics.median(held[:3])
            if gained > most:
                yield f"{name} grew by {gained:,} in the quiet third: {held}"
        for failure in self.agents.failures[:10]:
            yield f"{type(failure).__name__}: {failure}"
        if self.agents.counts["unknown"] > 0 and not self.kills:
            yield "writes without an answer, though nothing was killed"
        for namespace in NAMESPACES:
            yield from self._faults_in_books(namespace)

    def _faults_in_books(self, namespace: str) -> Iterator[str]:
        books = books_of(self.server, namespace)
        try:
            books.assert_balanced()
        except AssertionError:
            yield f"{namespace}: {books.counters} are not {books.recount()}, or the log tells something else"
        written = {change.revision: change.value for change in books.log}
        lost = [
            version
            for version, value in self.agents.acknowledged[namespace].items()
            if written.get(version) != f'"{value}"'
        ]
        if lost:
            yield f"{namespace}: {len(lost)} acknowledged writes are lost, the first is {lost[0]}"


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextlib.contextmanager
def a_server(database: str, *, workers: int | None = None) -> Iterator[Server]:
    """A server of the run's own, and all that it needs."""
    folder = Path(tempfile.mkdtemp(prefix="botwire-soak-"))
    postgresql = PostgreSQL(max_connections="100") if database == "postgresql" else None
    server = Server(folder, postgresql and postgresql.make_database(), {**ROOM, "BOTWIRE_BYTES": str(1 << 40)})
    server.workers = workers
    try:
        server.start()
        yield server
    finally:
        if server.process and server.process.poll() is None:
            server.stop()
        if postgresql:
            postgresql.remove()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """0 if all is well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    given = parser.parse_args()
    with a_server(given.database) as server:
        soak = Soak(server, given.minutes)
        faults = list(soak.faults(soak.run()))
    for fault in faults:
        say(f"FAULT  {fault}")
    say("calm" if not faults else f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
