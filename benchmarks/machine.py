"""What a run ran on, for whoever reads its figures later."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.ground import ROOT, Ground
from benchmarks.run import Options


def describe(options: Options, ground: Ground) -> dict[str, str]:
    """The machine, the checkout and the settings of a run, as short texts by name."""
    kernel = platform.release().partition("-")[0]
    return {
        "measured": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, of commit {_commit()}",
        "machine": f"{os.cpu_count()} cores, {_processor()}, Linux {kernel}, {ground.filesystem()}",
        "load average at the start": _load(),
        "python": platform.python_version(),
        "each figure": (
            f"median of {options.rounds} rounds of {options.seconds} s, all peers in each round; ratios are medians of "
            "the rounds' ratios"
        ),
        "load": f"wrk, {options.connections} kept connections, values of {options.value_bytes:,} bytes",
        "workers of BotWire and of the floor": str(options.workers),
    }


def _load() -> str:
    load = os.getloadavg()[0]
    is_busy = load > (os.cpu_count() or 1) / 2
    return f"{load:.1f}{': others use this machine, **these figures are a first impression**' if is_busy else ''}"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
