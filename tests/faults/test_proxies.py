"""The configurations of deploy/ keep what BotWire promises, in front of a real server."""

import json
import socket
import threading
import time

import httpx
import pytest

from api.bodies import FRAME_BYTES
from botwire_site import gunicorn_conf
from namespaces.limits import limit
from tests.faults.fronts import DEPLOY, FRONTS
from tests.faults.load import ROOM, Load
from tests.faults.slow import DRIP_SECONDS, SlowSenders
from tests.namespaces.corpus import KEYS, VALUES
from tests.promises.books import namespaces_made_from
from tests.promises.racing import client_of
from tests.wire import Wire, chunks, head, until

JSON = {"Content_Type": "application/json"}
BODY_LIMIT = 1_126_400

# A `%` that begins no escape, which BotWire takes by itself, is no URI (RFC 3986 section 2.1): nginx refuses it.
NO_URI = ("100%", "%zz")

pytestmark = pytest.mark.only_on("sqlite")  # what a proxy does is the same in front of either database


@pytest.fixture(scope="module")
def behind(make_lasting_server):
    return make_lasting_server(BOTWIRE_TRUSTED_PROXIES="1", **ROOM)


@pytest.fixture(scope="module", params=FRONTS)
def port(request, behind, tmp_path_factory):
    """The port of a proxy in front of the server `behind`."""
    folder = tmp_path_factory.mktemp("front")
    with FRONTS[request.param](folder, behind.port) as port:
        yield port


@pytest.fixture
def wire(port):
    return Wire(port)


@pytest.fixture
def http(port):
    with client_of(f"http://127.0.0.1:{port}") as client:
        yield client


@pytest.mark.parametrize(("sent", "key"), [pair for pair in KEYS if pair[0] not in NO_URI])
def test_every_key_arrives_as_it_was_sent(wire, behind, namespace, sent, key):
    body = b'{"value": 1}'

    status, answer = wire.ask(head("PUT", f"/memory/{namespace}/{sent}", Content_Length=str(len(body)), **JSON), body)

    assert (status, json.loads(answer)["key"]) == (201, key)
    assert httpx.get(f"{behind.url}/memory/{namespace}").json()["keys"] == [key]


@pytest.mark.parametrize("sent", ["%ff", "%FF", "a/../b", "%2e%2e/b", "a/%2e/b", "", "k" * 513])
def test_what_can_not_be_a_key_is_botwire_s_to_refuse(wire, namespace, sent):
    status, answer = wire.ask(head("GET", f"/memory/{namespace}/{sent}"))

    assert (status, json.loads(answer)["code"]) == (400, "invalid_key")


def test_values_come_back_as_they_went_in(http, namespace):
    for number, value in enumerate(VALUES):
        body = f'{{"value": {value}}}'.encode()
        http.put(f"/memory/{namespace}/{number}", content=body, headers={"Content-Type": "application/json"})

    for number, value in enumerate(VALUES):
        assert f'"value": {value},'.encode() in http.get(f"/memory/{namespace}/{number}").content


def test_conditions_and_limits_are_told_through_it(http, namespace):
    stored = http.put(f"/memory/{namespace}/k", json={"value": 1})

    assert stored.headers["ETag"] == '"1"'
    assert {"ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"} <= {name.lower() for name in stored.headers}
    assert http.get(f"/memory/{namespace}/k", headers={"If-None-Match": '"1"'}).status_code == 304
    assert http.put(f"/memory/{namespace}/k", json={"value": 2}, headers={"If-Match": '"9"'}).status_code == 412


def test_the_largest_value_passes_and_a_larger_one_is_botwire_s_to_refuse(http, namespace):
    largest = "x" * (limit("value_bytes") - 2)

    answers = [http.put(f"/memory/{namespace}/k", json={"value": value}) for value in (largest, largest + "x")]

    assert [answer.status_code for answer in answers] == [201, 413]
    assert answers[1].json()["code"] == "value_too_large"
    assert http.get(f"/memory/{namespace}/k").json()["value"] == largest


def test_the_largest_value_passes_in_chunks(wire, namespace):
    body = json.dumps({"value": "x" * (limit("value_bytes") - 2)}).encode()

    status, _ = wire.ask(head("PUT", f"/memory/{namespace}/k", Transfer_Encoding="chunked", **JSON), *chunks(body))

    assert status == 201


def test_a_body_beyond_any_value_is_refused_unread_with_botwire_s_code(wire, behind, namespace):
    status, answer = wire.ask(head("PUT", f"/memory/{namespace}/k", Content_Length=str(BODY_LIMIT + 1), **JSON))

    assert (status, json.loads(answer)["code"], json.loads(answer)["limit"]) == (413, "body_too_large", BODY_LIMIT)
    assert limit("value_bytes") + FRAME_BYTES < BODY_LIMIT
    assert httpx.get(f"{behind.url}/namespaces/{namespace}").status_code == 404


def test_the_client_s_address_is_the_one_that_the_proxy_sees(port, behind, namespace):
    with client_of(f"http://127.0.0.1:{port}", "127.99.0.7") as client:
        client.put(f"/memory/{namespace}/k", json={"value": 1}, headers={"X-Forwarded-For": "203.0.113.9"})

    assert namespace in namespaces_made_from(behind, "127.99.0.7")
    assert namespaces_made_from(behind, "203.0.113.9") == set()


def test_two_hundred_slow_senders_keep_nobody_else_from_being_served(port, namespace):
    with SlowSenders(port), Load(f"http://127.0.0.1:{port}", namespace) as load:
        load.wait_for(100, seconds=15)
        time.sleep(2 * DRIP_SECONDS)
        load.wait_for(50, seconds=15)

    assert {one.status for one in load.told} == {200, 201}, load.outcomes()


@pytest.mark.parametrize("front", FRONTS)
def test_what_a_server_sends_bit_by_bit_arrives_bit_by_bit(front, tmp_path):
    first, second = b"id: 1\ndata: {}\n\n", b"id: 2\ndata: {}\n\n"
    is_read = threading.Event()

    def stream(listener: socket.socket) -> None:
        while True:
            connection, _ = listener.accept()
            asked = until(connection, b"\r\n\r\n")
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
            if b"changes" in asked:
                connection.sendall(first)
                assert is_read.wait(20)
                connection.sendall(second)
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=stream, args=(listener,), daemon=True).start()
        with (
            FRONTS[front](tmp_path, listener.getsockname()[1]) as port,
            httpx.stream("GET", f"http://127.0.0.1:{port}/namespaces/a/changes?since=0", timeout=10) as answer,
        ):
            arrived = answer.iter_raw()
            assert next(arrived) == first
            is_read.set()
            assert next(arrived) == second


@pytest.mark.parametrize(
    ("name", "setting"), [("nginx.conf", "keepalive_timeout 60s;"), ("haproxy.cfg", "pool-purge-delay 5s")]
)
def test_a_proxy_lets_go_of_a_resting_connection_before_botwire_does(name, setting):
    seconds = int("".join(filter(str.isdigit, setting)))

    assert setting in (DEPLOY / name).read_text()
    assert seconds < gunicorn_conf.keepalive
