"""Held answers, over a real server with several processes: `?wait=` on an entry and on the changes of a namespace."""

import json
import time
from urllib.parse import quote

import httpx
import pytest

from tests.waiting import Asker, events

SOON = 1.0
HELD = 0.4  # what has not come by then is being waited for


@pytest.fixture
def asker(server, namespace):
    made = Asker(server.url, namespace)
    yield made
    made.close()


def assert_held(future) -> None:
    time.sleep(HELD)
    assert not future.done(), future.result().text


def outcome(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.headers["BotWire-Wait"]


# --- one entry


def test_a_key_that_is_not_there_is_waited_for(asker):
    asker.put("other")
    waiting = asker.later(asker.get, "k", "?wait=20")
    assert_held(waiting)

    asker.put("another")
    asker.put("k", {"a": 1})

    answer = waiting.result(SOON)
    assert outcome(answer) == (200, "fulfilled")
    assert (answer.json()["value"], answer.json()["version"], answer.headers["ETag"]) == ({"a": 1}, 3, '"3"')


def test_a_namespace_that_does_not_exist_is_waited_for(asker):
    waiting = asker.later(asker.get, "k", "?wait=20")
    assert_held(waiting)

    asker.put("k", 5)

    assert waiting.result(SOON).json()["value"] == 5


def test_what_is_there_is_answered_at_once(asker):
    asker.put("k", 1)

    assert outcome(asker.get("k", "?wait=20")) == (200, "fulfilled")
    assert outcome(asker.get("k", "?wait=20&equals=1.0")) == (200, "fulfilled")
    assert outcome(asker.get("k", "?wait=20", **{"If-None-Match": '"7"'})) == (200, "fulfilled")


def test_another_version_is_waited_for(asker):
    version = asker.put("k", 1)
    waiting = asker.later(asker.get, "k", "?wait=20", **{"If-None-Match": f'"{version}"'})
    assert_held(waiting)

    asker.put("k", 1)

    answer = waiting.result(SOON)
    assert outcome(answer) == (200, "fulfilled")
    assert answer.json()["version"] == version + 1


def test_the_end_of_a_version_is_waited_for(asker):
    version = asker.put("k", 1)
    waiting = asker.later(asker.get, "k", "?wait=20", **{"If-None-Match": f'"{version}"'})
    assert_held(waiting)

    asker.http.delete(f"/memory/{asker.namespace}/k")

    answer = waiting.result(SOON)
    assert outcome(answer) == (404, "fulfilled")
    assert answer.json()["code"] == "key_not_found"


def test_an_entry_that_expires_wakes_who_waits_for_its_end(asker):
    version = asker.put("k", 1, ttl=0.7)

    began = time.monotonic()
    answer = asker.get("k", "?wait=20", **{"If-None-Match": f'"{version}"'})

    assert outcome(answer) == (404, "fulfilled")
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize(
    ("equals", "value"),
    [
        ('"done"', '"done"'),
        ("1000", "1e3"),
        ('{"b": [1.0], "a": "\\u00e9"}', '{"a": "é", "b": [1]}'),
        ("12345678901234567890123", "12345678901234567890123"),
        ("null", "null"),
    ],
)
def test_a_value_is_waited_for_as_json_compares(asker, equals, value):
    asker.put("k", "running")
    waiting = asker.later(asker.get, "k", f"?wait=20&equals={quote(equals)}")
    asker.put("k", text="[0]")
    asker.put("k", text="12345678901234567890124")
    assert_held(waiting)

    asker.put("k", text=value)

    answer = waiting.result(SOON)
    assert outcome(answer) == (200, "fulfilled")
    assert f'"value": {value},' in answer.text


def test_a_value_is_waited_for_while_the_key_does_not_exist(asker):
    waiting = asker.later(asker.get, "k", "?wait=20&equals=true")
    asker.put("k", 1)
    assert_held(waiting)

    asker.put("k", True)

    assert outcome(waiting.result(SOON)) == (200, "fulfilled")


def test_a_large_value_is_compared_too(asker):
    large = {"items": list(range(40_000)), "status": "done"}
    waiting = asker.later(asker.get, "k", "?wait=20&equals=5")
    asker.put("k", large)
    assert_held(waiting)

    asker.put("k", 5)

    assert outcome(waiting.result(SOON)) == (200, "fulfilled")


def test_when_time_is_up_the_answer_is_a_plain_get_s(asker):
    version = asker.put("k", 1)
    began = time.monotonic()
    queries = [("none", "?wait=1"), ("k", "?wait=1&equals=2")]
    waiting = [asker.later(asker.get, *query) for query in queries]
    waiting.append(asker.later(asker.get, "k", "?wait=1", **{"If-None-Match": f'"{version}"'}))

    answers = [future.result(5) for future in waiting]

    assert 1.0 <= time.monotonic() - began < 2.5
    assert [outcome(answer) for answer in answers] == [(404, "timeout"), (200, "timeout"), (304, "timeout")]
    assert answers[0].json() == asker.get("none").json()
    assert answers[1].json() == asker.get("k").json()
    assert answers[2].content == b""


def test_waiting_for_no_time_is_asking(asker):
    assert outcome(asker.get("k", "?wait=0")) == (404, "timeout")


# --- changes


def test_changes_are_waited_for(asker):
    since = asker.put("a")
    waiting = asker.later(asker.changes, f"?since={since}&wait=20")
    assert_held(waiting)

    asker.put("b", [1])

    answer = waiting.result(SOON)
    assert outcome(answer) == (200, "fulfilled")
    plain = asker.changes(f"?since={since}")
    assert answer.json() == plain.json()
    assert [change["value"] for change in answer.json()["changes"]] == [[1]]
    assert "BotWire-Wait" not in plain.headers


def test_changes_under_a_prefix_are_waited_for(asker):
    since = asker.put("tasks/1")
    waiting = asker.later(asker.changes, f"?since={since}&wait=20&prefix=tasks/")
    asker.put("other")
    assert_held(waiting)

    asker.put("tasks/2")

    assert [change["key"] for change in waiting.result(SOON).json()["changes"]] == ["tasks/2"]


def test_changes_by_a_writer_are_waited_for(asker):
    since = asker.put("a")
    waiting = asker.later(asker.changes, f"?since={since}&writer=quant&wait=20")
    asker.put_as("lead", "b")
    assert_held(waiting)

    asker.put_as("quant", "c")

    answer = waiting.result(SOON)
    assert [change["key"] for change in answer.json()["changes"]] == ["c"]


def test_changes_that_have_happened_are_answered_at_once(asker):
    for number in range(5):
        asker.put(f"k{number}")

    answer = asker.changes("?since=1&wait=20&limit=2")

    assert [change["revision"] for change in answer.json()["changes"]] == [2, 3]
    assert answer.json()["next"] == 3


def test_without_since_changes_are_answered_at_once(asker):
    asker.put("k")

    answer = asker.changes("?wait=20")

    assert outcome(answer) == (200, "timeout")
    assert answer.json() == {"namespace": asker.namespace, "revision": 1, "changes": [], "next": 1}


def test_when_time_is_up_there_were_no_changes(asker):
    since = asker.put("k")

    answer = asker.changes(f"?since={since}&wait=1")

    assert outcome(answer) == (200, "timeout")
    assert answer.json() == {"namespace": asker.namespace, "revision": 1, "changes": [], "next": 1}


def test_what_a_clear_removes_wakes_too(asker):
    since = asker.put("k")
    waiting = asker.later(asker.changes, f"?since={since}&wait=20")
    assert_held(waiting)

    asker.http.delete(f"/memory/{asker.namespace}")

    assert waiting.result(SOON).json()["changes"][0]["kind"] == "delete"


# --- refusals are Django's, whether anything waits or not


@pytest.mark.parametrize("wait", ["56", "-1", "1.5", "", "x"])
def test_a_time_that_is_no_time_is_refused(asker, wait):
    for answer in (asker.get("k", f"?wait={wait}"), asker.changes(f"?wait={wait}")):
        assert answer.status_code == 400
        assert (answer.json()["code"], answer.json()["parameter"], answer.json()["limit"]) == (
            "invalid_parameter",
            "wait",
            55,
        )


@pytest.mark.parametrize("query", ["?wait=5&equals=", "?wait=5&equals=%7B", "?wait=5&equals=NaN", "?equals=1"])
def test_a_value_that_is_none_is_refused(asker, query):
    answer = asker.get("k", query)

    assert (answer.status_code, answer.json()["code"], answer.json()["parameter"]) == (
        400,
        "invalid_parameter",
        "equals",
    )


def test_a_revision_that_cannot_be_followed_is_refused_at_once(asker):
    asker.put("k")

    assert asker.changes("?since=9&wait=20").json()["code"] == "invalid_revision"
    with events(asker.http.base_url, asker.namespace, "?since=9") as (answer, _):
        assert answer.status_code == 400
        assert json.loads(answer.read())["code"] == "invalid_revision"
    with events(asker.http.base_url, asker.namespace, **{"Last-Event-ID": "x"}) as (answer, _):
        assert answer.status_code == 400


# --- without the lane


@pytest.mark.django_db
@pytest.mark.only_through("django")
def test_django_alone_answers_as_if_time_were_up(put, get, api, namespace, delete):
    put("k", 1)

    def asked(path: str, **headers: str) -> tuple[int, str]:
        return outcome(api.get(path, headers=headers))

    entry, log = f"/memory/{namespace}/k", f"/namespaces/{namespace}/changes"
    assert asked(f"{entry}?wait=20") == (200, "fulfilled")
    assert asked(f"{entry}?wait=20", **{"If-None-Match": '"1"'}) == (304, "timeout")
    assert asked(f"{entry}?wait=20&equals=2") == (200, "timeout")
    assert asked(f"{entry}?wait=20&equals=1.0") == (200, "fulfilled")
    assert asked(f"{entry}2?wait=20") == (404, "timeout")
    assert asked(f"{entry}2?wait=20", **{"If-None-Match": '"1"'}) == (404, "fulfilled")
    assert asked(f"{entry}2?wait=20&equals=1", **{"If-None-Match": '"1"'}) == (404, "timeout")
    assert asked(f"{log}?since=0&wait=20") == (200, "fulfilled")
    assert asked(f"{log}?since=1&wait=20") == (200, "timeout")
    stream = api.get(f"{log}?since=0", headers={"Accept": "text/event-stream"})
    assert stream["Content-Type"] == "text/event-stream"
    assert stream.content.decode().startswith('retry: 1000\nid: 0\n\nid: 1\nevent: change\ndata: {"revision": 1,')
