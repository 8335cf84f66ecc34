"""Coordinated: what many agents do to one key, one lease, one list of tasks at the same moment is done exactly once."""

import time
from collections import Counter
from itertools import chain

from tests.promises.books import books_of
from tests.promises.racing import outcome_of, race

TIMES = 10


def append_and_increment(racer, path):
    """Append numbered elements and count them; gives (version of the list, element) of each append."""
    appended = []
    for number in range(TIMES):
        element = [racer.number, number]
        answer = racer.client.patch(f"{path}/list", json={"op": "append", "value": element})
        counted = racer.client.patch(f"{path}/count", json={"op": "increment", "initial": 0})
        assert [answer.status_code // 100, counted.status_code // 100] == [2, 2], (answer.text, counted.text)
        assert answer.json()["value"][-1] == element
        appended.append((answer.json()["version"], element))
    return appended


def test_no_append_and_no_increment_is_lost(server, namespace, http):
    path = f"/memory/{namespace}"

    appended = sorted(chain.from_iterable(race(append_and_increment, server.url, path, processes=8, threads=1)))

    assert http.get(f"{path}/list").json()["value"] == [element for _, element in appended]
    assert http.get(f"{path}/count").json()["value"] == 8 * TIMES
    books = books_of(server, namespace)
    books.assert_balanced()
    assert books.counters.revision == 2 * 8 * TIMES


def repeat(racer, path):
    """The same write as everybody, at the same moment."""
    racer.meet()
    body = {"op": "append", "value": "once"}
    answer = racer.client.patch(path, json=body, headers={"Idempotency-Key": "the-same"})
    return answer.status_code, answer.text, answer.headers["ETag"], answer.headers.get("Idempotency-Replayed")


def test_of_16_repetitions_one_has_an_effect_and_all_get_its_answer(server, namespace, http):
    path = f"/memory/{namespace}/list"

    answers = race(repeat, server.url, path, processes=4, threads=4)

    assert len({answer[:3] for answer in answers}) == 1
    assert Counter(replayed for *_, replayed in answers) == {"true": 15, None: 1}
    assert http.get(path).json()["value"] == ["once"]
    books_of(server, namespace).assert_balanced()


def contend(racer, path, rounds):
    """Try to get a lease in each round, and give it back when all have tried; gives the numbers that it had."""
    numbers = []
    for _ in range(rounds):
        racer.meet()
        answer = racer.client.post(path, json={"ttl": 60, "holder": str(racer.number)})
        racer.meet()
        if answer.is_success:
            numbers.append(answer.json()["fencing"])
            assert racer.client.request("DELETE", path, params={"fencing": numbers[-1]}).is_success
        else:
            assert outcome_of(answer) == (409, "lease_held")
    return numbers


def test_of_50_contenders_one_has_the_lease_and_its_number_grows(server, namespace):
    numbers = list(
        chain.from_iterable(race(contend, server.url, f"/namespaces/{namespace}/leases/l", 3, processes=10, threads=5))
    )

    assert len(numbers) == len(set(numbers)) == 3


def work(racer, namespace, dying):
    """Claim tasks and delete them under their lease until there are none; those that die leave theirs."""
    done = []
    while True:
        answer = racer.client.post(f"/namespaces/{namespace}/claims", json={"prefix": "tasks/", "ttl": 3})
        if not answer.is_success:
            assert outcome_of(answer) == (404, "nothing_to_claim")
            return done
        lease = answer.json()["lease"]
        if racer.number < dying:
            return done
        held = {"X-BotWire-Lease": f"{lease['name'].replace('/', '%2F')}={lease['fencing']}"}
        assert racer.client.delete(f"/memory/{namespace}/{lease['name']}", headers=held).is_success
        done.append(lease["name"])


def test_each_task_is_done_by_one_worker_and_those_of_the_dead_by_others(server, namespace, http):
    tasks = [f"tasks/{number:02}" for number in range(40)]
    sets = [{"op": "set", "key": task, "value": None} for task in tasks]
    assert http.post(f"/namespaces/{namespace}/batch", json={"operations": sets}).is_success

    done = list(chain.from_iterable(race(work, server.url, namespace, 3, processes=4, threads=2)))
    left = http.get(f"/memory/{namespace}").json()["keys"]
    later = []
    while len(later) < len(left):  # until their leases have expired
        time.sleep(0.1)
        answer = http.post(f"/namespaces/{namespace}/claims", json={"prefix": "tasks/", "ttl": 60})
        later += [answer.json()["lease"]["name"]] if answer.is_success else []

    assert len(left) == 3
    assert sorted(done + later) == tasks
