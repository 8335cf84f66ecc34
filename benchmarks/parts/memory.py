"""The memory of BotWire's web workers: at rest, and after many requests of every kind that agents send most."""

from functools import partial
from itertools import cycle

from benchmarks.parts.speed import load, make_values
from benchmarks.peers import BOTWIRE, BotWireOnSQLite
from benchmarks.processes import proportional_megabytes, resident_megabytes
from benchmarks.run import Options, Run

NAME = "memory"
SENTENCE = "a worker's memory at rest and after many requests; BotWire alone"

WORKER = "per worker"
_WARM = 0.1


def steps(options: Options) -> int:
    return len(BOTWIRE.keys() & set(options.peers))


def measure(run: Run) -> None:
    for name in BOTWIRE:
        with run.started(name) as peers:
            for peer in peers:
                assert isinstance(peer, BotWireOnSQLite)
                run.measure(NAME, WORKER, name, partial(_watch, run, peer))


def _watch(run: Run, peer: BotWireOnSQLite) -> dict[str, float]:
    """The largest worker's megabytes: at rest, after a tenth of the requests, when what is lazy is there, after all."""
    wanted, done = run.options.memory_requests, 0.0
    figures = {"rss_at_rest": _largest(peer), "pss_at_rest": max(map(proportional_megabytes, peer.workers()))}
    value = make_values(run.options.value_bytes)[0]
    places = [(f"ns{n}", f"key{k}") for n in range(run.options.namespaces) for k in range(run.options.keys)]
    puts = [peer.dialect.put(*place, value) for place in places]
    gets = [peer.dialect.get(*place) for place in places]
    for requests in cycle((puts, gets)):
        done += load(run, peer, requests)["requests"]
        run.progress.say(f"{NAME}: {done:,.0f} of {wanted:,} requests, {peer.title}")
        if done >= _WARM * wanted:
            figures.setdefault("rss_warm", _largest(peer))
        if done >= wanted:
            break
    return {**figures, "rss_after": _largest(peer), "requests": done}


def _largest(peer: BotWireOnSQLite) -> float:
    return max(map(resident_megabytes, peer.workers()))
