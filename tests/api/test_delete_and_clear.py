"""DELETE /memory/{namespace}/{key} and DELETE /memory/{namespace}"""

import pytest

from namespaces import removal
from namespaces.models import Change, DailyUsage, Entry, Namespace
from tests.rows import all_rows, assert_counters_exact

pytestmark = pytest.mark.django_db


@pytest.fixture
def clear(api, namespace):
    return lambda query="": api.delete(f"/memory/{namespace}{query}")


def test_a_delete_takes_the_entry_away_and_is_a_change(put, get, delete, namespace):
    put("k")

    answer = delete("k", X_BotWire_Agent="w")

    assert answer.status_code == 200
    assert answer.json() == {"namespace": namespace, "key": "k", "deleted": True, "version": 2}
    assert answer["RateLimit-Remaining"] == "998"
    assert get("k").status_code == 404
    change = Change.objects.get(namespace_id=namespace, revision=2)
    assert (change.kind, change.key, change.value, change.writer) == ("delete", "k", None, "w")
    assert_counters_exact(namespace)


def test_a_delete_of_nothing_is_404_and_no_write(put, delete, namespace):
    put("k")
    put("expired", ttl=0.000001)
    before = all_rows()

    answers = delete("other"), delete("expired")

    assert [answer.json()["code"] for answer in answers] == ["key_not_found", "key_not_found"]
    assert all_rows() == before


def test_a_delete_in_a_namespace_that_is_none_makes_none(delete):
    assert delete("k").json()["code"] == "key_not_found"
    assert not Namespace.objects.exists()


def test_a_clear_takes_everything_and_counts_as_one_write(put, clear, namespace):
    for key in "abc":
        put(key)

    answer = clear()

    assert answer.status_code == 200
    assert answer.json() == {"namespace": namespace, "prefix": "", "deleted": True, "count": 3}
    assert answer["RateLimit-Remaining"] == "996"
    assert not Entry.objects.exists()
    assert DailyUsage.objects.get().writes == 4
    assert list(Change.objects.order_by("revision").values_list("kind", "key"))[3:] == [("delete", k) for k in "abc"]
    assert_counters_exact(namespace)


def test_a_clear_under_a_prefix_leaves_the_rest(put, clear, api, namespace):
    for key in ["a", "a/1", "a/2", "b", "a%2F%C3%A9"]:
        put(key)

    assert clear("?prefix=a/").json()["count"] == 3
    assert api.get(f"/memory/{namespace}").json()["keys"] == ["a", "b"]
    assert_counters_exact(namespace)


def test_a_clear_goes_in_batches_and_leaves_no_gap(put, clear, namespace, monkeypatch):
    monkeypatch.setattr(removal, "BATCH", 2)
    for key in "abcde":
        put(key)

    assert clear().json()["count"] == 5
    assert Namespace.objects.get().revision == 10
    assert DailyUsage.objects.get().writes == 6
    assert_counters_exact(namespace)


@pytest.mark.only_through("django")  # whose thread may write in the middle of its own transaction
def test_a_clear_spares_what_is_written_while_it_runs(put, clear, api, namespace, monkeypatch):
    remove = removal._remove

    def remove_and_let_others_write(*arguments):
        removed = remove(*arguments)
        put("a", "written meanwhile")
        put("d", "written meanwhile")
        return removed

    monkeypatch.setattr(removal, "BATCH", 2)
    for key in "abcd":
        put(key)
    monkeypatch.setattr(removal, "_remove", remove_and_let_others_write)

    answer = clear()

    assert answer.json()["count"] == 3, "a, b and c; d was replaced before its turn came"
    assert api.get(f"/memory/{namespace}").json()["keys"] == ["a", "d"]
    assert_counters_exact(namespace)


def test_a_clear_of_nothing_is_no_write(put, clear):
    put("a")
    before = all_rows()

    answer = clear("?prefix=b")

    assert answer.json()["deleted"] is False
    assert answer.json()["count"] == 0
    assert all_rows() == before


def test_a_clear_of_a_namespace_that_never_was_is_404(database, clear):
    assert clear().status_code == 404
    assert clear().json()["code"] == "namespace_not_found"


def test_a_misspelt_prefix_clears_nothing(put, clear):
    put("a")
    before = all_rows()

    assert clear("?prefx=tmp").json()["code"] == "invalid_parameter"
    assert all_rows() == before


def test_a_clear_beyond_the_daily_limit_is_refused(put, clear, settings):
    settings.LIMITS = {**settings.LIMITS, "writes_per_day": 1}
    put("a")
    before = all_rows()

    assert clear().json()["code"] == "daily_write_limit"
    assert all_rows() == before


def test_a_clear_does_not_touch_another_namespace(put, clear, api, namespace):
    put("a")
    api.put(f"/memory/{namespace}x/a", '{"value": 1}', content_type="application/json")

    clear()

    assert list(Entry.objects.values_list("namespace_id", flat=True)) == [f"{namespace}x"]
