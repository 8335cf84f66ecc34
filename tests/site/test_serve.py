"""`manage.py serve`: one command, and it starts, stops, restarts and dies well."""

import contextlib
import fcntl
import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT, Server, free_port
from tests.polling import wait_until


def serve(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "serve", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def is_alive(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().split(") ")[1][0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def own(make_server):
    """A server of the test's own."""
    return make_server()


def password_in(server: Server) -> list[str]:
    return re.findall(r"^ {6}(\S+)$", server.log.read_text(), re.MULTILINE)


def sign_in(server: Server, password: str) -> bool:
    with httpx.Client(base_url=server.url, follow_redirects=False) as browser:
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', browser.get("/account/login/").text)[1]
        form = {"login": "operator", "password": password, "csrfmiddlewaretoken": token}
        is_taken = browser.post("/account/login/", data=form).status_code == 302
        assert browser.get("/admin/").status_code == 302, "a password alone opens nothing"
        return is_taken


def test_the_first_start_makes_an_operator_whose_password_is_shown_once(own):
    [password] = password_in(own)
    assert sign_in(own, password)
    assert not sign_in(own, password + "x")

    assert own.stop() == 0
    own.start()

    assert password_in(own) == [password], "the second start shows none"
    assert sign_in(own, password), "and leaves the account alone"


def test_a_server_that_asks_for_no_second_factor_says_so(make_server):
    relaxed = make_server(BOTWIRE_OPERATOR_MFA="0")

    wait_until(lambda: "WARNING: operators sign in with a password alone" in relaxed.log.read_text())
    assert "no second factor" in httpx.get(f"{relaxed.url}/account/login/").text


def test_a_server_that_asks_for_it_warns_of_nothing(own):
    wait_until(lambda: "Ctrl-C stops it." in own.log.read_text())

    assert "WARNING" not in own.log.read_text()


@pytest.mark.only_on("sqlite")
def test_over_https_the_session_cookie_is_for_https_alone(make_server):
    secure = make_server(BOTWIRE_HTTPS="1", BOTWIRE_TRUSTED_PROXIES="1")

    answer = httpx.get(f"{secure.url}/account/login/", headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "::1"})

    assert answer.status_code == 200
    assert "; Secure" in answer.headers["set-cookie"]


def test_the_password_is_stored_nowhere_in_clear(own):
    [password] = password_in(own)

    for path in own.folder.iterdir():
        if path != own.log:
            assert password.encode() not in path.read_bytes()


def test_the_secret_key_is_made_once_and_is_private(own):
    path = own.folder / "secret_key"
    key = path.read_text()

    own.stop()
    own.start()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(key) >= 50
    assert path.read_text() == key


def test_what_was_written_is_there_after_ctrl_c_and_after_kill(own, namespace):
    httpx.put(f"{own.url}/memory/{namespace}/k", json={"value": [1, None]})

    assert own.stop() == 0
    own.start()
    assert httpx.get(f"{own.url}/memory/{namespace}/k").json()["value"] == [1, None]

    own.kill()
    own.start()
    assert httpx.get(f"{own.url}/memory/{namespace}/k").json()["value"] == [1, None]


def test_ctrl_c_leaves_no_process_and_no_traceback(own):
    numbers = own.process_ids()
    assert len(numbers) >= 4, "serve, gunicorn, its worker, the background worker"

    assert own.stop() == 0

    wait_until(lambda: not any(map(is_alive, numbers)))
    assert "Traceback" not in own.log.read_text()


def test_its_children_end_with_it_even_when_it_is_killed(own):
    parent, *children = own.process_ids()

    os.kill(parent, signal.SIGKILL)
    own.process.wait(10)

    wait_until(lambda: not any(map(is_alive, children)))


@contextlib.contextmanager
def served_in_a_terminal(
    folder: Path, *before: str, is_starting: bool = False
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`serve` on a new server, as a shell of a terminal window starts it; the process, and the window to close."""
    port = free_port()
    window, terminal = os.openpty()
    process = subprocess.Popen(
        [*before, sys.executable, "manage.py", "serve", "--bind", f"127.0.0.1:{port}", "--data", str(folder)],
        cwd=ROOT,
        stdin=terminal,
        stdout=terminal,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(terminal)
    try:
        wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        if not is_starting:
            wait_until(lambda: httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=10).status_code == 200)
        yield process, window
    finally:
        process.terminate()
        process.wait(30)


def test_closing_its_terminal_ends_it(tmp_path):
    with served_in_a_terminal(tmp_path) as (process, window):
        os.close(window)

        assert process.wait(30) == 0


def test_closing_its_terminal_while_it_starts_ends_it(tmp_path):
    with served_in_a_terminal(tmp_path, is_starting=True) as (process, window):
        os.close(window)  # before it has said where it serves

        assert process.wait(30) == 0


def test_a_hang_up_without_the_terminal_s_end_does_not_end_it(tmp_path):
    with served_in_a_terminal(tmp_path) as (process, window):
        process.send_signal(signal.SIGHUP)

        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(3)
        os.close(window)


def test_under_nohup_it_outlives_its_terminal(tmp_path):
    with served_in_a_terminal(tmp_path, "nohup") as (process, window):
        os.close(window)

        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(3)


def test_a_background_worker_that_dies_is_started_again(own):
    def workers() -> list[int]:
        return [n for n in own.process_ids() if b"\0worker\0" in Path(f"/proc/{n}/cmdline").read_bytes()]

    wait_until(workers)
    [first] = workers()
    os.kill(first, signal.SIGKILL)

    wait_until(lambda: workers() not in ([first], []))
    assert httpx.get(f"{own.url}/readyz").status_code == 200


def test_a_request_in_flight_is_finished_on_ctrl_c(own, namespace):
    request = b"PUT /memory/%s/k HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n"
    with socket.create_connection(("127.0.0.1", own.port), timeout=20) as connection:
        connection.sendall(request % namespace.encode() + b'{"valu')
        time.sleep(0.5)
        own.process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        connection.sendall(b'e": 1}')
        answer = connection.recv(4096)

    assert answer.startswith(b"HTTP/1.1 201 ")
    assert own.process.wait(30) == 0


def test_an_address_that_is_taken_is_told_in_one_line(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = serve("--bind", address, "--data", str(tmp_path))

    assert ended.returncode == 1
    assert ended.stderr == f"CommandError: {address} cannot be listened on: Address already in use.\n"


@pytest.mark.parametrize("bind", ["8000", "localhost", "127.0.0.1:", "127.0.0.1:99999", ":8000"])
def test_an_address_that_is_none_is_told(tmp_path, bind):
    ended = serve("--bind", bind, "--data", str(tmp_path))

    assert ended.returncode == 1
    assert "--bind takes HOST:PORT" in ended.stderr


def test_no_workers_are_refused(tmp_path):
    assert "--workers is at least 1" in serve("--workers", "0", "--data", str(tmp_path)).stderr


def test_a_database_that_is_not_there_is_told_without_a_traceback(tmp_path):
    url = f"postgres://nobody@127.0.0.1:{free_port()}/none"
    ended = serve("--bind", f"127.0.0.1:{free_port()}", "--data", str(tmp_path), DATABASE_URL=url)

    assert ended.returncode == 1
    assert "The database cannot be used" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_sqlite_commits_to_disk_before_it_answers(make_server, database):
    from django.db import connection

    if database != "sqlite":
        assert connection.settings_dict["OPTIONS"]["options"].startswith("-c synchronous_commit=on")
        return
    own = make_server()
    with sqlite3.connect(own.folder / "botwire.sqlite3") as direct:
        assert direct.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert "PRAGMA synchronous=FULL" in connection.settings_dict["OPTIONS"]["init_command"]
