"""The database hangs, is gone, or comes back: 503 with Retry-After in time, /healthz quick, nothing half written."""

import contextlib
import socket
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from tests.conftest import Server


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


def test_a_locked_database_is_503_in_time_while_reads_and_health_go_on(own, database, namespace):
    put(own, f"{namespace}/k")

    with Blocked(own, database), ThreadPoolExecutor(40) as pool:
        writes = [pool.submit(put, own, f"{namespace}/k{number}") for number in range(40)]
        time.sleep(1)
        began = time.monotonic()
        health = httpx.get(f"{own.url}/healthz", timeout=30)
        health_seconds = time.monotonic() - began
        answers = [write.result() for write in writes]

    assert health.status_code == 200
    assert health_seconds < 4
    assert {answer.status_code for answer, _ in answers} == {503}
    assert {answer.json()["code"] for answer, _ in answers} == {"database_unavailable"}
    assert {answer.headers["Retry-After"] for answer, _ in answers} == {"1"}
    assert max(seconds for _, seconds in answers) < 30
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
    deadline = time.monotonic() + 30
    while httpx.get(f"{own.url}/memory/{namespace}/k", timeout=30).status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)


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
    """One connection through the proxy, which remembers what was asked on it last."""

    def __init__(self, proxy: CuttingProxy, client: socket.socket, database: socket.socket) -> None:
        self.proxy, self.client, self.database = proxy, client, database
        self.asked = b""
        for direction in (self._pass_on, self._pass_back):
            threading.Thread(target=direction, daemon=True).start()

    def _pass_on(self) -> None:
        with contextlib.suppress(OSError), self.database:
            while asked := self.client.recv(65_536):
                self.asked = asked
                self.database.sendall(asked)

    def _pass_back(self) -> None:
        with contextlib.suppress(OSError):
            while answered := self.database.recv(65_536):
                if self.proxy.is_cutting and any(mark in self.asked for mark in WRITES):
                    self.client.shutdown(socket.SHUT_RDWR)
                    return
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
