"""GET /memory/{namespace}: keys in byte order, page by page."""

import pytest

from namespaces.models import Namespace

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask(api, namespace):
    return lambda query="": api.get(f"/memory/{namespace}{query}")


def test_keys_come_in_byte_order(put, ask, namespace):
    for key in ["b", "a", "B", "%C3%A9", "a/b", "10", "9", "%F0%9F%98%80", "%EF%BF%BD"]:
        put(key)

    assert ask().json() == {
        "namespace": namespace,
        "count": 9,
        "keys": ["10", "9", "B", "a", "a/b", "b", "é", "\ufffd", "😀"],
        "next_cursor": None,
    }


def test_an_unknown_namespace_is_empty_and_stays_unknown(database, ask, namespace):
    assert ask().json() == {"namespace": namespace, "count": 0, "keys": [], "next_cursor": None}
    assert not Namespace.objects.exists()


def test_pages_follow_one_another_without_gap_or_repeat(put, ask):
    keys = [f"k{number:02}" for number in range(7)]
    for key in keys:
        put(key)

    seen, query, pages = [], "?limit=3", 0
    while query:
        page = ask(query).json()
        seen, pages = seen + page["keys"], pages + 1
        query = page["next_cursor"] and f"?limit=3&cursor={page['next_cursor']}"

    assert seen == keys
    assert pages == 3


def test_the_last_page_may_be_full(put, ask):
    put("a")
    put("b")

    assert ask("?limit=2").json()["next_cursor"] is None


def test_a_cursor_goes_on_where_keys_have_gone(put, delete, ask):
    for key in "abcd":
        put(key)
    cursor = ask("?limit=2").json()["next_cursor"]

    delete("b")
    delete("c")

    assert ask(f"?cursor={cursor}").json()["keys"] == ["d"]


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ("", ["%", "A", "a", "a/1", "a/2", "aé", "b", "\U0010ffff", "\U0010ffff\U0010ffffx"]),
        ("a", ["a", "a/1", "a/2", "aé"]),
        ("a/", ["a/1", "a/2"]),
        ("a%C3%A9", ["aé"]),
        ("%25", ["%"]),
        ("_", []),
        ("%F4%8F%BF%BF", ["\U0010ffff", "\U0010ffff\U0010ffffx"]),
        ("%F4%8F%BF%BF%F4%8F%BF%BF", ["\U0010ffff\U0010ffffx"]),
    ],
)
def test_a_prefix_chooses(put, ask, prefix, found):
    for key in ["a", "a/1", "a/2", "b", "A", "a%C3%A9", "%25", "%F4%8F%BF%BF", "%F4%8F%BF%BF%F4%8F%BF%BFx"]:
        put(key)

    assert ask(f"?prefix={prefix}").json()["keys"] == found


def test_the_code_point_before_the_surrogates_has_a_successor(put, ask):
    put("%ED%9F%BFx")
    put("%EE%80%80")

    assert ask("?prefix=%ED%9F%BF").json()["keys"] == ["\ud7ffx"]


def test_expired_keys_are_not_listed(put, ask):
    put("gone", ttl=0.000001)
    put("here")

    assert ask().json()["keys"] == ["here"]


def test_values_come_with_their_entries(put, get, ask):
    put("a", body='{"value": 1e3}', X_BotWire_Agent="w")
    put("b", "x", ttl=60)

    answer = ask("?include=values")

    assert answer.json()["keys"] == ["a", "b"]
    assert answer.json()["count"] == 2
    assert b'"value": 1e3,' in answer.content
    whole = [get("a").json(), get("b").json()]
    assert answer.json()["entries"] == [{k: v for k, v in entry.items() if k != "namespace"} for entry in whole]


def test_a_page_with_values_ends_where_it_gets_too_large(put, ask, settings):
    settings.LIMITS = {**settings.LIMITS, "page_value_bytes": 25}
    for key in "abc":
        put(key, "x" * 10)
    put("d", "x" * 50)

    pages, query = [], "?include=values"
    while query:
        page = ask(query).json()
        pages.append([entry["key"] for entry in page["entries"]])
        query = page["next_cursor"] and f"?include=values&cursor={page['next_cursor']}"

    assert pages == [["a"], ["b"], ["c"], ["d"]], "13 bytes each, and one that is over the limit by itself"


def test_the_default_page_has_a_thousand_keys_and_the_largest_ten_thousand(put, ask):
    assert ask("?limit=10000").status_code == 200
    refused = ask("?limit=10001")

    assert refused.status_code == 400
    assert refused.json()["code"] == "invalid_parameter"
    assert refused.json()["limit"] == 10_000


@pytest.mark.parametrize("given", ["0", "-1", "", "x", "1.0", "%D9%A3", "9999999999"])
def test_a_limit_that_is_no_number_of_keys_is_refused(database, ask, given):
    assert ask(f"?limit={given}").json()["code"] == "invalid_parameter"


@pytest.mark.parametrize("cursor", ["x", "!!", "YQ==", "YR", "%ff", "_w", "a" * 2000])
def test_a_cursor_of_somebody_elses_is_refused(database, ask, cursor):
    assert ask(f"?cursor={cursor}").json()["code"] in ("invalid_cursor", "invalid_parameter")


@pytest.mark.parametrize("query", ["prefx=a", "limit=1&limit=2", "include=keys", "include=", "prefix=%ff", "=x", "a"])
def test_a_parameter_that_is_not_understood_is_refused(database, ask, query):
    answer = ask(f"?{query}")

    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_parameter"


@pytest.mark.parametrize("prefix", ["%00", "x" * 513, "a%0A"])
def test_a_prefix_that_no_key_can_have_is_refused(database, ask, prefix):
    assert ask(f"?prefix={prefix}").json()["code"] == "invalid_prefix"


def test_another_namespace_is_never_seen(put, api, namespace):
    put("k")

    assert api.get(f"/memory/{namespace}x").json()["keys"] == []
    assert api.get(f"/memory/{namespace[:-1]}").json()["keys"] == []
