"""What BotWire is to reach: each goal is one row that results are held against. No run fails for missing one."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.figures import Results
from benchmarks.parts import growth, memory, speed, startup
from benchmarks.peers import BOTWIRE

Reading = Callable[[Results], float | None]


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal: what is read from the results, and the least or the most that it is to be."""

    sentence: str
    reading: Reading
    unit: str = " times"
    at_least: float | None = None
    at_most: float | None = None

    def is_met_by(self, figure: float) -> bool:
        return (self.at_least is None or figure >= self.at_least) and (self.at_most is None or figure <= self.at_most)

    @property
    def bound(self) -> str:
        """The goal's number in words."""
        word, number = ("at most", self.at_most) if self.at_least is None else ("at least", self.at_least)
        return f"{word} {number:g}{self.unit}"


def _ratio(scenario: str, peer: str, other: str, figure: str = "per_second") -> Reading:
    def read(results: Results) -> float | None:
        mine, its = (results.find(speed.NAME, scenario, name) for name in (peer, other))
        return mine.ratio(its, figure) if mine and its else None

    return read


def _median(part: str, scenario: str, peer: str, figure: str) -> Reading:
    def read(results: Results) -> float | None:
        series = results.find(part, scenario, peer)
        return series.median(figure) if series else None

    return read


def _memory_growth(peer: str) -> Reading:
    def read(results: Results) -> float | None:
        series = results.find(memory.NAME, memory.WORKER, peer)
        warm, after = (series.median("rss_warm"), series.median("rss_after")) if series else (None, None)
        return after / warm if warm and after else None

    return read


def _slowest_when_grown(peer: str, what: str) -> Reading:
    """The least ratio of a larger data set's speed to the smallest one's."""

    def read(results: Results) -> float | None:
        scenario = growth.scenario_of(peer, what)
        grown = [series for series in results.of_part(growth.NAME) if series.scenario == scenario]
        ratios = [each.ratio(grown[0], "per_second") for each in grown[1:]]
        return min((ratio for ratio in ratios if ratio is not None), default=None)

    return read


def _on_both(make: Callable[[str, str], Goal]) -> list[Goal]:
    return [make(name, peer.title) for name, peer in BOTWIRE.items()]


GOALS = (
    Goal("SQLite, GET: to the stand-in", _ratio(speed.GET, "sqlite", "standin"), at_least=5),
    Goal("SQLite, PUT: to the stand-in", _ratio(speed.PUT, "sqlite", "standin"), at_least=4),
    Goal("SQLite, PUT: p99 to the stand-in's", _ratio(speed.PUT, "sqlite", "standin", "p99"), at_most=0.1),
    Goal("PostgreSQL, GET: to the stand-in", _ratio(speed.GET, "postgresql", "standin"), at_least=2),
    Goal("PostgreSQL, PUT: to the stand-in", _ratio(speed.PUT, "postgresql", "standin"), at_least=2),
    Goal("PostgreSQL, GET: to Kinto", _ratio(speed.GET, "postgresql", "kinto"), at_least=10),
    Goal("PostgreSQL, PUT: to Kinto", _ratio(speed.PUT, "postgresql", "kinto"), at_least=10),
    Goal("SQLite, GET: to etcd's gateway", _ratio(speed.GET, "sqlite", "etcd"), at_least=1),
    Goal("SQLite, PUT: to etcd's gateway", _ratio(speed.PUT, "sqlite", "etcd"), at_least=1),
    Goal("SQLite, GET: to Webdis + Redis", _ratio(speed.GET, "sqlite", "webdis"), at_least=0.7),
    Goal("SQLite, PUT: to Webdis + Redis", _ratio(speed.PUT, "sqlite", "webdis"), at_least=1),
    Goal("SQLite, GET: to the floor", _ratio(speed.GET, "sqlite", "floor"), at_least=0.5),
    *_on_both(lambda n, title: Goal(f"{title}, GET as data grows", _slowest_when_grown(n, "GET"), at_least=0.8)),
    *_on_both(lambda n, title: Goal(f"{title}, PUT as data grows", _slowest_when_grown(n, "PUT"), at_least=0.8)),
    *_on_both(
        lambda n, title: Goal(f"{title}, start", _median(startup.NAME, startup.READY, n, "start"), unit=" s", at_most=2)
    ),
    *_on_both(
        lambda n, title: Goal(
            f"{title}, a worker at rest", _median(memory.NAME, memory.WORKER, n, "rss_at_rest"), unit=" MB", at_most=120
        )
    ),
    *_on_both(lambda n, title: Goal(f"{title}, a worker after all, to warm", _memory_growth(n), at_most=1.05)),
)
