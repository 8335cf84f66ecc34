"""Access without HTTP: who is let in, what the domain itself keeps from who is not, and what operators may."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from namespaces import access, batches, changes, exporting, leases, reading, removal, tokens, writing
from namespaces.batches import Get
from namespaces.callers import Caller
from namespaces.errors import ActRefused, InvalidToken, KeyNotFound, LeaseNotFound, NamespaceNotFound, TokenNotFound
from namespaces.jsontext import JSONText
from namespaces.models import ModerationAction, Namespace, Token
from tests.rows import all_rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("database")]

ONE = JSONText.parse("1")


def bearer(namespace, shared):
    return Caller("boss", is_verified=True, token=access.admit(namespace, shared.text).token)


@pytest.fixture
def boss(namespace):
    return bearer(namespace, access.claim(namespace, name="boss"))


def test_a_token_checks_itself():
    text = tokens.make_text()

    assert re.fullmatch(tokens.PATTERN, text)
    assert tokens.is_token(text)
    for place in range(3, len(text)):
        other = "0" if text[place] != "0" else "1"
        assert not tokens.is_token(text[:place] + other + text[place + 1 :])


@pytest.mark.parametrize("text", ["", "bw_", "x" * 39, "bw_" + "é" * 36, "bw_" + "0" * 36, "bw_" + "0" * 36 + "\n"])
def test_what_is_none_is_refused(text):
    with pytest.raises(InvalidToken):
        tokens.check_token(text)


def test_who_shows_no_token_finds_nothing_in_a_private_namespace_whatever_they_call(namespace, boss):
    writing.set_entry(namespace, "k", ONE, caller=boss)
    leases.acquire(namespace, "k", 60, caller=boss)
    before = all_rows()

    for refusal, ask in (
        (KeyNotFound, lambda: reading.get_entry(namespace, "k")),
        (NamespaceNotFound, lambda: reading.state(namespace)),
        (LeaseNotFound, lambda: leases.find(namespace, "k")),
        (NamespaceNotFound, lambda: writing.set_entry(namespace, "k", ONE)),
        (KeyNotFound, lambda: writing.delete_entry(namespace, "k")),
        (NamespaceNotFound, lambda: batches.carry_out(namespace, [Get("k")])),
        (NamespaceNotFound, lambda: leases.acquire(namespace, "l", 60)),
        (NamespaceNotFound, lambda: leases.claim(namespace, "", 60)),
        (NamespaceNotFound, lambda: removal.clear(namespace)),
        (NamespaceNotFound, lambda: tokens.listed(namespace, Caller())),
        (NamespaceNotFound, lambda: exporting.begin(namespace)),
    ):
        with pytest.raises(refusal):
            ask()
    assert reading.list_entries(namespace, with_values=True).keys == []
    assert changes.changes_since(namespace, 0) == changes.ChangePage(namespace, 0, 0, [], 0)
    assert all_rows() == before


def test_a_token_that_was_good_a_moment_ago_writes_nothing(namespace, boss):
    writing.set_entry(namespace, "k", ONE, caller=boss)
    worker = bearer(namespace, tokens.share(namespace, boss, write=[""], name="worker"))
    tokens.revoke(namespace, worker.token.digest[:16], boss)
    before = all_rows()

    for write in (
        lambda: writing.set_entry(namespace, "k", ONE, caller=worker),
        lambda: batches.carry_out(namespace, [writing.set_of(namespace, "k", ONE, caller=worker)], caller=worker),
        lambda: leases.acquire(namespace, "l", 60, caller=worker),
        lambda: removal.clear(namespace, caller=worker),
        lambda: tokens.share(namespace, worker, read=[""]),
    ):
        with pytest.raises(NamespaceNotFound):
            write()

    assert all_rows() == before


def test_an_expired_token_lets_nobody_in(namespace, boss):
    shared = tokens.share(namespace, boss, read=[""], ttl=60)
    end = shared.token.expires_at

    assert access.admit(namespace, shared.text, now=end - timedelta(microseconds=1)).token is not None
    assert access.admit(namespace, shared.text, now=end) == access.REFUSED


def test_a_stand_in_is_a_name_that_nobody_can_use_and_each_namespace_has_its_own(namespace):
    names = {access.stand_in_of(name) for name in (namespace, namespace + "2", namespace.upper())}

    assert len(names) == 3
    for name in names:
        assert reading.list_entries(name).keys == []


def test_expired_tokens_are_swept(namespace, boss):
    tokens.share(namespace, boss, read=[""], ttl=60, now=datetime(2026, 1, 1, tzinfo=UTC))
    kept = tokens.share(namespace, boss, read=[""], ttl=3600)

    assert removal.sweep_tokens() == 1
    assert {row.digest for row in Token.objects.all()} == {boss.digest, kept.token.digest}


# --- operators


def test_an_operator_sees_tokens_and_revokes_even_the_last_with_a_reason(namespace, boss):
    tokens.share(namespace, boss, write=["a/"], name="worker")
    [first, second] = tokens.all_of(namespace)
    assert (first.role, second.name, second.write) == ("admin", "worker", ("a/",))

    revoked = tokens.revoke_by_operator(namespace, first.id, operator="moderator", reason="leaked")

    assert revoked == tokens.Revoked(first.id, 2)
    assert tokens.all_of(namespace) == []
    row = ModerationAction.objects.get()
    assert (row.action, row.operator, row.reason, row.namespace) == ("revoke", "moderator", "leaked", namespace)
    assert (row.before, row.after) == ({"id": first.id, "role": "admin", "name": "boss"}, {"revoked": 2})
    assert Namespace.objects.get(name=namespace).access_version == 2


@pytest.mark.parametrize(
    ("token_id", "reason", "refusal"), [("0" * 16, "leaked", TokenNotFound), ("self", "leaked", TokenNotFound)]
)
def test_what_an_operator_cannot_revoke_is_told(namespace, boss, token_id, reason, refusal):
    before = all_rows()

    with pytest.raises(refusal):
        tokens.revoke_by_operator(namespace, token_id, operator="moderator", reason=reason)
    with pytest.raises(ActRefused):
        tokens.revoke_by_operator(namespace, boss.digest[:16], operator="moderator", reason=" ")

    assert all_rows() == before
    assert not ModerationAction.objects.exists()
