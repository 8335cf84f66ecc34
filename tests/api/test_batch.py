"""Batches: several reads and writes of one namespace, in order, all or nothing."""

import json

import pytest

from namespaces.models import Entry, Namespace
from tests.factories import NamespaceFactory
from tests.rows import NO_ROWS, all_rows, assert_counters_exact

pytestmark = pytest.mark.django_db


def test_operations_are_carried_out_in_order(batch, put, namespace):
    put("old", body='{"value": 1e3}', X_BotWire_Agent="quant")

    answer = batch(
        {"op": "get", "key": "new"},
        {"op": "set", "key": "new", "value": {"a": 1}, "ttl": 60},
        {"op": "get", "key": "old"},
        {"op": "append", "key": "list", "value": 1},
        {"op": "append", "key": "list", "value": 2},
        {"op": "increment", "key": "count", "initial": 4},
        {"op": "check", "key": "new", "version": 2},
        {"op": "check", "key": "none", "version": None},
        {"op": "pop", "key": "list", "from": "first"},
        {"op": "delete", "key": "old"},
        {"op": "delete", "key": "old"},
        {"op": "get", "key": "old"},
    )

    assert answer.status_code == 200
    body = answer.json()
    assert (body["namespace"], body["revision"]) == (namespace, 7)
    results = body["results"]
    assert results[0] == {"key": "new", "found": False}
    assert {name: results[1][name] for name in ("key", "version", "stored", "bytes")} == {
        "key": "new",
        "version": 2,
        "stored": True,
        "bytes": 11,
    }
    assert (results[2]["found"], results[2]["version"], results[2]["writer"]["name"]) == (True, 1, "quant")
    assert b'"found": true, "value": 1e3, ' in answer.content
    assert [(result["version"], result["value"]) for result in results[3:6]] == [(3, [1]), (4, [1, 2]), (5, 5)]
    assert results[6:8] == [{"key": "new", "version": 2}, {"key": "none", "version": None}]
    assert (results[8]["popped"], results[8]["value"], results[8]["length"]) == ([1], [2], 1)
    assert results[9:] == [
        {"key": "old", "deleted": True, "version": 7},
        {"key": "old", "deleted": False, "version": None},
        {"key": "old", "found": False},
    ]
    assert answer["RateLimit-Remaining"] == "993"
    assert_counters_exact(namespace)


def test_one_key_may_be_written_again_and_again(batch, get, namespace):
    answer = batch(*({"op": "set", "key": "k", "value": number} for number in range(20)))

    assert [result["version"] for result in answer.json()["results"]] == list(range(1, 21))
    assert get("k").json()["value"] == 19
    assert_counters_exact(namespace)


def test_500_operations_are_a_batch_and_501_are_not(batch, namespace):
    operations = [{"op": "set", "key": f"k{number}", "value": number} for number in range(501)]

    taken, refused = batch(*operations[:500]), batch(*operations)

    assert (taken.status_code, taken.json()["revision"]) == (200, 500)
    assert (refused.status_code, refused.json()["code"], refused.json()["limit"]) == (413, "batch_too_large", 500)
    assert Namespace.objects.get(name=namespace).revision == 500
    assert_counters_exact(namespace)


REFUSED = [
    ({"op": "set", "key": "k", "value": 1, "if_version": 9}, 412, "precondition_failed"),
    ({"op": "set", "key": "k", "value": 1, "if_absent": True}, 412, "precondition_failed"),
    ({"op": "delete", "key": "k", "if_version": 9}, 412, "precondition_failed"),
    ({"op": "delete", "key": "none", "if_version": 9}, 412, "precondition_failed"),
    ({"op": "append", "key": "list", "value": 1, "if_version": 9}, 412, "precondition_failed"),
    ({"op": "check", "key": "k", "version": None}, 412, "precondition_failed"),
    ({"op": "check", "key": "none", "version": 1}, 412, "precondition_failed"),
    ({"op": "increment", "key": "list"}, 409, "wrong_type"),
    ({"op": "pop", "key": "none"}, 409, "target_missing"),
    ({"op": "patch", "key": "k", "patch": [{"op": "remove", "path": "/a"}]}, 409, "patch_failed"),
    ({"op": "set", "key": "k", "value": "x" * 101}, 413, "value_too_large"),
    ({"op": "set", "key": "k", "value": ["x" * 90], "ttl": 0}, 400, "invalid_ttl"),
    ({"op": "set", "key": "..", "value": 1}, 400, "invalid_key"),
    ({"op": "get", "key": ""}, 400, "invalid_key"),
    ({"op": "spam", "key": "k"}, 400, "invalid_body"),
    ({"op": "get", "key": 1}, 400, "invalid_body"),
    ({"op": "get", "key": "k", "extra": 1}, 400, "invalid_body"),
    ({"op": "set", "key": "k", "value": 1, "if_version": 1, "if_absent": True}, 400, "invalid_body"),
    ({"op": "set", "key": "k", "value": 1, "if_absent": 1}, 400, "invalid_body"),
    ({"op": "check", "key": "k", "version": "1"}, 400, "invalid_body"),
    ({"op": "pop", "key": "k", "count": 0}, 400, "invalid_body"),
]


@pytest.mark.parametrize(("operation", "status", "code"), REFUSED)
def test_one_refused_operation_undoes_all(batch, put, namespace, operation, status, code):
    put("k", 1)
    put("list", [])
    Namespace.objects.filter(name=namespace).update(limit_value_bytes=100)
    before = all_rows()

    refused = batch(
        {"op": "set", "key": "k", "value": 2},
        {"op": "append", "key": "list", "value": 2},
        operation,
        {"op": "set", "key": "l", "value": 3},
    )

    assert refused.status_code == status
    assert (refused.json()["code"], refused.json()["operation"]) == (code, 2)
    assert all_rows() == before


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_refused_one_of_several_sets_is_told(batch, put, number):
    put("k", 1)
    before = all_rows()
    operations = [{"op": "set", "key": f"k{n}", "value": 1} for n in range(3)]
    operations[number]["if_version"] = 7

    refused = batch(*operations)

    assert (refused.json()["code"], refused.json()["operation"]) == ("precondition_failed", number)
    assert all_rows() == before


def test_a_refused_batch_makes_no_namespace(batch):
    batch({"op": "set", "key": "k", "value": 1}, {"op": "check", "key": "k", "version": 7})

    assert all_rows() == NO_ROWS


def test_a_batch_that_reads_makes_no_namespace(batch, namespace):
    answer = batch(
        {"op": "get", "key": "k"}, {"op": "delete", "key": "k"}, {"op": "check", "key": "k", "version": None}
    )

    assert answer.json() == {
        "namespace": namespace,
        "revision": 0,
        "results": [
            {"key": "k", "found": False},
            {"key": "k", "deleted": False, "version": None},
            {"key": "k", "version": None},
        ],
    }
    assert all_rows() == NO_ROWS


def test_a_batch_of_nothing_does_nothing(batch, put):
    put("k")

    assert batch().json()["revision"] == 1


BODIES = [
    "",
    "[]",
    "{}",
    '{"operations": {}}',
    '{"operations": [1]}',
    '{"operations": [[]]}',
    '{"operations": [], "a": 1}',
]


@pytest.mark.parametrize("body", BODIES)
def test_what_is_no_batch_is_refused(batch, body):
    refused = batch(body=body)

    assert refused.status_code == 400
    assert refused.json()["code"] in ("invalid_json", "invalid_body")


def test_each_write_counts_against_the_day(batch, namespace):
    NamespaceFactory(name=namespace, limit_writes_per_day=3)
    sets = [{"op": "set", "key": f"k{number}", "value": 1} for number in range(4)]
    before = all_rows()

    refused = batch(*sets)

    assert (refused.status_code, refused.json()["code"]) == (429, "daily_write_limit")
    assert refused.json()["operation"] == 3
    assert all_rows() == before
    assert batch(*sets[:3])["RateLimit-Remaining"] == "0"


def test_the_storage_limit_holds_to_the_byte(batch, namespace):
    NamespaceFactory(name=namespace, limit_bytes=6)
    sets = [{"op": "set", "key": key, "value": 12} for key in "ab"]

    assert batch(*sets).status_code == 200
    refused = batch(*sets, {"op": "set", "key": "c", "value": 1})

    assert (refused.status_code, refused.json()["code"], refused.json()["operation"]) == (507, "storage_limit", 2)
    assert batch({"op": "delete", "key": "a"}, {"op": "set", "key": "c", "value": 12}).status_code == 200
    assert_counters_exact(namespace)


def test_what_a_batch_reads_is_bounded(batch, put, settings):
    settings.LIMITS = {**settings.LIMITS, "batch_bytes": 250}
    put("k", "x" * 98)

    assert batch({"op": "get", "key": "k"}, {"op": "get", "key": "k"}).status_code == 200
    refused = batch({"op": "get", "key": "k"}, {"op": "get", "key": "k"}, {"op": "get", "key": "k"})

    assert (refused.status_code, refused.json()["code"], refused.json()["operation"]) == (413, "batch_too_large", 2)


def test_a_body_may_be_as_large_as_the_limit(batch, settings):
    body = json.dumps({"operations": [{"op": "set", "key": "k", "value": 1}]})
    settings.LIMITS = {**settings.LIMITS, "batch_bytes": len(body)}

    assert batch(body=body).status_code == 200
    assert batch(body=body + " ").json()["code"] == "body_too_large"


def test_a_batch_makes_room_by_what_has_expired(batch, put, namespace):
    NamespaceFactory(name=namespace, limit_bytes=30)
    put("old", "x" * 20, ttl=0.000001)

    assert batch({"op": "set", "key": "k", "value": "y" * 20}).status_code == 200
    assert_counters_exact(namespace)


@pytest.mark.parametrize("status", ["read_only", "suspended"])
def test_a_restricted_namespace_takes_no_batch(batch, put, namespace, status):
    put("k", 1)
    Namespace.objects.filter(name=namespace).update(status=status)
    before = all_rows()

    assert batch({"op": "set", "key": "k", "value": 2}).json()["code"] == f"namespace_{status}"
    assert batch({"op": "get", "key": "k"}).status_code == (200 if status == "read_only" else 403)
    assert all_rows() == before


def test_a_batch_is_carried_out_once(batch, put, namespace):
    put("k", [1e3])
    operations = [{"op": "append", "key": "k", "value": 1}, {"op": "get", "key": "k"}]

    first = batch(*operations, headers={"Idempotency-Key": "a"})
    put("k", 0)
    again = batch(*operations, headers={"Idempotency-Key": "a"})

    assert again.content == first.content
    assert again["Idempotency-Replayed"] == "true"
    assert Entry.objects.get(namespace_id=namespace).value == "0"


def test_a_lease_is_given_back_with_what_it_was_for(batch, put, leases, get, namespace):
    put("tasks/1", "do it")
    fencing = leases.claim().json()["lease"]["fencing"]

    answer = batch(
        {"op": "set", "key": "results/1", "value": "done"},
        {"op": "delete", "key": "tasks/1"},
        {"op": "release", "name": "tasks/1", "fencing": fencing},
    )

    assert answer.status_code == 200
    assert answer.json()["results"][1:] == [
        {"key": "tasks/1", "deleted": True, "version": 3},
        {"name": "tasks/1", "fencing": fencing, "released": True},
    ]
    assert leases.get("tasks/1").status_code == 404
    assert leases.acquire("tasks/1").json()["fencing"] == fencing + 2
    assert_counters_exact(namespace)


def test_several_leases_are_given_back_and_each_takes_a_number(batch, leases):
    numbers = {name: leases.acquire(name).json()["fencing"] for name in ("a", "b")}

    answer = batch(*({"op": "release", "name": name, "fencing": number} for name, number in numbers.items()))

    assert answer.status_code == 200
    assert answer.json()["revision"] == 0
    assert leases.acquire("c").json()["fencing"] == 5


def test_a_lease_that_is_lost_refuses_the_whole_batch(batch, put, leases):
    put("tasks/1", "do it")
    fencing = leases.claim().json()["lease"]["fencing"]
    before = all_rows()

    answer = batch({"op": "delete", "key": "tasks/1"}, {"op": "release", "name": "tasks/1", "fencing": fencing - 1})

    assert (answer.status_code, answer.json()["code"], answer.json()["operation"]) == (412, "lease_lost", 1)
    assert all_rows() == before


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ({"op": "release", "name": "l"}, "invalid_body"),
        ({"op": "release", "name": "l", "fencing": "1"}, "invalid_body"),
        ({"op": "release", "name": "", "fencing": 1}, "invalid_key"),
        ({"op": "release", "key": "l", "fencing": 1}, "invalid_body"),
    ],
)
def test_what_is_no_release_is_refused(batch, operation, code):
    answer = batch(operation)

    assert (answer.status_code, answer.json()["code"], answer.json()["operation"]) == (400, code, 0)
