"""The versions of a key and the change log, as long as it is kept."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from namespaces import history, removal, writing
from namespaces.callers import Caller
from namespaces.errors import VersionNotFound
from namespaces.jsontext import JSONText
from namespaces.models import Namespace
from namespaces.names import Writer
from tests.plans import assert_by_index

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("database")]

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def set_at(namespace, key, text="1", **options):
    return writing.set_entry(namespace, key, JSONText.parse(text), now=NOW, **options)


def numbers(found):
    return [version.version for version in found.versions]


def test_recent_writers_are_those_of_the_newest_changes_whoever_wrote_last_first(namespace, monkeypatch):
    monkeypatch.setattr(history, "WRITERS_WITHIN", 4)
    for key, writer, is_verified in (
        ("a", "long ago", False),
        ("b", "bot7", False),
        ("c", "bot7", True),
        ("d", "bot7", False),
    ):
        set_at(namespace, key, caller=Caller(writer, is_verified=is_verified))
    set_at(namespace, "e", ttl=1)
    removal.sweep(NOW + timedelta(seconds=2))

    with CaptureQueriesContext(connection) as asked:
        found = history.recent_writers(namespace)

    assert [(row.writer, row.changes) for row in found] == [
        (Writer("", False), 1),
        (Writer("bot7", False), 1),
        (Writer("bot7", True), 1),
    ]
    assert_by_index(asked)


def test_the_versions_of_a_key_come_newest_first_page_by_page(namespace):
    for number in range(5):
        set_at(namespace, "k", str(number))
        set_at(namespace, "other")

    first = history.versions_of(namespace, "k", most=3)
    second = history.versions_of(namespace, "k", before=first.next_before, most=3)

    assert (numbers(first), first.next_before) == ([9, 7, 5], 5)
    assert (numbers(second), second.next_before) == ([3, 1], None)


def test_deletions_and_expiries_are_among_the_versions(namespace):
    set_at(namespace, "k", ttl=1)
    removal.sweep(NOW.replace(hour=13))
    set_at(namespace, "k")
    writing.delete_entry(namespace, "k", now=NOW)

    found = history.versions_of(namespace, "k").versions

    assert [(version.kind, version.is_value) for version in found] == [
        ("delete", False),
        ("set", True),
        ("expire", False),
        ("set", True),
    ]


def test_a_value_at_a_version_is_the_text_that_was_set(namespace):
    set_at(namespace, "k", '{"a":  1e3}')
    set_at(namespace, "k", "2")

    assert history.value_at(namespace, "k", 1) == '{"a":  1e3}'
    with pytest.raises(VersionNotFound):
        history.value_at(namespace, "l", 1)


def test_a_log_is_cut_to_the_newest_and_tells_what_it_skipped(namespace, monkeypatch):
    monkeypatch.setattr(history, "CHANGES_PER_PAGE", 2)
    for number in range(5):
        set_at(namespace, f"k{number}", f'"{"x" * 200}"')
    row = Namespace.objects.get()

    log = history.changes_of(row, since=1)

    assert [(change.revision, change.key) for change in log.changes] == [(5, "k4"), (4, "k3")]
    assert (log.skipped, log.forgotten) == (2, 0)
    assert log.changes[0].preview == f'"{"x" * 120}'
    assert [change.revision for change in history.changes_of(row, until=2).changes] == [2, 1]
    assert history.changes_of(row, since=5).changes == []


def test_what_is_trimmed_is_not_counted_as_skipped(namespace, settings, monkeypatch):
    monkeypatch.setattr(history, "CHANGES_PER_PAGE", 1)
    for number in range(4):
        set_at(namespace, f"{number}")
    settings.LIMITS = {**settings.LIMITS, "change_log_bytes": 4}
    removal.trim_all(NOW)

    log = history.changes_of(Namespace.objects.get())

    assert (log.skipped, log.forgotten) == (1, 2)


def test_nothing_is_read_from_end_to_end(namespace):
    for number in range(30):
        set_at(namespace, f"k{number % 7}")
    row = Namespace.objects.get()

    with CaptureQueriesContext(connection) as asked:
        history.versions_of(namespace, "k1", before=20)
        history.value_at(namespace, "k1", 2)
        history.changes_of(row, since=3)

    assert len(asked) == 3
    assert_by_index(asked)
