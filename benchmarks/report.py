"""A run's results as JSON, as Markdown, and between the markers of benchmarks/README.md. It measures nothing."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import Results, Series, distinct
from benchmarks.goals import GOALS
from benchmarks.parts import client, growth, lists, memory, speed, startup
from benchmarks.peers import PEERS

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
FORMAT = 1
# The generator has one thread; near a whole core it, and not the peer, is what was measured.
GENERATOR_FULL = 0.9


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of a table, its heading, and how its median is written."""

    figure: str
    heading: str
    write: Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Table:
    """How a part is shown: its columns, and the ratio of `ratio_of` to `baseline` (None: each scenario's first)."""

    part: str
    title: str
    columns: tuple[Column, ...]
    ratio_of: str | None = None
    baseline: str | None = None
    ratio_heading: str = ""


def _count(number: float) -> str:
    return f"{number:,.0f}"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:,.1f} ms"


def _microseconds(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f} µs"


def _megabytes(number: float) -> str:
    return f"{number:,.0f} MB"


LOAD = (
    Column("per_second", "a second", _count),
    Column("p50", "p50", _milliseconds),
    Column("p99", "p99", _milliseconds),
    Column("cpu", "CPU each", _microseconds),
)
TABLES = (
    Table(speed.NAME, "Single entries", LOAD, "per_second", "standin", "to the stand-in"),
    Table(
        lists.NAME,
        "Lists of keys",
        (*LOAD, Column("keys_per_second", "keys a second", _count)),
        "per_second",
        "standin",
        "to the stand-in",
    ),
    Table(growth.NAME, "As data grows", LOAD, "per_second", None, "to the smallest"),
    Table(
        client.NAME,
        "The Python client",
        (Column("call", "a call", _microseconds), Column("call_cpu", "of it CPU of the client", _microseconds)),
        "call_cpu",
        client.PLAIN,
        "CPU to plain httpx",
    ),
    Table(startup.NAME, "Start", (Column("start", "until /readyz", lambda seconds: f"{seconds:.2f} s"),)),
    Table(
        memory.NAME,
        "Memory of the largest worker",
        (
            Column("rss_at_rest", "at rest", _megabytes),
            Column("pss_at_rest", "of it its own share", _megabytes),
            Column("rss_warm", "after a tenth", _megabytes),
            Column("rss_after", "after all", _megabytes),
            Column("requests", "requests", _count),
        ),
    ),
)


# --- JSON


def as_json(results: Results) -> str:
    """Every round of everything, with medians and goals, for programs; `from_json` reads it back."""
    content = {"format": FORMAT, **asdict(results), "goals": [asdict(verdict) for verdict in verdicts(results)]}
    for series in content["series"]:
        measured = results.find(series["part"], series["scenario"], series["peer"])
        series["medians"] = {name: measured.median(name) for name in _figures_of(measured)} if measured else {}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def from_json(text: str) -> Results:
    """The results that `as_json` wrote; medians and goals follow from them and are made anew."""
    content: dict[str, Any] = json.loads(text)
    if content.get("format") != FORMAT:
        raise ValueError(f"These are no results of format {FORMAT}.")
    series = [Series(each["part"], each["scenario"], each["peer"], each["rounds"]) for each in content["series"]]
    return Results(content["about"], content["peers"], content["skipped"], content["failed"], series)


def _figures_of(series: Series) -> list[str]:
    return distinct(name for figures in series.rounds for name in figures)


# --- goals


@dataclass(frozen=True, slots=True)
class Verdict:
    """A goal and what was measured for it."""

    goal: str
    bound: str
    measured: float
    unit: str
    is_met: bool


def verdicts(results: Results) -> list[Verdict]:
    """Every goal for which something was measured."""
    read = ((goal, goal.reading(results)) for goal in GOALS)
    return [
        Verdict(g.sentence, g.bound, figure, g.unit, g.is_met_by(figure)) for g, figure in read if figure is not None
    ]


# --- Markdown


def as_markdown(results: Results) -> str:
    """The whole report: what was run on, a table for each part, the goals, and what did not take part."""
    parts = [_about(results)]
    parts += [_table(table, results) for table in TABLES if results.of_part(table.part)]
    parts += [_goals(results), _remarks(results)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _about(results: Results) -> str:
    about = [f"{name}: {value}" for name, value in results.about.items()]
    about += [f"{PEERS[name].title}: {what}" for name, what in results.peers.items()]
    return "\n".join(f"- {line}" for line in about)


def _table(table: Table, results: Results) -> str:
    series = results.of_part(table.part)
    lines = [f"### {table.title}"]
    for scenario in distinct(each.scenario for each in series):
        rows = [each for each in series if each.scenario == scenario]
        lines += ["", f"**{scenario}**", "", *_rows(table, rows)]
    return "\n".join(lines)


def _rows(table: Table, rows: list[Series]) -> list[str]:
    headings = ["", *(column.heading for column in table.columns)]
    if table.ratio_of:
        headings.append(table.ratio_heading)
    lines = [_line(headings), "|---|" + "---:|" * (len(headings) - 1)]
    baseline = rows[0] if table.baseline is None else next((r for r in rows if r.peer == table.baseline), None)
    for row in rows:
        cells = [_title(row.peer) + _marks(row)]
        cells += [_cell(row.median(column.figure), column.write) for column in table.columns]
        if table.ratio_of:
            cells.append(_cell(row.ratio(baseline, table.ratio_of) if baseline else None, lambda ratio: f"{ratio:.2f}"))
        lines.append(_line(cells))
    return lines


def _marks(series: Series) -> str:
    """What a reader must know of a row before its figures."""
    marks = []
    if series.total("errors"):
        marks.append(f" ({series.total('errors'):,.0f} errors)")
    if (series.median("generator") or 0) > GENERATOR_FULL:
        marks.append(" (bounded by the load generator)")
    return "".join(marks)


def _goals(results: Results) -> str:
    rows = [
        _line(
            [
                verdict.goal,
                verdict.bound,
                f"{verdict.measured:.2f}{verdict.unit}",
                "yes" if verdict.is_met else "**no**",
            ]
        )
        for verdict in verdicts(results)
    ]
    return "\n".join(["### Goals", "", "| | goal | measured | met |", "|---|---|---:|---|", *rows]) if rows else ""


def _remarks(results: Results) -> str:
    lines = [f"- {PEERS[name].title} did not take part: {why}" for name, why in results.skipped.items()]
    lines += [f"- Failed: {what.splitlines()[0]}" for what in results.failed]
    missing = [table.part for table in TABLES if not results.of_part(table.part)]
    if missing:
        lines.append(f"- Not measured in this run: {', '.join(missing)}")
    return "\n".join(lines)


def _title(peer: str) -> str:
    return PEERS[peer].title if peer in PEERS else peer


def _cell(figure: float | None, write: Callable[[float], str]) -> str:
    return "" if figure is None else write(figure)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


# --- files


def write_files(results: Results, folder: Path) -> list[Path]:
    """Write results.json and results.md, and return where."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {folder / "results.json": as_json(results), folder / "results.md": as_markdown(results)}
    for path, text in written.items():
        path.write_text(text, encoding="utf-8")
    return list(written)


def replace_between_markers(readme: str, report: str) -> str:
    """A README with the report between its markers; ValueError unless it has each of them once, in order."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in after:
        raise ValueError(f"The README must have {BEGIN} and then {END}, each once.")
    return f"{before}{BEGIN}\n\n{report}\n{END}{after}"
