"""The database is locked, has no connection left, or is gone: 503 with Retry-After in time, /healthz quick, no half."""

import contextlib
import socket
import sqlite3
import statistics
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from http.client import HTTPConnection

import httpx
import psycopg
import pytest

from tests.faults.conftest import NEEDS_EVENT_LOOP
from tests.polling import wait_until
from tests.promises.books import books_of
from tests.servers import Server

# A write may wait 5 s for other writes of its process, then 5 s for the lock itself.
REFUSED_WITHIN_SECONDS = 12
HEALTH_SECONDS = 0.2


@pytest.fixture
def own(make_server):
    return make_server()


class Blocked:
    """All writes to a server's database blocked, by somebody else who holds the lock they need."""

    def __init__(self, server: Server, database: str) -> None:
        if database == "sqlite":
            self.connection = sqlite3.connect(server.folder / "botwire.sqlite3", isolation_level=None)
            self.statement = "BEGIN IMMEDIATE"
        else:
            self.connection = psycopg.connect(server.database_url)
            self.statement = "LOCK TABLE namespaces_namespace IN EXCLUSIVE MODE"

    def __enter__(self) -> None:
        self.connection.execute(self.statement)

    def __exit__(self, *_) -> None:
        self.connection.rollback()
        self.connection.close()


def put(server: Server, path: str) -> tuple[httpx.Response, float]:
    began = time.monotonic()
    answer = httpx.put(f"{server.url}/memory/{path}", json={"value": 1}, timeout=60)
    return answer, time.monotonic() - began


def seconds_of_health(server: Server) -> float:
    """How long /healthz takes over a connection of its own; it must be 200."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
    began = time.monotonic()
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    connection.close()
    return time.monotonic() - began


def healths_while(server: Server, writes: list[Future]) -> list[float]:
    """/healthz asked again and again until all writes are answered."""
    seconds = []
    while not all(write.done() for write in writes):
        seconds.append(seconds_of_health(server))
        time.sleep(0.1)
    return seconds


@pytest.mark.parametrize(
    "writers",
    [pytest.param(8, id="8"), pytest.param(40, id="40", marks=NEEDS_EVENT_LOOP)],
)
def test_a_locked_database_is_503_in_time_while_health_is_quick(own, database, namespace, writers):
    put(own, f"{namespace}/k")

    with Blocked(own, database), ThreadPoolExecutor(writers) as pool:
        writes = [pool.submit(put, own, f"{namespace}/k{number}") for number in range(writers)]
        healths = healths_while(own, writes)
        answers = [write.result() for write in writes]

    assert {answer.status_code for answer, _ in answers} == {503}
    assert {answer.json()["code"] for answer, _ in answers} == {"database_unavailable"}
    assert {answer.headers["Retry-After"] for answer, _ in answers} == {"1"}
    assert max(seconds for _, seconds in answers) < REFUSED_WITHIN_SECONDS
    assert len(healths) >= 5
    assert statistics.median(healths) < HEALTH_SECONDS
    assert max(healths) < 2, "and none of them waits for the database, however busy the machine"
    state = httpx.get(f"{own.url}/namespaces/{namespace}").json()
    assert (state["revision"], state["usage"]["writes"]) == (1, 1)
    assert put(own, f"{namespace}/after")[0].status_code == 201


def test_reads_go_on_while_writes_are_blocked(own, database, namespace):
    put(own, f"{namespace}/k")

    with Blocked(own, database):
        answer = httpx.get(f"{own.url}/memory/{namespace}/k", timeout=30)

    assert answer.status_code == 200


@pytest.mark.only_on("postgresql")
def test_a_database_that_goes_away_is_503_and_is_found_again(postgresql_url, own, namespace):
    name = psycopg.conninfo.conninfo_to_dict(own.database_url)["dbname"]
    put(own, f"{namespace}/k")

    with psycopg.connect(postgresql_url("postgres"), autocommit=True) as administration:
        administration.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        administration.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        gone = [httpx.get(f"{own.url}/memory/{namespace}/k", timeout=30) for _ in range(6)]
        ready = httpx.get(f"{own.url}/readyz", timeout=30)
        health = httpx.get(f"{own.url}/healthz", timeout=5)
        administration.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')

    assert {answer.status_code for answer in gone} == {503}
    assert {answer.headers["Retry-After"] for answer in gone} == {"1"}
    assert (ready.status_code, health.status_code) == (503, 200)
    wait_until(lambda: httpx.get(f"{own.url}/memory/{namespace}/k", timeout=30).status_code == 200)


@pytest.mark.only_on("postgresql")
def test_a_database_without_a_connection_left_is_503_in_time_and_is_found_again(own_postgresql, breakable, namespace):
    put(breakable, f"{namespace}/k")

    with own_postgresql.all_connections_taken(), ThreadPoolExecutor(8) as pool:
        writes = [pool.submit(put, breakable, f"{namespace}/k{number}") for number in range(8)]
        healths = healths_while(breakable, writes)
        answers = [write.result() for write in writes]

    assert {answer.status_code for answer, _ in answers} == {503}
    assert {answer.headers["Retry-After"] for answer, _ in answers} == {"1"}
    assert max(seconds for _, seconds in answers) < REFUSED_WITHIN_SECONDS
    assert statistics.median(healths) < HEALTH_SECONDS
    began = time.monotonic()
    while put(breakable, f"{namespace}/after")[0].status_code == 503:
        assert time.monotonic() - began < 10
    assert books_of(breakable, namespace).counters.revision == 2


WRITES = (b"WITH verdict", b"_pg3_")  # as text, or by the name under which it was prepared


class CuttingProxy:
    """Stands before PostgreSQL, and cuts the line between its answer to a write and whoever asked, once told to."""

    def __init__(self, socket_path: str) -> None:
        self.socket_path = socket_path
        self.is_cutting = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self.listener.accept()
            database = socket.socket(socket.AF_UNIX)
            database.connect(self.socket_path)
            Line(self, client, database)


class Line:
    """One connection through the proxy, which remembers what was asked on it since the last answer."""

    def __init__(self, proxy: CuttingProxy, client: socket.socket, database: socket.socket) -> None:
        self.proxy, self.client, self.database = proxy, client, database
        self.asked = b""
        for direction in (self._pass_on, self._pass_back):
            threading.Thread(target=direction, daemon=True).start()

    def _pass_on(self) -> None:
        with contextlib.suppress(OSError), self.database:
            while asked := self.client.recv(65_536):
                self.asked += asked  # a long statement comes in several parts
                self.database.sendall(asked)

    def _pass_back(self) -> None:
        with contextlib.suppress(OSError):
            while answered := self.database.recv(65_536):
                if self.proxy.is_cutting and any(mark in self.asked for mark in WRITES):
                    self.client.shutdown(socket.SHUT_RDWR)
                    return
                self.asked = b""
                self.client.sendall(answered)


@pytest.mark.only_on("postgresql")
def test_a_write_whose_commit_was_not_confirmed_is_told_as_unknown(make_server, tmp_path, namespace):
    direct = make_server()
    parts = psycopg.conninfo.conninfo_to_dict(direct.database_url)
    proxy = CuttingProxy(f"{parts['host']}/.s.PGSQL.{parts.get('port', 5432)}")
    url = f"postgres://{parts['user']}@127.0.0.1:{proxy.port}/{parts['dbname']}"
    cut = Server(tmp_path, url)
    cut.start()
    try:
        put(cut, f"{namespace}/k")
        proxy.is_cutting = True
        answer, _ = put(cut, f"{namespace}/k")
        proxy.is_cutting = False
    finally:
        cut.kill()

    assert answer.status_code == 503
    assert answer.json()["code"] == "outcome_unknown"
    assert httpx.get(f"{direct.url}/memory/{namespace}/k").json()["version"] == 2, "and it had happened"
