"""Load on a peer: requests that `wrk` repeats in random order over kept connections, and what came of them."""

import json
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from tempfile import NamedTemporaryFile

from benchmarks.dialects import Request
from benchmarks.figures import Figures

SCRIPT = Path(__file__).with_name("load.lua")
FILLERS = 16


class LoadFailed(Exception):
    """The load could not be produced, or was not answered as it should be; the message says what came instead."""


@dataclass(frozen=True, slots=True)
class Result:
    """What wrk counted. `refused` were answered with an error, `lost` not at all; the percentiles are in seconds."""

    requests: int
    seconds: float
    refused: int
    lost: int
    p50: float
    p99: float


def parse(output: str) -> Result:
    """Read the line that load.lua writes; LoadFailed if there is none."""
    lines = [line for line in output.splitlines() if line.startswith("RESULT ")]
    if not lines:
        raise LoadFailed(f"wrk ended without a result:\n{output[-1000:]}")
    counted = json.loads(lines[0].removeprefix("RESULT "))
    return Result(
        requests=counted["requests"],
        seconds=counted["microseconds"] / 1e6,
        refused=counted["refused"],
        lost=counted["lost"],
        p50=counted["p50"] / 1e6,
        p99=counted["p99"] / 1e6,
    )


def as_file(requests: Sequence[Request]) -> bytes:
    """The requests as load.lua reads them."""
    return b"".join(b"%d\n%b" % (len(raw), raw) for raw in (request.as_bytes() for request in requests))


def fire(
    port: int, requests: Sequence[Request], *, seconds: int, connections: int, cpu: Callable[[], float]
) -> Figures:
    """Repeat the requests, in random order, for `seconds`; `cpu` gives the processor time that the peer has used."""
    if shutil.which("wrk") is None:
        raise LoadFailed("wrk is not installed: apt-get install wrk")
    with NamedTemporaryFile(suffix=".requests") as file:
        file.write(as_file(requests))
        file.flush()
        command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"]
        command += ["--timeout", "30s", "--script", str(SCRIPT), f"http://127.0.0.1:{port}", "--", file.name]
        cpu_before, generator_before = cpu(), _cpu_of_ended_children()
        ended = subprocess.run(command, capture_output=True, text=True)  # noqa: S603 - our own command
        cpu_used, generator_used = cpu() - cpu_before, _cpu_of_ended_children() - generator_before
    result = parse(ended.stdout + ended.stderr)
    if not result.requests:
        raise LoadFailed("no request was answered")
    return {
        "per_second": (result.requests - result.refused) / result.seconds,
        "p50": result.p50,
        "p99": result.p99,
        "cpu": cpu_used / result.requests,
        "errors": result.refused + result.lost,
        "requests": result.requests,
        "generator": generator_used / result.seconds,
    }


def _cpu_of_ended_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def send(port: int, requests: Sequence[Request]) -> list[bytes]:
    """Send each request once, one after the other, and return the answers' bodies; LoadFailed for an error."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    answers = []
    for request in requests:
        connection.request(request.method, request.path, request.body or None, dict(request.headers))
        response = connection.getresponse()
        answers.append(response.read())
        if response.status >= 300:
            raise LoadFailed(f"{request.method} {request.path} was answered {response.status}: {answers[-1][:300]!r}")
    connection.close()
    return answers


def fill(port: int, groups: Iterable[Sequence[Request]]) -> None:
    """Send each request once, those of a group in turn, FILLERS groups at a time; LoadFailed for an error."""
    with ThreadPoolExecutor(FILLERS) as senders:
        list(senders.map(lambda requests: send(port, requests), groups))
