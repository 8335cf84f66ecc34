"""Peers come up, are watched, and leave nothing behind."""

import os
import signal
import sys

import pytest

from benchmarks.processes import Child, NotStarted, children_of, cpu_seconds, free_port, resident_megabytes
from tests.polling import wait_until

PARENT = """
import subprocess, sys, time
busy = "import time; end = time.process_time() + 0.5\\nwhile time.process_time() < end: pass"
subprocess.run([sys.executable, "-c", busy])
subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"])
print("ready", flush=True)
time.sleep(60)
"""  # noqa: E501 - a program


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(") ")[2][0] != "Z"


def ignores_sigterm(pid: int) -> bool:
    with open(f"/proc/{pid}/status") as status:
        [mask] = [line.split()[1] for line in status if line.startswith("SigIgn:")]
    return bool(int(mask, 16) >> (signal.SIGTERM - 1) & 1)


def test_the_time_of_children_that_have_ended_is_counted_and_none_is_left(tmp_path):
    child = Child(sys.executable, "-c", PARENT, log=tmp_path / "log", environment={})
    wait_until(lambda: "ready" in (tmp_path / "log").read_text(), 20)
    [grandchild] = children_of(child.pid)
    wait_until(lambda: ignores_sigterm(grandchild), 20)

    assert cpu_seconds([child.pid]) >= 0.5
    assert resident_megabytes(grandchild) > 1

    child.end()

    wait_until(lambda: not is_running(grandchild), 20)
    assert not is_running(child.pid)
    child.end()  # once more does no harm


def test_one_that_does_not_come_up_is_told_with_the_end_of_its_log(tmp_path):
    child = Child(sys.executable, "-c", "raise SystemExit('no such setting')", log=tmp_path / "log", environment={})

    with pytest.raises(NotStarted, match="no such setting"):
        child.wait_until_answers(free_port(), "/")
