"""How long `manage.py serve` takes, on a database that is there already, until it is ready."""

import time
from functools import partial

from benchmarks.peers import BOTWIRE, Peer
from benchmarks.run import Options, Run

NAME = "startup"
SENTENCE = "`serve` until /readyz, on an existing database; BotWire alone"

READY = "ready"


def steps(options: Options) -> int:
    return options.rounds * len(BOTWIRE.keys() & set(options.peers))


def measure(run: Run) -> None:
    with run.started(*BOTWIRE) as peers:
        for peer in peers:
            peer.end()
        for number in range(1, run.options.rounds + 1):
            for peer in peers:
                run.progress.say(f"{NAME}: round {number} of {run.options.rounds}, {peer.title}")
                run.measure(NAME, READY, peer.name, partial(_start, peer))
                peer.end()


def _start(peer: Peer) -> dict[str, float]:
    began = time.perf_counter()
    peer.start()
    return {"start": time.perf_counter() - began}
