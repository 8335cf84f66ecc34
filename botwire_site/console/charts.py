"""Charts as the numbers that an SVG is drawn from; `console/chart.html` draws it, and no script."""

from dataclasses import dataclass

from namespaces.outlook import Day

WIDTH, HEIGHT = 300, 100
_GAP = 1.5
# A limit that is far above all bars is drawn at the top edge, and said to be above, so that the bars can be seen.
_FAR = 4


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, hanging from nothing: `y` is its upper edge."""

    day: Day
    number: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars of equal width, the limit's line at `limit_y`; `is_limit_above` tells that it belongs far above."""

    bars: list[Bar]
    top: int
    limit_y: float = 0
    is_limit_above: bool = False


def writes_chart(days: list[Day], limit: int) -> Chart:
    """The accepted writes of each day, under the limit of today."""
    most = max(day.writes for day in days)
    is_above = limit > most * _FAR
    top = max(most, 1) if is_above else max(most, limit, 1)
    scale = top * 1.12
    bars = _bars(days, [day.writes for day in days], scale)
    return Chart(bars, top, 1 if is_above else round(HEIGHT * (1 - limit / scale), 2), is_above)


def refusals_chart(days: list[Day]) -> Chart:
    """The refused requests of each day, on a scale of their own."""
    top = max(1, *(day.refusals for day in days))
    return Chart(_bars(days, [day.refusals for day in days], top), top)


def _bars(days: list[Day], numbers: list[int], scale: float) -> list[Bar]:
    step = WIDTH / len(days)
    return [
        Bar(
            day,
            number,
            x=round(place * step + _GAP / 2, 2),
            y=round(HEIGHT * (1 - number / scale), 2),
            width=round(step - _GAP, 2),
            height=round(HEIGHT * number / scale, 2),
        )
        for place, (day, number) in enumerate(zip(days, numbers, strict=True))
    ]
