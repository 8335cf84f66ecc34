"""Restoring: a key is set to what one of its versions was, as a new version."""

from datetime import UTC, datetime, timedelta

import pytest

from namespaces import history, reading, removal, restoring, writing
from namespaces.callers import Caller
from namespaces.conditions import at_version
from namespaces.errors import (
    InvalidTTL,
    NamespaceReadOnly,
    PreconditionFailed,
    StorageLimit,
    ValueTooLarge,
    VersionNotFound,
)
from namespaces.jsontext import JSONText
from namespaces.models import Change, DailyUsage, Entry, Namespace
from tests.rows import NO_ROWS, all_rows, assert_counters_exact

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("database")]

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def write(namespace, key, value="1", **options):
    return writing.set_entry(namespace, key, JSONText.parse(value), **{"now": NOW} | options)


def restore(namespace, key, version, **options):
    return restoring.restore(namespace, key, version, **{"now": NOW} | options)


def test_a_key_is_what_it_was_byte_for_byte_as_a_new_version(namespace):
    write(namespace, "k", '{"a":  1e3}', ttl=60)
    write(namespace, "k", "2")

    restored = restore(namespace, "k", 1, caller=Caller("lead", is_verified=True))

    entry = reading.get_entry(namespace, "k", now=NOW)
    assert (restored.version, restored.is_new, restored.bytes) == (3, False, 12)
    assert (entry.value, entry.version, entry.writer, entry.is_verified) == ('{"a":  1e3}', 3, "lead", True)
    assert entry.expires_at is None, "it stays unless a ttl is given"
    assert_counters_exact(namespace)


def test_a_deleted_key_comes_back(namespace):
    write(namespace, "k")
    writing.delete_entry(namespace, "k", now=NOW)

    restored = restore(namespace, "k", 1, ttl=60)

    assert (restored.version, restored.is_new, restored.expires_at) == (3, True, NOW + timedelta(seconds=60))
    assert reading.get_entry(namespace, "k", now=NOW).value == "1"


def test_it_is_no_write_of_the_day_and_works_when_that_is_used_up(namespace, settings):
    settings.LIMITS = {**settings.LIMITS, "writes_per_day": 2}
    write(namespace, "k")
    write(namespace, "k", "2")

    restored = restore(namespace, "k", 1)

    assert (restored.allowance.used, restored.allowance.remaining) == (2, 0)
    assert DailyUsage.objects.get().writes == 2


def test_what_is_stored_and_how_large_a_value_is_stay_limited(namespace, settings):
    write(namespace, "k", '"12345"')
    write(namespace, "k", "1")
    before = all_rows()

    settings.LIMITS = {**settings.LIMITS, "bytes": 7}
    with pytest.raises(StorageLimit):
        restore(namespace, "k", 1)
    settings.LIMITS = {**settings.LIMITS, "bytes": 8, "value_bytes": 6}
    with pytest.raises(ValueTooLarge):
        restore(namespace, "k", 1)
    assert all_rows() == before

    settings.LIMITS = {**settings.LIMITS, "value_bytes": 7}
    restore(namespace, "k", 1)


def test_a_condition_is_one_on_the_entry_as_it_is(namespace):
    write(namespace, "k")
    write(namespace, "k", "2")

    with pytest.raises(PreconditionFailed):
        restore(namespace, "k", 1, condition=at_version(1))

    assert restore(namespace, "k", 1, condition=at_version(2)).version == 3


@pytest.mark.parametrize("version", [0, 2, 3, 4, 99])
def test_what_is_no_value_of_the_key_is_refused_with_what_there_is(namespace, version):
    write(namespace, "k")
    write(namespace, "other")
    writing.delete_entry(namespace, "k", now=NOW)
    write(namespace, "k", "2")
    Change.objects.filter(revision=4).update(value=None)  # as a purge erases it
    Entry.objects.filter(key="k").update(version=5)
    before = all_rows()

    with pytest.raises(VersionNotFound) as refused:
        restore(namespace, "k", version)

    assert refused.value.facts == {"versions": [1]}
    assert all_rows() == before


def test_nothing_is_made_where_there_was_nothing(namespace):
    with pytest.raises(VersionNotFound):
        restore(namespace, "k", 1)

    assert all_rows() == NO_ROWS


def test_a_read_only_namespace_is_not_written_to(namespace):
    write(namespace, "k")
    Namespace.objects.update(status="read_only")

    with pytest.raises(NamespaceReadOnly):
        restore(namespace, "k", 1)


def test_a_ttl_that_can_not_be_is_refused(namespace):
    write(namespace, "k")

    with pytest.raises(InvalidTTL):
        restore(namespace, "k", 1, ttl=0)


def test_the_version_that_stands_is_known_though_the_log_has_lost_it(namespace, settings):
    write(namespace, "k", caller=Caller("quant"))
    settings.LIMITS = {**settings.LIMITS, "change_log_bytes": 0}
    removal.trim(namespace, NOW)

    past = history.past_of(namespace, "k", 1, now=NOW)
    [version] = history.history_of(namespace, "k", with_values=True, now=NOW).versions

    assert past.version == version
    assert (version.kind, version.value, version.writer, version.at) == ("set", "1", "quant", NOW)
    assert history.history_of(namespace, "k", before=1, now=NOW).versions == []
    assert restore(namespace, "k", 1).version == 2
