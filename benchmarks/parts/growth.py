"""BotWire's speed as what it stores grows: the same requests on data sets of several sizes, side by side."""

import random
from contextlib import ExitStack
from functools import partial
from itertools import product

from benchmarks import bulk
from benchmarks.dialects import BotWire, Request
from benchmarks.parts.speed import load, make_values
from benchmarks.peers import BOTWIRE, BotWireOnSQLite
from benchmarks.processes import NotStarted
from benchmarks.run import Options, Run

NAME = "growth"
SENTENCE = "GET, PUT and a list as entries and namespaces grow; BotWire alone"

LISTED = 100
GET, PUT, LIST = SCENARIOS = ("GET", "PUT", f"list of {LISTED} keys")
DIALECT = BotWire()
_SAMPLE = 5_000
DataSet = tuple[int, int]


def steps(options: Options) -> int:
    return (1 + 3 * options.rounds) * len(options.growth) * len(BOTWIRE.keys() & set(options.peers))


def label(data: DataSet) -> str:
    """How a data set is called in the results."""
    namespaces, entries = data
    return f"{namespaces:,} namespace{'s'[: namespaces != 1]} of {entries:,}"


def scenario_of(peer: str, what: str) -> str:
    return f"{BOTWIRE[peer].title}: {what}"


def measure(run: Run) -> None:
    for name in BOTWIRE:
        if name in run.available:
            _measure_on(run, name)


def _measure_on(run: Run, name: str) -> None:
    rounds = range(1, run.options.rounds + 1)
    with ExitStack() as ends:
        grown = [(data, peer) for data in run.options.growth if (peer := _grow(run, name, data, ends))]
        for what, number, (data, peer) in product(SCENARIOS, rounds, grown):
            run.progress.say(f"{NAME}: {what}, {label(data)}, round {number} of {run.options.rounds}, {peer.title}")
            requests = _requests(what, data, run.options.value_bytes)
            run.measure(NAME, scenario_of(name, what), label(data), partial(load, run, peer, requests))


def _grow(run: Run, name: str, data: DataSet, ends: ExitStack) -> BotWireOnSQLite | None:
    """A server whose data is that data set."""
    run.progress.say(f"{NAME}: loading {label(data)} for {BOTWIRE[name].title}")
    peer = BOTWIRE[name](run.ground)
    ends.callback(peer.end)
    try:
        bulk.load_for(peer, *data, value_bytes=run.options.value_bytes)
        peer.start()
    except (NotStarted, OSError) as error:
        run.results.failed.append(f"{NAME}, {label(data)}, {peer.title}: {error}")
        return None
    finally:
        run.progress.step()
    return peer


def _requests(what: str, data: DataSet, value_bytes: int) -> list[Request]:
    """Requests for places all over the data set."""
    namespaces, entries = data
    places = [bulk.place(random.randrange(namespaces), random.randrange(entries)) for _ in range(_SAMPLE)]  # noqa: S311
    if what == GET:
        return [DIALECT.get(*place) for place in places]
    if what == PUT:
        values = make_values(value_bytes)
        return [DIALECT.put(*place, values[number % len(values)]) for number, place in enumerate(places)]
    return [DIALECT.keys(namespace, LISTED) for namespace, _ in places]
