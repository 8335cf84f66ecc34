"""First writes of many at once: a namespace comes to be once, and nobody is sent away for having been among them."""

from collections import Counter
from itertools import chain

import httpx

from tests.promises.books import books_of
from tests.promises.racing import outcome_of, race

NAMESPACES = 30


def write_to_each(racer, namespace):
    """Write into one new namespace after the other, each together with all others; refusals are not waited out."""
    outcomes = []
    with httpx.Client(base_url=racer.client.base_url, timeout=60, trust_env=False) as client:
        for number in range(NAMESPACES):
            racer.meet()
            answer = client.put(f"/memory/{namespace}-{number}/{racer.number}", json={"value": 1})
            outcomes.append(outcome_of(answer))
    return outcomes


def test_racing_first_writes_are_all_accepted(server, namespace):
    outcomes = Counter(chain(*race(write_to_each, server.url, namespace, processes=4, threads=4)))

    assert outcomes == {(201, None): 16 * NAMESPACES}
    for number in range(NAMESPACES):
        books = books_of(server, f"{namespace}-{number}")
        books.assert_balanced()
        assert books.counters.entries == 16
