"""The biggest keys: of this moment where they can be sorted at once, else of the worker's last look."""

from datetime import UTC, datetime, timedelta

import pytest

from namespaces import biggest, standing
from namespaces.biggest import Biggest, biggest_keys, look_at_all
from namespaces.jsontext import JSONText
from namespaces.models import Namespace
from namespaces.writing import delete_entry, set_entry

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


def put(key, size, *, now=NOW, ttl=None):
    set_entry("n", key, JSONText.parse("1" * size), now=now, ttl=ttl)


def asked(now=NOW):
    return biggest_keys(Namespace.objects.get(name="n"), now)


def test_the_biggest_come_first(database):
    for number in range(1, 13):
        put(f"k{number:02}", number)

    assert asked() == Biggest([(f"k{number:02}", number + 3) for number in range(12, 2, -1)])


def test_what_has_expired_is_not_shown(database):
    put("gone", 9, ttl=1)
    put("here", 1)

    assert asked(NOW + timedelta(seconds=2)).keys == [("here", 5)]


def test_of_too_many_entries_nothing_is_known_before_the_first_look(database, monkeypatch):
    monkeypatch.setattr(biggest, "LIVE", 1)
    put("a", 1)
    put("b", 2)
    standing.refresh_all(NOW)

    assert asked() == Biggest(None)


def test_of_too_many_entries_those_of_the_last_look_are_shown_at_their_size_of_now(database, monkeypatch):
    monkeypatch.setattr(biggest, "LIVE", 1)
    for key, size in (("a", 1), ("b", 2), ("c", 3)):
        put(key, size)
    standing.refresh_all(NOW)
    assert look_at_all(NOW) == 1

    put("a", 9)
    put("new", 99)
    delete_entry("n", "b", now=NOW)

    assert asked() == Biggest([("a", 10), ("c", 4)], NOW)


def test_a_look_is_taken_again_only_after_a_write(database, monkeypatch):
    monkeypatch.setattr(biggest, "LIVE", 1)
    put("a", 1)
    put("b", 2)
    standing.refresh_all(NOW)
    look_at_all(NOW)
    assert look_at_all(NOW + timedelta(hours=1)) == 0

    put("c", 3, now=NOW + timedelta(hours=2))

    assert look_at_all(NOW + timedelta(hours=3)) == 1
    assert asked(NOW).keys[0] == ("c", 4)


def test_an_updated_standing_keeps_what_was_found(database, monkeypatch):
    monkeypatch.setattr(biggest, "LIVE", 1)
    put("a", 1)
    put("b", 2)
    standing.refresh_all(NOW)
    look_at_all(NOW)

    standing.refresh(["n"], now=NOW)

    assert asked().keys == [("b", 3), ("a", 2)]
