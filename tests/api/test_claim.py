"""Claiming a namespace: it becomes private, once, and only for whoever made it."""

import json

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache

from namespaces.models import Namespace, Receipt, Token
from namespaces.tokens import digest_of, is_token
from tests.rows import all_rows


@pytest.fixture(autouse=True)
def _no_guesses_before(api, database):
    cache.clear()


@pytest.fixture
def claim(api, namespace):
    def claim(code=None, name=None, **headers):
        body = {"claim_code": code, "name": name}
        given = json.dumps({key: value for key, value in body.items() if value is not None})
        return api.post(f"/namespaces/{namespace}/claim", given, content_type="application/json", headers=headers)

    return claim


def refusal(answer):
    return answer.status_code, answer.json()["code"]


def test_a_namespace_that_does_not_exist_is_made_private(claim, api, namespace):
    answer = claim(name="lead")

    body = answer.json()
    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    assert body == {
        "namespace": namespace,
        "access": "private",
        "token": body["token"],
        "id": digest_of(body["token"])[:16],
        "role": "admin",
        "name": "lead",
        "read": [""],
        "write": [""],
        "shared_by": None,
        "created_at": body["created_at"],
        "expires_at": None,
        "last_used_at": None,
    }
    state = api.get(f"/namespaces/{namespace}", headers={"Authorization": f"Bearer {body['token']}"}).json()
    assert (state["access"], state["revision"]) == ("private", 0)


def test_an_open_namespace_says_that_it_is(put, api, namespace):
    put("k")

    assert api.get(f"/namespaces/{namespace}").json()["access"] == "open"


def test_of_a_token_only_the_digest_is_kept(claim, put):
    token = claim(put("k").json()["claim_code"]).json()["token"]

    assert is_token(token)
    assert [row.digest for row in Token.objects.all()] == [digest_of(token)]
    assert token not in str(all_rows())
    assert token[3:] not in str(all_rows())


def test_whoever_made_a_namespace_claims_it_with_the_code_of_that_answer(claim, put):
    first, second = put("k"), put("l")

    assert "claim_code" not in second.json()
    assert claim(first["BotWire-Claim-Code"]).status_code == 201


@pytest.mark.parametrize("make", ["patch", "batch", "lease"])
def test_every_answer_that_makes_a_namespace_has_a_claim_code(claim, patch, batch, leases, make):
    answers = {
        "patch": lambda: patch("k", "append", value=1),
        "batch": lambda: batch({"op": "set", "key": "k", "value": 1}),
        "lease": lambda: leases.acquire(),
    }

    answer = answers[make]()

    assert answer.json()["claim_code"] == answer["BotWire-Claim-Code"]
    assert claim(answer.json()["claim_code"]).status_code == 201


def test_without_the_code_nobody_claims_what_is_in_use(claim, put):
    code = put("k").json()["claim_code"]
    before = all_rows()

    answers = [claim(), claim(code[:-1]), claim("é" * 40), claim(code.upper())]

    assert [refusal(answer) for answer in answers] == [(403, "claim_code_required")] * 4
    assert all_rows() == before


def test_another_namespaces_code_is_none(claim, put, api):
    put("k")
    other = api.put("/memory/another/k", b'{"value": 1}', content_type="application/json").json()["claim_code"]

    assert refusal(claim(other)) == (403, "claim_code_required")


def test_wrong_codes_are_slowed(claim, put, settings):
    settings.LIMITS = {**settings.LIMITS, "guesses_per_hour": 2}
    put("k")

    assert [claim("x").status_code for _ in range(3)] == [403, 403, 429]


def test_it_is_claimed_once(claim, put):
    code = put("k").json()["claim_code"]
    claim(code)
    before = all_rows()

    assert refusal(claim(code)) == (409, "already_claimed")
    assert all_rows() == before


def test_the_code_outlives_a_change_of_the_servers_secret(claim, put, settings):
    code = put("k").json()["claim_code"]
    settings.SECRET_KEY_FALLBACKS = [django_settings.SECRET_KEY]
    settings.SECRET_KEY = "another secret than before, and as long as one should be"

    assert claim(code).status_code == 201


def test_a_repeated_first_write_is_told_the_code_again_which_is_not_kept(put, claim):
    first = put("k", idempotency_key="once")

    again = put("k", idempotency_key="once")

    assert again["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    assert first.json()["claim_code"] not in Receipt.objects.get().answer


def test_a_repeated_later_write_is_not(put):
    put("k")
    put("k", 2, idempotency_key="once")

    assert "claim_code" not in put("k", 2, idempotency_key="once").json()


def test_what_was_written_before_stays_and_only_tokens_see_it(claim, put, get, api, namespace):
    code = put("k", {"a": 1}).json()["claim_code"]

    token = claim(code).json()["token"]

    assert get("k").status_code == 404
    found = get("k", Authorization=f"Bearer {token}").json()
    assert (found["value"], found["version"]) == ({"a": 1}, 1)


def test_a_namespace_that_an_operator_limits_is_not_claimed(claim, put, namespace):
    code = put("k").json()["claim_code"]
    Namespace.objects.update(status="read_only")

    assert refusal(claim(code)) == (403, "namespace_read_only")
    assert not Token.objects.exists()


def test_making_private_namespaces_is_braked_too(api, database, settings):
    settings.LIMITS = {**settings.LIMITS, "new_namespaces_per_hour": 2}

    answers = [
        api.post(f"/namespaces/made-{number}/claim", "{}", content_type="application/json") for number in range(3)
    ]

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert Namespace.objects.count() == 2


@pytest.mark.parametrize("body", ["", "[]", '{"name": ""}', '{"name": "operator"}', '{"name": 1}', '{"code": "x"}'])
def test_a_body_that_is_none_claims_nothing(api, database, namespace, body):
    answer = api.post(f"/namespaces/{namespace}/claim", body, content_type="application/json")

    assert answer.status_code == 400
    assert not Namespace.objects.exists()
