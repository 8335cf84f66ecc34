"""Who gets which answer: every address, by every kind of token, and by none. To others what is private is not there."""

import json
import secrets
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.core.cache import cache

from namespaces import access, clock, leases, tokens, writing
from namespaces.callers import Caller
from namespaces.jsontext import JSONText
from namespaces.models import Namespace
from namespaces.tokens import make_text
from tests.exports import MEDIA_TYPE, ORIGIN, content_of, entry_line, part_of
from tests.rows import all_rows

MINE, YOURS = "mine/k", "yours/k"
STREAM = {"Accept": "text/event-stream"}
GUARDED = ("none", "other", "expired", "revoked")
ABSENT = "absent"  # as a namespace is answered that does not exist
HIDDEN = "namespace_not_found"  # where one that does not exist would be made


@dataclass(frozen=True)
class Request:
    """What is asked, and what is answered: to who has no good token for it, and to three kinds of good ones."""

    method: str
    path: str
    none: str = ABSENT
    read: str = "token_not_allowed"
    write: str = "token_not_allowed"
    admin: str = "200"
    body: object = None
    headers: dict = field(default_factory=dict)


def entry(key):
    return f"/memory/{{ns}}/{key}"


SET = {"value": 2}
APPEND = {"op": "append", "value": 1}
HOLD = {"ttl": 60}

TABLE = {
    "get": Request("GET", entry(MINE), read="200", write="200"),
    "get another's": Request("GET", entry(YOURS)),
    "get what is not there": Request("GET", entry("mine/none"), read="404", write="404", admin="404"),
    "head": Request("HEAD", entry(MINE), read="200", write="200"),
    "get unless it is version 1": Request(
        "GET", entry(MINE), read="304", write="304", admin="304", headers={"If-None-Match": '"1"'}
    ),
    "get and wait": Request("GET", entry(MINE) + "?wait=1", read="200", write="200"),
    "get and wait for another": Request("GET", entry(YOURS) + "?wait=1"),
    "set": Request("PUT", entry(MINE), HIDDEN, write="200", body=SET),
    "set another's": Request("PUT", entry(YOURS), HIDDEN, body=SET),
    "set version 1": Request("PUT", entry(MINE), write="200", body=SET, headers={"If-Match": '"1"'}),
    "set what is too large": Request("PUT", entry(MINE), write="413", admin="413", body={"value": "x" * 1_048_577}),
    "set once": Request("PUT", entry(MINE), HIDDEN, write="200", body=SET, headers={"Idempotency-Key": "once"}),
    "set while a lease is held": Request(
        "PUT", entry(MINE), write="200", body=SET, headers={"X-BotWire-Lease": "mine/lease=1"}
    ),
    "set while another's lease is held": Request(
        "PUT", entry(MINE), write="token_not_allowed", admin="412", body=SET, headers={"X-BotWire-Lease": "yours/l=1"}
    ),
    "append": Request("PATCH", entry("mine/list"), HIDDEN, write="201", admin="201", body=APPEND),
    "append to another's": Request("PATCH", entry("yours/list"), HIDDEN, admin="201", body=APPEND),
    "increment": Request("PATCH", entry(MINE), write="200", body={"op": "increment"}),
    "delete": Request("DELETE", entry(MINE), write="200"),
    "delete another's": Request("DELETE", entry(YOURS)),
    "delete version 1": Request("DELETE", entry(MINE), write="200", headers={"If-Match": '"1"'}),
    "list": Request("GET", "/memory/{ns}"),
    "list a prefix": Request("GET", "/memory/{ns}?prefix=mine/", read="200", write="200"),
    "list a prefix with values": Request("GET", "/memory/{ns}?prefix=mine/&include=values", read="200", write="200"),
    "list another's prefix": Request("GET", "/memory/{ns}?prefix=yours/"),
    "clear": Request("DELETE", "/memory/{ns}"),
    "clear a prefix": Request("DELETE", "/memory/{ns}?prefix=mine/", write="200"),
    "state": Request("GET", "/namespaces/{ns}", read="200", write="200"),
    "changes": Request("GET", "/namespaces/{ns}/changes?since=0"),
    "changes of a prefix": Request("GET", "/namespaces/{ns}/changes?since=0&prefix=mine/", read="200", write="200"),
    "changes since": Request("GET", "/namespaces/{ns}/changes?since=1&prefix=mine/", read="200", write="200"),
    "changes from now": Request("GET", "/namespaces/{ns}/changes?prefix=mine/", read="200", write="200"),
    "changes, waiting": Request("GET", "/namespaces/{ns}/changes?since=0&prefix=mine/&wait=1", read="200", write="200"),
    "changes of another's, waiting": Request("GET", "/namespaces/{ns}/changes?since=0&prefix=yours/&wait=1"),
    "a stream": Request(
        "GET", "/namespaces/{ns}/changes?since=0&prefix=mine/", read="200", write="200", headers=STREAM
    ),
    "a stream of everything": Request("GET", "/namespaces/{ns}/changes?since=0", headers=STREAM),
    "a batch that reads": Request(
        "POST",
        "/namespaces/{ns}/batch",
        read="200",
        write="200",
        body={"operations": [{"op": "get", "key": MINE}, {"op": "check", "key": "mine/none", "version": None}]},
    ),
    "a batch that reads another's": Request(
        "POST", "/namespaces/{ns}/batch", body={"operations": [{"op": "get", "key": MINE}, {"op": "get", "key": YOURS}]}
    ),
    "a batch that checks another's": Request(
        "POST", "/namespaces/{ns}/batch", body={"operations": [{"op": "check", "key": YOURS, "version": 2}]}
    ),
    "a batch that writes": Request(
        "POST",
        "/namespaces/{ns}/batch",
        HIDDEN,
        write="200",
        body={"operations": [{"op": "set", "key": MINE, "value": 1}, {"op": "delete", "key": "mine/none"}]},
    ),
    "a batch that fails after a write": Request(
        "POST",
        "/namespaces/{ns}/batch",
        write="412",
        admin="412",
        body={"operations": [{"op": "set", "key": MINE, "value": 1}, {"op": "check", "key": MINE, "version": 99}]},
    ),
    "export": Request("GET", "/namespaces/{ns}/export"),
    "export a prefix": Request("GET", "/namespaces/{ns}/export?prefix=mine/", read="200", write="200"),
    "export another's prefix": Request("GET", "/namespaces/{ns}/export?prefix=yours/"),
    "export the history of a prefix": Request("GET", "/namespaces/{ns}/export?prefix=mine/&history=true"),
    "import": Request("POST", "/namespaces/{ns}/import" + ORIGIN, HIDDEN, body=part_of(entry_line("mine/new"))),
    "import what is there": Request(
        "POST", "/namespaces/{ns}/import" + ORIGIN, HIDDEN, admin="409", body=part_of(entry_line(MINE))
    ),
    "try to import": Request(
        "POST", "/namespaces/{ns}/import" + ORIGIN + "&dry_run=true", body=part_of(entry_line(MINE))
    ),
    "who holds a lease": Request("GET", "/namespaces/{ns}/leases/mine/lease", read="200", write="200"),
    "who holds another's lease": Request("GET", "/namespaces/{ns}/leases/yours/lease", admin="404"),
    "acquire": Request("POST", "/namespaces/{ns}/leases/mine/new", HIDDEN, write="201", admin="201", body=HOLD),
    "acquire what is held": Request(
        "POST", "/namespaces/{ns}/leases/mine/lease", HIDDEN, write="409", admin="409", body=HOLD
    ),
    "acquire another's": Request("POST", "/namespaces/{ns}/leases/yours/lease", HIDDEN, admin="201", body=HOLD),
    "renew": Request("PUT", "/namespaces/{ns}/leases/mine/lease", write="200", body={"fencing": 1, "ttl": 9}),
    "release": Request("DELETE", "/namespaces/{ns}/leases/mine/lease?fencing=1", write="200"),
    "claim a task": Request("POST", "/namespaces/{ns}/claims", write="200", body={"prefix": "mine/", "ttl": 60}),
    "claim any task": Request("POST", "/namespaces/{ns}/claims", body={"prefix": "", "ttl": 60}),
    "history": Request("GET", "/namespaces/{ns}/history?key=mine/k&include=values", read="200", write="200"),
    "history of another's": Request("GET", "/namespaces/{ns}/history?key=yours/k"),
    "a version": Request("GET", entry(MINE) + "?version=1", read="200", write="200"),
    "another's version": Request("GET", entry(YOURS) + "?version=2"),
    "a version that is not": Request("GET", entry(MINE) + "?version=2", read="404", write="404", admin="404"),
    "changes by a writer": Request(
        "GET", "/namespaces/{ns}/changes?since=0&prefix=mine/&writer=boss&verified=true", read="200", write="200"
    ),
    "restore": Request("POST", "/namespaces/{ns}/restore", write="200", body={"key": MINE, "version": 1}),
    "restore another's": Request("POST", "/namespaces/{ns}/restore", body={"key": YOURS, "version": 2}),
    "roll back": Request("POST", "/namespaces/{ns}/rollback", body={"writer": "boss", "verified": True}),
    "preview a rollback": Request(
        "POST", "/namespaces/{ns}/rollback", body={"writer": "boss", "verified": True, "dry_run": True}
    ),
    "look at a rollback": Request("GET", "/namespaces/{ns}/rollbacks/2026-01-31T09:00:00Z", admin="404"),
    "stop a rollback": Request("DELETE", "/namespaces/{ns}/rollbacks/2026-01-31T09:00:00Z", admin="404"),
    "who is in quarantine": Request("GET", "/namespaces/{ns}/quarantine"),
    "put in quarantine": Request(
        "POST", "/namespaces/{ns}/quarantine", admin="201", body={"writer": "bot7", "verified": True}
    ),
    "release a writer": Request("DELETE", "/namespaces/{ns}/quarantine?writer=bot7&verified=true", admin="404"),
    "list tokens": Request("GET", "/namespaces/{ns}/tokens", read="200", write="200"),
    "share reading": Request(
        "POST", "/namespaces/{ns}/tokens", read="201", write="201", admin="201", body={"read": "mine/deep/"}
    ),
    "share writing": Request("POST", "/namespaces/{ns}/tokens", write="201", admin="201", body={"write": ["mine/"]}),
    "share everything": Request("POST", "/namespaces/{ns}/tokens", admin="201", body={"write": ""}),
    "share an admin token": Request("POST", "/namespaces/{ns}/tokens", admin="201", body={"role": "admin"}),
    "share another name": Request(
        "POST", "/namespaces/{ns}/tokens", admin="201", body={"read": "mine/", "name": "somebody"}
    ),
    "one's own token": Request("GET", "/namespaces/{ns}/tokens/self", read="200", write="200"),
    "no such token": Request("GET", "/namespaces/{ns}/tokens/0123456789abcdef", read="404", write="404", admin="404"),
    "revoke one's own": Request("DELETE", "/namespaces/{ns}/tokens/self", read="200", write="200", admin="409"),
    "rotate one's own": Request(
        "POST", "/namespaces/{ns}/tokens/self/rotate", read="201", write="201", admin="201", body={}
    ),
}


def asked(api, request, namespace, token):
    """Status, headers and body, with the namespace's name made the same."""
    headers = dict(request.headers) | ({"Authorization": f"Bearer {token}"} if token else {})
    is_part = isinstance(request.body, bytes)
    body = request.body if is_part else "" if request.body is None else json.dumps(request.body)
    content_type = MEDIA_TYPE if is_part else "application/json"
    answer = api.generic(request.method, request.path.format(ns=namespace), body, content_type, headers=headers)
    told = {name.lower(): value for name, value in answer.headers.items()}
    told.pop("retry-after", None)
    return answer.status_code, told, content_of(answer).replace(namespace.encode(), b"NAMESPACE")


def name_of_nothing():
    return f"test-{secrets.token_hex(8)}"


@pytest.fixture(autouse=True)
def _no_guesses_before(api, database):
    cache.clear()


def bearer(namespace, token):
    return Caller(writer="boss", is_verified=True, token=access.admit(namespace, token).token)


def private(namespace):
    """A private namespace with two entries and a lease, and the text of a token of every kind by its name."""
    made = {"none": "", "admin": access.claim(namespace, name="boss").text}
    boss = bearer(namespace, made["admin"])
    for key in (MINE, YOURS):
        writing.set_entry(namespace, key, JSONText.parse("1"), caller=boss)
    leases.acquire(namespace, "mine/lease", 60, caller=boss)
    made["read"] = tokens.share(namespace, boss, read=["mine/"], name="reader").text
    made["write"] = tokens.share(namespace, boss, write=["mine/"], name="worker").text
    an_hour_ago = clock.now() - timedelta(hours=1)
    made["expired"] = tokens.share(namespace, boss, write=[""], ttl=60, now=an_hour_ago).text
    revoked = tokens.share(namespace, boss, write=[""])
    tokens.revoke(namespace, revoked.token.id, boss)
    return made | {"revoked": revoked.text, "other": access.claim(name_of_nothing()).text}


def rows_but_tokens():
    rows = all_rows()
    rows.pop("Token")
    return rows


@pytest.mark.parametrize("request_", TABLE.values(), ids=TABLE)
def test_who_has_no_good_token_is_answered_as_if_there_were_nothing(api, namespace, request_):
    made = private(namespace)
    before = rows_but_tokens()

    answers = {kind: asked(api, request_, namespace, made[kind]) for kind in GUARDED}

    assert answers == {kind: answer_of_nothing(api, request_, made[kind], namespace) for kind in GUARDED}
    assert rows_but_tokens() == before


def answer_of_nothing(api, request_, token, namespace):
    """What is answered about a namespace that does not exist, or, where that would be made, what is said instead."""
    answer = asked(api, request_, name_of_nothing(), token)
    if request_.none == ABSENT or token:
        return answer
    assert 200 <= answer[0] < 300
    Namespace.objects.exclude(name=namespace).exclude(access_version__gt=0).delete()
    return asked(api, request_, name_of_nothing(), make_text())


@pytest.mark.parametrize("kind", ["read", "write", "admin"])
@pytest.mark.parametrize("request_", TABLE.values(), ids=TABLE)
def test_a_good_token_gets_the_answer_of_the_table(api, namespace, request_, kind):
    token = private(namespace)[kind]
    before = rows_but_tokens()

    status, _, body = asked(api, request_, namespace, token)

    told = json.loads(body)["code"] if status >= 400 and body else ""
    assert getattr(request_, kind) in (str(status), told), body
    if status >= 300:
        assert rows_but_tokens() == before


def test_the_table_has_every_operation(api, database):
    paths = api.get("/api/schema/").json()["paths"]
    operations = {(path, method.upper()) for path, methods in paths.items() for method in methods}
    claimed = {("/namespaces/{namespace}/claim", "POST")}  # which shows no token, see `test_claim`

    def path_of(request):
        path = request.path.partition("?")[0].replace("{ns}", "{namespace}")
        head = "/".join(path.split("/")[:4])
        if head.startswith("/memory/{namespace}/"):
            return "/memory/{namespace}/{key}"
        if head.endswith("/leases"):
            return f"{head}/{{name}}"
        if head.endswith("/rollbacks"):
            return f"{head}/{{job}}"
        if head.endswith("/tokens") and path != head:
            return f"{head}/{{token_id}}" + ("/rotate" if path.endswith("/rotate") else "")
        return path

    assert {(path_of(request), request.method) for request in TABLE.values()} - {
        ("/memory/{namespace}/{key}", "HEAD")
    } == operations - claimed


def test_a_token_that_may_not_is_told_what_it_may(api, database, namespace):
    token = private(namespace)["write"]

    _, _, body = asked(api, TABLE["set another's"], namespace, token)

    told = json.loads(body)
    assert told["detail"] == (
        "This write token may not write 'yours/k'; it reads under 'mine/', and writes under 'mine/'."
    )
    assert (told["role"], told["read"], told["write"]) == ("write", [], ["mine/"])


def test_a_suspended_private_namespace_is_suspended_for_its_tokens_alone(api, database, namespace):
    made = private(namespace)
    Namespace.objects.filter(name=namespace).update(status="suspended", status_reason="abuse")

    assert json.loads(asked(api, TABLE["get"], namespace, made["admin"])[2])["code"] == "namespace_suspended"
    assert asked(api, TABLE["get"], namespace, "") == asked(api, TABLE["get"], name_of_nothing(), "")


# --- tokens that are none


def test_an_open_namespace_takes_no_token(put, api, namespace):
    put("k")

    answer = api.get(f"/memory/{namespace}/k", headers={"Authorization": f"Bearer {make_text()}"})

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    assert answer["WWW-Authenticate"] == 'Bearer realm="botwire"'


@pytest.mark.parametrize("text", ["", "x", "bw_" + "0" * 36, make_text()[:-1] + "!", make_text() + "0"])
def test_what_is_no_token_is_told_so_whatever_there_is(api, database, namespace, text):
    private(namespace)

    for name in (namespace, name_of_nothing()):
        answer = api.get(f"/memory/{name}/k", headers={"Authorization": f"Bearer {text}."})
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


@pytest.mark.parametrize("header", ["Basic dXNlcjpwYXNz", "bearer", "Digest x"])
def test_authorization_for_somebody_before_us_is_left_alone(put, api, namespace, header):
    put("k")

    assert api.get(f"/memory/{namespace}/k", headers={"Authorization": header}).status_code == 200


@pytest.mark.parametrize(
    "target",
    [
        "/memory/{ns}/{token}",
        "/memory/{ns}/a/{token}/b",
        "/memory/{ns}/%62w_{rest}",
        "/memory/{ns}?prefix={token}",
        "/memory/{ns}/k?token={token}",
        "/memory/{ns}/k?wait=5&equals=%22{token}%22",
        "/namespaces/{token}",
        "/namespaces/{ns}/changes?wait=5&prefix={token}",
        "/namespaces/{ns}/tokens/{token}",
        "/namespaces/{ns}/leases/{token}",
    ],
)
def test_a_token_in_an_address_is_refused(api, database, namespace, target):
    token = make_text()

    answer = api.get(target.format(ns=namespace, token=token, rest=token[3:]))

    assert (answer.status_code, answer.json()["code"]) == (400, "token_in_url")
    assert token not in answer.content.decode()


def test_what_only_looks_like_a_token_is_a_key(put, get):
    key = "bw_" + "0" * 36
    put(key)

    assert get(key).status_code == 200


def test_the_writer_is_the_tokens_and_no_other(api, database, namespace):
    token = private(namespace)["write"]
    headers = {"Authorization": f"Bearer {token}"}

    def put(agent):
        return api.put(
            f"/memory/{namespace}/{MINE}",
            b'{"value": 2}',
            content_type="application/json",
            headers=headers | ({"X-BotWire-Agent": agent} if agent else {}),
        )

    assert put("").status_code == 200
    assert put("worker").status_code == 200
    refused = put("boss")
    assert (refused.status_code, refused.json()["code"]) == (400, "writer_mismatch")
    assert api.get(f"/memory/{namespace}/{MINE}", headers=headers).json()["writer"] == {
        "name": "worker",
        "verified": True,
    }


def test_guesses_are_slowed_and_good_tokens_are_not(api, database, namespace, settings):
    settings.LIMITS = {**settings.LIMITS, "guesses_per_hour": 3}
    token = private(namespace)["read"]

    def ask(token):
        return api.get(f"/memory/{namespace}/{MINE}", headers={"Authorization": f"Bearer {token}"})

    answers = [ask(make_text()).status_code for _ in range(5)]

    assert answers == [404] * 3 + [429] * 2
    assert ask(make_text()).json()["code"] == "guess_limit"
    assert ask(token).status_code == 200


def test_a_repetition_is_answered_only_to_the_token_that_asked_first(api, namespace):
    made = private(namespace)
    ask = Request(
        "POST",
        "/namespaces/{ns}/batch",
        body={"operations": [{"op": "get", "key": YOURS}, {"op": "set", "key": MINE, "value": 2}]},
        headers={"Idempotency-Key": "once"},
    )
    assert asked(api, ask, namespace, made["admin"])[0] == 200

    status, _, body = asked(api, ask, namespace, made["write"])

    assert (status, json.loads(body)["code"]) == (422, "idempotency_key_reused")
