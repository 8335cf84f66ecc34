"""What was measured: rounds of named figures, their medians and their ratios. It neither measures nor formats."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Series:
    """One peer in one scenario: the figures of each round. Times are in seconds, memory in 1,000,000 bytes."""

    part: str
    scenario: str
    peer: str
    rounds: list[Figures] = field(default_factory=list)

    def median(self, figure: str) -> float | None:
        """The median over the rounds; None where it was not measured."""
        values = [each[figure] for each in self.rounds if figure in each]
        return median(values) if values else None

    def total(self, figure: str) -> float:
        return sum(each.get(figure, 0.0) for each in self.rounds)

    def ratio(self, other: "Series", figure: str) -> float | None:
        """The median of the rounds' ratios to `other`: rounds of one number ran beside one another, in one weather."""
        pairs = zip(self.rounds, other.rounds, strict=False)
        ratios = [a[figure] / b[figure] for a, b in pairs if a.get(figure) is not None and b.get(figure)]
        return median(ratios) if ratios else None


@dataclass(slots=True)
class Results:
    """Everything that a run measured, with what it ran on.

    `peers` tells what each is, `skipped` why one did not take part; `failed` are the measurements that came to nothing.
    """

    about: dict[str, Any]
    peers: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)

    def find(self, part: str, scenario: str, peer: str) -> Series | None:
        """One series; None where that was not measured."""
        found = (s for s in self.series if (s.part, s.scenario, s.peer) == (part, scenario, peer))
        return next(found, None)

    def of_part(self, part: str) -> list[Series]:
        return [series for series in self.series if series.part == part]

    def add(self, part: str, scenario: str, peer: str, figures: Figures) -> None:
        """Add a round to a series, which is made if this is its first."""
        series = self.find(part, scenario, peer)
        if series is None:
            series = Series(part, scenario, peer)
            self.series.append(series)
        series.rounds.append(figures)


def distinct(values: Iterable[str]) -> list[str]:
    """The values in order, each once."""
    return list(dict.fromkeys(values))
