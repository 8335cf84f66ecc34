"""/namespaces/{namespace}/quarantine: writers whose values nobody reads; through Django and through the lane."""

import json
import re

import pytest

from namespaces.models import Namespace, Quarantine
from tests.rows import all_rows

pytestmark = pytest.mark.django_db


class Ward:
    """The quarantine of the test's namespace over HTTP."""

    def __init__(self, api, namespace):
        self._api, self._path = api, f"/namespaces/{namespace}/quarantine"

    def place(self, writer="bot7", verified=False, *, body=None, headers=None, **more):
        content = json.dumps({"writer": writer, "verified": verified, **more}) if body is None else body
        return self._api.post(self._path, content, content_type="application/json", headers=headers or {})

    def release(self, query="?writer=bot7&verified=false"):
        return self._api.delete(f"{self._path}{query}")

    def list(self):
        return self._api.get(self._path)


@pytest.fixture
def ward(database, api, namespace):
    return Ward(api, namespace)


@pytest.fixture
def hidden(put, ward):
    put("a", 1)
    put("b", ["lie"], X_BotWire_Agent="bot7")
    ward.place(reason="lies")


def test_a_writer_is_placed_listed_and_released(put, ward, get, namespace):
    put("b", "lie", X_BotWire_Agent="bot7")

    placed = ward.place(reason="made up prices", headers={"X-BotWire-Agent": "lead"})
    listed = ward.list()
    gone = get("b")
    released = ward.release()

    [moment] = re.findall(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", placed.content.decode())
    bot7 = {"name": "bot7", "verified": False}
    who = {
        "writer": bot7,
        "reason": "made up prices",
        "at": moment,
        "by": {"name": "lead", "verified": False},
    }
    assert (placed.status_code, placed.json()) == (201, {"namespace": namespace, **who})
    assert (listed.status_code, listed.json()) == (200, {"namespace": namespace, "quarantined": [who]})
    assert (gone.status_code, gone.json()["code"]) == (404, "key_not_found")
    assert (released.status_code, released.json()) == (200, {"namespace": namespace, "writer": bot7, "released": True})
    assert get("b").json()["value"] == "lie"


def test_a_second_place_is_200(hidden, ward):
    assert ward.place(reason="more").status_code == 200
    assert Quarantine.objects.get().reason == "more"


def test_a_hidden_entry_is_answered_as_one_that_never_was(hidden, get, api, namespace):
    never, hidden_one = get("c"), get("b")

    assert hidden_one.content.decode() == never.content.decode().replace("'c'", "'b'")
    assert dict(hidden_one.headers) == dict(never.headers)
    assert get("b", If_None_Match='"2"').status_code == 404
    assert api.get(f"/memory/{namespace}?include=values").json()["keys"] == ["a"]


def test_the_log_says_that_there_was_a_value_and_not_which(hidden, api, namespace):
    [_, change] = api.get(f"/namespaces/{namespace}/changes?since=0").json()["changes"]
    [version] = api.get(f"/namespaces/{namespace}/history?key=b&include=values").json()["versions"]

    assert change == {
        "revision": 2,
        "kind": "set",
        "key": "b",
        "bytes": 8,
        "writer": {"name": "bot7", "verified": False},
        "at": change["at"],
        "quarantined": True,
    }
    assert version == {
        "version": 2,
        "kind": "set",
        "bytes": 8,
        "writer": {"name": "bot7", "verified": False},
        "at": change["at"],
        "quarantined": True,
    }


def test_a_change_of_it_is_409_and_a_set_takes_its_place(hidden, patch, put, get, batch):
    before = all_rows()
    refused = patch("b", "append", value=1)

    assert (refused.status_code, refused.json()["code"], refused.json()["current_version"]) == (
        409,
        "entry_quarantined",
        2,
    )
    assert batch({"op": "append", "key": "b", "value": 1}).json()["code"] == "entry_quarantined"
    assert batch({"op": "get", "key": "b"}).json()["results"] == [{"key": "b", "found": False}]
    assert all_rows()["Entry"] == before["Entry"]
    assert put("b", 2, If_None_Match="*").status_code == 412
    assert put("b", 2, If_Match='"2"').status_code == 200
    assert get("b").json()["value"] == 2


def test_an_answer_that_is_repeated_does_not_show_it(patch, ward):
    asked = {"Idempotency-Key": "one", "X-BotWire-Agent": "bot7"}
    first = patch("b", "append", value="lie", headers=asked)
    ward.place()

    again = patch("b", "append", value="lie", headers=asked)

    assert first.json()["value"] == ["lie"]
    assert "value" not in again.json()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('{"writer": "bot7"}', "invalid_body"),
        ('{"writer": "bot7", "verified": 1}', "invalid_body"),
        ('{"writer": "bot7", "verified": false, "reason": 1}', "invalid_body"),
        ('{"writer": "bot7", "verified": false, "reason": "a\\nb"}', "invalid_body"),
        ('{"writer": "operator", "verified": true}', "invalid_agent"),
        ('{"writer": "a\\u0000", "verified": true}', "invalid_agent"),
    ],
)
def test_what_is_no_quarantine_is_refused_and_writes_nothing(put, ward, body, code):
    put("a")
    before = all_rows()

    assert ward.place(body=body).json()["code"] == code
    assert all_rows() == before


@pytest.mark.parametrize("character", ["x", "\U0001f600"])
def test_a_reason_has_at_most_a_thousand_characters(put, ward, character):
    put("a")

    assert ward.place(reason=character * 1_001).json()["code"] == "invalid_body"
    assert ward.place(reason=character * 1_000).status_code == 201


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("?writer=bot8&verified=false", 404, "not_quarantined"),
        ("?writer=bot7&verified=true", 404, "not_quarantined"),
        ("?writer=bot7", 400, "invalid_parameter"),
        ("?verified=false", 400, "invalid_parameter"),
        ("?writer=bot7&verified=0", 400, "invalid_parameter"),
    ],
)
def test_what_is_no_release_is_refused(hidden, ward, query, status, code):
    refused = ward.release(query)

    assert (refused.status_code, refused.json()["code"]) == (status, code)


def test_where_nothing_was_ever_written_nobody_is_in_quarantine(ward, namespace):
    assert ward.list().json() == {"namespace": namespace, "quarantined": []}
    assert ward.place().json()["code"] == "namespace_not_found"
    assert not Namespace.objects.exists()
