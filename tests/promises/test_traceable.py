"""Traceable: each write is a row of the change log that tells who, when, which key and what."""

from itertools import chain

from tests.promises.books import books_of
from tests.promises.racing import race


def write_under_own_name(racer, namespace, times):
    """Set and delete shared keys; gives the change that each answer promises, as the log should tell it."""
    name = f"agent-{racer.number}"
    promised = []
    for number in range(times):
        path, headers = f"/memory/{namespace}/{number}", {"X-BotWire-Agent": name}
        answer = racer.client.put(path, json={"value": racer.number}, headers=headers)
        promised.append((answer.json()["version"], "set", str(number), name, str(racer.number)))
        answer = racer.client.delete(path, headers=headers)
        if answer.is_success:  # else another racer has deleted the key already
            promised.append((answer.json()["version"], "delete", str(number), name, None))
    return promised


def test_every_write_is_in_the_log_under_its_writers_name(server, namespace, one_day):
    promised = sorted(chain(*race(write_under_own_name, server.url, namespace, 10, processes=4, threads=4)))

    books = books_of(server, namespace)
    books.assert_balanced()
    assert [tuple(change) for change in books.log] == promised
    assert len(promised) > 200


def test_a_refused_write_is_no_change(server, namespace, http):
    http.put(f"/memory/{namespace}/key", json={"value": 1})
    before = books_of(server, namespace)

    refused = [
        http.put(f"/memory/{namespace}/key", json={"value": 2}, headers={"If-Match": '"2"'}),
        http.put(f"/memory/{namespace}/key", json={"value": 2}, headers={"If-None-Match": "*"}),
        http.put(f"/memory/{namespace}/key", content=b"{", headers={"Content-Type": "application/json"}),
        http.put(f"/memory/{namespace}/key", json={"value": "x" * 1_048_576}),
        http.put(f"/memory/{namespace}/key", json={"value": 2, "ttl": 0}),
        http.delete(f"/memory/{namespace}/missing"),
    ]

    assert [answer.status_code for answer in refused] == [412, 412, 400, 413, 400, 404]
    assert books_of(server, namespace) == before
