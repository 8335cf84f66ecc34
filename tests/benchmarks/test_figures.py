"""Medians and ratios: what the benchmark's tables rest on."""

import pytest

from benchmarks.figures import Results, Series


def series(*values: float, peer: str = "sqlite") -> Series:
    return Series("speed", "GET", peer, [{"per_second": value} for value in values])


def test_a_median_is_not_moved_by_one_odd_round():
    assert series(100, 104, 9_000, 102, 98).median("per_second") == 102


def test_the_median_of_what_was_not_measured_is_none():
    assert series(100).median("cpu") is None
    assert series().median("per_second") is None


def test_a_ratio_compares_the_rounds_that_ran_beside_one_another():
    # Both were three times slower in the second round, which says nothing about either.
    mine, its = series(300, 100, 330), series(150, 50, 110, peer="standin")

    assert mine.ratio(its, "per_second") == 2


def test_a_round_that_failed_leaves_the_others_beside_one_another():
    mine, its = series(300, 100, 330), series(150, 50, 110, peer="standin")
    its.rounds[0].clear()

    assert mine.ratio(its, "per_second") == 2.5
    assert its.median("per_second") == 80


@pytest.mark.parametrize("its", [series(), series(0.0), Series("speed", "GET", "standin", [{"p99": 1.0}])])
def test_there_is_no_ratio_to_nothing(its):
    assert series(300).ratio(its, "per_second") is None


def test_rounds_are_gathered_by_part_scenario_and_peer():
    results = Results(about={})

    results.add("speed", "GET", "sqlite", {"per_second": 1.0})
    results.add("speed", "GET", "standin", {"per_second": 2.0})
    results.add("speed", "GET", "sqlite", {"per_second": 3.0})

    assert results.series == [
        Series("speed", "GET", "sqlite", [{"per_second": 1.0}, {"per_second": 3.0}]),
        Series("speed", "GET", "standin", [{"per_second": 2.0}]),
    ]
    assert results.find("speed", "PUT", "sqlite") is None
