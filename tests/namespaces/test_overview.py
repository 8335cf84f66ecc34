"""Lists of namespaces: found and sorted by index, page by page, with exact numbers in each row."""

from datetime import UTC, date, datetime, timedelta

import pytest

from namespaces import overview, standing
from namespaces.errors import InvalidCursor
from namespaces.models import DailyTotal, Namespace
from namespaces.overview import ORDERS, Choice, Row, find, glance
from tests.factories import DailyUsageFactory, NamespaceFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
TODAY = date(2026, 3, 4)


def make(name, *, writes=0, written=0, refusals=None, **columns):
    """A namespace with what it used today, in its place."""
    columns = {"created_at": NOW, "last_write_at": NOW, **columns}
    made = NamespaceFactory(name=name, **columns)
    if writes or written or refusals:
        DailyUsageFactory(namespace=made, day=TODAY, writes=writes, bytes_written=written, refusals=refusals or {})
    standing.refresh([name], now=NOW)
    return made


def names(**choice):
    return [row.name for row in find(Choice(**choice), now=NOW).rows]


def test_a_row_has_the_numbers_of_the_namespace_itself(database):
    make("n", writes=3, written=40, refusals={"storage_limit": 2}, bytes=50, entries=2, limit_bytes=100)
    Namespace.objects.filter(name="n").update(bytes=60)  # since its standing was set

    assert find(Choice(), now=NOW).rows == [
        Row(
            name="n",
            status="active",
            until=None,
            writes=3,
            write_limit=1_000,
            bytes=60,
            byte_limit=100,
            entries=2,
            bytes_written=40,
            refusals={"storage_limit": 2},
            created_at=NOW,
            created_from="",
            last_write_at=NOW,
        )
    ]


def test_orders(database):
    make("a", writes=10, written=500, bytes=300, created_at=NOW - timedelta(3), last_write_at=NOW - timedelta(1))
    make("b", writes=30, written=100, bytes=100, created_at=NOW - timedelta(2), last_write_at=NOW - timedelta(2))
    make("c", bytes=200, limit_bytes=201, created_at=NOW - timedelta(1), refusals={"storage_limit": 1})

    found = {order: names(order=order) for order in ORDERS}

    assert found == {
        "name": ["a", "b", "c"],
        "writes": ["b", "a"],
        "bytes": ["a", "c", "b"],
        "storage": ["c", "a", "b"],
        "growth": ["a", "b"],
        "refused": ["c"],
        "newest": ["c", "b", "a"],
        "idle": ["b", "a", "c"],
    }


def test_yesterday_s_writes_are_near_no_limit(database):
    make("n", writes=1_000)
    tomorrow = NOW + timedelta(days=1)

    assert [row.name for row in find(Choice(order="writes"), now=tomorrow).rows] == []
    assert [row.name for row in find(Choice(use="near"), now=tomorrow).rows] == []
    assert glance(tomorrow).at_limit.number == 0


@pytest.mark.parametrize("order", ORDERS)
def test_pages_follow_one_another_without_gap_or_repeat(database, order):
    for number in range(11):
        make(
            f"n{number:02}",
            writes=number // 3 + 1,
            written=number // 4 + 1,
            refusals={"storage_limit": number // 2 + 1},
            bytes=number // 5 * 10**6,
            created_at=NOW - timedelta(seconds=number // 3),
            last_write_at=NOW - timedelta(microseconds=number // 3),
        )
    everything = names(order=order)

    seen, cursor = [], ""
    while cursor is not None:
        page = find(Choice(order=order), cursor=cursor, most=2, now=NOW)
        seen, cursor = seen + [row.name for row in page.rows], page.next_cursor

    assert len(everything) == 11
    assert seen == everything


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("cursor", [",", "x,y,z\0", "-,a", "9" * 5_000 + ",\x00", "0001-01-01T00:00:00+14:00,\ud800"])
def test_a_cursor_that_no_list_gave_is_refused(database, order, cursor):
    with pytest.raises(InvalidCursor):
        find(Choice(order=order), cursor=cursor)


def test_statuses(database):
    later, before = NOW + timedelta(hours=1), NOW - timedelta(hours=1)
    make("active")
    make("frozen", status="read_only")
    make("frozen-for-now", status="read_only", status_until=later)
    make("gone", status="suspended")
    make("over", status="suspended", status_until=before)

    assert names(status="active") == ["active", "over"]
    assert names(status="read_only") == ["frozen", "frozen-for-now"]
    assert names(status="suspended") == ["gone"]
    assert names(status="restricted") == ["frozen", "frozen-for-now", "gone"]
    assert [row.status for row in find(Choice(prefix="over"), now=NOW).rows] == ["active"]


def test_uses(database):
    make("by-bytes", bytes=80, limit_bytes=100)
    make("by-writes", writes=800)
    make("full-of-bytes", bytes=99, limit_bytes=100)
    make("full-of-writes", writes=1_000)
    make("neither", writes=799, bytes=79, limit_bytes=100)

    assert names(use="near") == ["by-bytes", "by-writes", "full-of-bytes", "full-of-writes"]
    assert names(use="full") == ["full-of-bytes", "full-of-writes"]


def test_filters_hold_together(database):
    make("a1", created_from="192.0.2.1", last_write_at=NOW - timedelta(31))
    make("a2", created_from="192.0.2.1", refusals={"daily_write_limit": 1})
    make("b1", created_from="192.0.2.2", last_write_at=NOW - timedelta(29), refusals={"storage_limit": 1})
    make("A1", created_from="2001:db8::1", last_write_at=NOW - timedelta(40))

    assert names(prefix="a") == ["a1", "a2"]
    assert names(prefix="a", address="192.0.2.1", is_idle=True) == ["a1"]
    assert names(is_idle=True) == ["A1", "a1"]
    assert names(address="2001:db8::1") == ["A1"]
    assert names(refused="daily_write_limit") == ["a2"]
    assert names(refused="daily_write_limit", order="refused") == ["a2"]
    assert names(prefix="b", address="192.0.2.1") == []


@pytest.mark.parametrize("prefix", ["\0", "a\0", "/", "\ud800", "%", "a" * 65, "-"])
def test_what_no_name_begins_with_finds_nothing(database, prefix):
    make("a")

    assert names(prefix=prefix) == []


def test_counts_end_at_their_bound(database, monkeypatch):
    monkeypatch.setattr(overview, "MOST_COUNTED", 3)
    for number in range(3):
        make(f"n{number}", status="suspended")
    assert str(glance(NOW).suspended) == "3"

    make("n4", status="suspended")

    assert str(glance(NOW).suspended) == "3+"


def test_a_glance_has_the_totals_of_today(database):
    DailyTotal.objects.create(day=TODAY, writes=70, refusals={"a": 1, "b": 5})
    DailyTotal.objects.create(day=TODAY - timedelta(1), writes=9, refusals={"a": 9})

    seen = glance(NOW)

    assert (seen.writes, list(seen.refusals.items()), seen.refused) == (70, [("b", 5), ("a", 1)], 6)


def test_siblings_are_those_of_the_same_address(database):
    make("old", created_from="192.0.2.1", created_at=NOW - timedelta(1))
    make("new", created_from="192.0.2.1")
    make("other", created_from="192.0.2.2")
    make("unknown")

    found = overview.siblings_of(["192.0.2.1", "", "192.0.2.1"])

    assert list(found) == ["192.0.2.1"]
    assert (found["192.0.2.1"].number.number, found["192.0.2.1"].newest) == (2, ["new", "old"])
    assert found["192.0.2.1"].besides("new") == ["old"]
