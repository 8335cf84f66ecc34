"""Every acknowledged write waited for the disk: watched with strace, from outside, while the server runs."""

import os
import re
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.faults.processes import web_workers
from tests.polling import wait_until

STRACE = shutil.which("strace")
CLIENTS = 6
WRITES_EACH = 15
# `1234 1699999999.123456 fdatasync(7</data/x-wal>) = 0 <0.001234>`
SYNC = re.compile(r"^\d+ +(\d+\.\d+) (?:fsync|fdatasync)\(.*= 0 <(\d+\.\d+)>$")
RESUMED = re.compile(r"^\d+ +(\d+\.\d+) <\.\.\. (?:fsync|fdatasync) resumed>.*= 0 <(\d+\.\d+)>$")


@dataclass(frozen=True)
class Span:
    """From when to when something went on, in seconds since the epoch."""

    began: float
    ended: float

    def has(self, other: "Span") -> bool:
        return self.began <= other.began and other.ended <= self.ended


@contextmanager
def syncs_of(process_ids: list[int], folder: Path):
    """What these processes, and those that they fork, sync meanwhile: a list of Spans, filled at the end."""
    if STRACE is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no strace on this machine: apt-get install strace")
    seen: list[Span] = []
    output = folder / "strace"
    watched = [argument for number in process_ids for argument in ("-p", str(number))]
    arguments = ["-f", "-ttt", "-T", "-e", "trace=fsync,fdatasync", "-o", str(output)]
    process = subprocess.Popen([STRACE, *arguments, *watched], stderr=subprocess.PIPE)
    try:
        wait_until(lambda: all(is_traced(number) for number in process_ids) or process.poll() is not None)
        assert process.poll() is None, process.stderr.read()
        yield seen
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    for line in output.read_text().splitlines():
        if found := SYNC.match(line):
            began, took = map(float, found.groups())
            seen.append(Span(began, began + took))
        elif found := RESUMED.match(line):
            ended, took = map(float, found.groups())
            seen.append(Span(ended - took, ended))


def is_traced(number: int) -> bool:
    return all("TracerPid:\t0\n" not in task.read_text() for task in Path(f"/proc/{number}/task").glob("*/status"))


@pytest.fixture
def watched(database, request):
    """The processes that write to the disk of the server at hand."""

    def of(server) -> list[int]:
        if database == "postgresql":
            return request.getfixturevalue("own_postgresql").process_ids()
        return web_workers(server)

    return of


def write(http: httpx.Client, path: str) -> Span:
    began = time.time()
    answer = http.put(path, json={"value": began})
    assert answer.is_success
    return Span(began, time.time())


def test_a_sync_lies_within_every_acknowledged_write(breakable, watched, namespace, tmp_path):
    def write_some(number: int) -> list[Span]:
        with httpx.Client(base_url=breakable.url, timeout=30, trust_env=False, verify=False) as http:
            return [write(http, f"/memory/{namespace}/{number}") for _ in range(WRITES_EACH)]

    write_some(0)
    with syncs_of(watched(breakable), tmp_path) as syncs:
        one_by_one = write_some(0)
        with ThreadPoolExecutor(CLIENTS) as pool:
            together = [span for spans in pool.map(write_some, range(CLIENTS)) for span in spans]

    assert [span for span in one_by_one + together if not any(span.has(sync) for sync in syncs)] == []
    first, last = one_by_one[0].began, one_by_one[-1].ended
    assert sum(Span(first, last).has(sync) for sync in syncs) >= WRITES_EACH, "one by one, each is a group of its own"


@pytest.mark.only_on("postgresql")
def test_postgresql_counts_a_sync_of_its_log_for_every_write(own_postgresql, breakable, namespace):
    def put(number: int) -> None:
        assert httpx.put(f"{breakable.url}/memory/{namespace}/{number}", json={"value": number}).is_success

    put(0)
    before = own_postgresql.log_syncs()
    for number in range(WRITES_EACH):
        put(number)
    wait_until(lambda: own_postgresql.log_syncs() - before >= WRITES_EACH, seconds=15)  # counts are published late

    with psycopg.connect(breakable.database_url) as connection:
        shown = {name: connection.execute(f"SHOW {name}").fetchone()[0] for name in ("fsync", "full_page_writes")}
    assert shown == {"fsync": "on", "full_page_writes": "on"}
