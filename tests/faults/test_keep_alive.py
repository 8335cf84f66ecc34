"""Connections that rest: the server keeps them longer than clients and proxies do, and closes them cleanly."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from botwire import _settings as client
from botwire_site import gunicorn_conf
from tests.faults.load import ROOM

KEEP_ALIVE_SECONDS = 1
# gunicorn's threads look for what is over only once a second.
LONGER_SECONDS = KEEP_ALIVE_SECONDS + 1.5
CLIENTS = 20
ROUNDS = 3

pytestmark = pytest.mark.only_on("sqlite")


@pytest.fixture(scope="module")
def impatient(make_lasting_server):
    """A server that keeps a resting connection for no longer than KEEP_ALIVE_SECONDS."""
    return make_lasting_server(BOTWIRE_KEEP_ALIVE_SECONDS=str(KEEP_ALIVE_SECONDS), **ROOM)


def test_the_server_waits_longer_than_our_client():
    assert client._LIMITS.keepalive_expiry < gunicorn_conf.keepalive


def test_clients_that_pause_longer_than_the_keep_alive_meet_no_error(impatient, namespace):
    def write_and_pause(number: int) -> list[int]:
        limits = httpx.Limits(keepalive_expiry=60)
        with httpx.Client(base_url=impatient.url, limits=limits, timeout=30, trust_env=False, verify=False) as http:
            statuses = []
            for turn in range(ROUNDS):
                statuses.append(http.put(f"/memory/{namespace}/{number}", json={"value": turn}).status_code)
                time.sleep(LONGER_SECONDS)
            return statuses

    with ThreadPoolExecutor(CLIENTS) as pool:
        answered = list(pool.map(write_and_pause, range(CLIENTS)))

    assert answered == [[201, *[200] * (ROUNDS - 1)]] * CLIENTS


def test_a_resting_connection_is_kept_as_long_as_the_setting_says_and_closed_cleanly(impatient):
    with socket.create_connection(("127.0.0.1", impatient.port), timeout=10) as connection:
        asked = time.monotonic()  # the server counts from its answer, which is here a little later
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = connection.recv(65_536)
        rest = connection.recv(65_536)  # raises where the connection is reset instead of closed
        rested = time.monotonic() - asked

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert rest == b""
    assert KEEP_ALIVE_SECONDS <= rested <= LONGER_SECONDS + 1
