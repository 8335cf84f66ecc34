"""The command as it is used: a quick run measures every part, and Ctrl-C leaves nothing behind."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.parts import PARTS
from tests.conftest import ROOT

BENCHMARK = [sys.executable, "-m", "benchmarks"]


@pytest.fixture
def wrk() -> str:
    """The load generator, which CI has."""
    found = shutil.which("wrk")
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no load generator on this machine: apt-get install wrk")
    return found


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*BENCHMARK, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=580,
    )


@pytest.mark.timeout(600)  # it starts a server a dozen times
def test_a_quick_run_measures_every_part(database, wrk, tmp_path):
    output, data = tmp_path / "output", tmp_path / "data"
    data.mkdir()
    elsewhere = "postgres://nobody@127.0.0.1:1/in_use"

    arguments = ["--quick", "--peers", database, "floor", "--output", str(output), "--folder", str(data)]
    ended = run(*arguments, DATABASE_URL=elsewhere)

    assert ended.returncode == 0, ended.stderr
    results = json.loads((output / "results.json").read_text())
    assert results["failed"] == []
    assert {series["part"] for series in results["series"]} >= set(PARTS) - (
        {"client"} if database != "sqlite" else set()
    )
    for series in results["series"]:
        assert series["rounds"]
        for figures in series["rounds"]:
            assert figures.get("errors", 0) == 0, series
            assert all(figures[name] > 0 for name in figures.keys() & {"per_second", "p50", "p99", "call", "start"})
    assert (output / "results.md").read_text() == ended.stdout.removesuffix("\n")
    assert list(data.iterdir()) == [], "the folder for data is empty again"


def test_the_report_of_an_earlier_run_is_written_again(tmp_path):
    (tmp_path / "before").mkdir()
    earlier = tmp_path / "before" / "results.json"
    rounds = [{"per_second": 10.0}]
    series = [{"part": "speed", "scenario": "GET", "peer": "sqlite", "rounds": rounds}]
    earlier.write_text(
        json.dumps({"format": 1, "about": {}, "peers": {}, "skipped": {}, "failed": [], "series": series})
    )

    ended = run("--from", str(earlier), "--output", str(tmp_path / "after"))

    assert ended.returncode == 0, ended.stderr
    assert "| BotWire on SQLite | 10 |  |  |  |  |" in (tmp_path / "after" / "results.md").read_text()


def test_what_is_not_installed_is_left_out_with_a_line(wrk, tmp_path):
    (tmp_path / "wrk").symlink_to(wrk)

    ended = run("--quick", "--parts", "speed", "--peers", "etcd", "--output", str(tmp_path / "o"), PATH=str(tmp_path))

    assert ended.returncode == 0
    line = "etcd is not installed; it is in Debian's package etcd-server"
    assert f"etcd, JSON gateway is left out: {line}" in ended.stderr.splitlines()
    assert f"- etcd, JSON gateway did not take part: {line}" in ended.stdout


def test_without_a_load_generator_it_says_what_to_install(tmp_path):
    ended = run("--quick", PATH=str(tmp_path))

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.endswith("The load generator is missing: apt-get install wrk\n")


@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_being_stopped_leaves_nothing_behind(database, wrk, tmp_path, number):
    process = subprocess.Popen(
        [*BENCHMARK, "--quick", "--parts", "speed", "--peers", "sqlite", database, "floor", "--folder", str(tmp_path)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until_measuring(process)
    assert processes_in(tmp_path)

    os.killpg(process.pid, number)  # as a terminal does: wrk is in this group, too

    assert process.wait(60) in (130, 143)
    assert processes_in(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def until_measuring(process: subprocess.Popen[str]) -> None:
    for line in process.stderr:
        if re.search(r"round 1 of 1, floor", line):
            time.sleep(0.2)
            return
    raise AssertionError("it ended before it measured")


def processes_in(folder: Path) -> list[int]:
    """The processes whose command line or environment names the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = process.joinpath("cmdline").read_bytes() + process.joinpath("environ").read_bytes()
        except OSError:
            continue
        if bytes(folder) in told and int(process.name) != os.getpid():
            found.append(int(process.name))
    return found
