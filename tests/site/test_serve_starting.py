"""While `manage.py serve` prepares the database, gunicorn starts: it answers nothing, and ends if that fails."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from botwire_site import children, gunicorn_conf, serving
from tests.conftest import ROOT, free_port
from tests.polling import wait_until
from tests.site.test_serve import is_alive, serve


class Starting:
    """A first start on SQLite, whose migrations wait for a lock that somebody else holds."""

    def __init__(self, folder: Path) -> None:
        self.database = sqlite3.connect(folder / "botwire.sqlite3", isolation_level=None)
        self.database.execute("PRAGMA journal_mode=WAL")
        self.database.execute("BEGIN IMMEDIATE")
        self.port = free_port()
        self.log = folder / "serve.log"
        command = [sys.executable, "manage.py", "serve", "--bind", f"127.0.0.1:{self.port}", "--data", str(folder)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        wait_until(self.is_listening)

    def is_listening(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def get(self, path: str, seconds: float) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=seconds)

    def children(self) -> list[int]:
        found = [self.process.pid]
        for parent in found:
            found += map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split())
        return found[1:]


@pytest.fixture
def starting(tmp_path: Path) -> Iterator[Starting]:
    made = Starting(tmp_path)
    yield made
    made.database.close()
    made.process.terminate()
    made.process.wait(30)


def test_nothing_is_answered_before_the_database_is_prepared(starting):
    with pytest.raises(httpx.ReadTimeout):
        starting.get("/healthz", seconds=3)

    starting.database.rollback()

    assert starting.get("/readyz", seconds=30).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_meanwhile_ends_it_at_once_and_quietly(starting, number):
    found = starting.children()

    starting.process.send_signal(number)

    assert starting.process.wait(30) == 0
    assert starting.log.read_text() == ""
    assert not any(map(is_alive, found))


def test_its_children_end_with_it_even_when_it_is_killed_meanwhile(starting):
    wait_until(lambda: len(starting.children()) >= 2)
    time.sleep(2)  # gunicorn's workers are loaded, and wait
    found = starting.children()

    starting.process.kill()

    wait_until(lambda: not any(map(is_alive, found)))


def test_a_database_that_cannot_be_used_leaves_no_gunicorn_and_no_word_of_it(tmp_path):
    port = free_port()
    url = f"postgres://nobody@127.0.0.1:{free_port()}/none"

    ended = serve("--bind", f"127.0.0.1:{port}", "--data", str(tmp_path), DATABASE_URL=url)

    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))
    assert "\nCommandError: The database cannot be used: " in ended.stderr
    assert "gunicorn" not in ended.stderr
    assert "Worker" not in ended.stderr


def test_settings_that_are_wrong_are_told_once(tmp_path):
    ended = serve("--bind", f"127.0.0.1:{free_port()}", "--data", str(tmp_path), BOTWIRE_TRUSTED_PROXIES="some")

    assert ended.returncode == 1
    assert ended.stderr.count("Traceback") == 1


def test_an_unusual_command_line_is_served_as_well(tmp_path):
    port = free_port()
    command = [sys.executable, "manage.py", "serve", f"--bin=127.0.0.1:{port}", "--data", str(tmp_path), "--no-color"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert any("BotWire serves" in line for line in process.stdout)
        answer = httpx.get(f"http://127.0.0.1:{port}/readyz")
        process.send_signal(signal.SIGINT)

    assert answer.status_code == 200
    assert process.returncode == 0


def test_a_service_is_begun_early_for_a_usual_command_line():
    service = serving.asked_for(["serve", "--bind", f"127.0.0.1:{free_port()}", "--workers=3", "--data", "somewhere"])

    assert service is not None
    assert service.workers == 3


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["migrate"],
        ["help", "serve"],
        ["serve", "--help"],
        ["serve", "--settings", "other"],
        ["serve", "--work", "2"],
        ["serve", "--workers", "0"],
        ["serve", "--workers", "two"],
        ["serve", "--bind", "8000"],
        ["serve", "more"],
    ],
)
def test_everything_else_is_left_to_the_command(arguments, capfd):
    assert serving.asked_for(arguments) is None
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """What `serve` holds of the pipe through which it tells its children that the database is prepared."""
    theirs, ours = os.pipe()
    monkeypatch.setenv("BOTWIRE_PREPARED_PIPE", str(theirs))
    yield ours
    os.close(theirs)


def test_every_process_learns_that_the_database_is_prepared(prepared):
    assert not children.wait_until_prepared()

    os.write(prepared, b".")

    assert children.wait_until_prepared()
    assert children.wait_until_prepared(), "the next process, too"
    os.close(prepared)
    assert children.wait_until_prepared(), "and one after the end of `serve`"


def test_the_end_of_serve_is_told_from_a_prepared_database(prepared):
    os.close(prepared)

    with pytest.raises(EOFError):
        children.wait_until_prepared()


def test_a_web_process_that_waits_ends_with_serve(prepared):
    os.close(prepared)

    with pytest.raises(SystemExit) as ended:
        gunicorn_conf._wait_until_prepared(None)
    assert ended.value.code == 3, "which ends gunicorn as well"


def test_gunicorn_by_hand_waits_for_nothing(monkeypatch):
    monkeypatch.delenv("BOTWIRE_PREPARED_PIPE", raising=False)

    assert children.wait_until_prepared()


def test_what_a_web_process_loads_is_not_searched_for_garbage():
    program = (
        "import gc; from botwire_site import gunicorn_conf\n"
        "gunicorn_conf.post_fork(None, None); assert not gc.isenabled()\n"
        "import botwire_site.asgi; from namespaces import tally\n"
        "gunicorn_conf.post_worker_init(None); tally.stop()\n"
        "assert gc.isenabled(); assert gc.get_freeze_count() > 100_000"
    )

    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=60).returncode == 0
