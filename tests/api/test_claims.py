"""Claims: the next entry under a prefix that nobody works on, with the lease of its key."""

from datetime import timedelta

import pytest

from namespaces import clock
from namespaces.models import Lease, Namespace
from tests.rows import NO_ROWS, all_rows

pytestmark = pytest.mark.django_db


def test_the_first_entry_is_claimed_with_the_lease_of_its_key(leases, put, namespace):
    put("tasks/2", 2)
    put("tasks/1", body='{"value": {"do": 1e3}}', X_BotWire_Agent="boss")
    put("other", 0)

    answer = leases.claim(holder="worker")

    assert answer.status_code == 200
    body = answer.json()
    assert body["entry"] == {
        "key": "tasks/1",
        "value": {"do": 1000.0},
        "version": 2,
        "writer": {"name": "boss", "verified": False},
        "created_at": body["entry"]["created_at"],
        "updated_at": body["entry"]["updated_at"],
        "expires_at": None,
    }
    assert b'{"do": 1e3}' in answer.content
    assert body["lease"] == leases.get("tasks/1").json()
    assert (body["lease"]["name"], body["lease"]["holder"], body["lease"]["fencing"]) == ("tasks/1", "worker", 1)


def test_each_is_claimed_by_one_and_none_is_left(leases, put):
    for number in range(3):
        put(f"tasks/{number}", number)
    put("tasksx", "beyond the prefix")

    claimed = [leases.claim().json()["entry"]["value"] for _ in range(3)]
    before = all_rows()
    nothing = leases.claim()

    assert claimed == [0, 1, 2]
    assert (nothing.status_code, nothing.json()["code"]) == (404, "nothing_to_claim")
    assert all_rows() == before


def test_what_is_given_back_or_expires_is_claimed_again(leases, put):
    put("tasks/1", 1)
    first = leases.claim().json()["lease"]["fencing"]
    leases.release(first, "tasks/1")
    second = leases.claim().json()["lease"]["fencing"]
    Lease.objects.update(expires_at=clock.now() - timedelta(seconds=1))

    third = leases.claim().json()["lease"]["fencing"]

    assert first < second < third


def test_a_task_that_is_done_is_gone(leases, put, delete):
    put("tasks/1", 1)
    leases.claim()

    assert delete("tasks/1", X_BotWire_Lease="tasks%2F1=1").status_code == 200
    assert leases.claim().status_code == 404


def test_what_has_expired_is_no_task(leases, put):
    put("tasks/1", 1, ttl=0.000001)

    assert leases.claim().status_code == 404


def test_the_empty_prefix_is_of_all_keys(leases, put):
    put("%F4%8F%BF%BF", 1)

    assert leases.claim("").json()["entry"]["key"] == "\U0010ffff"
    assert leases.claim("\U0010ffff").status_code == 404


def test_claiming_nothing_makes_no_namespace(leases):
    assert leases.claim().json()["code"] == "nothing_to_claim"
    assert all_rows() == NO_ROWS


def test_claiming_once_gives_one_task(leases, put):
    put("tasks/1", 1)
    put("tasks/2", 2)

    first, again = leases.claim(Idempotency_Key="a"), leases.claim(Idempotency_Key="a")

    assert again.content == first.content
    assert Lease.objects.count() == 1


@pytest.mark.parametrize(
    ("members", "code"),
    [({"prefix": "\x00"}, "invalid_prefix"), ({"prefix": 1}, "invalid_body"), ({"ttl": 0}, "invalid_ttl")],
)
def test_a_bad_claim_is_refused(leases, members, code):
    assert leases.claim(**members).json()["code"] == code


@pytest.mark.parametrize("status", ["read_only", "suspended"])
def test_a_restricted_namespace_gives_no_task(leases, put, status):
    put("tasks/1", 1)
    Namespace.objects.update(status=status)

    assert leases.claim().json()["code"] == f"namespace_{status}"
