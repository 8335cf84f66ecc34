"""PostgreSQL restarted under load, in order and by a crash: only 503s meanwhile, nothing lost, soon found again."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
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
    for moment in back:  # the load was there: most of it waits, and is answered afterwards
        assert any(one.sent < moment and one.answered > moment - AWAY_SECONDS for one in load.told)
    assert {one.retry_after for one in refused} <= {"1"}
    assert max(seconds_until_a_success(load.told, moment) for moment in back) <= FOUND_AGAIN_SECONDS
    assert_kept(books_of(breakable, namespace), load.told)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_connections_that_lay_idle_through_a_restart_cost_nothing(own_postgresql, breakable, namespace, mode):
    """Asked after the restart and not before its end: what the pools still hold is found out before it is used."""
    with httpx.Client(base_url=f"{breakable.url}/memory", timeout=30, trust_env=False) as http:

        def statuses(number: int) -> tuple[int, int]:
            entry = f"/{namespace}-{number}/k"
            # The event loop answers a first write; what is not there is Django's to say.
            return http.put(entry, json={"value": number}).status_code, http.get(f"{entry}-missing").status_code

        with ThreadPoolExecutor(16) as pool:  # as many at once as the pools have connections
            assert set(pool.map(statuses, range(40))) == {(201, 404)}
        restart(own_postgresql, mode)
        assert [statuses(number) for number in range(100, 120)] == [(201, 404)] * 20
