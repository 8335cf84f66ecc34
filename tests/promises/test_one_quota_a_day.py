"""Exact limits: a day is a UTC date, so that no clock, however it jumps, gives a second quota of the same day."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from namespaces import reading, writing
from namespaces.errors import DailyWriteLimit
from namespaces.jsontext import JSONText

MIDNIGHT = datetime(2031, 5, 6, tzinfo=UTC)
BEFORE, AFTER = MIDNIGHT - timedelta(microseconds=1), MIDNIGHT
VALUE = JSONText.parse("1")


@pytest.fixture(autouse=True)
def twenty_writes_a_day(transactional_db, settings):
    settings.LIMITS = {**settings.LIMITS, "writes_per_day": 20}


def accepts(namespace: str, now: datetime) -> bool:
    try:
        writing.set_entry(namespace, "key", VALUE, now=now)
    except DailyWriteLimit:
        return False
    return True


def test_a_new_day_gives_a_new_quota_and_no_more(namespace):
    evening = [accepts(namespace, BEFORE) for _ in range(21)]
    morning = [accepts(namespace, AFTER) for _ in range(21)]

    assert evening == morning == [True] * 20 + [False]


def test_a_clock_that_jumps_across_midnight_and_back_gives_no_second_quota(namespace):
    used_up = [accepts(namespace, BEFORE) for _ in range(20)]
    after, before_again, after_again = (
        [accepts(namespace, now) for _ in range(times)] for now, times in ((AFTER, 5), (BEFORE, 5), (AFTER, 16))
    )

    assert used_up == [True] * 20
    assert after == [True] * 5
    assert before_again == [False] * 5
    assert after_again == [True] * 15 + [False]


def test_a_clock_that_goes_back_takes_no_version_back(namespace):
    moments = [AFTER, BEFORE, AFTER, BEFORE - timedelta(days=400)]

    versions = [writing.set_entry(namespace, "key", VALUE, now=moment).version for moment in moments]

    assert versions == [1, 2, 3, 4]


def test_writers_whose_clocks_differ_get_one_quota_for_each_day(namespace):
    moments = [BEFORE, AFTER] * 60

    def write(moment: datetime) -> tuple[datetime, bool]:
        try:
            return moment, accepts(namespace, moment)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(write, moments))

    assert outcomes.count((BEFORE, True)) == outcomes.count((AFTER, True)) == 20
    assert reading.state(namespace, now=BEFORE).writes == reading.state(namespace, now=AFTER).writes == 20
    assert reading.state(namespace).revision == 40
