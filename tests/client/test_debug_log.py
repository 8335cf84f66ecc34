"""BOTWIRE_DEBUG=1 shows every attempt of every call, and no secrets."""

import logging
import os
import re
import subprocess
import sys

import pytest

from botwire import BotWireConnectionError, Memory
from tests.client.answers import ENTRY, raw, raw_problem

PROGRAM = """
import sys
from botwire import Memory
Memory("desk", base_url=sys.argv[1], token="secret-token").get("tsla")
"""


def run_program(url: str, program: str = PROGRAM, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, url],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )


def test_every_attempt_is_shown_on_stderr(misbehaving):
    server = misbehaving(raw_problem(503, "database_unavailable"), raw(200, ENTRY))

    lines = run_program(server.url, BOTWIRE_DEBUG="1").stderr.splitlines()

    url = re.escape(f"{server.url}/memory/desk/tsla")
    assert len(lines) == 2
    assert re.fullmatch(rf"\d{{4}}-.* botwire GET {url} 503 \d+\.\d ms attempt 1", lines[0])
    assert re.fullmatch(rf"\d{{4}}-.* botwire GET {url} 200 \d+\.\d ms attempt 2", lines[1])


def test_the_token_is_never_shown(misbehaving):
    server = misbehaving(raw(200, ENTRY))

    finished = run_program(server.url, BOTWIRE_DEBUG="1")

    assert "botwire GET" in finished.stderr
    assert "secret-token" not in finished.stdout + finished.stderr


@pytest.mark.parametrize("value", ["", "0"])
def test_without_it_nothing_is_shown(value, misbehaving):
    server = misbehaving(raw(200, ENTRY))

    finished = run_program(server.url, BOTWIRE_DEBUG=value)

    assert finished.stdout + finished.stderr == ""


def test_a_program_s_own_handlers_get_the_lines_and_no_other_is_added(misbehaving):
    server = misbehaving(raw(200, ENTRY))
    program = "import logging; logging.basicConfig(format='MINE %(message)s')\n" + PROGRAM

    lines = run_program(server.url, program, BOTWIRE_DEBUG="1").stderr.splitlines()

    assert len(lines) == 1
    assert lines[0].startswith("MINE GET ")


def test_two_memories_show_each_line_once(misbehaving):
    server = misbehaving(raw(200, ENTRY))
    program = "from botwire import Memory; Memory('other')\n" + PROGRAM

    assert len(run_program(server.url, program, BOTWIRE_DEBUG="1").stderr.splitlines()) == 1


def test_a_failure_is_logged_with_its_name(caplog):
    caplog.set_level(logging.DEBUG, logger="botwire")

    with Memory("desk", base_url="http://127.0.0.1:1", retries=0) as memory, pytest.raises(BotWireConnectionError):
        memory.set("tsla", 1)

    assert re.fullmatch(
        r"PUT http://127\.0\.0\.1:1/memory/desk/tsla ConnectError \d+\.\d ms attempt 1", caplog.messages[0]
    )
