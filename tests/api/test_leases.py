"""Leases: one holder at a time, a number that only grows, writes that happen only while a lease is held."""

from datetime import timedelta

import pytest

from namespaces import clock, removal
from namespaces.models import Lease, Namespace
from tests.rows import NO_ROWS, all_rows, assert_counters_exact

pytestmark = pytest.mark.django_db


def expire() -> None:
    """Let every lease have expired a moment ago."""
    Lease.objects.update(expires_at=clock.now() - timedelta(seconds=1))


def refusal(answer):
    return answer.status_code, answer.json().get("code")


def test_a_free_lease_is_acquired(leases, namespace):
    answer = leases.acquire(holder="quant")

    assert answer.status_code == 201
    body = answer.json()
    assert body == {
        "namespace": namespace,
        "name": "deploy",
        "holder": "quant",
        "fencing": 1,
        "acquired_at": body["acquired_at"],
        "expires_at": body["expires_at"],
        "claim_code": answer["BotWire-Claim-Code"],
    }
    assert {**leases.get().json(), "claim_code": body["claim_code"]} == body


def test_the_holder_is_the_agent_unless_it_says_otherwise(leases):
    assert leases.acquire("a", X_BotWire_Agent="quant").json()["holder"] == "quant"
    assert leases.acquire("b").json()["holder"] is None


def test_a_held_lease_is_refused_to_others(leases):
    held = leases.acquire(holder="quant").json()
    before = all_rows()

    refused = leases.acquire(ttl=5)

    assert refusal(refused) == (409, "lease_held")
    assert (refused.json()["holder"], refused.json()["expires_at"]) == ("quant", held["expires_at"])
    assert 55 < int(refused["Retry-After"]) <= 60
    assert all_rows() == before


def test_the_number_grows_over_release_expiry_and_all_names(leases):
    numbers = [leases.acquire().json()["fencing"]]
    leases.release(numbers[-1])
    numbers.append(leases.acquire().json()["fencing"])
    expire()
    removal.sweep_leases()
    numbers.append(leases.acquire().json()["fencing"])
    expire()
    numbers.append(leases.acquire().json()["fencing"])
    numbers.append(leases.acquire("other").json()["fencing"])

    assert numbers == sorted(set(numbers))
    assert Namespace.objects.get().fencing == numbers[-1]


def test_renewing_holds_it_for_longer(leases):
    first = leases.acquire(ttl=5).json()

    renewed = leases.renew(first["fencing"], 60)

    assert renewed.status_code == 200
    assert {**first, **renewed.json()} == {**first, "expires_at": renewed.json()["expires_at"]}
    assert renewed.json()["expires_at"] > first["expires_at"]


def test_releasing_frees_it(leases, namespace):
    leases.acquire()

    released = leases.release(1)

    assert released.status_code == 200
    assert released.json() == {"namespace": namespace, "name": "deploy", "fencing": 1, "released": True}
    assert refusal(leases.get()) == (404, "lease_not_found")
    assert leases.acquire().status_code == 201


def test_a_lost_lease_can_be_neither_renewed_nor_released(leases):
    leases.acquire()
    expire()
    expired = leases.renew(1), leases.release(1)
    leases.acquire()
    before = all_rows()

    taken_over = leases.renew(1), leases.release(1), leases.renew(9), leases.release(9)

    assert {refusal(answer) for answer in expired + taken_over} == {(412, "lease_lost")}
    assert all_rows() == before


def test_what_was_never_held_is_lost_and_makes_no_namespace(leases):
    assert refusal(leases.renew(1)) == (412, "lease_lost")
    assert refusal(leases.release(1)) == (412, "lease_lost")
    assert refusal(leases.get()) == (404, "lease_not_found")
    assert all_rows() == NO_ROWS


def test_leases_count_no_write_and_take_no_revision(leases, put, namespace):
    leases.acquire()
    leases.renew(1)
    leases.release(1)

    assert put("k")["RateLimit-Remaining"] == "999"
    assert_counters_exact(namespace)


@pytest.mark.parametrize("ttl", [0, 0.999, 3_600.001, -1, "60", None])
def test_a_ttl_out_of_range_is_refused(leases, ttl):
    assert refusal(leases.acquire(ttl=ttl)) == (400, "invalid_ttl")
    assert all_rows() == NO_ROWS


@pytest.mark.parametrize("ttl", [1, 1.5, 3_600])
def test_a_ttl_in_range_is_taken(leases, ttl):
    assert leases.acquire(ttl=ttl).status_code == 201


@pytest.mark.parametrize("body", ["[]", "{}", '{"ttl": 5, "x": 1}', '{"ttl": 5, "holder": 1}', "x"])
def test_what_is_no_body_is_refused(leases, body):
    assert leases.acquire(body=body).json()["code"] in ("invalid_body", "invalid_json")


@pytest.mark.parametrize("fencing", ["", "x", "-1", "1.5", "9" * 19])
def test_what_is_no_number_of_a_lease_is_refused(leases, fencing):
    assert refusal(leases.release(fencing)) == (400, "invalid_parameter")


@pytest.mark.parametrize("name", ["a/b", "100%25", "%E2%82%AC", "a?".replace("?", "%3F")])
def test_what_may_be_a_key_may_name_a_lease(leases, name):
    assert leases.acquire(name).status_code == 201
    assert leases.get(name).status_code == 200


@pytest.mark.parametrize("name", ["", "..", "%00", "%ff"])
def test_what_may_be_no_key_names_no_lease(leases, name):
    assert refusal(leases.acquire(name)) == (400, "invalid_key")


def test_leases_are_bounded(leases, settings):
    settings.LIMITS = {**settings.LIMITS, "leases": 2}
    leases.acquire("a")
    leases.acquire("b")

    refused = leases.acquire("c")

    assert refusal(refused) == (429, "lease_limit")
    assert refused.json()["limit"] == 2
    assert refused["Retry-After"] == "1"
    expire()
    assert leases.acquire("c").status_code == 201


@pytest.mark.parametrize("status", ["read_only", "suspended"])
def test_a_restricted_namespace_gives_no_lease(leases, status):
    leases.acquire("mine")
    Namespace.objects.update(status=status)

    assert refusal(leases.acquire()) == (403, f"namespace_{status}")
    assert leases.renew(1, name="mine").status_code == (200 if status == "read_only" else 403)
    assert leases.get("mine").status_code == (200 if status == "read_only" else 403)


def test_acquiring_once_gives_one_number(leases):
    first = leases.acquire(Idempotency_Key="a")
    again = leases.acquire(Idempotency_Key="a")

    assert again.json() == first.json()
    assert again["Idempotency-Replayed"] == "true"


# --- writes under a lease


def test_writes_under_a_held_lease_happen(leases, put, patch, delete, batch):
    leases.acquire("a b")
    header = {"X-BotWire-Lease": "a%20b=1"}

    assert put("k", [], **header).status_code == 201
    assert patch("k", "append", value=1, headers=header).status_code == 200
    assert batch({"op": "set", "key": "l", "value": 1}, headers=header).status_code == 200
    assert delete("k", **header).status_code == 200


@pytest.mark.parametrize("header", ["deploy=2", "other=1", "none=1"])
def test_writes_under_another_lease_do_not_happen(leases, put, patch, delete, batch, header):
    put("k", [])
    leases.acquire()
    leases.acquire("other")
    before = all_rows()

    headers = {"X-BotWire-Lease": header}
    refused = [
        put("k", 1, **headers),
        patch("k", "append", value=1, headers=headers),
        delete("k", **headers),
        batch({"op": "set", "key": "k", "value": 1}, headers=headers),
    ]

    assert [refusal(answer) for answer in refused] == [(412, "lease_lost")] * 4
    assert all_rows() == before


def test_a_write_under_an_expired_lease_does_not_happen(leases, put):
    leases.acquire()
    expire()

    assert refusal(put("k", X_BotWire_Lease="deploy=1")) == (412, "lease_lost")
    assert refusal(put("new", X_BotWire_Lease="deploy=1")) == (412, "lease_lost")


@pytest.mark.parametrize("header", ["", "deploy", "deploy=", "deploy=x", "=1", "a=b=1"])
def test_a_lease_that_cannot_be_understood_is_refused(put, header):
    assert refusal(put("k", X_BotWire_Lease=header)) == (400, "invalid_condition")
    assert all_rows() == NO_ROWS
