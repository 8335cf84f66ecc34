"""Waiting: nothing is missed and nothing comes twice; who waits costs no thread and no connection, and ends in time."""

import asyncio
import json
import signal
import threading
import time
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.conftest import Server
from tests.waiting import Asker, events

HELD = 40


@pytest.fixture
def own(make_server):
    """A server of the test's own, with two processes that serve."""
    return make_server(BOTWIRE_WRITES_PER_DAY="1000000")


def workers_of(server: Server) -> list[int]:
    """The processes that serve: the children of gunicorn's master."""
    command = {number: Path(f"/proc/{number}/cmdline").read_bytes() for number in server.process_ids()}
    gunicorn = [number for number, line in command.items() if b"gunicorn" in line]
    return gunicorn[1:]


def wait_many(server: Server, asker: Asker, number: int, query: str = "?wait=50") -> list:
    """That many waits on a key that is not there, all of them held."""
    futures = [asker.later(asker.get, "never", query) for _ in range(number)]
    time.sleep(1.5)
    assert not any(future.done() for future in futures)
    return futures


def test_writers_in_one_process_wake_who_waits_in_another(own, namespace):
    asker = Asker(own.url, namespace)
    delays = []
    for number in range(12):
        # A client each: which process gets a connection is the kernel's choice, so that both cases come up.
        with Asker(own.url, namespace).http as reader, Asker(own.url, namespace).http as writer:
            path = f"/memory/{namespace}/k{number}"
            waiting = asker.later(reader.get, f"{path}?wait=20")
            time.sleep(0.15)
            assert writer.put(path, json={"value": 1}).status_code == 201
            written = time.monotonic()
            assert waiting.result(5).status_code == 200
            delays.append(time.monotonic() - written)

    assert sorted(delays)[len(delays) // 2] < 0.2
    asker.close()


def test_a_watch_misses_nothing_and_repeats_nothing_across_reconnects_and_a_restart(own, namespace):
    total, seen, last = 1_000, [], "0"
    stop_at, restarted = 400, threading.Event()

    def write() -> None:
        with httpx.Client(base_url=own.url, timeout=30) as http:
            for number in range(total):
                if number == stop_at:
                    own.stop()
                    own.start()
                    restarted.set()
                answer = http.put(f"/memory/{namespace}/k{number % 7}", json={"value": number})
                assert answer.status_code in (200, 201)

    writer = threading.Thread(target=write)
    writer.start()
    deadline = time.monotonic() + 120
    while len(seen) < total and time.monotonic() < deadline:
        try:
            with events(own.url, namespace, "?since=0", **{"Last-Event-ID": last}) as (_, stream):
                for count, event in enumerate(stream):
                    if "data" in event:
                        seen.append(json.loads(event["data"]))
                        last = event["id"]
                    if len(seen) == total or count == 150:
                        break
        except httpx.HTTPError:
            time.sleep(0.05)
    writer.join()

    assert restarted.is_set()
    assert [change["revision"] for change in seen] == list(range(1, total + 1))
    assert [change["value"] for change in seen] == list(range(total))


def test_a_stop_ends_every_wait_within_a_second(own, namespace):
    asker = Asker(own.url, namespace)
    since = asker.put("a")
    waiting = wait_many(own, asker, HELD)
    waiting.append(asker.later(asker.changes, f"?since={since}&wait=50"))
    leases = f"/namespaces/{namespace}/leases/l"
    assert asker.http.post(leases, json={"ttl": 60}).status_code == 201
    waiting += [asker.later(asker.http.post, f"{leases}?wait=50", json={"ttl": 60}) for _ in range(20)]
    ended = threading.Event()

    def read_stream() -> None:
        with events(own.url, namespace) as (_, stream):
            for _ in stream:
                pass
        ended.set()  # the stream had a proper end: httpx raises for one that breaks off

    threading.Thread(target=read_stream).start()
    time.sleep(0.5)

    own.process.send_signal(signal.SIGINT)
    began = time.monotonic()
    answers = [future.result(20) for future in waiting]
    took = time.monotonic() - began

    assert took < 1.0
    assert {answer.status_code for answer in answers} == {404, 200, 409}
    assert {answer.headers["BotWire-Wait"] for answer in answers} == {"timeout"}
    assert ended.wait(1)
    assert own.process.wait(10) == 0
    asker.close()


def test_who_waits_holds_no_thread_and_no_connection(own, namespace):
    asker = Asker(own.url, namespace)
    asker.put("a")

    def held() -> tuple[int, int]:
        threads = sum(len(list(Path(f"/proc/{number}/task").iterdir())) for number in workers_of(own))
        return threads, _connections_in_use(own)

    first = wait_many(own, asker, HELD, "?wait=3")  # so that whatever is made at the first wait is there
    assert [future.result(10).status_code for future in first] == [404] * HELD
    threads_before, _ = held()
    waiting = wait_many(own, asker, HELD)
    threads, connections = held()

    assert threads - threads_before < HELD / 4  # the server's own pools may grow meanwhile
    assert connections == 0
    assert asker.get("a").status_code == 200
    asker.put("never")
    assert {future.result(5).status_code for future in waiting} == {200}
    asker.close()


def _connections_in_use(server: Server) -> int:
    """How many connections to PostgreSQL are in a transaction, at the quietest of several moments."""
    if server.database_url is None:
        return 0
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND state <> 'idle' AND backend_type = 'client backend'"
    )
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        counts = []
        for _ in range(20):
            row = connection.execute(query).fetchone()
            counts.append(row[0] if row else 0)
            time.sleep(0.02)
    return min(counts)


@pytest.mark.parametrize("name", ["waiters_per_process", "waiters_per_namespace", "waiters_per_address"])
def test_a_bound_is_kept_to_the_last_waiter_and_freed_again(make_server, namespace, name):
    server = make_server(**{f"BOTWIRE_{name.upper()}": "3"})

    # More than the processes hold together, so that one past the bound is met for certain.
    most = len(workers_of(server)) * 3
    answers = asyncio.run(_ask_many(server.url, namespace, most + 2))

    refused = [answer for answer in answers if answer.status_code == 503]
    held = [answer for answer in answers if answer.status_code == 404]
    assert 3 <= len(held) <= most
    assert len(held) + len(refused) == most + 2
    for answer in refused:
        assert answer.headers["Retry-After"] == "5"
        assert (answer.json()["code"], answer.json()["limit"]) == ("too_many_waiters", 3)
    again = asyncio.run(_ask_many(server.url, namespace, 3))
    assert {answer.status_code for answer in again} == {404}


async def _ask_many(url: str, namespace: str, number: int) -> list[httpx.Response]:
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        asked = [http.get(f"/memory/{namespace}/never?wait=2") for _ in range(number)]
        return list(await asyncio.gather(*asked))


def test_who_has_gone_is_waited_for_no_more(make_server, namespace):
    server = make_server(BOTWIRE_WAITERS_PER_NAMESPACE="1")
    path = f"/memory/{namespace}/never"
    asyncio.run(_ask_many(server.url, namespace, 8))  # the first requests of a process take longer

    for _ in range(4):
        # A process that still waited for somebody would have no room for the next.
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{server.url}{path}?wait=50", timeout=1).raise_for_status()
        time.sleep(1)

    assert httpx.get(f"{server.url}{path}?wait=0").status_code == 404
