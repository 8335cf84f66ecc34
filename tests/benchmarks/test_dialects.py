"""What each peer is asked, as its own documentation has it; that they answer, a run of the benchmark shows."""

import pytest

from benchmarks.dialects import BotWire, Etcd, Kinto, Request, Webdis

JSON = ("Content-Type", "application/json")


@pytest.mark.parametrize(
    ("dialect", "put", "get"),
    [
        (
            BotWire(),
            Request("PUT", "/memory/n/a%2Fb", b'{"value": "v"}', (JSON,)),
            Request("GET", "/memory/n/a%2Fb"),
        ),
        (
            Etcd(),
            Request("POST", "/v3/kv/put", b'{"key": "bi9hL2I=", "value": "dg=="}', (JSON,)),
            Request("POST", "/v3/kv/range", b'{"key": "bi9hL2I="}', (JSON,)),
        ),
        (Webdis(), Request("PUT", "/SET/n%3Aa%2Fb", b"v"), Request("GET", "/GET/n%3Aa%2Fb")),
    ],
)
def test_the_same_entry_in_every_dialect(dialect, put, get):
    assert dialect.put("n", "a/b", "v") == put
    assert dialect.get("n", "a/b") == get


def test_kinto_has_a_collection_for_each_namespace():
    says = Kinto()

    assert [request.path for request in says.prepare(["n", "m"])] == [
        "/v1/buckets/benchmark",
        "/v1/buckets/benchmark/collections/n",
        "/v1/buckets/benchmark/collections/m",
    ]
    assert says.put("n", "k", "v") == Request(
        "PUT", "/v1/buckets/benchmark/collections/n/records/k", b'{"data": {"value": "v"}}', says.HEADERS
    )


@pytest.mark.parametrize(
    ("dialect", "answer"),
    [
        (BotWire(), b'{"namespace": "n", "key": "k", "value": "v"}'),
        (Etcd(), b'{"header": {}, "kvs": [{"key": "bi9r", "value": "dg=="}], "count": "1"}'),
        (Webdis(), b'{"GET": "v"}'),
        (Kinto(), b'{"permissions": {}, "data": {"id": "k", "value": "v"}}'),
    ],
)
def test_the_value_is_found_in_every_answer(dialect, answer):
    assert dialect.value_in(answer) == "v"


def test_etcds_list_ends_where_the_namespace_does():
    asked = Etcd().keys("n", 5)

    assert asked.body == b'{"key": "bi8=", "range_end": "bjA=", "limit": "5", "keys_only": true}'  # from "n/" to "n0"
