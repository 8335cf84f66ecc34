"""Lists of a namespace's keys: how many keys a second, by how many one list returns."""

from functools import partial
from itertools import product

from benchmarks.dialects import Request
from benchmarks.load import FILLERS, LoadFailed, fill, fire, send
from benchmarks.peers import Peer
from benchmarks.run import Options, Run

NAME = "lists"
SENTENCE = "lists of up to 10,000 keys; the peers that can list the keys of a namespace"

PEERS = ("sqlite", "postgresql", "standin", "etcd")
LISTED = "listed"
# A list is a large answer: more at once would measure nothing but a queue.
CONNECTIONS = 4


def steps(options: Options) -> int:
    return len(options.lists) * options.rounds * len(set(PEERS) & set(options.peers))


def scenario_of(size: int) -> str:
    return f"list of {size:,} keys"


def measure(run: Run) -> None:
    with run.started(*PEERS) as peers:
        filled = [peer for peer in peers if _fill(run, peer)]
        for size, number, peer in product(run.options.lists, range(1, run.options.rounds + 1), filled):
            run.progress.say(f"{NAME}: {size:,} keys, round {number} of {run.options.rounds}, {peer.title}")
            run.measure(NAME, scenario_of(size), peer.name, partial(_load, run, peer, size))


def _fill(run: Run, peer: Peer) -> bool:
    run.progress.say(f"{NAME}: filling {peer.title}")
    puts = [peer.dialect.put(LISTED, f"key-{number:06}", "x") for number in range(max(run.options.lists))]
    try:
        send(peer.port, puts[:1])
        fill(peer.port, [puts[number::FILLERS] for number in range(FILLERS)])
    except LoadFailed as error:
        run.results.failed.append(f"{peer.title}: {error}")
        return False
    return True


def _load(run: Run, peer: Peer, size: int) -> dict[str, float]:
    request = peer.dialect.keys(LISTED, size)
    assert isinstance(request, Request), "only peers that list take part"
    [answer] = send(peer.port, [request])
    if peer.dialect.count_in(answer) != size:
        raise LoadFailed(f"{size} keys were asked for, {peer.dialect.count_in(answer)} came")
    figures = fire(peer.port, [request], seconds=run.options.seconds, connections=CONNECTIONS, cpu=peer.cpu_seconds)
    return {**figures, "keys_per_second": figures["per_second"] * size}
