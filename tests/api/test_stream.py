"""The change log as server-sent events, over a real server."""

import asyncio
import json
import socket
import time

import httpx
import pytest

from api.lane import held
from api.lane.body import Body
from api.lane.bounds import Bounds
from api.lane.wait_requests import ChangesWait
from namespaces import engine
from namespaces.changes import ANYBODY
from namespaces.waking import Waking
from tests.waiting import Asker, events


@pytest.fixture
def asker(server, namespace):
    made = Asker(server.url, namespace)
    yield made
    made.close()


def follow(asker: Asker, query: str = "", **headers: str):
    return events(str(asker.http.base_url), asker.namespace, query, **headers)


def changes(stream, number: int) -> list[dict[str, str]]:
    return [next(event for event in stream if "data" in event) for _ in range(number)]


def test_changes_come_as_events_with_their_revision_as_id(asker):
    asker.put("a", text='{"x":\r\n 1e3}')

    with follow(asker, "?since=0") as (answer, stream):
        first = next(stream)
        [past] = changes(stream, 1)
        asker.put("b", "é\n")
        [now] = changes(stream, 1)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert first == {"retry": "1000", "id": "0"}
    assert (past["id"], past["event"], now["id"]) == ("1", "change", "2")
    assert '"value": {"x":   1e3}' in past["data"]
    log = asker.changes("?since=0").json()["changes"]
    assert [json.loads(event["data"]) for event in (past, now)] == log


def test_without_since_a_stream_begins_now(asker):
    asker.put("a")

    with follow(asker) as (_, stream):
        first = next(stream)
        asker.put("b")
        [change] = changes(stream, 1)

    assert first["id"] == "1"
    assert json.loads(change["data"])["key"] == "b"


def test_last_event_id_goes_before_since(asker):
    for number in range(4):
        asker.put(f"k{number}")

    with follow(asker, "?since=0", **{"Last-Event-ID": "2"}) as (_, stream):
        assert [event["id"] for event in changes(stream, 2)] == ["3", "4"]


def test_a_stream_has_the_keys_under_its_prefix(asker):
    with follow(asker, "?since=0&prefix=tasks/") as (_, stream):
        for key in ["a", "tasks/1", "tasks", "tasks/2"]:
            asker.put(key)

        assert [json.loads(event["data"])["key"] for event in changes(stream, 2)] == ["tasks/1", "tasks/2"]


def test_a_stream_has_the_changes_of_a_writer(asker):
    with follow(asker, "?since=0&writer=quant&verified=false") as (_, stream):
        for number, agent in enumerate(["lead", "quant", "lead", "quant"]):
            asker.put_as(agent, f"k{number}")

        assert [json.loads(event["data"])["key"] for event in changes(stream, 2)] == ["k1", "k3"]


def test_pages_elsewhere_may_read_the_stream_and_wait(asker):
    version = asker.put("a")
    elsewhere = {"Origin": "https://elsewhere.example", "Cookie": "sessionid=x"}

    with follow(asker, "?since=0", **elsewhere) as (answer, stream):
        assert len(changes(stream, 1)) == 1
    held = asker.get("a", "?wait=1", **elsewhere, **{"If-None-Match": f'"{version}"'})

    for answered in (answer, held):
        assert answered.headers["Access-Control-Allow-Origin"] == "*"
        assert "ETag" in answered.headers["Access-Control-Expose-Headers"]
        assert "Access-Control-Allow-Methods" not in answered.headers
        assert "Set-Cookie" not in answered.headers
    assert held.headers["BotWire-Wait"] == "timeout"


def test_held_answers_carry_the_headers_of_every_answer(asker):
    asker.put("a")
    own = {"date", "botwire-wait"}

    plain, held = asker.get("a"), asker.get("a", "?wait=1")
    lost, gone = asker.get("none"), asker.get("none", "?wait=0")

    for one, other in ((plain, held), (lost, gone)):
        assert {name: value for name, value in other.headers.items() if name not in own} == {
            name: value for name, value in one.headers.items() if name not in own
        }
        assert one.content == other.content


def test_a_connection_is_kept_after_a_held_answer(asker):
    asker.put("a")
    address = asker.http.base_url.host, asker.http.base_url.port
    request = f"GET /memory/{asker.namespace}/%s HTTP/1.1\r\nHost: localhost\r\n\r\n"

    with socket.create_connection(address, timeout=10) as connection:
        for path in ("none?wait=0", "a?wait=5", "a"):
            connection.sendall((request % path).encode())
            time.sleep(0.2)
            answered = connection.recv(65_536)
            assert b"\r\nConnection: close" not in answered
            assert answered.startswith(b"HTTP/1.1 404" if "none" in path else b"HTTP/1.1 200")


def test_a_reader_that_falls_behind_is_not_remembered_for(asker):
    """What a slow reader has not read stays in the database, and still comes in order."""
    value = "x" * 300_000
    with follow(asker, "?since=0") as (_, stream):
        next(stream)
        for number in range(20):
            asker.put(f"k{number}", value)
        time.sleep(0.5)

        assert [event["id"] for event in changes(stream, 20)] == [str(number) for number in range(1, 21)]


def test_a_reader_that_makes_no_room_is_dropped(monkeypatch):
    monkeypatch.setattr(held, "SLOW_SECONDS", 0.05)

    async def send(message) -> None:
        await asyncio.Event().wait()

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(held._send(send, "data: 1\n\n"))


def test_a_quiet_stream_beats(monkeypatch, namespace, database, transactional_db):
    monkeypatch.setattr(held, "HEARTBEAT_SECONDS", 0.1)
    request = ChangesWait(namespace, "", {}, "", since=0, prefix="", by=ANYBODY, most=10, seconds=0, is_stream=True)

    async def parts_of_a_second() -> str:
        running = await engine.start()
        waking, sent = Waking(running), []
        waits = held.Waits(running, waking, Bounds())

        async def send(message) -> None:
            sent.append(message.get("body", b"").decode())

        stream = asyncio.create_task(waits.stream(request, Body(asyncio.Event().wait), send, []))
        await asyncio.sleep(1)
        waking.end()
        await stream
        await running.stop()
        return "".join(sent)

    sent = asyncio.run(parts_of_a_second())

    assert sent.startswith("retry: 1000\nid: 0\n\n:\nid: 0\n\n:\nid: 0\n\n")


def test_methods_other_than_get_are_not_held(asker):
    answer = httpx.head(f"{asker.http.base_url}/memory/{asker.namespace}/none?wait=20")

    assert answer.status_code == 404
