"""Isolated: no request sees or touches another namespace, and nobody is told which ones there are."""

import pytest

from tests.promises.books import books_of
from tests.promises.racing import outcome_of, race

NEIGHBOURS = 4


def write_the_same_keys(racer, namespace, times):
    """Write into one of the neighbouring namespaces, under the keys that all of them use, and clear it at the end."""
    own = f"{namespace}{racer.number % NEIGHBOURS}"
    for number in range(times):
        answer = racer.client.put(f"/memory/{own}/{number % 5}", json={"value": own})
        assert answer.is_success, answer.text
    if racer.number < NEIGHBOURS:
        answer = racer.client.delete(f"/memory/{own}")
        assert answer.is_success, answer.text


def test_namespaces_written_at_the_same_time_never_mix(server, namespace, http):
    race(write_the_same_keys, server.url, namespace, 10, processes=4, threads=4)

    for name in (f"{namespace}{number}" for number in range(NEIGHBOURS)):
        books = books_of(server, name)
        books.assert_balanced()
        assert {change.value for change in books.log if change.kind == "set"} == {f'"{name}"'}
        assert sum(books.writes_by_day.values()) == 4 * 10 + 1


def test_clearing_a_namespace_leaves_those_whose_names_begin_like_it(server, namespace, http):
    names = [namespace, f"{namespace}0", f"{namespace}.", namespace[:-1], namespace.upper()]
    for name in names:
        http.put(f"/memory/{name}/key", json={"value": 1})

    cleared = http.delete(f"/memory/{namespace}")

    assert cleared.json()["count"] == 1
    assert [http.get(f"/memory/{name}").json()["count"] for name in names] == [0, 1, 1, 1, 1]


@pytest.mark.parametrize("path", ["/memory", "/memory/", "/namespaces", "/namespaces/"])
def test_no_address_lists_the_namespaces(server, namespace, http, path):
    http.put(f"/memory/{namespace}/key", json={"value": 1})

    answer = http.get(path)

    assert outcome_of(answer)[0] in (400, 404)
    assert namespace not in answer.text
