"""The bulk loader: what it writes is what the domain would have left."""

from datetime import UTC, datetime

import pytest

from benchmarks import bulk
from benchmarks.progress import Progress
from namespaces import reading, writing
from namespaces.jsontext import JSONText
from namespaces.models import Change, DailyUsage, Entry, Namespace
from tests.rows import assert_counters_exact

pytestmark = pytest.mark.usefixtures("database")

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def loaded(db):
    """Two namespaces of 25 entries, more than the log that is kept of each."""
    bulk.load(2, 25, value_bytes=100, now=NOW, progress=Progress(0, None))


def test_counters_usage_and_log_are_those_of_the_rows(loaded):
    assert Entry.objects.count() == 50
    assert Change.objects.count() == 2 * bulk.LOGGED
    for namespace in Namespace.objects.all():
        assert_counters_exact(namespace.name)
        usage = DailyUsage.objects.get(namespace=namespace)
        assert (usage.day, usage.writes, usage.bytes_written) == (NOW.date(), 25, namespace.bytes)


def test_versions_are_the_revisions_that_wrote_and_the_log_agrees(loaded):
    for namespace in Namespace.objects.all():
        entries = Entry.objects.filter(namespace=namespace).order_by("version")
        assert [entry.version for entry in entries] == list(range(1, 26))
        log = Change.objects.filter(namespace=namespace).order_by("revision")
        assert [(change.revision, change.key, change.value) for change in log] == [
            (entry.version, entry.key, entry.value) for entry in entries if entry.version > namespace.trimmed_revision
        ]


def test_it_can_be_read_and_written_on(loaded):
    name, key = bulk.place(1, 24)

    assert len(reading.get_entry(name, key, now=NOW).value) == 102
    assert writing.set_entry(name, key, JSONText.parse("1"), now=NOW).version == 26

    assert_counters_exact(name)


def test_values_differ():
    values = bulk._Values(100)

    assert len({values.of(0, entry) for entry in range(1000)}) == 1000
    assert values.of(0, 1) == values.of(0, 1)
