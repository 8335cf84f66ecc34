"""Sweeping what has expired, trimming the change log."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from namespaces import changes, history, reading, removal, writing
from namespaces.conditions import at_version
from namespaces.errors import KeyNotFound, RevisionTrimmed, StorageLimit
from namespaces.jsontext import JSONText
from namespaces.models import Change, Entry, Namespace
from tests.rows import all_rows, assert_counters_exact

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("database")]

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ONE = JSONText.parse("1")


def set_at(namespace, key, now=NOW, **options):
    return writing.set_entry(namespace, key, ONE, now=now, **options)


def test_an_entry_is_there_until_its_moment_and_not_at_it(namespace):
    set_at(namespace, "k", ttl=10)

    assert reading.get_entry(namespace, "k", now=NOW + timedelta(seconds=9.999999)).value == "1"
    with pytest.raises(KeyNotFound):
        reading.get_entry(namespace, "k", now=NOW + timedelta(seconds=10))


def test_a_sweep_removes_what_has_expired_and_nothing_else(namespace):
    set_at(namespace, "gone", ttl=10)
    set_at(namespace, "later", ttl=11)
    set_at(namespace, "stays")
    set_at(f"{namespace}2", "gone", ttl=1)

    assert removal.sweep(NOW + timedelta(seconds=10)) == 2

    assert set(Entry.objects.values_list("key", flat=True)) == {"later", "stays"}
    assert Change.objects.get(namespace_id=namespace, revision=4).kind == "expire"
    assert_counters_exact(namespace)
    assert_counters_exact(f"{namespace}2")


def test_a_sweep_with_nothing_due_changes_nothing(namespace):
    set_at(namespace, "k", ttl=10)
    before = all_rows()

    assert removal.sweep(NOW) == 0
    assert all_rows() == before


def test_a_sweep_is_no_write_of_the_day(namespace):
    set_at(namespace, "k", ttl=10)
    last_write_at = Namespace.objects.get().last_write_at

    removal.sweep(NOW + timedelta(minutes=1))

    assert reading.state(namespace, now=NOW).writes == 1
    assert Namespace.objects.get().last_write_at == last_write_at


def test_an_entry_set_again_before_the_sweep_is_kept(namespace):
    set_at(namespace, "k", ttl=10)
    set_at(namespace, "k", now=NOW + timedelta(seconds=20))

    assert removal.sweep(NOW + timedelta(seconds=30)) == 0
    assert reading.get_entry(namespace, "k", now=NOW + timedelta(seconds=30)).version == 2


def test_many_expired_entries_go_in_batches(namespace, monkeypatch):
    monkeypatch.setattr(removal, "BATCH", 3)
    for number in range(8):
        set_at(namespace, f"k{number}", ttl=1)

    assert removal.sweep(NOW + timedelta(seconds=2)) == 8
    assert_counters_exact(namespace)


def test_the_log_forgets_what_is_older_than_its_days(namespace, settings):
    settings.LIMITS = {**settings.LIMITS, "change_log_days": 30}
    set_at(namespace, "a", now=NOW - timedelta(days=31))
    set_at(namespace, "b", now=NOW - timedelta(days=30))
    set_at(namespace, "c", now=NOW)

    assert removal.trim_all(NOW) == 1

    assert list(Change.objects.order_by("revision").values_list("revision", flat=True)) == [2, 3]
    assert Namespace.objects.get().trimmed_revision == 1
    assert reading.get_entry(namespace, "a", now=NOW).version == 1, "the entry itself stays"
    assert_counters_exact(namespace)


def test_the_log_keeps_the_newest_bytes(namespace, settings, monkeypatch):
    monkeypatch.setattr(removal, "BATCH", 2)
    settings.LIMITS = {**settings.LIMITS, "change_log_bytes": 6}
    for key in "abcdefg":
        set_at(namespace, key)

    assert removal.trim_all(NOW) == 4

    assert list(Change.objects.order_by("revision").values_list("key", flat=True)) == ["e", "f", "g"]
    assert removal.trim_all(NOW) == 0
    assert_counters_exact(namespace)


def test_a_log_of_just_so_many_bytes_is_kept_and_one_more_takes_the_oldest(namespace, settings):
    for key in ("a", "b", "c"):
        set_at(namespace, key)
    settings.LIMITS = {**settings.LIMITS, "change_log_bytes": 6}

    assert removal.trim_overfull(NOW) == 0
    settings.LIMITS = {**settings.LIMITS, "change_log_bytes": 5}
    assert removal.trim_overfull(NOW) == 1

    assert list(Change.objects.order_by("revision").values_list("key", flat=True)) == ["b", "c"]
    assert_counters_exact(namespace)


def test_a_trim_takes_only_overfull_logs_and_a_bounded_number_of_bytes_at_once(namespace, settings, monkeypatch):
    settings.LIMITS = {**settings.LIMITS, "change_log_bytes": 4}
    monkeypatch.setattr(removal, "TRIMMED_BYTES", 3)
    for key in ("a", "b", "c", "d", "e"):
        set_at(namespace, key)
    set_at(f"{namespace}2", "a")

    with CaptureQueriesContext(connection) as asked:
        assert removal.trim_overfull(NOW) == 3

    deletes = [query for query in asked if query["sql"].startswith("DELETE")]
    assert len(deletes) == 3, "each of them alone is as much as may go at once"
    assert_counters_exact(namespace)


def test_trimming_breaks_nothing_that_is_current(namespace, settings):
    settings.LIMITS = {**settings.LIMITS, "change_log_bytes": 0}
    first = set_at(namespace, "k")
    removal.trim_all(NOW)

    assert history.past_of(namespace, "k", 1, now=NOW).version.value == "1"
    assert writing.set_entry(namespace, "k", ONE, condition=at_version(first.version), now=NOW).version == 2
    assert changes.changes_since(namespace, 1, now=NOW).changes[0].revision == 2
    with pytest.raises(RevisionTrimmed):
        changes.changes_since(namespace, 0, now=NOW)


def test_the_storage_limit_counts_what_is_stored_now_and_not_the_log(namespace, settings):
    settings.LIMITS = {**settings.LIMITS, "bytes": 4}
    for _ in range(20):
        set_at(namespace, "a")
    set_at(namespace, "b")

    with pytest.raises(StorageLimit) as refused:
        set_at(namespace, "c")

    assert (refused.value.facts["used"], refused.value.facts["needed"]) == (4, 2)
    assert Namespace.objects.get().log_bytes == 42
    writing.delete_entry(namespace, "a", now=NOW)
    set_at(namespace, "c")
    assert_counters_exact(namespace)


def test_revisions_go_on_after_a_trim(namespace, settings):
    settings.LIMITS = {**settings.LIMITS, "change_log_bytes": 0}
    set_at(namespace, "a")
    removal.trim_all(NOW)

    assert set_at(namespace, "a").version == 2
    assert_counters_exact(namespace)
