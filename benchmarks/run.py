"""One run: its options, what it has measured so far, and how peers come and go in it. Each part measures for itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from benchmarks.figures import Figures, Results
from benchmarks.ground import Ground
from benchmarks.load import LoadFailed
from benchmarks.peers import PEERS, Peer
from benchmarks.processes import NotStarted
from benchmarks.progress import Progress


@dataclass(frozen=True, slots=True)
class Options:
    """How much is measured. `growth` holds data sets as (namespaces, entries in each), the smallest first."""

    peers: tuple[str, ...]
    rounds: int = 5
    seconds: int = 5
    connections: int = 32
    workers: int = 1
    value_bytes: int = 1024
    namespaces: int = 100
    keys: int = 20
    lists: tuple[int, ...] = (100, 1_000, 10_000)
    growth: tuple[tuple[int, int], ...] = ((1, 100), (100, 100), (1, 10_000), (10_000, 100), (1, 1_000_000))
    calls: int = 500
    memory_requests: int = 1_000_000

    def quick(self) -> "Options":
        """Enough to see that everything works, and for no figure to be worth anything."""
        return replace(
            self,
            rounds=1,
            seconds=1,
            namespaces=5,
            keys=4,
            lists=(10, 50),
            growth=((1, 50), (5, 20)),
            calls=20,
            memory_requests=200,
        )


@dataclass(slots=True)
class Run:
    """What every part is given. `available` are the peers, of those asked for, that can be run on this machine."""

    options: Options
    ground: Ground
    results: Results
    progress: Progress
    available: tuple[str, ...]

    @contextmanager
    def started(self, *names: str) -> Iterator[list[Peer]]:
        """Those of the named peers that are available and come up, on empty data; they end with the context."""
        peers: list[Peer] = []
        try:
            for name in names:
                if name in self.available:
                    self.progress.say(f"starting {PEERS[name].title}")
                    peers += self._start(name)
            yield peers
        finally:
            for peer in reversed(peers):
                peer.end()

    def _start(self, name: str) -> list[Peer]:
        peer = PEERS[name](self.ground)
        try:
            peer.start()
        except (NotStarted, OSError) as error:
            peer.end()
            self.results.failed.append(f"{peer.title}: {error}")
            return []
        return [peer]

    def measure(self, part: str, scenario: str, peer: str, measured: Callable[[], Figures]) -> None:
        """Add a round to the results; one that fails is told there and stays empty, and the run goes on."""
        figures: Figures = {}
        try:
            figures = measured()
        except (LoadFailed, NotStarted) as error:
            self.results.failed.append(f"{part}, {scenario}, {peer}: {error}")
        self.results.add(part, scenario, peer, figures)
        self.progress.step()
