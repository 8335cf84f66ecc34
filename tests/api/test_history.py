"""What was: the versions of a key, the value at one of them, and the way back to it."""

import json
import re

import pytest

from namespaces import clock, history, removal
from namespaces.models import DailyUsage, Namespace
from tests.factories import NamespaceFactory
from tests.rows import all_rows

pytestmark = pytest.mark.django_db

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


@pytest.fixture
def ask(database, api, namespace):
    return lambda query="?key=k", **headers: api.get(f"/namespaces/{namespace}/history{query}", headers=headers)


@pytest.fixture
def restore(database, api, namespace):
    def restore(key="k", version=1, *, body=None, headers=None, **more):
        content = json.dumps({"key": key, "version": version, **more}) if body is None else body
        path = f"/namespaces/{namespace}/restore"
        return api.post(path, content, content_type="application/json", headers=headers or {})

    return restore


def test_the_versions_of_a_key_come_newest_first(put, delete, ask, namespace):
    put("k", body='{"value": {"a":  1e3}}', X_BotWire_Agent="quant")
    put("other")
    put("k", None)
    delete("k", X_BotWire_Agent="caf%C3%A9")

    answer, with_values = ask(), ask("?key=k&include=values")

    moments = MOMENT.findall(answer.content.decode())
    quant, cafe = {"name": "quant", "verified": False}, {"name": "café", "verified": False}
    versions = [
        {"version": 4, "kind": "delete", "bytes": 1, "writer": cafe, "at": moments[0]},
        {"version": 3, "kind": "set", "bytes": 5, "writer": None, "at": moments[1]},
        {"version": 1, "kind": "set", "bytes": 12, "writer": quant, "at": moments[2]},
    ]
    assert answer.json() == {"namespace": namespace, "key": "k", "versions": versions, "next_before": None}
    assert '"value": {"a":  1e3}}' in with_values.content.decode()
    versions[1] |= {"value": None}
    versions[2] |= {"value": {"a": 1000.0}}
    assert with_values.json()["versions"] == versions


def test_pages_follow_one_another(put, ask):
    for number in range(5):
        put("k", number)

    first = ask("?key=k&limit=2").json()
    second = ask(f"?key=k&limit=3&before={first['next_before']}").json()

    assert ([one["version"] for one in first["versions"]], first["next_before"]) == ([5, 4], 4)
    assert ([one["version"] for one in second["versions"]], second["next_before"]) == ([3, 2, 1], None)


def test_a_page_with_values_ends_where_its_bytes_do_but_is_never_empty(put, ask, settings):
    for _ in range(3):
        put("k", "x" * 98)  # 101 bytes

    for room, number in ((202, 2), (201, 1), (1, 1)):
        settings.LIMITS = {**settings.LIMITS, "page_value_bytes": room}
        page = ask("?key=k&include=values").json()
        assert (len(page["versions"]), page["next_before"]) == (number, 4 - number)


def test_what_never_was_has_no_versions(put, ask, namespace):
    nothing = {"namespace": namespace, "key": "k", "versions": [], "next_before": None}

    assert ask().json() == nothing
    assert not Namespace.objects.exists()
    put("other")
    assert ask().json() == nothing


@pytest.mark.parametrize(
    ("query", "code", "parameter"),
    [
        ("", "invalid_parameter", "key"),
        ("?key=k&before=-1", "invalid_parameter", "before"),
        ("?key=k&limit=0", "invalid_parameter", "limit"),
        ("?key=k&include=all", "invalid_parameter", "include"),
        ("?key=k&writer=a", "invalid_parameter", "writer"),
        ("?key=%00", "invalid_key", None),
    ],
)
def test_what_cannot_be_asked_is_refused(ask, query, code, parameter):
    refused = ask(query)

    assert (refused.status_code, refused.json()["code"], refused.json().get("parameter")) == (400, code, parameter)


def test_a_suspended_namespace_shows_no_history(database, api):
    made = NamespaceFactory(status="suspended", status_reason="spam")

    for path in (f"/namespaces/{made.name}/history?key=k", f"/memory/{made.name}/k?version=1"):
        refused = api.get(path)
        assert (refused.status_code, refused.json()["code"]) == (403, "namespace_suspended")


# --- one version


def test_a_version_is_read_by_its_number(put, get, delete, namespace):
    put("k", body='{"value": [ 1e3 ]}', X_BotWire_Agent="quant")
    put("k", 2)
    delete("k")

    answer = get("k?version=1")

    assert '"value": [ 1e3 ]' in answer.content.decode()
    [moment] = MOMENT.findall(answer.content.decode())
    assert answer.headers["ETag"] == '"1"'
    assert answer.json() == {
        "namespace": namespace,
        "key": "k",
        "version": 1,
        "kind": "set",
        "bytes": 8,
        "writer": {"name": "quant", "verified": False},
        "at": moment,
        "value": [1000.0],
    }
    assert get("k?version=1", If_None_Match='"1"').status_code == 304


def test_what_is_no_version_with_a_value_is_404_with_those_that_are(put, get, delete):
    put("k")
    put("k")
    delete("k")

    refused = get("k?version=3")

    assert refused.status_code == 404
    assert refused.json() == {
        "type": "/docs/errors#version_not_found",
        "title": "Version not found",
        "status": 404,
        "code": "version_not_found",
        "detail": "There is no value that version 3 gave to the key 'k', or not any more.",
        "next_step": "Choose one of the versions given.",
        "versions": [2, 1],
    }


def test_of_many_versions_the_newest_are_given(put, get, monkeypatch):
    monkeypatch.setattr(history, "VERSIONS_PER_PAGE", 2)
    for _ in range(3):
        put("k")

    assert get("k?version=9").json()["versions"] == [3, 2]


def test_what_the_log_has_lost_is_404_but_not_what_stands(put, get, namespace, settings):
    put("k", 1)
    put("k", 2)
    settings.LIMITS = {**settings.LIMITS, "change_log_bytes": 0}
    removal.trim(namespace, clock.now())

    assert get("k?version=1").json()["versions"] == [2]
    assert get("k?version=2").json()["value"] == 2


@pytest.mark.parametrize("query", ["version=", "version=-1", "version=x", "version=1&wait=1", "version=1&version=2"])
def test_a_version_is_one_number_and_nothing_is_waited_for(put, get, query):
    put("k")

    refused = get(f"k?{query}")

    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_parameter")


# --- restore


def test_a_restore_answers_like_a_set(put, restore, get, namespace):
    put("k", [1])
    put("k", 2)

    answer = restore(headers={"X-BotWire-Agent": "lead"})

    made, moment = MOMENT.findall(answer.content.decode())
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"3"')
    assert answer.headers["RateLimit-Remaining"] == "998", "it is no write of the day"
    assert answer.json() == {
        "namespace": namespace,
        "key": "k",
        "version": 3,
        "stored": True,
        "bytes": 4,
        "created_at": made,
        "updated_at": moment,
        "expires_at": None,
    }
    assert get("k").json()["value"] == [1]
    assert get("k").json()["writer"] == {"name": "lead", "verified": False}


def test_a_restore_of_a_deleted_key_makes_it_anew(put, delete, restore, get):
    put("k")
    delete("k")

    answer = restore(ttl=60)

    assert answer.status_code == 201
    assert answer.json()["expires_at"] is not None
    assert get("k").json()["version"] == 3


def test_a_restore_on_a_condition_that_does_not_hold_is_412(put, restore):
    put("k")
    put("k")

    assert restore(headers={"If-Match": '"1"'}).json()["code"] == "precondition_failed"
    assert restore(headers={"If-Match": '"2"'}).status_code == 200


def test_a_restore_with_an_idempotency_key_is_done_once(put, restore):
    put("k")
    put("k")

    first = restore(headers={"Idempotency-Key": "one"})
    again = restore(headers={"Idempotency-Key": "one"})

    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    assert Namespace.objects.get().revision == 3


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('{"key": "k"}', "invalid_body"),
        ('{"key": 1, "version": 1}', "invalid_body"),
        ('{"key": "k", "version": "1"}', "invalid_body"),
        ('{"key": "k", "version": 1, "value": 2}', "invalid_body"),
        ('{"key": "", "version": 1}', "invalid_key"),
        ('{"key": "k", "version": 1, "ttl": 0}', "invalid_ttl"),
        ('{"key": "k", "version": 2}', "version_not_found"),
        ("[", "invalid_json"),
    ],
)
def test_what_is_no_restore_is_refused_and_writes_nothing(put, restore, body, code):
    put("k")
    before = all_rows()

    assert restore(body=body).json()["code"] == code
    assert {**all_rows(), "DailyUsage": None} == {**before, "DailyUsage": None}
    assert DailyUsage.objects.get().writes == 1
