"""REDIS_URL: the brakes count in a real Redis that all workers share, and say so when it is gone."""

import os
import shutil
import socket
import subprocess

import httpx
import pytest

from tests.conftest import free_port
from tests.polling import wait_until
from tests.site.attempts import try_at_once

REDIS = shutil.which("redis-server")


@pytest.fixture
def redis(tmp_path):
    """A Redis of the test's own: its URL, and its process."""
    if REDIS is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Redis on this machine: apt-get install redis-server")
    port = free_port()
    process = subprocess.Popen(
        [REDIS, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path), "--save", ""],
        stdout=subprocess.DEVNULL,
    )
    wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, 10)
    yield f"redis://127.0.0.1:{port}/0", process
    process.kill()
    process.wait()


@pytest.mark.only_on("sqlite")
def test_new_namespaces_are_counted_in_redis(make_server, redis, namespace):
    url, process = redis
    server = make_server(REDIS_URL=url, BOTWIRE_NEW_NAMESPACES_PER_HOUR="3")

    def put(name: str) -> httpx.Response:
        return httpx.put(f"{server.url}/memory/{name}/k", json={"value": 1}, timeout=30)

    counted = [put(f"{namespace}-{number}").status_code for number in range(5)]
    process.kill()
    process.wait()
    without = put(f"{namespace}-9")

    assert counted == [201, 201, 201, 429, 429]
    assert without.status_code == 503
    assert without.json()["code"] == "database_unavailable"
    assert put(f"{namespace}-1").status_code == 200, "what is there does not ask Redis"


@pytest.mark.only_on("sqlite")
def test_attempts_to_sign_in_are_counted_in_redis(make_server, redis):
    url, process = redis
    server = make_server(REDIS_URL=url)

    answers = try_at_once(server, 14) + [answer for _ in range(6) for answer in try_at_once(server, 1)]
    process.kill()
    process.wait()
    without = try_at_once(server, 1)

    assert answers.count("wrong") == 10
    assert set(answers) <= {"wrong", "too many", "429"}  # the last: it waited too long to be counted, and is not
    assert without == ["503"], "who cannot be counted is not let try"
