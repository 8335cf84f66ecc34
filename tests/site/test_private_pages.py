"""The pages of a private namespace: who is let in, for how long, and what each token may do there."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from botwire_site.visitors.visits import COOKIE
from namespaces import access, clock, history, moderation, quarantining, reading, tokens, writing
from namespaces.callers import Caller
from namespaces.jsontext import JSONText
from namespaces.models import Namespace, Token
from namespaces.names import Writer
from tests.plans import assert_by_index
from tests.rows import all_rows
from tests.site.conftest import Visitor

TOKEN = re.compile(r"bw_[0-9A-Za-z]{36}")


@pytest.fixture(autouse=True)
def _no_guesses_before(visitor):
    cache.clear()


@pytest.fixture
def boss(visitor, namespace) -> tuple[str, Caller]:
    """A private namespace with three keys: the text of its admin token, and its bearer."""
    text = access.claim(namespace, name="boss").text
    caller = bearer(namespace, text)
    for key in ("mine/a", "mine/b", "yours/c"):
        put(namespace, key, '"first"', caller)
    return text, caller


def bearer(namespace: str, text: str) -> Caller:
    token = access.admit(namespace, text).token
    assert token is not None
    return Caller(writer=token.name, is_verified=True, token=token)


def put(namespace: str, key: str, value: str, caller: Caller) -> None:
    writing.set_entry(namespace, key, JSONText.parse(value), caller=caller)


def shared(namespace: str, caller: Caller, name: str, **rights: object) -> tuple[str, Caller]:
    text = tokens.share(namespace, caller, name=name, **rights).text
    return text, bearer(namespace, text)


def enter(visitor: Visitor, namespace: str, text: str):
    return visitor.post(f"/n/{namespace}/sign-in", {"token": text})


def told(page) -> str:
    """The refusal on a page, in words."""
    return " ".join(re.sub(r"<[^>]+>", " ", re.search(r'role="alert">(.*?)</p>', page.text)[1]).split())


def same(page, name: str) -> tuple[int, str]:
    """Status and text of a page, without its name and what Django makes anew for each form."""
    return page.status_code, re.sub(r'(?<=name="csrfmiddlewaretoken" value=")[^"]+', "", page.text).replace(
        name, "NAME"
    )


# --- existence


@pytest.mark.parametrize(
    "path", ["", "?key=mine/a", "?prefix=mine/&key=none", "export.ndjson", "tokens", "writers", "rollback"]
)
def test_without_a_token_a_private_namespace_is_as_one_that_is_not(visitor, boss, namespace, path):
    seen, unknown = visitor.get(f"/n/{namespace}/{path}"), visitor.get(f"/n/test-none/{path}")

    assert same(seen, namespace) == same(unknown, "test-none")
    assert seen.status_code == 404
    assert dict(seen.headers) | {"Content-Length": ""} == dict(unknown.headers) | {"Content-Length": ""}


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("restore", {"key": "mine/a", "version": "1"}),
        ("tokens", {"action": "share", "role": "read"}),
        ("tokens", {"action": "revoke", "id": "self"}),
        ("writers", {"action": "quarantine", "writer": "boss", "verified": "true"}),
        ("rollback", {"writer": "boss", "verified": "true"}),
        ("sign-in", {"token": "bw_nonsense"}),
        ("sign-in", {"token": tokens.make_text()}),
        ("sign-in", {"token": ""}),
        ("sign-out", {}),
    ],
)
def test_nor_does_a_form_tell_them_apart_or_write_anything(visitor, boss, namespace, path, sent):
    before = all_rows()

    seen, unknown = visitor.post(f"/n/{namespace}/{path}", sent), visitor.post(f"/n/test-none/{path}", sent)

    assert same(seen, namespace) == same(unknown, "test-none")
    assert seen.headers.get("Location", "").replace(namespace, "") == unknown.headers.get("Location", "").replace(
        "test-none", ""
    )
    assert all_rows() == before


def test_the_token_of_another_namespace_opens_nothing(visitor, boss, namespace):
    other = access.claim(f"{namespace}-2").text

    assert enter(visitor, namespace, other).status_code == 404
    assert COOKIE not in visitor.cookies


# --- the cookie


def test_a_token_is_exchanged_for_a_cookie_of_this_namespace_alone(visitor, boss, namespace):
    text, _ = boss

    answer = enter(visitor, namespace, text)

    assert (answer.status_code, answer["Location"]) == (303, f"/n/{namespace}/")
    cookie = answer.cookies[COOKIE]
    assert (cookie["path"], cookie["samesite"], cookie["httponly"]) == (f"/n/{namespace}/", "Strict", True)
    assert (cookie["max-age"], cookie["secure"]) == (43_200, "")
    assert text not in str(answer.cookies)
    page = visitor.get(answer["Location"])
    assert page.status_code == 200
    assert "mine/a" in page.text
    assert TOKEN.search(page.text) is None


def test_over_https_the_cookie_is_sent_over_https_alone(visitor, boss, namespace):
    answer = visitor.post(f"/n/{namespace}/sign-in", {"token": boss[0]}, secure=True)

    assert answer.cookies[COOKIE]["secure"] is True


def test_a_cookie_of_one_namespace_is_none_of_another(visitor, boss, namespace):
    access.claim(f"{namespace}-2")
    enter(visitor, namespace, boss[0])
    visitor.cookies[COOKIE]["path"] = "/"

    assert visitor.get(f"/n/{namespace}-2/").status_code == 404


def test_a_cookie_that_was_changed_lets_nobody_in(visitor, boss, namespace):
    enter(visitor, namespace, boss[0])
    digest, rest = visitor.cookies[COOKIE].value.split(":", 1)

    visitor.cookies[COOKIE] = f"{Token.objects.get(namespace_id=namespace).digest[::-1]}:{rest}"

    assert visitor.get(f"/n/{namespace}/").status_code == 404
    assert digest == Token.objects.get(namespace_id=namespace).digest


@pytest.mark.parametrize("end", ["revoke", "rotate", "expire"])
def test_it_ends_with_its_token(visitor, boss, namespace, monkeypatch, end):
    text, caller = shared(namespace, boss[1], "worker", write=["mine/"], ttl=3_600)
    enter(visitor, namespace, text)
    assert visitor.get(f"/n/{namespace}/?prefix=mine/").status_code == 200

    if end == "revoke":
        tokens.revoke(namespace, caller.digest[:16], boss[1])
    elif end == "rotate":
        tokens.rotate(namespace, "self", caller)
    else:
        later = clock.now() + timedelta(hours=2)
        monkeypatch.setattr(clock, "now", lambda: later)
    page = visitor.get(f"/n/{namespace}/?prefix=mine/")

    assert page.status_code == 404
    assert "You are signed out" in page.text
    assert page.cookies[COOKIE].value == ""
    assert "You are signed out" not in visitor.get(f"/n/{namespace}/").text


def test_signing_out_takes_the_cookie_back_and_leaves_the_token(visitor, boss, namespace):
    enter(visitor, namespace, boss[0])

    answer = visitor.post(f"/n/{namespace}/sign-out")

    assert (answer.status_code, answer.cookies[COOKIE].value) == (303, "")
    assert visitor.get(f"/n/{namespace}/").status_code == 404
    assert access.admit(namespace, boss[0]).token is not None


def test_a_form_of_another_site_is_refused(boss, namespace):
    stranger = Client(enforce_csrf_checks=True)

    answer = stranger.post(f"/n/{namespace}/sign-in", {"token": boss[0]}, RAW_URI=f"/n/{namespace}/sign-in")

    assert answer.status_code == 403
    assert COOKIE not in answer.cookies


def test_a_token_in_an_address_is_refused_and_not_repeated(visitor, boss, namespace):
    for target in (
        f"/n/{namespace}/?key={boss[0]}",
        f"/n/?namespace={boss[0]}",
        f"/n/{namespace}/tokens?done={boss[0]}",
    ):
        answer = visitor.get(target)
        assert answer.status_code == 400
        assert boss[0] not in answer.text


def test_guesses_are_slowed_and_good_tokens_are_not(visitor, boss, namespace, settings):
    settings.LIMITS = {**settings.LIMITS, "guesses_per_hour": 3}

    statuses = [enter(visitor, namespace, tokens.make_text()).status_code for _ in range(5)]

    assert statuses == [404] * 3 + [429] * 2
    assert enter(visitor, namespace, boss[0]).status_code == 303


# --- claiming


def test_an_open_namespace_is_claimed_with_its_code(visitor, namespace):
    put(namespace, "k", "1", Caller())
    code = access.claim_code_of(namespace)
    assert "anyone who knows its name can read" in visitor.get(f"/n/{namespace}/").text

    wrong = visitor.post(f"/n/{namespace}/claim", {"claim_code": "0" * 40})
    right = visitor.post(f"/n/{namespace}/claim", {"claim_code": code, "name": "lead"})

    assert wrong.status_code == 403
    [text] = set(TOKEN.findall(right.text))
    assert access.admit(namespace, text).token.name == "lead"
    assert "anyone who knows its name" not in visitor.get(f"/n/{namespace}/").text
    assert text not in visitor.get(f"/n/{namespace}/tokens").text


def test_a_new_namespace_is_private_from_the_beginning(visitor, namespace):
    answer = visitor.post(f"/n/{namespace}/claim", {})

    assert answer.status_code == 201
    assert Namespace.objects.get().is_private
    again = Visitor().post(f"/n/{namespace}/claim", {})
    assert (again.status_code, "is private" in told(again)) == (409, True)


def test_claims_that_make_namespaces_are_slowed(visitor, namespace, settings):
    settings.LIMITS = {**settings.LIMITS, "new_namespaces_per_hour": 1}

    answers = [visitor.post(f"/n/{namespace}-{number}/claim", {}).status_code for number in range(2)]

    assert answers == [201, 429]
    assert Namespace.objects.count() == 1


# --- tokens


def test_a_token_is_shared_and_shown_once(visitor, boss, namespace):
    enter(visitor, namespace, boss[0])

    sent = {
        "action": "share",
        "role": "write",
        "name": "bot7",
        "beginnings": "mine/\r\nnotes/",
        "also": "yours/",
        "hours": "2",
    }
    answer = visitor.post(f"/n/{namespace}/tokens", sent)

    [text] = set(TOKEN.findall(answer.text))
    token = access.admit(namespace, text).token
    assert (token.role, token.name, token.write, token.read) == ("write", "bot7", ("mine/", "notes/"), ("yours/",))
    assert timedelta(minutes=119) < token.expires_at - clock.now() <= timedelta(hours=2)
    page = visitor.get(f"/n/{namespace}/tokens")
    assert TOKEN.search(page.text) is None
    assert "bot7" in page.text


def test_without_keys_a_token_gets_what_the_sharing_one_may(visitor, boss, namespace):
    enter(visitor, namespace, shared(namespace, boss[1], "worker", write=["mine/"], read=["yours/"])[0])

    made = [visitor.post(f"/n/{namespace}/tokens", {"action": "share", "role": role}) for role in ("write", "read")]

    found = [access.admit(namespace, TOKEN.search(page.text)[0]).token for page in made]
    assert [(token.name, token.write, token.read) for token in found] == [
        ("worker", ("mine/",), ()),
        ("worker", (), ("yours/", "mine/")),
    ]


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        ({"role": "write", "beginnings": "yours/"}, 403, "may not share what it may not write itself"),
        ({"role": "admin"}, 403, "may not share an admin token"),
        ({"role": "read", "name": "boss"}, 403, "may not stand for the writer"),
        ({"role": "read", "hours": "-1"}, 400, "A ttl is a number of seconds above 0"),
        ({"role": "read", "hours": "soon"}, 400, "How long is a number."),
        ({"role": "king"}, 400, "A token reads, writes, or is an admin's."),
    ],
)
def test_what_may_not_be_shared_is_told_on_the_page(visitor, boss, namespace, sent, status, words):
    enter(visitor, namespace, shared(namespace, boss[1], "worker", write=["mine/"])[0])
    before = Token.objects.count()

    answer = visitor.post(f"/n/{namespace}/tokens", {"action": "share", **sent})

    assert answer.status_code == status
    assert words in unescape(told(answer))
    assert Token.objects.count() == before


def test_who_replaces_their_own_token_stays(visitor, boss, namespace):
    enter(visitor, namespace, boss[0])

    answer = visitor.post(f"/n/{namespace}/tokens", {"action": "rotate", "id": boss[1].digest[:16], "minutes": "0"})

    [text] = set(TOKEN.findall(answer.text))
    assert access.admit(namespace, text).token.role == "admin"
    assert access.admit(namespace, boss[0]).token is None
    assert visitor.get(f"/n/{namespace}/").status_code == 200


def test_who_replaces_anothers_token_is_who_they_were(visitor, boss, namespace):
    worker = shared(namespace, boss[1], "worker", write=["mine/"])[1]
    enter(visitor, namespace, boss[0])

    visitor.post(f"/n/{namespace}/tokens", {"action": "rotate", "id": worker.digest[:16], "minutes": "5"})

    assert "admin token of" in visitor.get(f"/n/{namespace}/").text


def test_a_token_is_revoked(visitor, boss, namespace):
    text, worker = shared(namespace, boss[1], "worker", write=["mine/"])
    enter(visitor, namespace, boss[0])

    answer = visitor.post(f"/n/{namespace}/tokens", {"action": "revoke", "id": worker.digest[:16]})

    assert access.admit(namespace, text).token is None
    assert "The token is revoked" in visitor.get(answer["Location"]).text


def test_the_last_admin_token_is_not_revoked(visitor, boss, namespace):
    enter(visitor, namespace, boss[0])

    answer = visitor.post(f"/n/{namespace}/tokens", {"action": "revoke", "id": boss[1].digest[:16]})

    assert answer.status_code == 409
    assert Token.objects.count() == 1


# --- what a token sees


def test_a_token_of_some_keys_is_led_to_them_and_no_further(visitor, boss, namespace):
    enter(visitor, namespace, shared(namespace, boss[1], "reader", read=["mine/"])[0])

    page, inside = visitor.get(f"/n/{namespace}/"), visitor.get(f"/n/{namespace}/?prefix=mine/&key=mine/a")

    assert "Choose one of these beginnings." in page.text
    assert "yours/" not in page.text
    assert (inside.status_code, "mine/b" in inside.text, "Restore" in inside.text) == (200, True, False)
    for path in ("?prefix=yours/&key=yours/c", "?key=yours/c", "export.ndjson", "writers", "rollback"):
        assert visitor.get(f"/n/{namespace}/{path}").status_code in (200, 403), path
        assert "first" not in visitor.get(f"/n/{namespace}/{path}").text
    export = visitor.get(f"/n/{namespace}/export.ndjson?prefix=mine/")
    assert (export.status_code, export.getvalue() != b"") == (200, True)


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("restore", {"key": "mine/a", "version": "1"}),
        ("writers", {"action": "quarantine", "writer": "boss", "verified": "true"}),
        ("writers", {"action": "release", "writer": "boss", "verified": "true"}),
        ("rollback", {"writer": "boss", "verified": "true"}),
        ("rollback", {"action": "cancel", "job": "2026-01-31T09:00:00Z"}),
    ],
)
def test_each_form_asks_what_the_token_may(visitor, boss, namespace, path, sent):
    enter(visitor, namespace, shared(namespace, boss[1], "reader", read=[""])[0])
    before = all_rows()

    answer = visitor.post(f"/n/{namespace}/{path}", sent)

    assert answer.status_code == 403
    assert "This read token may not" in answer.text
    assert all_rows() == before


def test_a_suspended_namespace_shows_its_reason_to_tokens_alone(visitor, boss, namespace):
    enter(visitor, namespace, boss[0])
    moderation.set_status(namespace, moderation.Action.SUSPEND, reason="It is abuse.", operator="ada")

    assert "It is abuse." in visitor.get(f"/n/{namespace}/").text
    assert same(Visitor().get(f"/n/{namespace}/"), namespace) == same(Visitor().get("/n/test-none/"), "test-none")


# --- versions, rollback, quarantine


def test_writers_are_told_apart_by_a_mark_that_no_name_can_make(visitor, namespace):
    put(namespace, "k", "1", Caller("boss <b>verified</b>"))
    put(namespace, "k", "2", Caller("boss", is_verified=True))

    page = visitor.get(f"/n/{namespace}/?key=k").text

    assert '<bdi class="writer">boss</bdi> <span class="status">verified</span>' in page
    declared = (
        '<bdi class="writer">boss &lt;b&gt;verified&lt;/b&gt;</bdi> <span class="status declared">self-declared</span>'
    )
    assert declared in page


def test_a_version_is_looked_at_and_restored(visitor, boss, namespace):
    put(namespace, "mine/a", '"second"', boss[1])
    enter(visitor, namespace, boss[0])

    page = visitor.get(f"/n/{namespace}/?key=mine/a&version=1")
    answer = visitor.post(f"/n/{namespace}/restore", {"key": "mine/a", "version": "1"})

    assert "This is version 1" in page.text
    assert "Restore version 1" in page.text
    after = visitor.get(answer["Location"]).text
    assert "The version is restored" in after
    assert history.versions_of(namespace, "mine/a").versions[0].writer == "boss"
    assert "&quot;first&quot;" in after


def test_what_cannot_be_restored_is_told_on_the_keys_page(visitor, boss, namespace):
    enter(visitor, namespace, boss[0])

    answer = visitor.post(f"/n/{namespace}/restore", {"key": "mine/a", "version": "99"})

    assert answer.status_code == 404
    assert "version_not_found" in answer.text
    assert "mine/b" in answer.text


def test_a_rollback_is_previewed_and_done(visitor, boss, namespace):
    liar = shared(namespace, boss[1], "bot7", write=["mine/"])[1]
    for key in ("mine/a", "mine/new"):
        put(namespace, key, '"lie"', liar)
    enter(visitor, namespace, boss[0])
    before = all_rows()

    preview = visitor.get(f"/n/{namespace}/rollback?writer=bot7&verified=true")
    assert all_rows() == before
    answer = visitor.post(f"/n/{namespace}/rollback", {"writer": "bot7", "verified": "true", "since": "", "prefix": ""})

    assert "Roll back 2 keys" in preview.text
    assert (answer.status_code, "Rolled back" in answer.text) == (200, True)
    assert '"first"' in [entry.value for entry in entries_of(namespace, boss[1])]
    assert "mine/new" not in visitor.get(f"/n/{namespace}/").text
    again = visitor.get(f"/n/{namespace}/rollback?writer=bot7&verified=true")
    assert "There is nothing to roll back." in again.text


def entries_of(namespace: str, caller: Caller):
    return reading.list_entries(namespace, with_values=True, caller=caller).entries


def test_a_rollback_of_many_keys_is_a_job_that_can_be_stopped(visitor, boss, namespace, settings):
    settings.LIMITS = {**settings.LIMITS, "batch_operations": 1}
    liar = shared(namespace, boss[1], "bot7", write=["mine/"])[1]
    for key in ("mine/a", "mine/b"):
        put(namespace, key, '"lie"', liar)
    enter(visitor, namespace, boss[0])

    answer = visitor.post(f"/n/{namespace}/rollback", {"writer": "bot7", "verified": "true"})
    page = visitor.get(answer["Location"])
    job = re.search(r'name="job" value="([^"]+)"', page.text)[1]
    stopped = visitor.get(
        visitor.post(f"/n/{namespace}/rollback", {"action": "cancel", "job": unescape(job)})["Location"]
    )

    assert "It is being rolled back" in page.text
    assert "Stopped" in stopped.text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("writer=bot7&verified=perhaps", "A writer is verified or self-declared."),
        ("writer=bot7&verified=true&since=soon", "Since when is a revision, or a time"),
        ("writer=bot7&verified=true&since=99999", "revision"),
        ("writer=a%00b&verified=true", "control"),
    ],
)
def test_what_cannot_be_rolled_back_is_told_on_the_page(visitor, boss, namespace, query, words):
    enter(visitor, namespace, boss[0])

    answer = visitor.get(f"/n/{namespace}/rollback?{query}")

    assert answer.status_code == 400
    assert words in told(answer)


def test_a_writer_is_put_in_quarantine_and_released(visitor, boss, namespace):
    liar = shared(namespace, boss[1], "bot7", write=["mine/"])[1]
    put(namespace, "mine/lie", '"lie"', liar)
    enter(visitor, namespace, boss[0])
    meant = {"writer": "bot7", "verified": "true"}

    placed = visitor.post(f"/n/{namespace}/writers", {"action": "quarantine", "reason": "It lies.", **meant})
    hidden = visitor.get(f"/n/{namespace}/?key=mine/lie")
    page = visitor.get(placed["Location"]).text

    [row] = quarantining.quarantined(namespace, caller=boss[1])
    assert (row.writer, row.reason, row.placed_by) == (Writer("bot7", True), "It lies.", Writer("boss", True))
    assert "in quarantine" in page
    assert "It lies." in page
    assert (hidden.status_code, "in quarantine" in hidden.text) == (404, True)
    visitor.post(f"/n/{namespace}/writers", {"action": "release", **meant})
    assert visitor.get(f"/n/{namespace}/?key=mine/lie").status_code == 200


@pytest.mark.parametrize(
    ("path", "most"),
    [("", 6), ("?key=mine/a", 9), ("tokens", 4), ("writers", 8), ("rollback?writer=boss&verified=true", 6)],
)
def test_a_page_is_a_few_statements_by_index(visitor, boss, namespace, path, most):
    enter(visitor, namespace, boss[0])

    with CaptureQueriesContext(connection) as asked:
        page = visitor.get(f"/n/{namespace}/{path}")

    assert page.status_code == 200
    assert len(asked) <= most
    assert_by_index(asked)


def test_in_an_open_namespace_anybody_may_take_back_what_one_wrote(visitor, namespace):
    put(namespace, "k", '"truth"', Caller("lead"))
    put(namespace, "k", '"lie"', Caller("bot7"))

    writers = visitor.get(f"/n/{namespace}/writers").text
    visitor.post(f"/n/{namespace}/rollback", {"writer": "bot7", "verified": "false"})

    assert "writer=bot7&amp;verified=false" in writers
    assert "&quot;truth&quot;" in visitor.get(f"/n/{namespace}/?key=k").text
    assert visitor.get(f"/n/{namespace}/tokens").status_code == 409
