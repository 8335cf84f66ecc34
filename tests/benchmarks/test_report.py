"""The report: its tables, its goals, its JSON, and its place in the README."""

import json

import pytest

from benchmarks import report
from benchmarks.figures import Results
from benchmarks.ground import ROOT
from benchmarks.parts import PARTS
from benchmarks.peers import PEERS


def measured() -> Results:
    """Two rounds of two peers, as a run leaves them."""
    results = Results({"machine": "2 cores"}, {"sqlite": "this checkout"}, {"etcd": "etcd is not installed"})
    for speed, p99 in ((500.0, 0.010), (600.0, 0.030)):
        figures = {"per_second": speed, "p50": 0.001, "p99": p99, "cpu": 0.0002, "errors": 0.0, "generator": 0.2}
        results.add("speed", "GET", "sqlite", figures)
        results.add("speed", "GET", "standin", {**figures, "per_second": 100.0, "errors": 1.0, "generator": 0.95})
    return results


REPORT = """\
- machine: 2 cores
- BotWire on SQLite: this checkout

### Single entries

**GET**

|  | a second | p50 | p99 | CPU each | to the stand-in |
|---|---:|---:|---:|---:|---:|
| BotWire on SQLite | 550 | 1.0 ms | 20.0 ms | 200 µs | 5.50 |
| stand-in for the earlier BotWire (2 errors) (bounded by the load generator) | 100 | 1.0 ms | 20.0 ms | 200 µs | 1.00 |

### Goals

| | goal | measured | met |
|---|---|---:|---|
| SQLite, GET: to the stand-in | at least 5 times | 5.50 times | yes |

- etcd, JSON gateway did not take part: etcd is not installed
- Failed: lists, sqlite: 503
- Not measured in this run: lists, growth, client, startup, memory
"""


def test_a_report_shows_medians_ratios_goals_and_what_is_missing():
    results = measured()
    results.failed.append("lists, sqlite: 503\nwith a body that nobody wants in a table")

    assert report.as_markdown(results) == REPORT


def test_a_missed_goal_is_shown_as_one():
    results = measured()
    for figures in results.series[0].rounds:
        figures["per_second"] = 499.0

    [verdict] = report.verdicts(results)

    assert (verdict.bound, verdict.measured, verdict.is_met) == ("at least 5 times", 4.99, False)
    assert "| at least 5 times | 4.99 times | **no** |" in report.as_markdown(results)


def test_growth_is_shown_and_judged_against_the_smallest_data_set():
    results = Results({})
    for label, speed in (("1 namespace of 100", 1000.0), ("100 namespaces of 100", 950.0), ("large", 790.0)):
        results.add("growth", "BotWire on SQLite: GET", label, {"per_second": speed})

    [verdict] = report.verdicts(results)

    assert (verdict.goal, verdict.measured, verdict.is_met) == ("BotWire on SQLite, GET as data grows", 0.79, False)
    assert "| large | 790 |  |  |  | 0.79 |" in report.as_markdown(results)


def test_json_holds_every_round_and_is_read_back():
    results = measured()

    text = report.as_json(results)

    assert report.from_json(text) == results
    written = json.loads(text)
    assert [len(series["rounds"]) for series in written["series"]] == [2, 2]
    assert written["series"][0]["medians"] == {
        "per_second": 550.0, "p50": 0.001, "p99": 0.02, "cpu": 0.0002, "errors": 0.0, "generator": 0.2
    }  # fmt: skip
    assert written["goals"] == [
        {
            "goal": "SQLite, GET: to the stand-in",
            "bound": "at least 5 times",
            "measured": 5.5,
            "unit": " times",
            "is_met": True,
        }
    ]


def test_other_json_is_refused():
    with pytest.raises(ValueError, match="no results of format 1"):
        report.from_json('{"format": 0}')


def test_the_report_takes_the_place_of_the_one_before():
    readme = f"# Head\n\n{report.BEGIN}\n\nold\n{report.END}\n\ntail\n"

    once = report.replace_between_markers(readme, "new\n")

    assert once == f"# Head\n\n{report.BEGIN}\n\nnew\n\n{report.END}\n\ntail\n"
    assert report.replace_between_markers(once, "new\n") == once


@pytest.mark.parametrize(
    "readme",
    [
        "",
        report.BEGIN,
        report.END,
        f"{report.END}{report.BEGIN}",
        f"{report.BEGIN}{report.BEGIN}{report.END}",
        f"{report.BEGIN}{report.END}{report.END}",
    ],
)
def test_a_readme_without_a_place_is_left_alone(readme):
    with pytest.raises(ValueError, match="must have"):
        report.replace_between_markers(readme, "new\n")


def test_the_readme_has_a_place_for_the_report_and_names_every_part_and_peer():
    readme = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")

    report.replace_between_markers(readme, "")
    for name in (*PARTS, *PEERS):
        assert f"| `{name}` |" in readme
