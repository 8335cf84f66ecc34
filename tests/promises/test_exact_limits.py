"""Exact limits: under any race as many writes as a day has, and not one byte more than fits."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from threading import Event

from tests.promises.books import books_of
from tests.promises.racing import BYTES, client_of, outcome_of, race


def write_own_keys(racer, namespace, times):
    paths = [f"/memory/{namespace}/{racer.number}:{number}" for number in range(times)]
    return [racer.client.put(path, json={"value": racer.number}) for path in paths]


def test_64_writers_get_exactly_the_writes_of_a_day(server, namespace, http, one_day):
    answers = [*chain(*race(write_own_keys, server.url, namespace, 18))]

    assert Counter(map(outcome_of, answers)) == {(201, None): 1_000, (429, "daily_write_limit"): 152}
    assert all(0 < int(answer.headers["Retry-After"]) <= 86_400 for answer in answers if answer.is_error)
    books = books_of(server, namespace)
    books.assert_balanced()
    accepted = {answer.json()["key"]: answer.json()["version"] for answer in answers if answer.is_success}
    assert {key: version for key, (version, _) in books.entries.items()} == accepted
    assert books.counters.revision == 1_000
    assert books.writes_by_day == {datetime.now(UTC).date().isoformat(): 1_000}
    state = http.get(f"/namespaces/{namespace}").json()
    assert (state["revision"], state["usage"]["writes"], state["usage"]["entries"]) == (1_000, 1_000, 1_000)
    assert http.get(f"/memory/{namespace}").json()["count"] == 1_000  # reads go on


@contextmanager
def audited(server, namespace):
    """The counters seen while the block runs, read again and again; raises if the books once did not balance."""
    seen, is_over = [], Event()

    def audit() -> None:
        while not is_over.wait(0.01):
            books = books_of(server, namespace)
            books.assert_balanced()
            seen.append(books.counters)

    with ThreadPoolExecutor(1) as pool:
        auditing = pool.submit(audit)
        try:
            yield seen
        finally:
            is_over.set()
        auditing.result()


def write_at_random(racer, namespace, times):
    """Sets of all sizes, some of which expire at once, and deletes, on keys that all racers share."""
    choice = random.Random(racer.number)
    outcomes = []
    for _ in range(times):
        path = f"/memory/{namespace}/{choice.randrange(24)}"
        if choice.random() < 0.2:
            outcomes.append(outcome_of(racer.client.delete(path)))
        else:
            body = {"value": "x" * choice.randrange(3_000), "ttl": choice.choice([None, None, None, 0.1])}
            outcomes.append(outcome_of(racer.client.put(path, json=body)))
    return outcomes


def test_writers_never_store_one_byte_more_than_the_limit(small_server, namespace, address, one_day):
    with client_of(small_server.url, address) as client:
        client.put(f"/memory/{namespace}/first", json={"value": "x" * 15_000})
    with audited(small_server, namespace) as seen:
        outcomes = set(chain(*race(write_at_random, small_server.url, namespace, 24, threads=4)))

    assert outcomes == {(200, None), (201, None), (404, "key_not_found"), (507, "storage_limit")}
    assert len(seen) > 10
    assert max(counters.bytes for counters in seen) <= BYTES
    books_of(small_server, namespace).assert_balanced()


def write_one_key(racer, namespace, value):
    return outcome_of(racer.client.put(f"/memory/{namespace}/{racer.number:02}", json={"value": value}))


def test_the_last_room_goes_to_exactly_one_of_64_writers(small_server, namespace, address):
    with client_of(small_server.url, address) as client:
        client.put(f"/memory/{namespace}/first", json={"value": "x" * (BYTES - 107)})  # 7: the key and two quotes

    outcomes = race(write_one_key, small_server.url, namespace, "x" * 96)  # 100 bytes, what is left

    assert Counter(outcomes) == {(201, None): 1, (507, "storage_limit"): 63}
    books = books_of(small_server, namespace)
    books.assert_balanced()
    assert books.counters.bytes == BYTES
    assert (books.counters.revision, sum(books.writes_by_day.values())) == (2, 2)


def test_a_full_namespace_takes_no_byte_more_and_changes_nothing(small_server, namespace, address):
    with client_of(small_server.url, address) as client:
        client.put(f"/memory/{namespace}/first", json={"value": "x" * (BYTES - 7)})
        full = books_of(small_server, namespace)

        one_more = client.put(f"/memory/{namespace}/first", json={"value": "x" * (BYTES - 6)})
        smallest = client.put(f"/memory/{namespace}/a", json={"value": 1})

        assert outcome_of(one_more) == outcome_of(smallest) == (507, "storage_limit")
        assert one_more.json()["needed"] == 1
        assert smallest.json()["needed"] == 2
        assert full.counters.bytes == BYTES
        assert books_of(small_server, namespace) == full
