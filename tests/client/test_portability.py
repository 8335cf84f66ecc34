"""Exports as files and imports of them, by both clients and the command, against real servers."""

import asyncio
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys

import httpx
import pytest

from botwire import (
    AsyncMemory,
    BotWireConnectionError,
    DailyWriteLimitError,
    ImportConflictError,
    InvalidExportError,
    InvalidKeyError,
    Memory,
    NamespaceNotFoundError,
    StorageLimitError,
    TooManyExportsError,
)
from botwire import _portability as portability
from tests.client.answers import problem
from tests.client.samples import HOSTILE_KEYS, exactly
from tests.exports import entry_line, part_of, with_trailer
from tests.polling import wait_until

SECONDS = 60
VALUES = [None, True, False, 0, -7, 10**30, 0.1, 1e300, "", "é😀\u2028\n", [], {}, [[1], {"b": [None], "a": {"": 1}}]]


@pytest.fixture
def copy(server, namespace):
    with Memory(f"{namespace}-copy", base_url=server.url) as copy:
        yield copy


@pytest.fixture
def filled(memory):
    memory.set_many({key: VALUES[number % len(VALUES)] for number, key in enumerate(HOSTILE_KEYS)})
    memory.set_many({f"value-{number:04}": value for number, value in enumerate(VALUES)}, ttl=600)
    memory.delete(HOSTILE_KEYS[0])
    return memory


def export_of(memory, **options) -> bytes:
    file = io.BytesIO()
    memory.export(file, **options)
    return file.getvalue()


def test_a_round_trip_is_exact(filled, copy, tmp_path):
    exported = filled.export(tmp_path / "a.ndjson", history=True)

    result = copy.import_(tmp_path / "a.ndjson")

    whole = (tmp_path / "a.ndjson").read_bytes()
    assert export_of(copy, history=True) == whole
    assert exported.bytes == len(whole)
    assert exported.revision == result.revision
    assert (result.exact, result.new, result.changes) == (True, exported.entries, exported.changes)
    assert result.writes_needed == exported.entries + exported.changes
    for key in filled:
        assert exactly(copy.get(key)) == exactly(filled.get(key))
    assert sorted(os.listdir(tmp_path)) == ["a.ndjson"]


def test_both_clients_do_the_same(filled, server, namespace, copy, tmp_path, run):
    async def round_trip():
        async with (
            AsyncMemory(namespace, base_url=server.url) as memory,
            AsyncMemory(f"{namespace}-copy", base_url=server.url) as copy,
        ):
            exported = await memory.export(tmp_path / "a.ndjson", prefix="value-")
            plan = await copy.import_(tmp_path / "a.ndjson", dry_run=True)
            return exported, plan, await copy.import_(io.BytesIO((tmp_path / "a.ndjson").read_bytes()))

    exported, plan, result = run(round_trip())

    assert (
        (tmp_path / "a.ndjson").read_bytes() == export_of(filled, prefix="value-") == export_of(copy, prefix="value-")
    )
    assert (exported.entries, plan.new, result.new) == (len(VALUES), len(VALUES), len(VALUES))
    assert plan.fits


def test_an_import_in_many_parts_is_exact_and_may_be_repeated(memory, copy, monkeypatch):
    monkeypatch.setattr(portability, "PART_LINES", 7)
    monkeypatch.setattr(portability, "PART_BYTES", 2_000)
    memory.set_many({f"k{number:03}": "x" * (number * 7 % 400) for number in range(60)})
    whole = export_of(memory, history=True)
    seen = []

    first = copy.import_(io.BytesIO(whole), progress=lambda *at: seen.append(at))
    again = copy.import_(io.BytesIO(whole))

    assert export_of(copy, history=True) == whole
    assert (first.new, again.new, again.same, again.writes_needed) == (60, 0, 60, 0)
    assert seen == sorted(seen)
    assert seen[-1] == (120, 120)
    assert len(seen) > 120 / 7


def test_the_progress_of_an_export_ends_with_all(memory):
    memory.set_many({f"k{number:03}": "x" * 9_000 for number in range(100)})
    seen = []

    memory.export(io.BytesIO(), progress=lambda *at: seen.append(at))

    assert seen == sorted(seen)
    assert seen[-1] == (100, 100)
    assert len(seen) > 2


def test_pieces_of_any_size_are_followed_alike():
    whole = with_trailer(part_of(*(entry_line(f"k{number}", "é\n" * number) for number in range(9))), 9)
    results = set()

    for size in (1, 2, 7, 100, len(whole)):
        check = portability.Check()
        for start in range(0, len(whole), size):
            check.feed(whole[start : start + size])
        results.add((check.end(), check.done, check.total))

    assert len(results) == 1


# --- files that are none


WHOLE = with_trailer(part_of(entry_line("a"), entry_line("b")), 2)
BROKEN = {
    "empty": b"",
    "another file": b'{"key": "a", "value": 1}\n',
    "no JSON": b"\x00\xff",
    "without its end": WHOLE[:-1],
    "without its trailer": WHOLE[: WHOLE.rindex(b"\n", 0, -1) + 1],
    "cut in a line": WHOLE[:200],
    "the header alone": WHOLE[: WHOLE.index(b"\n") + 1],
    "tampered": WHOLE.replace(b'"value": 1', b'"value": 2', 1),
    "a line less": WHOLE.replace(WHOLE.splitlines(keepends=True)[1], b""),
    "something behind": WHOLE + b"\n",
    "twice": WHOLE + WHOLE,
    "another format": WHOLE.replace(b'export": 1', b'export": 2'),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_file_that_is_no_whole_export_is_refused_before_anything_is_sent(recorded, requests_sent, content):
    with pytest.raises(InvalidExportError) as caught:
        recorded.import_(io.BytesIO(content))

    assert caught.value.status is None
    assert requests_sent == []


def test_another_format_is_named():
    with pytest.raises(InvalidExportError, match="has the format 2; this version of botwire reads 1"):
        Memory("desk").import_(io.BytesIO(BROKEN["another format"]))


@pytest.mark.parametrize("answer", [WHOLE[:-1], WHOLE[:100], b""])
def test_an_export_that_breaks_off_leaves_no_file(answer, tmp_path):
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=answer))
    (tmp_path / "a.ndjson").write_text("the one of yesterday")

    with (
        Memory("desk", base_url="http://server", transport=transport) as memory,
        pytest.raises(BotWireConnectionError, match="broke off"),
    ):
        memory.export(tmp_path / "a.ndjson")

    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.ndjson", "the one of yesterday")]


def test_an_export_is_asked_for_again_where_that_helps(monkeypatch):
    monkeypatch.setattr("botwire._retry._FIRST_BACKOFF", 0)
    answers = [problem(503, "too_many_exports", limit=4), problem(503, "database_unavailable")]
    asked = []

    def answer(request):
        asked.append(request)
        return answers.pop(0) if answers else httpx.Response(200, content=WHOLE)

    with Memory("desk", base_url="http://server", transport=httpx.MockTransport(answer)) as memory:
        assert memory.export(io.BytesIO()).entries == 2
    assert len(asked) == 3


def test_what_refuses_an_export_is_raised(memory, tmp_path):
    with pytest.raises(NamespaceNotFoundError):
        memory.export(tmp_path / "a.ndjson")
    refused = httpx.MockTransport(lambda _: problem(503, "too_many_exports", limit=4))
    with Memory("d", base_url="http://s", retries=0, transport=refused) as other, pytest.raises(TooManyExportsError):
        other.export(tmp_path / "a.ndjson")

    assert list(tmp_path.iterdir()) == []


# --- refused in the middle


def test_what_is_before_the_refused_line_is_put_in(memory, monkeypatch):
    monkeypatch.setattr(portability, "PART_LINES", 4)
    memory.set("k07", "mine")
    file = with_trailer(part_of(*(entry_line(f"k{number:02}", number) for number in range(12))), 12)

    with pytest.raises(ImportConflictError) as caught:
        memory.import_(io.BytesIO(file))

    assert (caught.value.line, caught.value.key, caught.value.current_version) == (9, "k07", 1)
    assert str(caught.value).startswith("Line 9: ")
    assert len(memory) == 8
    assert memory.import_(io.BytesIO(file), on_conflict="replace").new == 4
    assert memory.get("k07") == 7


def test_a_key_that_can_not_be_one_is_told_by_its_line(memory):
    file = with_trailer(part_of(entry_line("a"), entry_line("\x00")), 2)

    with pytest.raises(InvalidKeyError) as caught:
        memory.import_(io.BytesIO(file))

    assert caught.value.line == 3


def test_on_conflict_is_one_of_three(recorded, requests_sent):
    with pytest.raises(ValueError, match="fail, skip, replace"):
        recorded.import_(io.BytesIO(WHOLE), on_conflict="merge")

    assert requests_sent == []


def test_a_limit_in_the_middle_is_reached_exactly_and_the_import_goes_on_when_it_is_raised(
    make_server, namespace, memory
):
    memory.set_many({f"k{number:02}": number for number in range(50)})
    whole = export_of(memory, history=True)
    small = make_server(BOTWIRE_WRITES_PER_DAY="30", BOTWIRE_BYTES="200")

    with Memory(namespace, base_url=small.url) as copy:
        plan = copy.import_(io.BytesIO(whole), dry_run=True)
        with pytest.raises(DailyWriteLimitError) as caught:
            copy.import_(io.BytesIO(whole))
        used = copy.usage()
        small.stop()
        small.environment["BOTWIRE_WRITES_PER_DAY"] = "1000"
        small.start()
        with pytest.raises(StorageLimitError) as full:
            copy.import_(io.BytesIO(whole))
        stored = copy.usage()
        small.stop()
        small.environment["BOTWIRE_BYTES"] = "1000"
        small.start()
        result = copy.import_(io.BytesIO(whole))
        assert export_of(copy, history=True) == whole

    assert (plan.fits, plan.writes_needed, plan.writes_left, plan.bytes_left) == (False, 100, 30, 200)
    assert (caught.value.line, used.writes, used.entries) == (32, 30, 30)
    assert (full.value.line, stored.entries, stored.bytes) == (44, 42, 4 * 10 + 5 * 32)
    assert (result.same, result.new) == (42, 8)


# --- the command


@pytest.fixture
def environment(server, namespace):
    return {**os.environ, "BOTWIRE_URL": server.url, "BOTWIRE_NAMESPACE": namespace}


def botwire(environment, *arguments, stdin=b""):
    command = [sys.executable, "-m", "botwire", *map(str, arguments)]
    return subprocess.run(command, env=environment, input=stdin, capture_output=True, timeout=SECONDS, check=False)


def test_the_command_exports_and_imports_files_and_pipes(environment, filled, copy, tmp_path):
    file = tmp_path / "a.ndjson"

    exported = botwire(environment, "export", "-o", file, "--history")
    piped = botwire(environment, "export", "--history")
    imported = botwire(environment, "-n", copy.namespace, "import", "-", stdin=piped.stdout)

    assert (exported.returncode, exported.stdout, exported.stderr) == (0, b"", b"")
    assert file.read_bytes() == piped.stdout == export_of(copy, history=True)
    assert (imported.returncode, imported.stderr) == (0, b"")
    assert json.loads(imported.stdout)["new"] == len(filled)


def test_a_dry_run_tells_by_its_status_whether_all_would_be_put_in(environment, memory, copy, tmp_path):
    memory.set("a", 1)
    copy.set("a", 2)
    (tmp_path / "a.ndjson").write_bytes(export_of(memory))
    command = ("-n", copy.namespace, "import", tmp_path / "a.ndjson")

    fails = botwire(environment, *command, "--dry-run")
    skips = botwire(environment, *command, "--dry-run", "--on-conflict", "skip")
    refused = botwire(environment, *command)
    broken = botwire(environment, *command[:-1], "-", stdin=WHOLE[:-5])

    assert (fails.returncode, json.loads(fails.stdout)["different"]) == (1, 1)
    assert skips.returncode == 0
    assert (refused.returncode, refused.stderr[:16]) == (3, b"botwire: Line 2:")
    assert broken.returncode == 2
    assert copy.get("a") == 2


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_import_that_is_killed_goes_on_when_it_is_run_again(environment, memory, copy, tmp_path, how):
    lines = [entry_line(f"k{number:05}", "x" * 400, version=number + 1) for number in range(900)]
    (tmp_path / "a.ndjson").write_bytes(with_trailer(part_of(*lines, revision=900), 900))
    command = [sys.executable, "-c", SLOWLY, "-n", copy.namespace, "import", str(tmp_path / "a.ndjson")]

    running = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until(lambda: copy.exists("k00050"), SECONDS)
    running.send_signal(how)
    running.communicate(timeout=SECONDS)
    there = len(copy)  # or more: the server may be about to write what was sent last
    again = botwire(environment, "-n", copy.namespace, "import", tmp_path / "a.ndjson")

    assert running.returncode == (-signal.SIGKILL if how == signal.SIGKILL else 130)
    assert 50 < there < 900
    result = json.loads(again.stdout)
    assert (again.returncode, result["same"] + result["new"]) == (0, 900)
    assert there <= result["same"] <= there + PART_LINES
    assert copy.get_entry("k00899").version == 900
    assert copy.usage().writes == 900


PART_LINES = 5

#: The command in small parts, so that there is a middle to be killed in.
SLOWLY = f"""
from botwire import _cli, _portability
_portability.PART_LINES = {PART_LINES}
raise SystemExit(_cli.main())
"""


def test_an_export_that_is_killed_leaves_no_file_that_looks_whole(environment, memory, tmp_path):
    memory.set_many({f"k{number:03}": "x" * 20_000 for number in range(300)})
    program = (
        "import time; from botwire import _cli, _portability; take = _portability.Receiver.take\n"
        "_portability.Receiver.take = lambda self, piece: (take(self, piece), time.sleep(0.2))\n"
        "raise SystemExit(_cli.main())"
    )
    file, unfinished = tmp_path / "a.ndjson", tmp_path / "a.ndjson.part"

    running = subprocess.Popen([sys.executable, "-c", program, "export", "-o", str(file)], env=environment)
    wait_until(unfinished.exists, SECONDS)
    running.kill()
    running.wait(SECONDS)

    assert (unfinished.exists(), file.exists()) == (True, False)
    assert botwire(environment, "export", "-o", file).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["a.ndjson"]


def test_a_bar_is_shown_on_a_terminal(environment, memory, tmp_path):
    memory.set_many({f"k{number}": number for number in range(5)})
    master, terminal = pty.openpty()

    subprocess.run(
        [sys.executable, "-m", "botwire", "export", "-o", str(tmp_path / "a")],
        env=environment, stderr=terminal, timeout=SECONDS, check=True,
    )  # fmt: skip
    os.close(terminal)
    shown = os.read(master, 10_000).decode()
    os.close(master)

    assert re.search(r"\r\[#{30}\] 5 of 5 exported\r?\n$", shown)


def test_imports_at_the_same_time_put_everything_in_once(server, namespace, run, tmp_path):
    (tmp_path / "a").write_bytes(WHOLE)

    async def both():
        async with AsyncMemory(namespace, base_url=server.url) as memory:
            return await asyncio.gather(*(memory.import_(tmp_path / "a") for _ in range(3)))

    assert sorted(result.new for result in run(both())) == [0, 0, 2]
