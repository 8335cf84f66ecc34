"""PostgreSQL restarted under load, in order and by a crash: only 503s meanwhile, nothing lost, soon found again."""

import time

import pytest

from tests.faults.load import Load, assert_kept
from tests.promises.books import books_of

AWAY_SECONDS = 2.0
FOUND_AGAIN_SECONDS = 2.0
REFUSALS = {"database_unavailable", "outcome_unknown"}

pytestmark = pytest.mark.only_on("postgresql")


def restart(postgresql, mode) -> float:
    """Away for a while; the moment at which it takes connections again."""
    postgresql.stop(mode)
    time.sleep(AWAY_SECONDS)
    postgresql.start()
    return time.monotonic()


def seconds_until_a_success(told, back) -> float:
    return min(one.answered - back for one in told if one.sent > back - AWAY_SECONDS and one.is_acknowledged)


def test_a_restart_costs_503s_and_no_acknowledged_write(own_postgresql, breakable, namespace):
    with Load(breakable.url, namespace) as load:
        load.wait_for(100)
        back = []
        for mode in ("fast", "immediate"):
            back.append(restart(own_postgresql, mode))
            load.wait_for(100)

    assert {one.status for one in load.told} <= {200, 201, 503}, load.outcomes()
    refused = [one for one in load.told if one.status == 503]
    assert {one.code for one in refused} <= REFUSALS
    assert len(refused) >= len(back), "the load was there"
    assert {one.retry_after for one in refused} == {"1"}
    assert max(seconds_until_a_success(load.told, moment) for moment in back) <= FOUND_AGAIN_SECONDS
    assert_kept(books_of(breakable, namespace), load.told)
