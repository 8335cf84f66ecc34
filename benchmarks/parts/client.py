"""What a call of the Python client costs beside the same request by httpx alone, one call after the other."""

import time
from collections.abc import Callable
from functools import partial

import httpx

from benchmarks.parts.speed import make_values
from benchmarks.run import Options, Run
from botwire import Memory

NAME = "client"
SENTENCE = "calls of the Python client beside plain httpx, on BotWire on SQLite"

OURS, PLAIN = "botwire.Memory", "httpx.Client"
NAMESPACE, KEY = "client", "key"


def steps(options: Options) -> int:
    return 4 * options.rounds if "sqlite" in options.peers else 0


def measure(run: Run) -> None:
    with run.started("sqlite") as peers:
        for peer in peers:
            url, value = f"http://127.0.0.1:{peer.port}", make_values(run.options.value_bytes)[0]
            with Memory(NAMESPACE, base_url=url) as memory, httpx.Client(base_url=url) as plain:
                _measure(run, memory, plain, value)


def _measure(run: Run, memory: Memory, plain: httpx.Client, value: str) -> None:
    path = f"/memory/{NAMESPACE}/{KEY}"
    calls: dict[str, dict[str, Callable[[], object]]] = {
        "set": {
            PLAIN: lambda: plain.put(path, json={"value": value}).raise_for_status().json(),
            OURS: lambda: memory.set(KEY, value),
        },
        "get": {
            PLAIN: lambda: plain.get(path).raise_for_status().json()["value"],
            OURS: lambda: memory.get(KEY),
        },
    }
    for scenario, contenders in calls.items():
        for call in contenders.values():
            call()  # connects, and for `get` there is something to read
        for number in range(1, run.options.rounds + 1):
            for name, call in contenders.items():
                run.progress.say(f"{NAME}: {scenario}, round {number} of {run.options.rounds}, {name}")
                run.measure(NAME, scenario, name, partial(_repeat, call, run.options.calls))


def _repeat(call: Callable[[], object], times: int) -> dict[str, float]:
    """Seconds of one call: on the clock, and of this thread's processor time, which is what the client itself costs."""
    began, began_cpu = time.perf_counter(), time.thread_time()
    for _ in range(times):
        call()
    return {
        "call": (time.perf_counter() - began) / times,
        "call_cpu": (time.thread_time() - began_cpu) / times,
    }
