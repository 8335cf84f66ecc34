"""What operators see of the keys: folders by steps of the index, keys by page, whatever they are called."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from namespaces import browsing
from namespaces.errors import InvalidPrefix, NamespaceNotFound
from namespaces.models import Entry, Namespace
from tests.factories import NamespaceFactory
from tests.plans import assert_by_index

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("database")]

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def store(name, *keys, expires_at=None, value="1"):
    """Entries under these keys, as they lie in the table."""
    if not Namespace.objects.filter(name=name).exists():
        NamespaceFactory(name=name)
    Entry.objects.bulk_create(
        Entry(
            namespace_id=name,
            key=key,
            bytes=len(key.encode()) + len(value),
            version=number,
            created_at=NOW,
            updated_at=NOW,
            expires_at=expires_at,
            writer="quant",
            value=value,
        )
        for number, key in enumerate(keys, 1)
    )


def folders(name, prefix="", **options):
    return [(folder.prefix, folder.count) for folder in browsing.folders(name, prefix, **options).folders]


def test_folders_end_at_the_first_separator_of_any_kind(namespace):
    store(namespace, "a/1", "a/2", "b:1", "b:2", "c.1", "c.2", "d", "e-1", "e-2")

    assert folders(namespace) == [("a/", 2), ("b:", 2), ("c.", 2)]


def test_folders_of_a_prefix_begin_behind_it(namespace):
    store(namespace, "desk/a/1", "desk/a/2", "desk/b:1", "desk/b:2", "desk/", "other/1", "other/2")

    assert folders(namespace, "desk/") == [("desk/a/", 2), ("desk/b:", 2)]
    assert folders(namespace, "de") == [("desk/", 5)]
    assert folders(namespace, "desk/a/") == []


def test_a_folder_of_one_key_is_that_key(namespace):
    store(namespace, "report.json", "a/b/c")

    assert folders(namespace) == []


def test_keys_are_counted_up_to_a_bound(namespace):
    store(namespace, *(f"a/{number}" for number in range(200)), *(f"b/{number}" for number in range(201)))

    exact, above = browsing.folders(namespace).folders

    assert (exact.count, exact.is_counted) == (200, True)
    assert above.is_counted is False


def test_folders_go_on_where_they_ended(namespace, monkeypatch):
    monkeypatch.setattr(browsing, "SEGMENTS_PER_PAGE", 2)
    store(namespace, "a/1", "a/2", "a0", "b", "b/1", "b/2", "c:1", "c:2")

    found, after = [], ""
    for _ in range(3):
        page = browsing.folders(namespace, after=after)
        found += [folder.prefix for folder in page.folders]
        after = page.next_after

    assert found == ["a/", "b/", "c:"]
    assert after is None


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    keys=st.sets(st.text("ab/:.é\u202e😀\U0010ffff", min_size=1, max_size=7), max_size=25),
    prefix=st.text("a/:.\U0010ffff", max_size=3),
)
def test_folders_are_those_that_a_look_at_every_key_finds(namespace, keys, prefix):
    Entry.objects.filter(namespace_id=namespace).delete()
    store(namespace, *sorted(keys))
    expected = {}
    for key in keys:
        ends = [end for end in range(len(prefix), len(key)) if key[end] in "/:."]
        if key.startswith(prefix) and ends:
            folder = key[: ends[0] + 1]
            expected[folder] = expected.get(folder, 0) + 1

    assert folders(namespace, prefix) == sorted(item for item in expected.items() if item[1] > 1)


def test_keys_come_in_byte_order_page_by_page(namespace, monkeypatch):
    monkeypatch.setattr(browsing, "ROWS_PER_PAGE", 2)
    store(namespace, "é", "z", "a", "😀", "\ufffd")

    first = browsing.rows(namespace)
    second = browsing.rows(namespace, after=first.next_after)
    third = browsing.rows(namespace, after=second.next_after)

    assert [row.key for page in (first, second, third) for row in page.rows] == ["a", "z", "é", "\ufffd", "😀"]
    assert third.next_after is None


def test_a_row_tells_what_there_is(namespace):
    store(namespace, "k", value='{"a": 1}', expires_at=NOW + timedelta(hours=1))

    (row,) = browsing.rows(namespace, now=NOW).rows

    assert row == browsing.Row("k", 9, 1, "quant", False, NOW, NOW + timedelta(hours=1), '{"a": 1}', is_expired=False)


def test_an_expired_entry_that_is_not_removed_is_said_to_be(namespace):
    store(namespace, "k", expires_at=NOW)

    assert browsing.rows(namespace, now=NOW).rows[0].is_expired
    assert not browsing.rows(namespace, now=NOW - timedelta(microseconds=1)).rows[0].is_expired


def test_a_large_value_is_not_read_for_its_preview(namespace):
    edge = browsing.PREVIEWED_BYTES
    store(namespace, "a", value=f'"{"x" * (edge - 3)}"')
    store(namespace, "b", value=f'"{"x" * (edge - 2)}"')

    at, above = browsing.rows(namespace).rows

    assert at.bytes == edge
    assert at.preview == f'"{"x" * 120}'
    assert above.preview is None


def test_what_does_not_exist_is_not_shown_as_empty(namespace):
    with pytest.raises(NamespaceNotFound):
        browsing.namespace_of(namespace)


def test_a_prefix_that_no_key_can_have_is_refused(namespace):
    with pytest.raises(InvalidPrefix):
        browsing.rows(namespace, "\n")
    with pytest.raises(InvalidPrefix):
        browsing.folders(namespace, "x" * 513)


def test_nothing_is_read_from_end_to_end(namespace):
    store(namespace, *(f"a/{number}" for number in range(50)))

    with CaptureQueriesContext(connection) as asked:
        browsing.namespace_of(namespace)
        browsing.entry_of(namespace, "a/1")
        browsing.folders(namespace)
        browsing.folders(namespace, "a/", after="a/7")
        browsing.rows(namespace, "a/", after="a/7")

    assert len(asked) == 5
    assert_by_index(asked)
