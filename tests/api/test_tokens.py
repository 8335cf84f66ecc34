"""Tokens over HTTP: shared, listed, revoked and rotated, and never more than what shared them."""

import json
from datetime import datetime, timedelta

import pytest
from django.core.cache import cache

from namespaces import access, tally
from namespaces.models import Token
from namespaces.tokens import digest_of


@pytest.fixture(autouse=True)
def _no_guesses_before(api, database):
    cache.clear()


class Desk:
    """A private namespace over HTTP."""

    def __init__(self, api, namespace):
        self._api, self._path = api, f"/namespaces/{namespace}/tokens"
        self._memory = f"/memory/{namespace}"
        self.admin = access.claim(namespace, name="boss").text

    def _ask(self, method, path, token, body=""):
        headers = {"Authorization": f"Bearer {token or self.admin}"}
        return self._api.generic(method, path, body, "application/json", headers=headers)

    def share(self, token=None, **rights):
        return self._ask("POST", self._path, token, json.dumps(rights))

    def shared(self, token=None, **rights):
        answer = self.share(token, **rights)
        assert answer.status_code == 201, answer.content
        return answer.json()["token"]

    def list(self, token=None):
        return self._ask("GET", self._path, token)

    def own(self, token=None):
        return self._ask("GET", f"{self._path}/self", token)

    def revoke(self, token_id, token=None):
        return self._ask("DELETE", f"{self._path}/{token_id}", token)

    def rotate(self, token_id="self", token=None, **body):
        return self._ask("POST", f"{self._path}/{token_id}/rotate", token, json.dumps(body))

    def get(self, key, token=None):
        return self._ask("GET", f"{self._memory}/{key}", token).status_code

    def put(self, key, token=None):
        return self._ask("PUT", f"{self._memory}/{key}", token, '{"value": 1}').status_code


@pytest.fixture
def desk(api, database, namespace):
    return Desk(api, namespace)


def id_of(token):
    return digest_of(token)[:16]


def refusal(answer):
    return answer.status_code, answer.json()["code"]


def test_a_token_is_shown_when_it_is_shared_and_never_again(desk, namespace):
    answer = desk.share(write=["findings/"], read="papers/", name="scout", ttl=3600)

    body = answer.json()
    created = datetime.fromisoformat(body["created_at"])
    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    assert body == {
        "namespace": namespace,
        "access": "private",
        "token": body["token"],
        "id": id_of(body["token"]),
        "role": "write",
        "name": "scout",
        "read": ["papers/"],
        "write": ["findings/"],
        "shared_by": id_of(desk.admin),
        "created_at": body["created_at"],
        "expires_at": body["expires_at"],
        "last_used_at": None,
    }
    assert datetime.fromisoformat(body["expires_at"]) == created + timedelta(hours=1)
    del body["token"], body["access"], body["namespace"]
    assert desk.list().json()["tokens"][1] == body
    assert desk.list().json()["count"] == 2


def test_a_write_token_reads_and_writes_under_its_prefixes_and_nowhere_else(desk):
    token = desk.shared(write="a/", read="b/")

    assert [desk.put(key, token) for key in ("a/1", "b/1", "ab", "a")] == [201, 403, 403, 403]
    desk.put("b/1")
    assert [desk.get(key, token) for key in ("a/1", "b/1", "c")] == [200, 200, 403]


def test_without_anything_asked_for_it_reads_what_its_maker_may(desk):
    writer = desk.shared(write="a/", name="w")

    reader = desk.share(writer).json()

    assert (reader["role"], reader["name"], reader["read"], reader["write"]) == ("read", "w", ["a/"], [])


@pytest.mark.parametrize(
    "rights",
    [
        {"role": "admin"},
        {"write": "b/"},
        {"write": ""},
        {"write": "a"},
        {"read": "c/"},
        {"read": ["b/x", ""]},
        {"write": "a/", "name": "boss"},
        {"write": "a/", "name": "worker2"},
    ],
)
def test_no_token_shares_more_than_it_has(desk, rights):
    token = desk.shared(write="a/", read="b/", name="worker")
    before = desk.list().json()["count"]

    assert refusal(desk.share(token, **rights)) == (403, "token_not_allowed")
    assert desk.list().json()["count"] == before


def test_a_child_is_narrower_named_below_and_lives_no_longer(desk):
    parent = desk.share(write="a/", read="b/", name="worker", ttl=60).json()

    child = desk.share(parent["token"], write="a/deep/", name="worker/1", ttl=3600).json()

    assert (child["write"], child["name"], child["shared_by"]) == (["a/deep/"], "worker/1", parent["id"])
    assert child["expires_at"] == parent["expires_at"]


@pytest.mark.parametrize(
    ("rights", "expected"),
    [
        ({"write": [f"{number}/" for number in range(17)]}, (400, "invalid_prefix")),
        ({"read": "\n"}, (400, "invalid_prefix")),
        ({"role": "admin", "read": "a/"}, (400, "invalid_prefix")),
        ({"role": "read", "write": "a/"}, (400, "invalid_prefix")),
        ({"write": "", "name": ""}, (400, "invalid_agent")),
        ({"write": "", "name": "Operator"}, (400, "invalid_agent")),
        ({"ttl": 0}, (400, "invalid_ttl")),
        ({"ttl": -1}, (400, "invalid_ttl")),
        ({"role": "owner"}, (400, "invalid_body")),
        ({"read": 1}, (400, "invalid_body")),
        ({"read": [1]}, (400, "invalid_body")),
        ({"colour": "red"}, (400, "invalid_body")),
    ],
)
def test_what_no_token_can_be_is_refused(desk, rights, expected):
    assert refusal(desk.share(**rights)) == expected
    assert desk.list().json()["count"] == 1


def test_a_namespace_has_so_many_tokens_and_no_more(desk, settings):
    settings.LIMITS = {**settings.LIMITS, "tokens": 3}

    answers = [desk.share().status_code for _ in range(3)]

    assert answers == [201, 201, 429]
    assert refusal(desk.share()) == (429, "token_limit")


def test_an_expired_token_makes_room(desk, settings):
    settings.LIMITS = {**settings.LIMITS, "tokens": 2}
    desk.share(ttl=60)
    Token.objects.filter(role="read").update(expires_at=datetime.fromisoformat("2026-01-01T00:00:00+00:00"))

    assert desk.share().status_code == 201


def test_open_namespaces_have_no_tokens(api, put, namespace):
    put("k")

    answer = api.get(f"/namespaces/{namespace}/tokens")

    assert refusal(answer) == (409, "namespace_open")


# --- who manages which


def test_a_token_sees_itself_and_what_it_shared(desk):
    parent = desk.shared(write="a/", name="w")
    child = desk.shared(parent, write="a/b/")
    grandchild = desk.shared(child, read="a/b/c/")
    desk.shared(read="")

    ids = [token["id"] for token in desk.list(parent).json()["tokens"]]

    assert sorted(ids) == sorted(map(id_of, (parent, child, grandchild)))
    assert desk.list(grandchild).json()["count"] == 1
    assert desk.own(child).json()["id"] == id_of(child)


def test_revoking_takes_what_was_shared_with_it(desk, namespace):
    parent = desk.shared(write="a/", name="w")
    child = desk.shared(parent, write="a/")
    other = desk.shared(read="")

    answer = desk.revoke(id_of(parent))

    assert answer.json() == {"namespace": namespace, "id": id_of(parent), "revoked": True, "count": 2}
    assert [desk.get("a/k", token) for token in (parent, child)] == [404, 404]
    assert desk.put("a/k", parent) == 404
    assert desk.own(other).status_code == 200


def test_nobody_revokes_what_is_not_below_them(desk):
    token, other = desk.shared(write="a/"), desk.shared(write="a/")

    answers = [desk.revoke(id_of(victim), token) for victim in (other, desk.admin)]

    assert [refusal(answer) for answer in answers] == [(404, "token_not_found")] * 2
    assert desk.list().json()["count"] == 3


def test_one_may_give_up_ones_own(desk):
    token = desk.shared(read="")

    assert desk.revoke("self", token).json()["count"] == 1
    assert desk.own(token).status_code == 404


def test_an_admin_token_that_stays_good_is_left(desk):
    second = desk.shared(role="admin", name="deputy")
    desk.shared(role="admin", ttl=60)

    assert refusal(desk.revoke(id_of(desk.admin))) == (409, "last_admin_token")
    assert desk.revoke(id_of(second)).status_code == 200


# --- rotation


def test_a_rotated_token_has_the_same_rights_and_the_old_one_none(desk):
    old = desk.share(write="a/", read="b/", name="w", ttl=60).json()
    child = desk.shared(old["token"], read="a/")

    new = desk.rotate(old["id"]).json()

    for member in ("role", "name", "read", "write", "expires_at", "shared_by"):
        assert new[member] == old[member], member
    assert new["token"] != old["token"]
    assert (desk.put("a/k", new["token"]), desk.put("a/k", old["token"])) == (201, 404)
    assert desk.own(child).json()["shared_by"] == new["id"]
    assert desk.revoke(new["id"]).json()["count"] == 2


def test_the_old_one_may_stay_good_for_a_while(desk):
    old = desk.admin

    new = desk.rotate(overlap=60).json()["token"]

    listed = {token["id"]: token["expires_at"] for token in desk.list(new).json()["tokens"]}
    assert listed[id_of(new)] is None
    assert listed[id_of(old)] is not None
    assert (desk.put("k", old), desk.put("k", new)) == (201, 200)
    assert desk.revoke(id_of(old), new).status_code == 200


@pytest.mark.parametrize("overlap", [-1, 1e12])
def test_no_overlap_is_endless(desk, overlap):
    assert refusal(desk.rotate(overlap=overlap)) == (400, "invalid_ttl")


# --- what is known of them


@pytest.mark.only_through("django")
def test_when_it_was_used_last_is_known_a_few_seconds_later(desk, monkeypatch):
    monkeypatch.setattr(tally, "_is_started", True)
    token = desk.shared(read="")
    desk.get("k", token)

    tally.flush()

    assert desk.own(token).json()["last_used_at"] is not None
