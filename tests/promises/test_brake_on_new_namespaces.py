"""Exact limits: an address makes so many new namespaces an hour and no more, whatever it says about itself."""

from collections import Counter

import pytest

from tests.promises.books import books_of, namespaces_made_from
from tests.promises.racing import NEW_NAMESPACES, client_of, outcome_of, race

REFUSED = (429, "namespace_creation_limit")


def make_one(racer, namespace):
    return racer.client.put(f"/memory/{namespace}:{racer.number}/key", json={"value": racer.number})


def test_40_creators_at_one_address_make_exactly_10_namespaces(small_server, namespace, address):
    answers = race(make_one, small_server.url, namespace, processes=8, threads=5, address=address)

    assert Counter(map(outcome_of, answers)) == {(201, None): NEW_NAMESPACES, REFUSED: 40 - NEW_NAMESPACES}
    assert all(0 < int(answer.headers["Retry-After"]) <= 3_600 for answer in answers if answer.is_error)
    made = {answer.json()["namespace"] for answer in answers if answer.is_success}
    assert namespaces_made_from(small_server, address) == made
    for name in made:
        books = books_of(small_server, name)
        books.assert_balanced()
        assert books.counters.revision == 1


def test_a_braked_address_goes_on_in_the_namespaces_there_are(small_server, namespace, address, new_address):
    with client_of(small_server.url, new_address()) as somebody_else:
        somebody_else.put(f"/memory/{namespace}/theirs", json={"value": 1})
    with client_of(small_server.url, address) as client:
        for number in range(NEW_NAMESPACES):
            client.put(f"/memory/{namespace}:{number}/key", json={"value": 1})

        one_more = client.put(f"/memory/{namespace}:one-more/key", json={"value": 1})
        own = client.put(f"/memory/{namespace}:0/key", json={"value": 2})
        theirs = client.put(f"/memory/{namespace}/mine", json={"value": 2})
        missing = client.get(f"/memory/{namespace}:one-more/key")

    assert outcome_of(one_more) == REFUSED
    assert outcome_of(own) == (200, None)
    assert outcome_of(theirs) == (201, None)
    assert outcome_of(missing) == (404, "key_not_found")


def make_the_same(racer, namespace):
    return racer.client.put(f"/memory/{namespace}/{racer.number}", json={"value": racer.number})


def test_agents_that_start_together_make_one_new_namespace_of_the_hour(small_server, namespace, address):
    answers = race(make_the_same, small_server.url, namespace, processes=8, threads=5, address=address)

    assert Counter(map(outcome_of, answers)) == {(201, None): 40}
    with client_of(small_server.url, address) as client:
        more = [client.put(f"/memory/{namespace}:{n}/key", json={"value": n}) for n in range(NEW_NAMESPACES)]
    assert list(map(outcome_of, more)) == [(201, None)] * (NEW_NAMESPACES - 1) + [REFUSED]


def test_a_forged_forwarding_header_makes_no_new_address(small_server, namespace, address):
    with client_of(small_server.url, address) as client:
        outcomes = [
            outcome_of(
                client.put(
                    f"/memory/{namespace}:{number}/key",
                    json={"value": number},
                    headers={"X-Forwarded-For": f"198.51.100.{number}"},
                )
            )
            for number in range(NEW_NAMESPACES + 2)
        ]

    assert outcomes == [(201, None)] * NEW_NAMESPACES + [REFUSED] * 2
    assert len(namespaces_made_from(small_server, address)) == NEW_NAMESPACES


@pytest.mark.parametrize(
    ("same_client", "another_client", "recorded"),
    [
        pytest.param("198.51.100.{n}, 203.0.113.7", "203.0.113.7, 203.0.113.8", "203.0.113.7", id="from the right"),
        pytest.param("2001:db8:1:2::{n:x}", "2001:db8:1:3::1", "2001:db8:1:2::1", id="ipv6 by its /64"),
        pytest.param("::ffff:203.0.113.9", "203.0.113.10", "203.0.113.9", id="ipv4 inside ipv6"),
    ],
)
def test_behind_a_proxy_the_address_is_what_the_proxy_saw(
    server_behind_proxy, namespace, address, same_client, another_client, recorded
):
    def make(number: int, forwarded_for: str) -> tuple[int, str | None]:
        path = f"/memory/{namespace}:{number}/key"
        return outcome_of(client.put(path, json={"value": 1}, headers={"X-Forwarded-For": forwarded_for}))

    with client_of(server_behind_proxy.url, address) as client:
        outcomes = [make(number, same_client.format(n=number)) for number in range(1, NEW_NAMESPACES + 3)]
        another = make(0, another_client)

    assert outcomes == [(201, None)] * NEW_NAMESPACES + [REFUSED] * 2
    assert another == (201, None)
    assert f"{namespace}:1" in namespaces_made_from(server_behind_proxy, recorded)
