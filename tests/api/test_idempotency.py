"""Idempotency-Key: the same key with the same request has one effect, and gets the first answer again."""

from datetime import timedelta

import pytest

from namespaces import clock, removal
from namespaces.models import Change, Namespace, Receipt
from tests.rows import NO_ROWS, all_rows, assert_counters_exact

pytestmark = pytest.mark.django_db
ONCE = {"Idempotency-Key": "5f0b7c9e"}


def assert_answered_again(again, first):
    assert again.status_code == first.status_code
    assert again.json() == first.json()
    assert again.headers.get("ETag") == first.headers.get("ETag")
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first


def test_a_set_is_carried_out_once(put, namespace):
    first = put("k", 1, Idempotency_Key="a")
    rows = all_rows()

    again = put("k", 1, Idempotency_Key="a")

    assert_answered_again(again, first)
    assert all_rows() == rows
    assert_counters_exact(namespace)


def test_a_delete_is_carried_out_once(put, delete):
    put("k")
    first = delete("k", Idempotency_Key="a")
    put("k")
    rows = all_rows()

    assert_answered_again(delete("k", Idempotency_Key="a"), first)
    assert all_rows() == rows


@pytest.mark.parametrize("change", [{"op": "append", "value": {"a": 1}}, {"op": "pop", "count": 2}])
def test_a_change_is_carried_out_once(put, patch, change):
    put("k", [1, 2, 3])
    first = patch("k", **change, headers=ONCE)
    patch("k", "append", value="later")
    rows = all_rows()

    assert_answered_again(patch("k", **change, headers=ONCE), first)
    assert all_rows() == rows


def test_a_value_is_not_kept_twice(patch):
    patch("k", "append", value="x" * 1_000, headers=ONCE)

    assert len(Receipt.objects.get().answer) < 500


def test_a_value_that_the_log_has_forgotten_is_left_out(patch):
    first = patch("k", "append", value=1, headers=ONCE)
    Change.objects.all().delete()

    again = patch("k", "append", value=1, headers=ONCE)

    expected = first.json()
    del expected["value"]
    assert again.json() == expected


@pytest.mark.parametrize("other", [{"key": "l"}, {"value": 2}, {"ttl": 5}, {"If_Match": "*"}])
def test_the_same_key_with_another_request_is_refused(put, other):
    put(key="k", value=1, Idempotency_Key="a")
    rows = all_rows()

    refused = put(**{"key": "k", "value": 1, "Idempotency_Key": "a", **other})

    assert refused.status_code == 422
    assert refused.json()["code"] == "idempotency_key_reused"
    assert all_rows() == rows


def test_another_method_is_another_request(put, delete):
    put("k", Idempotency_Key="a")

    assert delete("k", Idempotency_Key="a").json()["code"] == "idempotency_key_reused"


def test_a_refused_write_is_not_remembered(put):
    put("k")
    assert put("k", 2, If_Match='"2"', Idempotency_Key="a").status_code == 412
    put("k", 3)

    assert put("k", 2, If_Match='"2"', Idempotency_Key="a").status_code == 200


def test_a_change_that_writes_nothing_is_not_remembered(put, patch):
    put("k", [])
    patch("k", "pop", headers=ONCE)
    put("k", [1])

    assert patch("k", "pop", headers=ONCE).json()["popped"] == [1]


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 256, "\x7f"])
def test_what_is_no_idempotency_key_is_refused(put, key):
    refused = put("k", Idempotency_Key=key)

    assert refused.status_code == 400
    assert refused.json()["code"] == "invalid_idempotency_key"
    assert all_rows() == NO_ROWS


@pytest.mark.parametrize("key", ["!", "~" * 255])
def test_any_visible_characters_are_an_idempotency_key(put, key):
    assert put("k", Idempotency_Key=key).status_code == 201


def test_an_old_receipt_no_longer_counts_and_is_swept(put):
    put("k", 1, Idempotency_Key="a")
    put("k", 1, Idempotency_Key="b")
    Receipt.objects.filter(key="a").update(at=clock.now() - timedelta(hours=24, seconds=1))

    assert put("k", 1, Idempotency_Key="a").json()["version"] == 3
    Receipt.objects.filter(key="a").update(at=clock.now() - timedelta(hours=24, seconds=1))
    assert removal.sweep_receipts() == 1
    assert [receipt.key for receipt in Receipt.objects.all()] == ["b"]


def test_a_suspended_namespace_answers_nothing_again(put, namespace):
    put("k", 1, Idempotency_Key="a")
    Namespace.objects.update(status="suspended")

    assert put("k", 1, Idempotency_Key="a").json()["code"] == "namespace_suspended"


def test_keys_are_those_of_one_namespace(put, api, namespace):
    put("k", 1, Idempotency_Key="a")

    other = api.put(
        f"/memory/{namespace}-2/k", '{"value": 1}', content_type="application/json", headers={"Idempotency-Key": "a"}
    )

    assert other.status_code == 201
