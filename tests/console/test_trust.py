"""The page of a namespace's access: operators see tokens and writers, and revoke and hide with a reason."""

import re
from html import unescape

import pytest

from namespaces import access, quarantining, tokens, writing
from namespaces.callers import AN_OPERATOR, Caller
from namespaces.jsontext import JSONText
from namespaces.models import ModerationAction
from namespaces.names import Writer
from tests.rows import all_rows

HOSTILE = ["<script>alert(1)</script>", '"><b>', "boss verified", "evil\u202egnp"]


@pytest.fixture
def page(namespace) -> str:
    return f"/admin/namespaces/{namespace}/access/"


def claimed(namespace: str) -> tuple[str, Caller]:
    """A private namespace with one key: the text of its admin token, and its bearer."""
    text = access.claim(namespace, name="boss").text
    caller = Caller(writer="boss", is_verified=True, token=access.admit(namespace, text).token)
    writing.set_entry(namespace, "k", JSONText.parse("1"), caller=caller)
    return text, caller


def text_of(answer) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def test_every_page_of_a_private_namespace_is_there_for_operators(administrator, namespace):
    claimed(namespace)

    for part in ("", "browse/", "key/?key=k", "live/", "access/", "moderate/", "purge/"):
        assert administrator.get(f"/admin/namespaces/{namespace}/{part}").status_code == 200, part


def test_tokens_are_shown_without_their_texts(viewer, namespace, page):
    text, boss = claimed(namespace)
    shared = tokens.share(namespace, boss, name="bot7", write=["mine/"], read=["yours/"], ttl=3_600)

    answer = viewer.get(page)

    shown = text_of(answer)
    assert f"{boss.digest[:16]} boss admin all never never" in shown
    assert f"{shared.token.id} bot7 write writes mine/ reads yours/ 20" in shown
    assert boss.digest not in shown
    assert text not in shown
    assert shared.text not in shown
    assert "Revoke" not in shown


def test_an_open_namespace_says_so(viewer, namespace, page):
    writing.set_entry(namespace, "k", JSONText.parse("1"), caller=Caller("scout"))

    shown = text_of(viewer.get(page))

    assert "This namespace is open" in shown
    assert "scout self-declared 1" in shown


def test_a_token_is_revoked_with_a_reason_in_the_log(moderator, namespace, page):
    text, boss = claimed(namespace)
    shared = tokens.share(namespace, boss, name="bot7", write=["mine/"])

    answer = moderator.post(page, {"action": "revoke", "id": boss.digest[:16], "reason": "It leaked."}, follow=True)

    assert "is revoked, with 1 shared with it." in text_of(answer)
    assert access.admit(namespace, text).token is None
    assert access.admit(namespace, shared.text).token is None
    row = ModerationAction.objects.get()
    assert (row.action, row.operator, row.reason) == ("revoke", "moderator", "It leaked.")
    assert row.before == {"id": boss.digest[:16], "role": "admin", "name": "boss"}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_writer_is_put_in_quarantine_and_released_with_reasons_in_the_log(moderator, namespace, page, name):
    writing.set_entry(namespace, "k", JSONText.parse("1"), caller=Caller(name))
    meant = {"writer": name, "verified": "false"}

    placed = moderator.post(page, {"action": "quarantine", "reason": name.replace("\u202e", ""), **meant}, follow=True)

    [row] = quarantining.quarantined(namespace, caller=AN_OPERATOR)
    assert (row.writer, row.placed_by) == (Writer(name, False), Writer("operator", True))
    assert "<script>alert" not in placed.content.decode()
    assert "\u202e" not in placed.content.decode()
    assert "in quarantine" in text_of(placed)
    moderator.post(page, {"action": "release", "reason": "A mistake.", **meant})
    assert quarantining.quarantined(namespace, caller=AN_OPERATOR) == []
    assert [row.action for row in ModerationAction.objects.order_by("id")] == ["quarantine", "release"]


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        ({"action": "revoke", "id": "0" * 16, "reason": "x"}, 404, "has no token"),
        ({"action": "revoke", "id": "0" * 16, "reason": " "}, 400, "Give a reason"),
        ({"action": "quarantine", "writer": "bot7", "reason": ""}, 400, "Give a reason"),
        ({"action": "quarantine", "writer": "operator", "reason": "x"}, 400, "operator"),
        ({"action": "release", "writer": "bot7", "reason": "x"}, 404, "bot7"),
        ({"action": "forgive", "reason": "x"}, 400, "There is nothing to do."),
    ],
)
def test_what_is_refused_is_told_and_writes_nothing(moderator, namespace, page, sent, status, words):
    claimed(namespace)
    before = all_rows()

    answer = moderator.post(page, sent)

    assert answer.status_code == status
    assert words in re.search(r'role="alert">(.*?)</p>', answer.content.decode(), re.DOTALL)[1]
    assert all_rows() == before
    assert not ModerationAction.objects.exists()


def test_a_viewer_may_look_and_do_nothing(viewer, namespace, page):
    _, boss = claimed(namespace)
    before = all_rows()

    answer = viewer.post(page, {"action": "revoke", "id": boss.digest[:16], "reason": "x"})

    assert answer.status_code == 403
    assert all_rows() == before
