"""GET /namespaces/{namespace}/changes: the change log, in order, page by page."""

import json
import re

import pytest

from namespaces import changes, clock, removal
from namespaces.models import Change, Namespace
from tests.factories import NamespaceFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask(database, api, namespace):
    return lambda query="", **headers: api.get(f"/namespaces/{namespace}/changes{query}", headers=headers)


def revisions(answer) -> list[int]:
    return [change["revision"] for change in answer.json()["changes"]]


def test_changes_come_in_order_with_what_they_did(put, delete, ask, namespace):
    put("a", body='{"value": {"b": 1e3, "a": [ 1 ]}}', X_BotWire_Agent="quant")
    put("%C3%A9", 2)
    delete("a", X_BotWire_Agent="caf%C3%A9")

    answer = ask("?since=0")

    assert '"value": {"b": 1e3, "a": [ 1 ]}' in answer.content.decode()
    moments = re.findall(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", answer.content.decode())
    assert moments == sorted(moments)
    assert answer.json() == {
        "namespace": namespace,
        "revision": 3,
        "changes": [
            {
                "revision": 1,
                "kind": "set",
                "key": "a",
                "value": {"b": 1000.0, "a": [1]},
                "bytes": 23,
                "writer": {"name": "quant", "verified": False},
                "at": moments[0],
            },
            {"revision": 2, "kind": "set", "key": "é", "value": 2, "bytes": 3, "writer": None, "at": moments[1]},
            {
                "revision": 3,
                "kind": "delete",
                "key": "a",
                "bytes": 1,
                "writer": {"name": "café", "verified": False},
                "at": moments[2],
            },
        ],
        "next": 3,
    }


def test_null_that_was_set_is_a_value(put, ask):
    put("a", None)

    assert ask("?since=0").json()["changes"][0]["value"] is None


def test_without_since_nothing_has_happened_yet(put, ask, namespace):
    put("a")
    put("b")

    assert ask().json() == {"namespace": namespace, "revision": 2, "changes": [], "next": 2}
    assert ask("?since=2").json() == {"namespace": namespace, "revision": 2, "changes": [], "next": 2}


def test_a_namespace_that_does_not_exist_is_at_revision_0(ask, namespace):
    nothing = {"namespace": namespace, "revision": 0, "changes": [], "next": 0}

    assert ask().json() == nothing
    assert ask("?since=0").json() == nothing
    assert not Namespace.objects.exists()


def test_pages_follow_one_another_without_gap_or_repeat(put, ask):
    for number in range(7):
        put(f"k{number}")

    pages, since = [], 0
    while since < 7:
        answer = ask(f"?since={since}&limit=3")
        pages.append(revisions(answer))
        since = answer.json()["next"]

    assert pages == [[1, 2, 3], [4, 5, 6], [7]]


def test_a_prefix_chooses_keys(put, ask):
    for key in ["a", "tasks", "tasks/1", "tasks/2", "tasks0", "%F4%8F%BF%BF"]:
        put(key)

    assert revisions(ask("?since=0&prefix=tasks/")) == [3, 4]
    assert revisions(ask("?since=3&prefix=tasks/")) == [4]
    assert revisions(ask("?since=0&prefix=%F4%8F%BF%BF")) == [6]
    assert ask("?since=4&prefix=tasks/").json()["next"] == 6


def test_a_writer_chooses_changes(put, delete, ask, namespace):
    put("a", X_BotWire_Agent="quant")
    put("b")
    delete("a", X_BotWire_Agent="quant")
    put("c", X_BotWire_Agent="caf%C3%A9")
    Change.objects.filter(revision=3).update(is_verified=True)

    assert revisions(ask("?since=0&writer=quant")) == [1, 3]
    assert revisions(ask("?since=0&writer=caf%C3%A9")) == [4]
    assert revisions(ask("?since=0&writer=")) == [2]
    assert revisions(ask("?since=0&writer=quant&verified=false")) == [1]
    assert revisions(ask("?since=0&verified=true")) == [3]
    assert revisions(ask("?since=0&writer=quant&prefix=b")) == []
    assert ask("?since=1&writer=nobody").json() == {"namespace": namespace, "revision": 4, "changes": [], "next": 4}


def test_a_page_looks_through_a_bounded_number_of_revisions(put, ask, monkeypatch):
    monkeypatch.setattr(changes, "SPAN", 4)
    for number in range(9):
        put(f"a{number}")
    put("b")

    first = ask("?since=0&prefix=b")
    last = ask("?since=8&prefix=b")

    assert (revisions(first), first.json()["next"], first.json()["revision"]) == ([], 4, 10)
    assert (revisions(last), last.json()["next"]) == ([10], 10)


def test_a_page_ends_where_its_bytes_do_but_is_never_empty(put, ask, settings):
    for number in range(3):
        put(f"k{number}", "x" * 98)

    settings.LIMITS = {**settings.LIMITS, "page_value_bytes": 204}
    assert revisions(ask("?since=0")) == [1, 2]
    settings.LIMITS = {**settings.LIMITS, "page_value_bytes": 203}
    assert revisions(ask("?since=0")) == [1]
    settings.LIMITS = {**settings.LIMITS, "page_value_bytes": 1}
    assert revisions(ask("?since=1")) == [2]


def test_what_was_trimmed_is_410_with_what_there_is(put, ask, namespace, settings):
    for number in range(5):
        put(f"k{number}")
    settings.LIMITS = {**settings.LIMITS, "change_log_bytes": 6}
    removal.trim(namespace, clock.now())

    gone = ask("?since=2")

    assert gone.status_code == 410
    assert gone.json() == {
        "type": "/docs/errors#revision_trimmed",
        "title": "Revision no longer in the change log",
        "status": 410,
        "code": "revision_trimmed",
        "detail": f"The change log of {namespace} begins with revision 4: what came after 2 is no longer in it.",
        "next_step": "Read what you need, then follow the changes from now on.",
        "oldest_revision": 4,
    }
    assert revisions(ask("?since=3")) == [4, 5]


def test_a_revision_that_was_not_reached_is_refused(put, ask):
    put("a")

    refused = ask("?since=2")

    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_revision")
    assert refused.json()["revision"] == 1


@pytest.mark.parametrize("since", ["", "-1", "1.5", "x", "1" * 19, "%D9%A3"])
def test_what_is_no_revision_is_refused(ask, since):
    refused = ask(f"?since={since}")

    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_parameter")
    assert refused.json()["parameter"] == "since"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("?limit=0", "invalid_parameter"),
        ("?limit=10001", "invalid_parameter"),
        ("?from=1", "invalid_parameter"),
        ("?since=1&since=1", "invalid_parameter"),
        ("?prefix=%00", "invalid_prefix"),
        ("?verified=yes", "invalid_parameter"),
    ],
)
def test_what_cannot_be_asked_is_refused(ask, query, code):
    refused = ask(query)

    assert (refused.status_code, refused.json()["code"]) == (400, code)


def test_a_suspended_namespace_shows_no_change(database, api):
    made = NamespaceFactory(status="suspended", status_reason="spam")

    refused = api.get(f"/namespaces/{made.name}/changes?since=0")

    assert (refused.status_code, refused.json()["code"]) == (403, "namespace_suspended")


def test_other_methods_are_refused(database, api, namespace):
    answer = api.post(f"/namespaces/{namespace}/changes", json.dumps({}), content_type="application/json")

    assert answer.status_code == 405
