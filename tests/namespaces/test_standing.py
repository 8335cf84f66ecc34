"""Where a namespace stands among all: a copy that writes do not wait for, set from the exact rows."""

from datetime import UTC, date, datetime, timedelta

import pytest

from namespaces import removal, standing, tally
from namespaces.jsontext import JSONText
from namespaces.models import DailyTotal, DailyUsage, Namespace, Standing
from namespaces.writing import set_entry
from tests.factories import DailyUsageFactory, NamespaceFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
TODAY = date(2026, 3, 4)


@pytest.fixture
def counting(monkeypatch):
    monkeypatch.setattr(tally, "_is_started", True)
    yield
    for counted in (tally._reads, tally._writes, tally._refusals, tally._refusals_of_all):
        counted.clear()


def standing_of(name):
    return Standing.objects.values().get(namespace_id=name)


def test_a_standing_is_set_from_the_exact_rows(database):
    made = NamespaceFactory(bytes=500, limit_bytes=1_000, limit_writes_per_day=300, last_write_at=NOW)
    DailyUsageFactory(namespace=made, day=TODAY, writes=299, bytes_written=70, refusals={"storage_limit": 2, "x": 3})

    standing.refresh([made.name, "nobody"], now=NOW)

    assert list(Standing.objects.values()) == [
        {
            "namespace_id": made.name,
            "day": TODAY,
            "write_use": 996,
            "growth": 70,
            "refusals": 5,
            "byte_use": 500,
            "bytes": 500,
            "last_write_at": NOW,
            "biggest": [],
            "biggest_at": None,
        }
    ]


def test_a_standing_that_is_there_is_changed(database):
    made = NamespaceFactory(bytes=500, limit_bytes=1_000)
    standing.refresh([made.name])
    Namespace.objects.filter(name=made.name).update(bytes=600)

    standing.refresh([made.name])

    assert standing_of(made.name)["byte_use"] == 600


@pytest.mark.parametrize(
    ("used", "limit", "thousandths"),
    [(0, 1_000, 0), (999_999, 1_000_000, 999), (1_000, 1_000, 1_000), (0, 0, 1_000), (5, 1, 5_000), (10**12, 1, 10**6)],
)
def test_a_use_is_whole_only_with_the_last_one(database, used, limit, thousandths):
    assert standing.use(used, limit) == thousandths


def test_all_that_is_out_of_date_is_found_and_nothing_else(database):
    for number in range(5):
        NamespaceFactory(name=f"n{number}", bytes=10, created_at=NOW)
    assert standing.refresh_all(NOW) == 5

    Namespace.objects.filter(name="n3").update(bytes=11)
    DailyUsage.objects.create(namespace_id="n1", day=TODAY, writes=1)

    assert standing.refresh_all(NOW) == 2
    assert standing_of("n3")["bytes"] == 11
    assert standing_of("n1")["write_use"] == 1
    assert standing.refresh_all(NOW) == 0


def test_more_namespaces_than_a_batch_are_all_set(database, monkeypatch):
    monkeypatch.setattr(standing, "BATCH", 2)
    for _ in range(5):
        NamespaceFactory()

    assert standing.refresh_all() == 5
    assert Standing.objects.count() == 5


def test_a_new_day_alone_makes_nothing_out_of_date(database):
    NamespaceFactory(created_at=NOW, last_write_at=NOW)
    standing.refresh_all(NOW)

    assert standing.refresh_all(NOW + timedelta(days=3)) == 0


def test_yesterday_s_use_is_taken_back(database):
    made = NamespaceFactory(created_at=NOW, last_write_at=NOW)
    DailyUsageFactory(namespace=made, day=TODAY, writes=900)
    standing.refresh_all(NOW)

    assert standing.refresh_all(NOW + timedelta(days=1)) == 1
    assert (standing_of(made.name)["day"], standing_of(made.name)["write_use"]) == (TODAY, 0)


def test_accepted_writes_over_http_move_the_standing_and_the_total(database, api, counting, namespace):
    api.put(f"/memory/{namespace}/a", {"value": 1}, content_type="application/json")
    api.put(f"/memory/{namespace}/b", {"value": 1}, content_type="application/json")
    api.delete(f"/memory/{namespace}/a")
    api.delete(f"/memory/{namespace}")
    api.delete(f"/memory/{namespace}")  # nothing is there: no write
    assert not Standing.objects.exists()

    tally.flush()

    assert standing_of(namespace)["write_use"] == 4
    total = DailyTotal.objects.get()
    assert (total.writes, total.refusals) == (4, {})


def test_totals_add_up_over_flushes(database, counting):
    for _ in range(2):
        tally.count_write("n")
        tally.count_refusal("n", "daily_write_limit")
        tally.flush()

    total = DailyTotal.objects.get()
    assert (total.writes, total.refusals) == (2, {"daily_write_limit": 2})


def test_a_refusal_moves_the_standing(database, counting):
    made = NamespaceFactory()
    tally.count_refusal(made.name, "daily_write_limit")

    tally.flush()

    assert standing_of(made.name)["refusals"] == 1


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "", "-a", "a" * 65])
def test_a_name_that_none_may_have_is_counted_for_all_and_stops_nothing(database, counting, name):
    made = NamespaceFactory()
    tally.count_refusal(name, "invalid_namespace")
    tally.count_read(made.name)

    tally.flush()

    assert DailyTotal.objects.get().refusals == {"invalid_namespace": 1}
    assert DailyUsage.objects.get().reads == 1


def test_what_expires_leaves_the_standing_too(database):
    set_entry("n", "k", JSONText.parse('"value"'), ttl=1, now=NOW)
    standing.refresh(["n"], now=NOW)
    assert standing_of("n")["bytes"] == 8

    removal.sweep(NOW + timedelta(seconds=2))

    assert standing_of("n")["bytes"] == 0


def test_what_a_batch_has_written_is_counted_and_a_change_of_nothing_is_not(database, api, counting, namespace):
    path, json = f"/memory/{namespace}/list", {"content_type": "application/json"}
    api.put(path, {"value": []}, **json)
    assert api.patch(path, {"op": "pop"}, **json).json()["popped"] == []
    operations = [
        {"op": "set", "key": "a", "value": 1},
        {"op": "increment", "key": "a"},
        {"op": "get", "key": "a"},
        {"op": "pop", "key": "list"},
        {"op": "delete", "key": "a"},
        {"op": "delete", "key": "a"},
    ]

    written = api.post(f"/namespaces/{namespace}/batch", {"operations": operations}, **json)
    tally.flush()

    assert written.status_code == 200
    assert DailyTotal.objects.get().writes == 4
    assert DailyUsage.objects.get(namespace_id=namespace).writes == 4
