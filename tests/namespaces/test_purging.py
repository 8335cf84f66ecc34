"""Purging a range for good: entries, values in the log, and nothing that was written after it began."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from namespaces import moderation, purging, reading, removal, writing
from namespaces.callers import Caller
from namespaces.errors import ActRefused, InvalidPrefix, NamespaceNotFound
from namespaces.jsontext import JSONText
from namespaces.models import Change, Entry, ModerationAction, Namespace, PurgeJob
from namespaces.moderation import Action
from tests.rows import all_rows, assert_counters_exact

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("database")]

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
WORKER, PAGE = PurgeJob.Driver.WORKER, PurgeJob.Driver.PAGE


def write(namespace, key, value="1", **options):
    return writing.set_entry(namespace, key, JSONText.parse(value), **{"now": NOW} | options)


def start(namespace, prefix="", **options):
    return purging.start(namespace, prefix, **{"reason": "illegal", "operator": "ada", "now": NOW} | options)


def drive(driver=WORKER, now=NOW):
    return sum(1 for _ in iter(lambda: purging.advance(driver, now=now), False))


def keys_of(namespace):
    return list(Entry.objects.filter(namespace_id=namespace).order_by("key").values_list("key", flat=True))


def values_in_log(namespace):
    log = Change.objects.filter(namespace_id=namespace).order_by("revision")
    return list(log.values_list("revision", "kind", "key", "value"))


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(purging.Pace, "adapt", lambda *_: None)
    monkeypatch.setattr(purging.Pace.__init__, "__defaults__", (3, 0.0))


def test_a_range_goes_and_its_neighbours_stay(namespace):
    for key in ("a", "ab", "ac", "b", "a\U0010ffff"):
        write(namespace, key)
    write(f"{namespace}2", "ab")

    job = start(namespace, "a")
    drive()

    assert keys_of(namespace) == ["b"]
    assert keys_of(f"{namespace}2") == ["ab"]
    job.refresh_from_db()
    assert (job.state, job.expected, job.removed, job.removed_bytes) == ("done", 4, 4, 14)
    assert_counters_exact(namespace)


def test_everything_goes_in_batches_and_the_counters_are_exact(namespace, small_batches):
    for number in range(10):
        write(namespace, f"k{number}", '"x"')

    start(namespace)
    drive()

    row = Namespace.objects.get()
    assert (row.entries, row.bytes, row.revision) == (0, 0, 20)
    assert_counters_exact(namespace)


def test_each_removal_is_a_row_of_the_log_written_by_the_operator(namespace):
    write(namespace, "k", caller=Caller("agent"))

    start(namespace)
    drive(now=NOW + timedelta(seconds=1))

    assert list(Change.objects.order_by("revision").values("revision", "kind", "key", "writer", "value", "at")) == [
        {"revision": 1, "kind": "set", "key": "k", "writer": "agent", "value": None, "at": NOW},
        {
            "revision": 2,
            "kind": "delete",
            "key": "k",
            "writer": "operator",
            "value": None,
            "at": NOW + timedelta(seconds=1),
        },
    ]


def test_no_value_of_the_range_is_left_in_the_log_those_deleted_earlier_included(namespace, small_batches):
    for number in range(4):
        write(namespace, "p:again", f'"forbidden {number}"')
    write(namespace, "p:deleted", '"forbidden é"')
    writing.delete_entry(namespace, "p:deleted", now=NOW)
    write(namespace, "other", '"allowed"')

    start(namespace, "p:")
    drive()

    assert values_in_log(namespace) == [
        *[(revision, "set", "p:again", None) for revision in range(1, 5)],
        (5, "set", "p:deleted", None),
        (6, "delete", "p:deleted", None),
        (7, "set", "other", '"allowed"'),
        (8, "delete", "p:again", None),
    ]
    assert_counters_exact(namespace)


def test_a_trimmed_log_is_erased_from_where_it_begins(namespace, settings):
    settings.LIMITS = {**settings.LIMITS, "change_log_bytes": 4}
    for key in "abcd":
        write(namespace, key)
    removal.trim(namespace, NOW)

    start(namespace)
    drive()

    assert values_in_log(namespace)[:2] == [(3, "set", "c", None), (4, "set", "d", None)]
    assert_counters_exact(namespace)


def test_what_is_written_meanwhile_survives_whole_with_its_log(namespace, small_batches):
    for number in range(6):
        write(namespace, f"k{number}", '"old"')
    job = start(namespace)
    purging.advance(WORKER, now=NOW)

    write(namespace, "k0", '"new, behind the cursor"')
    write(namespace, "k5", '"new, before the cursor"')
    drive()

    assert keys_of(namespace) == ["k0", "k5"]
    assert reading.get_entry(namespace, "k5", now=NOW).value == '"new, before the cursor"'
    kept = [row for row in values_in_log(namespace) if row[3] is not None]
    assert kept == [
        (10, "set", "k0", '"new, behind the cursor"'),
        (11, "set", "k5", '"new, before the cursor"'),
    ]
    job.refresh_from_db()
    assert job.removed == 5
    assert_counters_exact(namespace)


def test_a_restricted_namespace_is_purged_all_the_same(namespace):
    write(namespace, "k")
    moderation.set_status(namespace, Action.SUSPEND, reason="illegal", operator="ada")

    start(namespace)
    drive()

    assert keys_of(namespace) == []


def test_expired_entries_go_with_the_others(namespace):
    write(namespace, "k", ttl=1)

    start(namespace, now=NOW + timedelta(minutes=1))
    drive(now=NOW + timedelta(minutes=1))

    assert keys_of(namespace) == []
    assert_counters_exact(namespace)


def test_a_purge_is_no_write_of_the_day(namespace):
    write(namespace, "k")

    start(namespace)
    drive()

    assert reading.state(namespace, now=NOW).writes == 1


def test_a_batch_ends_where_it_has_enough_bytes(namespace, monkeypatch):
    monkeypatch.setattr(purging, "BATCH_BYTES", 100)
    for number in range(3):
        write(namespace, f"k{number}", f'"{"x" * 90}"')
    job = start(namespace)

    purging.advance(WORKER, now=NOW)

    job.refresh_from_db()
    assert (job.removed, job.cursor) == (1, "k0")
    drive()
    assert keys_of(namespace) == []
    assert_counters_exact(namespace)


def test_two_drivers_take_turns_and_remove_nothing_twice(namespace, small_batches):
    for number in range(8):
        write(namespace, f"k{number}")
    job = start(namespace)

    while purging.advance(WORKER, now=NOW) and purging.advance(PAGE, only=job, now=NOW):
        pass

    job.refresh_from_db()
    assert (job.state, job.removed) == ("done", 8)
    assert ModerationAction.objects.filter(action="purge_done").count() == 1
    assert_counters_exact(namespace)


def test_several_jobs_are_done_by_turns(namespace, small_batches):
    for number in range(9):
        write(namespace, f"k{number}")
        write(f"{namespace}2", f"k{number}")
    start(namespace)
    start(f"{namespace}2", now=NOW + timedelta(seconds=1))

    for second in range(2, 4):
        purging.advance(WORKER, now=NOW + timedelta(seconds=second))

    assert list(PurgeJob.objects.order_by("started_at").values_list("removed", flat=True)) == [3, 3]


def test_a_second_purge_of_a_namespace_waits_for_the_first(namespace):
    write(namespace, "k")
    start(namespace)

    with pytest.raises(ActRefused, match="is running"):
        start(namespace, "k", now=NOW + timedelta(seconds=1))

    drive()
    start(namespace, now=NOW + timedelta(seconds=2))


def test_a_cancelled_purge_stops_where_it_is_and_says_so(namespace, small_batches):
    for number in range(5):
        write(namespace, f"k{number}", '"x"')
    job = start(namespace)
    purging.advance(WORKER, now=NOW)

    purging.cancel(job, operator="bob", now=NOW)

    assert drive() == 0
    assert keys_of(namespace) == ["k3", "k4"]
    assert_counters_exact(namespace)
    row = ModerationAction.objects.latest("id")
    assert (row.action, row.operator, row.after["removed"], row.after["removed_bytes"]) == (
        "purge_cancelled",
        "bob",
        3,
        15,
    )
    with pytest.raises(ActRefused):
        purging.cancel(job, operator="bob", now=NOW)


def test_beginning_and_end_are_in_the_moderation_log(namespace):
    write(namespace, "p:k", '"x"')
    start(namespace, "p:")
    drive()

    rows = list(ModerationAction.objects.order_by("id").values("action", "operator", "reason", "before", "after"))
    shared = {"operator": "ada", "reason": "illegal"}
    began = {"prefix": "p:", "started_at": "2026-05-01T12:00:00+00:00"}
    assert rows == [
        {
            "action": "purge",
            **shared,
            "before": {"entries": 1, "bytes": 6},
            "after": {**began, "up_to_revision": 1, "expected": 1},
        },
        {"action": "purge_done", **shared, "before": {}, "after": {**began, "removed": 1, "removed_bytes": 6}},
    ]


@pytest.mark.parametrize(
    ("prefix", "reason", "refusal"),
    [("", "", ActRefused), ("\n", "why", InvalidPrefix), ("x" * 513, "why", InvalidPrefix)],
)
def test_a_purge_that_cannot_be_begun_changes_nothing(namespace, prefix, reason, refusal):
    write(namespace, "k")
    before = all_rows()

    with pytest.raises(refusal):
        start(namespace, prefix, reason=reason)

    assert all_rows() == before
    assert not PurgeJob.objects.exists()
    assert not ModerationAction.objects.exists()


def test_an_unknown_namespace_is_not_purged(namespace):
    with pytest.raises(NamespaceNotFound):
        start(namespace)


def test_a_survey_counts_a_prefix_as_far_as_it_may_and_says_so(namespace, monkeypatch):
    monkeypatch.setattr(purging, "MOST_COUNTED", 7)
    for number in range(9):
        write(namespace, f"k{number}")
    write(namespace, "z")

    found = purging.survey(namespace, "k")
    whole = purging.survey(namespace, "")

    assert (found.entries, found.bytes, found.is_more) == (7, 21, True)
    assert [sample.key for sample in found.first + found.last] == ["k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8"]
    assert (whole.entries, whole.bytes, whole.is_more) == (10, 29, False)


def test_a_survey_of_nothing_is_empty(namespace):
    write(namespace, "k")

    found = purging.survey(namespace, "none")

    assert (found.entries, found.bytes, found.is_more, found.first, found.last) == (0, 0, False, [], [])


def test_a_page_drives_only_where_no_worker_does(namespace):
    write(namespace, "k")
    job = start(namespace)

    assert not purging.needs_driver(job, NOW + timedelta(seconds=6))
    assert purging.needs_driver(job, NOW + timedelta(seconds=7))

    purging.advance(PAGE, only=job, now=NOW + timedelta(seconds=7))
    job.refresh_from_db()
    assert purging.needs_driver(job, NOW + timedelta(seconds=7)), "the page goes on at once"

    purging.advance(WORKER, now=NOW + timedelta(seconds=8))
    job.refresh_from_db()
    assert not purging.needs_driver(job, NOW + timedelta(seconds=8)), "a worker has taken over"


def test_a_worker_carries_purges_out(namespace, capsys):
    write(namespace, "k")
    job = start(namespace)

    call_command("worker", "--once")

    job.refresh_from_db()
    assert (job.state, job.driver) == ("done", "worker")
    assert keys_of(namespace) == []


def plans_of(asked):
    explain = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
    read = [one["sql"] for one in asked.captured_queries if one["sql"].startswith(("SELECT", "UPDATE", "DELETE"))]
    with connection.cursor() as cursor:
        for sql in read:
            cursor.execute(explain + sql)
            yield sql, "\n".join(str(row) for row in cursor.fetchall())


@pytest.mark.parametrize("prefix", ["", "k00"])
def test_neither_looking_nor_purging_reads_a_table_from_end_to_end(namespace, prefix):
    write(namespace, "k00001")
    write(f"{namespace}2", "k")
    for name, most in ((namespace, 4_000), (f"{namespace}2", 20_000)):
        rows = [(f"k{number:05}", number) for number in range(2, most)]
        shared = {"namespace_id": name, "bytes": 7, "value": "1"}
        Entry.objects.bulk_create(
            Entry(**shared, key=key, version=number, created_at=NOW, updated_at=NOW) for key, number in rows
        )
        Change.objects.bulk_create(
            Change(**shared, key=key, revision=number, kind="set", at=NOW) for key, number in rows
        )
        Namespace.objects.filter(name=name).update(
            revision=most - 1, entries=most - 1, bytes=7 * most, log_bytes=7 * most
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

    with CaptureQueriesContext(connection) as asked:
        purging.survey(namespace, prefix)
        purging.latest(namespace)
        start(namespace, prefix)
        for _ in range(12):
            purging.advance(WORKER, purging.Pace(rows=500), now=NOW)

    big = ("namespaces_entry", "namespaces_change")
    plans = [(sql, plan) for sql, plan in plans_of(asked) if any(table in sql for table in big)]
    assert len(plans) > 8
    for sql, plan in plans:
        assert "Seq Scan" not in plan, sql
        assert "SCAN namespaces" not in plan, sql
        assert "TEMP B-TREE" not in plan, sql


def test_a_batch_is_as_large_as_fits_into_a_moment_and_the_rest_is_longer():
    slow, quick = purging.Pace(rows=800), purging.Pace(rows=400)

    slow.adapt(0.01)
    quick.adapt(0.001)

    assert (slow.rows, slow.rest) == (400, 0.03)
    assert (quick.rows, quick.rest) == (800, 0.01)
    slow.adapt(10)
    quick.adapt(0)
    assert (slow.rows, quick.rows) == (50, 1_000)
