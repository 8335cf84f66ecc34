"""GET and PUT of single entries, every peer beside every other in each round."""

import random
import string
from functools import partial
from itertools import chain, product

from benchmarks.dialects import Request
from benchmarks.load import LoadFailed, fill, fire, send
from benchmarks.peers import Peer
from benchmarks.run import Options, Run

NAME = "speed"
SENTENCE = "GET, PUT over many namespaces, PUT all to one namespace; all peers"

GET, PUT, PUT_ONE = "GET", "PUT", "PUT, all to one namespace"
HOT = "hot"
_VALUES = 64
# Of each PUT there are so many, for a write of what is there already might be cheaper.
_VARIANTS = 4


def steps(options: Options) -> int:
    return 3 * options.rounds * len(options.peers)


def measure(run: Run) -> None:
    with run.started(*run.options.peers) as peers:
        prepared = [(peer, requests) for peer in peers if (requests := _prepare(run, peer))]
        rounds = range(1, run.options.rounds + 1)
        for scenario, number, (peer, requests) in product((GET, PUT, PUT_ONE), rounds, prepared):
            run.progress.say(f"{NAME}: {scenario}, round {number} of {run.options.rounds}, {peer.title}")
            run.measure(NAME, scenario, peer.name, partial(load, run, peer, requests[scenario]))


def load(run: Run, peer: Peer, requests: list[Request]) -> dict[str, float]:
    """One round of one peer."""
    options = run.options
    return fire(peer.port, requests, seconds=options.seconds, connections=options.connections, cpu=peer.cpu_seconds)


def _prepare(run: Run, peer: Peer) -> dict[str, list[Request]]:
    """The requests of each scenario, once every entry is there; nothing if the peer does not do what it is asked."""
    run.progress.say(f"{NAME}: filling {peer.title}")
    options, dialect, values = run.options, peer.dialect, make_values(run.options.value_bytes)
    groups = [[(f"ns{number}", f"key{key}") for key in range(options.keys)] for number in range(options.namespaces)]
    many = list(chain(*groups))
    hot = [(HOT, f"key{key}") for key in range(len(many))]
    try:
        send(peer.port, dialect.prepare([group[0][0] for group in (*groups, hot)]))
        # Each namespace in turn: Kinto answers 409 to some of the writes that reach one of its collections at once.
        fill(peer.port, [[dialect.put(*place, values[0]) for place in group] for group in (hot, *groups)])
        check_that_it_stores(peer, values[-1])
    except LoadFailed as error:
        run.results.failed.append(f"{peer.title}: {error}")
        return {}
    return {
        GET: [dialect.get(*place) for place in many],
        PUT: [dialect.put(*place, value) for place in many for value in random.sample(values, _VARIANTS)],
        PUT_ONE: [dialect.put(*place, value) for place in hot for value in random.sample(values, _VARIANTS)],
    }


def make_values(size: int) -> list[str]:
    """Texts of `size` letters that compress badly and differ."""
    return ["".join(random.choices(string.ascii_letters, k=size)) for _ in range(_VALUES)]  # noqa: S311


def check_that_it_stores(peer: Peer, value: str) -> None:
    """What was set is what is read, unless the peer stores nothing by nature; LoadFailed otherwise."""
    if not peer.is_storing:
        return
    dialect = peer.dialect
    [_, answer] = send(peer.port, [dialect.put(HOT, "key0", value), dialect.get(HOT, "key0")])
    if dialect.value_in(answer) != value:
        raise LoadFailed(f"what was set was not read again, but {answer[:200]!r}")
