"""Where a namespace's use leads: what is said of a day or of a month, and when nothing is said."""

from datetime import UTC, date, datetime, timedelta

import pytest

from namespaces import outlook
from namespaces.models import Change
from namespaces.outlook import Day, days_of, storage_ends_in, writes_end_at
from tests.factories import DailyUsageFactory, NamespaceFactory

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
TODAY = date(2026, 3, 4)


@pytest.fixture
def made(database):
    return NamespaceFactory(created_at=NOON - timedelta(days=9))


def log(made, *moments, kind="set"):
    """Changes of these moments, as the log has them."""
    for at in sorted(moments):
        made.revision += 1
        Change.objects.create(namespace=made, revision=made.revision, kind=kind, key="k", bytes=1, at=at)
    made.save()


def minutes_ago(*numbers):
    return [NOON - timedelta(minutes=number) for number in numbers]


def test_without_a_recent_write_the_pace_is_that_of_the_day(made):
    assert writes_end_at(made, 600, NOON) == NOON + timedelta(hours=8)


def test_nothing_is_said_when_the_limit_is_not_reached_today(made):
    assert writes_end_at(made, 500, NOON) is None
    assert writes_end_at(made, 0, NOON) is None


def test_nothing_is_foreseen_of_what_has_happened(made):
    assert writes_end_at(made, 1_000, NOON) is None


def test_writes_of_the_last_hours_count_before_the_day_s(made):
    log(made, *minutes_ago(*range(1, 181)))  # one a minute for three hours

    assert writes_end_at(made, 700, NOON) == NOON + timedelta(minutes=300)


def test_older_writes_and_expired_entries_tell_nothing_of_the_last_hours(made):
    log(made, *minutes_ago(*range(181, 400)))
    log(made, *minutes_ago(*range(1, 100)), kind="expire")

    assert writes_end_at(made, 600, NOON) == NOON + timedelta(hours=8)


def test_all_that_a_clear_removed_was_one_write(made):
    log(made, *[NOON - timedelta(minutes=90)] * 60, kind="delete")

    assert writes_end_at(made, 970, NOON) is None  # 1 in three hours: 30 more would take four days


def test_a_pace_is_that_of_the_newest_changes_where_there_are_many(made, monkeypatch):
    monkeypatch.setattr(outlook, "_MOST_CHANGES", 20)
    log(made, *minutes_ago(*range(1, 101)))

    assert writes_end_at(made, 700, NOON) == NOON + timedelta(minutes=300)


def test_a_new_namespace_is_judged_since_it_was_made(made):
    made.created_at = NOON - timedelta(minutes=20)
    log(made, *minutes_ago(*range(1, 21)))

    assert writes_end_at(made, 700, NOON) == NOON + timedelta(minutes=300)


def test_one_write_a_moment_ago_is_no_pace(made):
    made.created_at = NOON
    log(made, NOON)

    assert writes_end_at(made, 1, NOON) is None


def test_a_limit_of_its_own_counts(made):
    made.limit_writes_per_day = 700

    assert writes_end_at(made, 600, NOON) == NOON + timedelta(hours=2)


def test_thirty_days_end_today_and_have_no_gap(made):
    DailyUsageFactory(namespace=made, day=TODAY, writes=3, bytes_written=4, reads=5, refusals={"a": 1, "b": 2})
    DailyUsageFactory(namespace=made, day=TODAY - timedelta(29), writes=1)
    DailyUsageFactory(namespace=made, day=TODAY - timedelta(30), writes=1)
    DailyUsageFactory(day=TODAY, writes=99)

    days = days_of(made.name, NOON)

    assert [day.day for day in days] == [TODAY - timedelta(29 - number) for number in range(30)]
    assert days[0] == Day(TODAY - timedelta(29), writes=1)
    assert days[-1] == Day(TODAY, writes=3, bytes_written=4, reads=5, refusals=3)
    assert sum(day.writes for day in days) == 4


def week(made, written):
    for ago in range(1, 8):
        DailyUsageFactory(namespace=made, day=TODAY - timedelta(ago), bytes_written=written)
    return days_of(made.name, NOON)


def test_storage_ends_at_the_earliest_when_nothing_is_replaced(made):
    made.bytes, made.limit_bytes = 500, 1_000

    assert storage_ends_in(made, week(made, 100)) == 6


@pytest.mark.parametrize(("stored", "written"), [(500, 0), (500, 5), (1_000, 100), (1_100, 100)])
def test_nothing_is_said_of_storage_that_is_full_or_far_from_it(made, stored, written):
    made.bytes, made.limit_bytes = stored, 1_000

    assert storage_ends_in(made, week(made, written)) is None
