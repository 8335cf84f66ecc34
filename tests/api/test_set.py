"""PUT /memory/{namespace}/{key}"""

from datetime import datetime, timedelta

import pytest

from namespaces import editing
from namespaces.jsontext import JSONText
from namespaces.models import Change, DailyUsage, Entry
from tests.rows import assert_counters_exact

pytestmark = pytest.mark.django_db


def test_the_first_set_answers_201_with_everything_about_the_entry(put, namespace):
    answer = put("tsla", {"action": "buy"})

    body = answer.json()
    at = body.pop("created_at")
    assert answer.status_code == 201
    assert body == {
        "namespace": namespace,
        "key": "tsla",
        "version": 1,
        "stored": True,
        "bytes": len('tsla{"action": "buy"}'),
        "updated_at": at,
        "expires_at": None,
        "claim_code": answer["BotWire-Claim-Code"],
    }
    assert answer["ETag"] == '"1"'
    assert answer["Content-Type"] == "application/json"


def test_a_set_of_the_same_key_answers_200_and_keeps_when_it_was_created(put):
    first = put("k", 1).json()

    second = put("k", 2)

    assert second.status_code == 200
    assert second.json()["version"] == 2
    assert second.json()["created_at"] == first["created_at"]
    assert second.json()["updated_at"] > first["updated_at"]


def test_what_a_set_answers_is_what_is_stored(put, get):
    put("k", 1)

    written = put("k", 2, ttl=60).json()

    stored = get("k").json()
    times = ("version", "created_at", "updated_at", "expires_at")
    assert {name: stored[name] for name in times} == {name: written[name] for name in times}


def test_a_write_reports_what_is_left_of_the_day(put, settings):
    settings.LIMITS = {**settings.LIMITS, "writes_per_day": 3}

    answers = [put("k"), put("k"), put("k")]

    assert [answer["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0"]
    assert answers[0]["RateLimit-Limit"] == "3"
    assert 0 <= int(answers[0]["RateLimit-Reset"]) <= 86_400


def test_every_set_is_a_change_in_the_log(put, namespace):
    put("k", {"b": 1}, X_BotWire_Agent="quant-1")

    change = Change.objects.get(namespace_id=namespace)
    assert (change.revision, change.kind, change.key, change.writer) == (1, "set", "k", "quant-1")
    assert change.value == '{"b": 1}'
    assert DailyUsage.objects.get(namespace_id=namespace).writes == 1
    assert_counters_exact(namespace)


def test_a_ttl_tells_when_the_entry_expires(put):
    body = put("k", ttl=90).json()

    assert datetime.fromisoformat(body["expires_at"]) - datetime.fromisoformat(body["updated_at"]) == timedelta(
        seconds=90
    )


def test_a_ttl_may_have_a_fraction(put):
    body = put("k", ttl=0.5).json()

    assert datetime.fromisoformat(body["expires_at"]) - datetime.fromisoformat(body["updated_at"]) == timedelta(
        milliseconds=500
    )


def test_a_set_without_ttl_takes_an_earlier_one_away(put):
    put("k", ttl=90)

    assert put("k").json()["expires_at"] is None


def test_a_ttl_of_null_is_none(put):
    assert put("k", body='{"value": 1, "ttl": null}').json()["expires_at"] is None


def test_the_longest_ttl_is_taken(put):
    assert put("k", ttl=315_360_000).status_code == 201


@pytest.mark.parametrize(
    "media_type", ["application/json; charset=UTF-8", "application/vnd.x+json", "application/JSON"]
)
def test_json_by_any_of_its_names_is_taken(put, media_type):
    assert put("k", content_type=media_type).status_code == 201


def test_a_value_of_exactly_the_limit_is_stored_and_one_byte_more_is_not(put, settings):
    settings.LIMITS = {**settings.LIMITS, "value_bytes": 100}

    assert put("k", "x" * 98).status_code == 201
    refused = put("k", "x" * 99)

    assert refused.status_code == 413
    assert {name: refused.json()[name] for name in ("code", "limit", "used")} == {
        "code": "value_too_large",
        "limit": 100,
        "used": 101,
    }


def test_a_namespace_fills_to_the_last_byte_and_not_beyond(put, namespace, settings):
    settings.LIMITS = {**settings.LIMITS, "bytes": 10}

    assert put("a", 1234).status_code == 201
    assert put("b", 1234).status_code == 201
    refused = put("c", 1)

    assert refused.status_code == 507
    assert {name: refused.json()[name] for name in ("code", "limit", "used", "needed")} == {
        "code": "storage_limit",
        "limit": 10,
        "used": 10,
        "needed": 2,
    }
    assert put("a", 123).status_code == 200, "a smaller value always fits"
    assert_counters_exact(namespace)


def test_expired_entries_make_room_when_a_write_needs_it(put, get, namespace, settings):
    settings.LIMITS = {**settings.LIMITS, "bytes": 10}
    put("old", 1234567, ttl=0.000001)

    answer = put("new", 1234567)

    assert answer.status_code == 201
    assert get("old").status_code == 404
    assert [change.kind for change in Change.objects.filter(namespace_id=namespace).order_by("revision")] == [
        "set",
        "expire",
        "set",
    ]
    assert_counters_exact(namespace)


def test_a_set_over_an_expired_entry_makes_a_new_one(put):
    first = put("k", ttl=0.000001).json()

    second = put("k")

    assert second.status_code == 201
    assert second.json()["created_at"] > first["created_at"]


def test_the_name_of_the_writer_may_be_any_text(put, get):
    put("k", X_BotWire_Agent="analyst%20%C3%A9")

    assert get("k").json()["writer"] == {"name": "analyst é", "verified": False}


@pytest.mark.only_through("django")  # the moderation log only grows, so that no test may commit a row of it
def test_an_operator_is_shown_as_a_writer_who_is_known(put, get, namespace):
    put("k")

    editing.edit(editing.Act(namespace, "k", 1, "ada", "it was wrong"), JSONText.parse("2"))

    assert get("k").json()["writer"] == {"name": "operator", "verified": True}


def test_a_slash_encoded_or_not_is_the_same_key(put, get, namespace):
    put("a%2Fb", 1)

    assert get("a/b").json()["key"] == "a/b"
    assert Entry.objects.get(namespace_id=namespace).key == "a/b"
