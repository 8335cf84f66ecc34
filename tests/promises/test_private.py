"""Private: one claims, and from then on only good tokens see anything, however long they have been waiting."""

import threading
import time

import httpx
import pytest

from tests.promises.racing import race
from tests.waiting import Asker, events

SOON = 2.0


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def claim_when_all_are_there(racer, namespace, code):
    body = {"name": f"agent-{racer.number}", "claim_code": code}
    racer.meet()
    answer = racer.client.post(f"/namespaces/{namespace}/claim", json=body)
    return answer.status_code, answer.json().get("token", answer.json().get("code"))


@pytest.mark.parametrize("exists", [False, True])
def test_of_50_who_claim_at_once_one_gets_it(server, namespace, http, exists):
    code = http.put(f"/memory/{namespace}/k", json={"value": 1}).json()["claim_code"] if exists else ""

    answers = race(claim_when_all_are_there, server.url, namespace, code, processes=5, threads=10)

    won = [told for status, told in answers if status == 201]
    assert len(won) == 1
    assert sorted(answers)[1:] == [(409, "already_claimed")] * 49
    listed = http.get(f"/namespaces/{namespace}/tokens", headers=bearer(won[0])).json()
    assert listed["count"] == 1


@pytest.fixture
def admin(http, namespace):
    return http.post(f"/namespaces/{namespace}/claim", json={}).json()["token"]


@pytest.fixture
def share(http, namespace, admin):
    def share(**rights):
        return http.post(f"/namespaces/{namespace}/tokens", json=rights, headers=bearer(admin)).json()

    return share


@pytest.fixture
def asker(server, namespace):
    made = Asker(server.url, namespace)
    yield made
    made.close()


def revoke(http, namespace, admin, token):
    answer = http.delete(f"/namespaces/{namespace}/tokens/{token['id']}", headers=bearer(admin))
    assert answer.json()["count"] == 1


@pytest.mark.parametrize("how", ["revoked", "expired", "rotated"])
def test_a_wait_for_an_entry_ends_with_its_token(asker, http, namespace, admin, share, how):
    token = share(read="", ttl=2 if how == "expired" else 60)
    waiting = asker.later(asker.get, "k", "?wait=40", **bearer(token["token"]))
    time.sleep(0.5)
    assert not waiting.done(), waiting.result().text

    if how == "revoked":
        revoke(http, namespace, admin, token)
    if how == "rotated":
        http.post(f"/namespaces/{namespace}/tokens/{token['id']}/rotate", json={}, headers=bearer(admin))

    answer = waiting.result(SOON + 2)
    assert (answer.status_code, answer.json()["code"]) == (404, "key_not_found")
    assert answer.headers["BotWire-Wait"] == "timeout"


@pytest.mark.parametrize("how", ["revoked", "expired"])
def test_a_stream_ends_with_its_token_and_tells_nothing_after(server, http, namespace, admin, share, how):
    token = share(read="", ttl=2 if how == "expired" else 60)

    with events(server.url, namespace, "?since=0", **bearer(token["token"])) as (answer, coming):
        assert answer.status_code == 200
        http.put(f"/memory/{namespace}/before", json={"value": 1}, headers=bearer(admin))
        seen = [next(coming) for _ in range(2)]  # where it begins, and the change
        if how == "revoked":
            revoke(http, namespace, admin, token)
        else:
            time.sleep(2.1)
        http.put(f"/memory/{namespace}/after", json={"value": 2}, headers=bearer(admin))
        began = time.monotonic()
        rest = list(coming)

    assert '"before"' in seen[1]["data"]
    assert rest == []
    assert time.monotonic() - began < SOON


def test_a_wait_for_changes_ends_with_its_token(asker, http, namespace, admin, share):
    token = share(read="")
    http.put(f"/memory/{namespace}/k", json={"value": 1}, headers=bearer(admin))
    waiting = asker.later(asker.changes, "?since=1&wait=40", **bearer(token["token"]))
    time.sleep(0.5)
    assert not waiting.done(), waiting.result().text

    revoke(http, namespace, admin, token)

    answer = waiting.result(SOON)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_revision")


def test_who_waits_without_a_token_hears_nothing_of_a_private_namespace(asker, http, namespace, admin):
    waiting = asker.later(asker.get, "k", "?wait=2")
    following = asker.later(asker.changes, "?since=0&wait=2")
    time.sleep(0.5)

    http.put(f"/memory/{namespace}/k", json={"value": 1}, headers=bearer(admin))

    entry, page = waiting.result(5), following.result(5)
    assert (entry.status_code, entry.headers["BotWire-Wait"]) == (404, "timeout")
    assert page.json() == {"namespace": namespace, "revision": 0, "changes": [], "next": 0}
    assert page.headers["BotWire-Wait"] == "timeout"


def test_who_waits_for_an_open_namespace_hears_nothing_once_it_is_private(asker, http, namespace):
    code = http.put(f"/memory/{namespace}/other", json={"value": 1}).json()["claim_code"]
    waiting = asker.later(asker.get, "k", "?wait=3")
    following = asker.later(asker.changes, "?since=1&wait=3")
    time.sleep(0.5)
    token = http.post(f"/namespaces/{namespace}/claim", json={"claim_code": code}).json()["token"]

    http.put(f"/memory/{namespace}/k", json={"value": 1}, headers=bearer(token))

    assert waiting.result(6).status_code == 404
    assert "changes" not in following.result(6).json() or following.result().json()["changes"] == []


def test_waits_with_a_token_are_woken_like_others(asker, http, namespace, share, admin):
    token = share(read="")["token"]
    waiting = asker.later(asker.get, "k", "?wait=20", **bearer(token))
    following = asker.later(asker.changes, "?since=0&wait=20", **bearer(token))
    time.sleep(0.5)

    http.put(f"/memory/{namespace}/k", json={"value": 7}, headers=bearer(admin))

    assert waiting.result(SOON).json()["value"] == 7
    assert [change["key"] for change in following.result(SOON).json()["changes"]] == ["k"]


def test_rotation_under_load_fails_no_request_with_the_token_that_is_good(server, http, namespace, share, admin):
    tokens = [share(write="", name="worker")["token"]]
    failed, is_over, counts = [], threading.Event(), [0] * 4

    def write(number):
        with httpx.Client(base_url=server.url, timeout=20) as client:
            while not is_over.is_set():
                answer = client.get(f"/namespaces/{namespace}", headers=bearer(tokens[-1]))
                counts[number] += 1
                if answer.status_code != 200:
                    failed.append(answer.text)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        path = f"/namespaces/{namespace}/tokens/self/rotate"
        answer = http.post(path, json={"overlap": 20}, headers=bearer(tokens[-1]))
        tokens.append(answer.json()["token"])
        time.sleep(0.05)
    is_over.set()
    for thread in threads:
        thread.join()

    assert failed == []
    assert min(counts) > 5
    assert len(set(tokens)) == 21
