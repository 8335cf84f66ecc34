"""The command `botwire`, run as a shell runs it: a process, against a real server on both databases."""

import json
import os
import signal
import subprocess
import sys
import time
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from botwire import LeaseHeldError

SECONDS = 60
COMMANDS = [
    *("get", "set", "delete", "list", "append", "increment", "wait", "watch", "history", "restore", "rollback"),
    *("quarantine", "lock", "usage", "export", "import"),
]


@pytest.fixture
def environment(server, namespace) -> dict[str, str]:
    return {**os.environ, "BOTWIRE_URL": server.url, "BOTWIRE_NAMESPACE": namespace}


@pytest.fixture
def botwire(environment):
    """Runs `botwire` with these arguments to its end."""

    def run(*arguments: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "botwire", *arguments],
            env={**environment, **more},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    return run


def ends(finished: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    return finished.returncode, finished.stdout


def test_it_is_installed_as_a_command():
    found = entry_points(group="console_scripts", name="botwire")

    assert [entry.value for entry in found] == ["botwire._cli:main"]


def test_values_are_json_in_and_out(botwire, memory):
    assert botwire("set", "a", '{"é": [1, 2.50, null]}').returncode == 0

    assert ends(botwire("get", "a")) == (0, '{"é": [1, 2.5, null]}\n')
    assert memory.get("a") == {"é": [1, 2.5, None]}


def test_raw_is_text_as_it_is(botwire, memory):
    botwire("set", "a", "--raw", "any 'text'")
    botwire("append", "log", "--raw", "-", stdin="a line\n")

    assert ends(botwire("get", "a", "--raw")) == (0, "any 'text'\n")
    assert memory.get("log") == ["a line"]


def test_a_value_comes_from_stdin(botwire, memory):
    assert botwire("set", "a", "-", stdin='{"b": 1}').returncode == 0
    assert memory.get("a") == {"b": 1}


def test_what_is_not_there_is_1(botwire, memory):
    memory.set("a", 1)

    assert ends(botwire("get", "missing")) == (1, "")
    assert ends(botwire("get", "a", "missing")) == (1, '{"a": 1}\n')
    assert ends(botwire("list", "missing")) == (1, "")
    assert ends(botwire("delete", "a")) == (0, "")
    assert ends(botwire("delete", "a")) == (1, "")
    assert ends(botwire("wait", "a", "--timeout", "0.1")) == (1, "")


@pytest.mark.parametrize(
    "arguments",
    [[], ["frobnicate"], ["get"], ["set", "a", "not json"], ["increment", "a", "x"], ["get", "a\n"], ["get", "a", "--url", "nonsense"]],  # noqa: E501
    ids=["nothing", "no command", "no key", "no JSON", "no number", "no key's name", "no URL"],
)  # fmt: skip
def test_a_wrong_command_line_is_2(arguments, botwire):
    finished = botwire(*arguments)

    assert finished.returncode == 2
    assert finished.stdout == ""
    assert finished.stderr


def test_without_a_namespace_it_asks_for_one(botwire):
    finished = botwire("get", "a", BOTWIRE_NAMESPACE="")

    assert finished.returncode == 2
    assert "BOTWIRE_NAMESPACE" in finished.stderr


def test_a_refusal_is_3(botwire, memory):
    memory.set("a", 1)

    finished = botwire("set", "a", "2", "--if-absent")

    assert finished.returncode == 3
    assert finished.stderr.startswith("botwire: ")
    assert memory.get("a") == 1


def test_no_connection_is_4(botwire):
    assert botwire("set", "a", "1", "--url", "http://127.0.0.1:9").returncode == 4


def test_options_may_stand_before_and_after_the_command(botwire, server, namespace):
    assert botwire("-n", f"{namespace}-2", "set", "a", "1").returncode == 0
    assert ends(botwire("get", "a", "-n", f"{namespace}-2")) == (0, "1\n")
    assert ends(botwire("get", "a")) == (1, "")


def test_list_append_and_increment(botwire, memory):
    memory.set_many({"user:1": 1, "user:2": [2], "x y": 3})

    assert ends(botwire("list")) == (0, '"user:1"\n"user:2"\n"x y"\n')
    assert ends(botwire("list", "user:", "--raw")) == (0, "user:1\nuser:2\n")
    assert ends(botwire("list", "user:", "--values")) == (0, '["user:1", 1]\n["user:2", [2]]\n')
    assert ends(botwire("append", "user:2", "5", "--max-length", "1")) == (0, "1\n")
    assert ends(botwire("increment", "user:1")) == (0, "2\n")
    assert ends(botwire("increment", "user:1", "-2.5")) == (0, "-0.5\n")
    assert json.loads(botwire("usage").stdout)["entries"] == 3


def test_wait_and_watch(botwire, memory):
    memory.set("status", "done")
    memory.set("status", "over")

    assert ends(botwire("wait", "status", "--equals", '"over"')) == (0, '"over"\n')
    watched = botwire("watch", "--since", "0", "--timeout", "0")
    assert watched.returncode == 1
    assert [json.loads(line)["value"] for line in watched.stdout.splitlines()] == ["done", "over"]
    assert botwire("watch", "--since", "0", "--count", "2").returncode == 0


def test_a_reader_that_has_enough_ends_it_without_a_word(environment, memory):
    memory.set_many({f"key-{number}": "x" * 10_000 for number in range(400)})
    command = f"{sys.executable} -m botwire export | head -n 1"

    finished = subprocess.run(command, shell=True, env=environment, capture_output=True, text=True, timeout=SECONDS)

    assert len(finished.stdout.splitlines()) == 1
    assert finished.stderr == ""


def test_ctrl_c_ends_a_watch_without_a_word(environment, memory):
    watching = subprocess.Popen(
        [sys.executable, "-m", "botwire", "watch", "--since", "0"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    memory.set("a", 1)
    assert watching.stdout is not None
    assert json.loads(watching.stdout.readline())["key"] == "a"

    watching.send_signal(signal.SIGINT)
    _, errors = watching.communicate(timeout=SECONDS)

    assert (watching.returncode, errors) == (130, "")


def test_lock_runs_a_command_while_it_holds_the_lock(botwire, memory):
    program = "import os; print(os.environ['BOTWIRE_LEASE'], os.environ['BOTWIRE_FENCING']); raise SystemExit(7)"

    finished = botwire("lock", "deploy", "--", sys.executable, "-c", program)

    assert finished.returncode == 7
    name, fencing = finished.stdout.split()
    with memory.lock("deploy", timeout=0) as lease:
        assert (name, lease.name) == ("deploy", "deploy")
        assert lease.fencing > int(fencing)


def test_lock_is_1_while_another_holds_it(botwire, memory):
    with memory.lock("deploy"):
        finished = botwire("lock", "deploy", "--timeout", "0", "--", "echo", "ran")

    assert ends(finished) == (1, "")
    assert "tester" in finished.stderr


def test_lock_is_held_as_long_as_the_command_runs_and_ends_it_when_it_is_lost(environment, memory):
    holding = subprocess.Popen(
        [sys.executable, "-m", "botwire", "lock", "deploy", "--ttl", "1", "--", "sh", "-c", "echo $BOTWIRE_FENCING; exec sleep 60"],  # noqa: E501
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holding.stdout is not None
    fencing = int(holding.stdout.readline())
    time.sleep(2)
    with pytest.raises(LeaseHeldError):
        memory.lock("deploy", timeout=0).acquire()

    memory._send(memory._calls.release("deploy", fencing))
    _, errors = holding.communicate(timeout=SECONDS)

    assert holding.returncode == 3
    assert "lease_lost" in errors or "lost" in errors


def test_versions_are_printed_and_restored(botwire, memory):
    memory.set("a", 1)
    memory.set("a", {"b": 2})

    told = [json.loads(line) for line in botwire("history", "a").stdout.splitlines()]
    with_values = [json.loads(line) for line in botwire("history", "a", "--values").stdout.splitlines()]

    assert [(one["version"], one["kind"], "value" in one) for one in told] == [(2, "set", False), (1, "set", False)]
    assert [one["value"] for one in with_values] == [{"b": 2}, 1]
    assert ends(botwire("restore", "a", "1")) == (0, '{"version": 3, "created": false}\n')
    assert memory.get("a") == 1
    assert botwire("restore", "a", "9").returncode == 3
    assert ends(botwire("history", "missing")) == (1, "")


def test_what_a_writer_did_is_taken_back(botwire, memory):
    memory.set("a", "true")
    botwire("set", "a", '"lie"', BOTWIRE_AGENT="bot7")
    botwire("set", "b", '"lie"', BOTWIRE_AGENT="bot7")

    told = json.loads(botwire("rollback", "bot7", "--dry-run", "--since", "2020-01-01T00:00:00Z").stdout)
    done = json.loads(botwire("rollback", "bot7", "a", "--since", "1", "--self-declared").stdout)

    assert (told["is_dry_run"], told["restored"], told["deleted"]) == (True, 1, 1)
    assert (done["is_dry_run"], done["restored"], done["deleted"], done["since"]) == (False, 1, 0, 1)
    assert dict(memory.items()) == {"a": "true", "b": "lie"}
    assert json.loads(botwire("rollback", "bot7", "--verified", "--dry-run").stdout)["keys"] == 0
    assert botwire("rollback", "bot7", "--since", "yesterday").returncode == 2


def test_a_writer_is_hidden_and_released(botwire, memory):
    botwire("set", "a", '"lie"', BOTWIRE_AGENT="bot7")

    placed = json.loads(botwire("quarantine", "bot7", "--reason", "made up").stdout)

    assert (placed["writer"], placed["reason"]) == ({"name": "bot7", "verified": False}, "made up")
    assert [json.loads(line) for line in botwire("quarantine").stdout.splitlines()] == [placed]
    assert memory.get("a") is None
    assert ends(botwire("quarantine", "bot7", "--release")) == (0, "")
    assert ends(botwire("quarantine", "bot7", "--release")) == (1, "")
    assert memory.get("a") == "lie"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_each_command_teaches_by_examples(command, botwire):
    finished = botwire(command, "--help", COLUMNS="100")

    assert finished.returncode == 0
    assert f"\n  botwire {command}" in finished.stdout or f"{command} -" in finished.stdout
    assert "examples:" in finished.stdout


def test_the_help_tells_commands_and_statuses(botwire):
    text = botwire("--help").stdout

    assert all(f"    {command} " in text for command in COMMANDS)
    assert "exit status:" in text


def test_the_readme_of_the_client_names_every_command():
    readme = (Path(__file__).parents[2] / "client" / "README.md").read_text()

    assert [command for command in COMMANDS if f"botwire {command}" not in readme] == []
