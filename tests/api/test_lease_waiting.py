"""Held answers about leases and claims, over a real server with several processes: `?wait=`."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

SOON = 2.0
HELD = 0.4  # what has not come by then is being waited for
# What a client that polls would pause on average, at least; see `botwire._patience`.
POLL_SECONDS = 1.5


class Asker:
    """Asks about leases, in the background where the answer is to be waited for."""

    def __init__(self, url: str, namespace: str) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        self.http = httpx.Client(base_url=url, timeout=70, limits=limits)
        self.path, self.memory = f"/namespaces/{namespace}", f"/memory/{namespace}"
        self.threads = ThreadPoolExecutor(64)

    def acquire(self, query: str = "", ttl: float = 60, **headers: str) -> httpx.Response:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.post(f"{self.path}/leases/l{query}", json={"ttl": ttl}, headers=headers)

    def release(self, fencing: int) -> None:
        assert self.http.delete(f"{self.path}/leases/l", params={"fencing": fencing}).status_code == 200

    def claim(self, query: str = "", prefix: str = "tasks/", ttl: float = 60) -> httpx.Response:
        return self.http.post(f"{self.path}/claims{query}", json={"prefix": prefix, "ttl": ttl})

    def put(self, key: str) -> None:
        assert self.http.put(f"{self.memory}/{key}", json={"value": key}).status_code in (200, 201)


@pytest.fixture
def asker(server, namespace):
    made = Asker(server.url, namespace)
    yield made
    made.threads.shutdown()
    made.http.close()


def assert_held(future) -> None:
    time.sleep(HELD)
    assert not future.done(), future.result().text


def outcome(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.headers["BotWire-Wait"]


def test_a_free_lease_is_acquired_at_once(asker):
    answer = asker.acquire("?wait=20")

    assert outcome(answer) == (201, "fulfilled")
    assert answer.json()["fencing"] == 1


def test_a_lease_is_waited_for_until_it_is_given_back(asker):
    held = asker.acquire().json()["fencing"]
    waiting = asker.threads.submit(asker.acquire, "?wait=20")
    assert_held(waiting)

    asker.put("something-else")
    asker.release(held)

    answer = waiting.result(SOON)
    assert outcome(answer) == (201, "fulfilled")
    assert answer.json()["fencing"] > held


def test_a_lease_is_waited_for_until_it_expires(asker):
    asker.acquire(ttl=1)

    began = time.monotonic()
    answer = asker.acquire("?wait=20")

    assert outcome(answer) == (201, "fulfilled")
    assert 0.5 < time.monotonic() - began < 2


def test_a_lease_that_is_renewed_is_waited_for_longer(asker):
    held = asker.acquire(ttl=1).json()["fencing"]
    waiting = asker.threads.submit(asker.acquire, "?wait=20")
    renewed = asker.http.put(f"{asker.path}/leases/l", json={"fencing": held, "ttl": 60})
    assert renewed.status_code == 200
    time.sleep(1)
    assert_held(waiting)

    asker.release(held)

    assert outcome(waiting.result(SOON)) == (201, "fulfilled")


@pytest.mark.parametrize("query", ["?wait=0", "?wait=1"])
def test_who_waited_in_vain_is_refused_as_without_waiting(asker, query):
    held = asker.acquire().json()

    answer = asker.acquire(query)

    assert outcome(answer) == (409, "timeout")
    assert (answer.json()["code"], answer.json()["expires_at"]) == ("lease_held", held["expires_at"])
    assert 55 < int(answer.headers["Retry-After"]) <= 60
    assert "BotWire-Wait" not in asker.acquire().headers


def test_who_comes_later_to_a_process_is_not_served_before_those_who_wait(make_server, namespace):
    asker = Asker(make_server(workers=1).url, namespace)
    held = asker.acquire().json()["fencing"]

    def take() -> int:
        answer = asker.acquire("?wait=50")
        assert outcome(answer) == (201, "fulfilled"), answer.text
        asker.release(answer.json()["fencing"])
        return answer.json()["fencing"]

    waiting = [asker.threads.submit(take) for _ in range(8)]
    time.sleep(3)

    asker.release(held)
    late = take()

    assert max(future.result(30) for future in waiting) < late


def test_a_refusal_is_not_waited_for(asker):
    asker.acquire()

    began = time.monotonic()
    too_long, no_ttl = asker.acquire("?wait=20", ttl=1e9), asker.http.post(f"{asker.path}/leases/l?wait=20", json={})
    too_patient = asker.acquire("?wait=56")

    assert time.monotonic() - began < SOON
    assert (too_long.status_code, too_long.json()["code"]) == (400, "invalid_ttl")
    assert (no_ttl.status_code, no_ttl.json()["code"]) == (400, "invalid_body")
    assert (too_patient.status_code, too_patient.json()["code"]) == (400, "invalid_parameter")


def test_a_repetition_is_answered_although_the_lease_is_held_by_it(asker):
    first = asker.acquire("?wait=20", Idempotency_Key="once")

    again = asker.acquire("?wait=20", Idempotency_Key="once")

    assert again.status_code == 201
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_task_is_waited_for(asker):
    asker.put("other/1")
    waiting = asker.threads.submit(asker.claim, "?wait=20")
    assert_held(waiting)

    asker.put("other/2")
    asker.put("tasks/1")

    answer = waiting.result(SOON)
    assert outcome(answer) == (200, "fulfilled")
    assert answer.json()["entry"]["value"] == "tasks/1"


def test_a_task_is_waited_for_in_a_namespace_that_does_not_exist(asker):
    waiting = asker.threads.submit(asker.claim, "?wait=20")
    assert_held(waiting)

    asker.put("tasks/1")

    assert outcome(waiting.result(SOON)) == (200, "fulfilled")


def test_a_task_comes_back_when_its_lease_is_given_back_or_expires(asker):
    asker.put("tasks/1")
    asker.put("tasks/2")
    fencing = asker.claim().json()["lease"]["fencing"]
    asker.claim(ttl=1.5)
    given_back, expired = asker.threads.submit(asker.claim, "?wait=20"), asker.threads.submit(asker.claim, "?wait=20")
    assert_held(given_back)

    answer = asker.http.delete(f"{asker.path}/leases/tasks%2F1", params={"fencing": fencing})

    assert answer.status_code == 200
    answers = [given_back.result(SOON + 2), expired.result(SOON + 2)]
    assert {outcome(answer) for answer in answers} == {(200, "fulfilled")}
    assert {answer.json()["entry"]["key"] for answer in answers} == {"tasks/1", "tasks/2"}


def test_who_waited_for_a_task_in_vain_is_told_so(asker):
    answer = asker.claim("?wait=1")

    assert outcome(answer) == (404, "timeout")
    assert answer.json()["code"] == "nothing_to_claim"


def test_50_who_wait_for_one_lease_have_it_once_each_soon_after_one_another(asker):
    contenders = 50
    held = asker.acquire().json()["fencing"]
    numbers, gaps = [held], []

    def take() -> None:
        answer = asker.acquire("?wait=55")
        assert outcome(answer) == (201, "fulfilled"), answer.text
        gaps.append(time.monotonic() - released[0])
        numbers.append(answer.json()["fencing"])
        released[0] = time.monotonic()
        asker.release(numbers[-1])

    released = [0.0]
    waiting = [asker.threads.submit(take) for _ in range(contenders)]
    time.sleep(2)
    assert not any(future.done() for future in waiting)
    released[0] = time.monotonic()
    asker.release(held)
    for future in waiting:
        future.result(30)

    assert len(numbers) == contenders + 1
    assert numbers == sorted(set(numbers))
    assert statistics.median(gaps) < POLL_SECONDS / 10
    assert max(gaps) < POLL_SECONDS


def test_as_many_tasks_as_come_are_claimed_by_those_who_wait(asker):
    waiting = [asker.threads.submit(asker.claim, "?wait=20") for _ in range(20)]
    time.sleep(1)
    sets = [{"op": "set", "key": f"tasks/{number:02}", "value": number} for number in range(20)]

    assert asker.http.post(f"{asker.path}/batch", json={"operations": sets}).status_code == 200

    claimed = [future.result(10).json()["entry"]["value"] for future in waiting]
    assert sorted(claimed) == list(range(20))


def test_one_too_many_is_refused(make_server, namespace):
    server = make_server(BOTWIRE_WAITERS_PER_ADDRESS="0")

    answer = Asker(server.url, namespace).acquire("?wait=20")

    assert (answer.status_code, answer.json()["code"]) == (503, "too_many_waiters")
    assert answer.headers["Retry-After"] == "5"


def test_nothing_is_taken_for_who_has_gone(asker):
    held = asker.acquire().json()["fencing"]
    with pytest.raises(httpx.ReadTimeout):
        asker.http.post(f"{asker.path}/leases/l?wait=20", json={"ttl": 60}, timeout=0.5)
    time.sleep(0.2)

    asker.release(held)
    time.sleep(HELD)

    assert asker.http.get(f"{asker.path}/leases/l").status_code == 404
