"""The page that limits a namespace, and the list's bulk acts."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from namespaces import writing
from namespaces.jsontext import JSONText
from namespaces.models import ModerationAction, Namespace
from tests.conftest import RawClient
from tests.namespaces.corpus import VALUES

PAGE = "/admin/namespaces/{}/moderate/"
MANY = "/admin/moderate/"
HOSTILE = ["<script>alert(1)</script>", "</textarea><b>", "\u202egnp.exe", "😀 e\u0301", "{% now %}", "\"&<>'"]


@pytest.fixture(autouse=True)
def written(namespace, database, db):
    writing.set_entry(namespace, "k", JSONText.parse("1"))


def put(namespace):
    return RawClient().put(f"/memory/{namespace}/k", '{"value": 2}', content_type="application/json")


def preview_in(answer):
    text = re.search(r'<pre class="raw answer".*?>(.*?)</pre>', answer.content.decode(), re.DOTALL)[1]
    head, _, body = html.unescape(re.sub(r"</?(strong|span)[^>]*>", "", text)).partition("\n\n")
    start, *headers = head.splitlines()
    return start, dict(header.split(": ", 1) for header in headers), body


def tomorrow():
    return f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT%H:%M}"


@pytest.mark.parametrize("action", ["read_only", "suspend"])
@pytest.mark.parametrize("reason", ["spam, write to the operator", *HOSTILE])
def test_the_preview_is_what_agents_then_get(moderator, namespace, action, reason):
    act = {"action": action, "reason": reason, "until": tomorrow()}
    start, headers, body = preview_in(moderator.get(PAGE.format(namespace), act))
    assert put(namespace).status_code == 200, "a preview changes nothing"

    assert moderator.post(PAGE.format(namespace), act).status_code == 302

    told = put(namespace)
    assert start == f"HTTP/1.1 {told.status_code} {told.reason_phrase}"
    assert body == told.content.decode()
    assert headers.items() <= dict(told.items()).items()
    assert told.json()["reason"] == reason


def test_a_restriction_in_force_is_previewed_from_the_start(moderator, namespace):
    moderator.post(PAGE.format(namespace), {"action": "suspend", "reason": "spam"})

    assert preview_in(moderator.get(PAGE.format(namespace)))[2] == put(namespace).content.decode()


def test_an_active_namespace_has_no_error_to_preview(moderator, namespace):
    answer = moderator.get(PAGE.format(namespace), {"action": "activate", "reason": "x"})

    assert "No error: agents read and write" in answer.content.decode()


@pytest.mark.parametrize(
    ("act", "message"),
    [
        ({"action": "suspend", "reason": " "}, "Give a reason"),
        ({"action": "suspend", "reason": "x" * 1_001}, "at most 1,000 characters"),
        ({"action": "suspend", "reason": "x", "until": "2020-01-01T00:00"}, "is over already"),
        ({"action": "suspend", "reason": "x", "until": "soon"}, "Give a date and a time"),
        ({"action": "activate", "reason": "x", "until": "2999-01-01T00:00"}, "has no end date"),
        ({"action": "destroy", "reason": "x"}, "Select a valid choice"),
        ({"action": "limits", "reason": "", "limit_bytes": "5"}, "Give a reason"),
        ({"action": "limits", "reason": "x", "limit_bytes": "0"}, "from 1 to 1,099,511,627,776"),
        ({"action": "limits", "reason": "x", "limit_bytes": "many"}, "Enter a whole number"),
        ({"action": "limits", "reason": "x"}, "Name a limit"),
    ],
)
def test_what_cannot_be_done_is_told_beside_what_was_typed(moderator, namespace, act, message):
    before = Namespace.objects.values().get()

    answer = moderator.post(PAGE.format(namespace), act)

    assert answer.status_code == 400
    assert message in answer.content.decode()
    assert act["reason"].strip() in answer.content.decode()
    assert Namespace.objects.values().get() == before
    assert not ModerationAction.objects.exists()


def test_limits_are_shown_with_todays_use_and_changed(moderator, namespace):
    changed = moderator.post(
        PAGE.format(namespace),
        {"action": "limits", "reason": "agreed", "limit_writes_per_day": "5000", "limit_bytes": ""},
        follow=True,
    )

    assert changed.status_code == 200
    text = changed.content.decode()
    assert 'aria-label="Writes a day: 1 of 5,000"' in text
    assert 'aria-label="Stored bytes: 2 of 52,428,800"' in text
    assert put(namespace)["RateLimit-Limit"] == "5000"
    row = ModerationAction.objects.get()
    assert (row.operator, row.after) == ("moderator", {"limit_writes_per_day": 5000, "limit_bytes": None})


@pytest.mark.parametrize("reason", [*HOSTILE, VALUES[-2]])
def test_hostile_reasons_are_shown_and_run_nothing(moderator, namespace, reason):
    moderator.post(PAGE.format(namespace), {"action": "suspend", "reason": reason})

    text = moderator.get(PAGE.format(namespace)).content.decode()

    assert "<script>alert" not in text
    assert "</textarea><b>" not in text
    history = text.split("Moderation history")[1]
    assert "\u202e" not in history


def test_many_are_limited_with_one_reason_and_failures_are_told(moderator, namespace):
    writing.set_entry(f"{namespace}2", "k", JSONText.parse("1"))
    chosen = [namespace, f"{namespace}2", f"{namespace}-none"]

    answer = moderator.post(
        MANY, {"namespace": chosen, "action": "read_only", "reason": "flood", "next": "/admin/log/"}, follow=True
    )

    assert answer.redirect_chain == [("/admin/log/", 302)]
    text = answer.content.decode()
    assert "2 namespaces: read-only." in text
    assert f"Not changed: {namespace}-none. There is no namespace {namespace}-none" in text
    assert set(Namespace.objects.values_list("status", flat=True)) == {"read_only"}


@pytest.mark.parametrize(
    ("act", "message"),
    [
        ({"action": "suspend", "reason": ""}, "Nothing was changed. Give a reason"),
        ({"action": "limits", "reason": "x"}, "Nothing was changed. Name a limit"),
        ({"action": "", "reason": "x"}, "Nothing was changed. This field is required"),
    ],
)
def test_an_act_on_many_that_cannot_be_done_is_told_once(moderator, namespace, act, message):
    answer = moderator.post(MANY, {"namespace": [namespace], "next": "/admin/log/", **act}, follow=True)

    assert answer.content.decode().count(message) == 1
    assert not ModerationAction.objects.exists()


@pytest.mark.parametrize("number", [0, 501])
def test_none_and_too_many_are_told(moderator, number):
    names = [f"n{number}" for number in range(number)]

    answer = moderator.post(MANY, {"namespace": names, "action": "suspend", "reason": "x"}, follow=True)

    assert "Choose 1 to 500 namespaces first." in answer.content.decode()


@pytest.mark.parametrize("path", ["https://example.org/", "//example.org/", "/\\example.org", "admin", "javascript:1"])
def test_bulk_acts_lead_back_to_this_site_alone(moderator, namespace, path):
    answer = moderator.post(MANY, {"namespace": [namespace], "action": "read_only", "reason": "x", "next": path})

    assert answer["Location"] == reverse("admin:index")


@pytest.mark.parametrize("path", [PAGE, MANY])
def test_viewers_may_not_moderate(viewer, namespace, path):
    act = {"namespace": [namespace], "action": "suspend", "reason": "x"}

    assert viewer.get(path.format(namespace)).status_code == 403
    assert viewer.post(path.format(namespace), act).status_code == 403
    assert not ModerationAction.objects.exists()
    assert Namespace.objects.get().status == "active"


def test_bulk_acts_are_posted_only(moderator):
    assert moderator.get(MANY).status_code == 405


@pytest.mark.parametrize("name", ["never-written", "-", "a b"])
def test_an_unknown_namespace_is_not_found(moderator, name):
    assert moderator.get(PAGE.format(name)).status_code == 404
    assert moderator.post(PAGE.format(name), {"action": "suspend", "reason": "x"}).status_code == 404


def test_the_page_asks_the_database_little(moderator, namespace, django_assert_max_num_queries):
    with django_assert_max_num_queries(12):
        moderator.get(PAGE.format(namespace))
