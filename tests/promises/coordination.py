"""What agents that coordinate are promised, at full size: `uv run python -m tests.promises.coordination`.

Each proof is a function that puts many clients to work on a real server, lets some of them or of the server's processes
die or stand still, and raises AssertionError where a promise was broken; the suite runs them at a smaller size. Clients
are processes of their own.
"""

import argparse
import contextlib
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

from botwire import Memory
from tests.promises.killing import dying
from tests.promises.racing import Racer, race
from tests.servers import Server

# How long leases last: the dead and the paused are outlived.
TTL_SECONDS = 2
TASK_SECONDS = 6
MOST_SECONDS = 500
# A machine that is busy with other things answers late.
PATIENCE_SECONDS = 60
PAUSE_SECONDS = TTL_SECONDS + 1.0


# --- 1. Appends and increments


def prove_no_change_is_lost(server: Server, namespace: str, *, processes: int, times: int, kill_seconds: float) -> str:
    """Each append is in the list once, where its answer said, and each increment counted once, although workers die."""
    with dying(server, kill_seconds) as killer:
        told = race(
            append_and_increment,
            server.url,
            server.url,
            namespace,
            times,
            processes=processes,
            threads=1,
            seconds=MOST_SECONDS,
        )
    appended, counted = dict(chain.from_iterable(a for a, _ in told)), sorted(chain.from_iterable(c for _, c in told))

    total = processes * times
    with Memory(namespace, base_url=server.url, timeout=PATIENCE_SECONDS) as memory:
        elements, count = memory.get("list"), memory.get("count")
    assert len(elements) == total
    assert [appended[number] for number in range(1, total + 1)] == elements, "each where its answer said"
    assert len(set(map(tuple, elements))) == total, "each once"
    assert counted == list(range(1, total + 1)), "each increment was told another number"
    assert count == total
    return f"{len(elements):,} appends and {count:,} increments, each exactly once; {killer.kills} workers killed"


def append_and_increment(racer: Racer, url: str, namespace: str, times: int) -> tuple[list[Any], list[Any]]:
    appended, counted = [], []
    with Memory(namespace, base_url=url, timeout=PATIENCE_SECONDS) as memory:
        for number in range(times):
            element = [racer.number, number]
            appended.append((memory.append("list", element), element))
            counted.append(memory.increment("count"))
    return appended, counted


# --- 2. One holder


def prove_one_holder(server: Server, namespace: str, *, contenders: int, turns: int, paused: int) -> str:
    """No two hold a lease at once, its number only grows, and no late write of a paused holder lands."""
    with tempfile.TemporaryDirectory() as folder, waking_up(Path(folder)):
        held = list(
            chain.from_iterable(
                race(
                    contend,
                    server.url,
                    namespace,
                    turns,
                    paused,
                    folder,
                    processes=contenders,
                    threads=1,
                    seconds=MOST_SECONDS,
                )
            )
        )
    late = [holding for holding in held if holding["is_late"]]
    with Memory(namespace, base_url=server.url, timeout=PATIENCE_SECONDS) as memory:
        log = memory.get("log")

    assert len(held) == contenders * turns
    assert len(late) == paused
    assert [holding["outcome"] for holding in late] == ["lease_lost"] * paused, "late writes are refused"
    assert {holding["outcome"] for holding in held if not holding["is_late"]} == {"written"}
    assert all(before < after for before, after in pairwise(log)), "numbers grow in the order of the writes"
    assert sorted(holding["fencing"] for holding in held if not holding["is_late"]) == log
    spans = sorted((holding["from"], holding["until"]) for holding in held)
    assert all(until <= begin for (_, until), (begin, _) in pairwise(spans)), "never two holders"
    return f"{len(held)} holdings by {contenders} contenders, one at a time; {len(late)} late writes, all refused"


def contend(racer: Racer, namespace: str, turns: int, paused: int, folder: str) -> list[dict[str, Any]]:
    """Hold the lease `turns` times, and write while it is held; the first `paused` stand still before one write."""
    path, log = f"/namespaces/{namespace}/leases/turn", f"/memory/{namespace}/log"
    held = []
    for turn in range(turns):
        is_late = turn == 0 and racer.number < paused
        while not (answer := racer.client.post(f"{path}?wait=20", json={"ttl": TTL_SECONDS})).is_success:
            assert answer.json()["code"] == "lease_held", answer.text
        begin, fencing = time.monotonic(), answer.json()["fencing"]
        if is_late:
            Path(folder, str(os.getpid())).touch()
            os.kill(os.getpid(), signal.SIGSTOP)
            time.sleep(0.2)  # this thread may go on for a moment before the process stands still
        header = {"X-BotWire-Lease": f"turn={fencing}"}
        written = racer.client.patch(log, json={"op": "append", "value": fencing}, headers=header)
        until = begin if is_late else time.monotonic()  # when it ended for who was paused, only the server knows
        if not is_late:
            assert racer.client.delete(path, params={"fencing": fencing}).is_success
        outcome = "written" if written.is_success else written.json()["code"]
        held.append({"fencing": fencing, "from": begin, "until": until, "is_late": is_late, "outcome": outcome})
    return held


@contextlib.contextmanager
def waking_up(folder: Path) -> Iterator[None]:
    """Let processes that stopped themselves, and left their number in `folder`, go on after PAUSE_SECONDS."""
    is_over = threading.Event()

    def wake() -> None:
        while not is_over.wait(0.1):
            for file in folder.iterdir():
                if time.time() - file.stat().st_mtime > PAUSE_SECONDS:
                    file.unlink()
                    os.kill(int(file.name), signal.SIGCONT)

    thread = threading.Thread(target=wake)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


# --- 3. Tasks


def prove_each_task_is_done(server: Server, namespace: str, *, tasks: int, workers: int, deaths: int) -> str:
    """Every task is done exactly once, although workers are killed with tasks in their hands."""
    names = [f"tasks/{number:05}" for number in range(tasks)]
    with Memory(namespace, base_url=server.url, timeout=PATIENCE_SECONDS) as memory:
        memory.set_many(dict.fromkeys(names, "do it"))
        context = multiprocessing.get_context("forkserver")
        crew = [
            context.Process(target=work, args=(server.url, namespace, number < deaths, number))
            for number in range(workers)
        ]
        for worker in crew:
            worker.start()
        for worker in crew:
            worker.join(MOST_SECONDS)
        done, claims, left = dict(memory.items("done/")), dict(memory.items("claims/")), memory.list_keys("tasks/")

    assert Counter(worker.exitcode for worker in crew) == {0: workers - deaths, -signal.SIGKILL: deaths}
    assert left == []
    assert done == {f"done/{name}": 1 for name in names}
    assert all(numbers == sorted(set(numbers)) for numbers in claims.values()), "numbers grow with each claim"
    assert sum(map(len, claims.values())) == tasks + deaths, "claimed again after a death alone"
    return f"{tasks:,} tasks done exactly once by {workers} workers; {deaths} were killed with a task in their hands"


def work(url: str, namespace: str, is_to_die: bool, number: int) -> None:
    """Claim tasks and complete them, until there are none; or die with one of the first."""
    with Memory(namespace, base_url=url, agent=f"worker-{number}", timeout=PATIENCE_SECONDS) as memory:
        done = 0
        while memory.list_keys("tasks/"):
            task = memory.claim("tasks/", ttl=TASK_SECONDS, timeout=5)
            if task is None:
                continue
            memory.append(f"claims/{task.key}", task.lease.fencing)
            if is_to_die and done == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            with memory.transaction(lease=task.lease) as together:
                together.increment(f"done/{task.key}")
                together.delete(task.key)
            task.release()
            done += 1


# --- 4. Watching


def prove_a_watch_is_whole(server: Server, namespace: str, *, changes: int, restarts: int) -> str:
    """A watch tells every change once and in order, although the server is restarted, and killed, meanwhile."""
    steps = {changes * (number + 1) // (restarts + 1): number for number in range(restarts)}

    def write() -> None:
        with Memory(namespace, base_url=server.url, timeout=PATIENCE_SECONDS) as memory:
            for number in range(changes):
                if number in steps:
                    server.kill() if steps[number] % 2 else server.stop()
                    server.start()
                memory.set_many({f"k{number % 7}": number})  # which is repeated after a lost answer

    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    with Memory(namespace, base_url=server.url, timeout=PATIENCE_SECONDS) as memory:
        for change in memory.watch(since=0, timeout=60):
            seen.append((change.revision, change.value))
            if len(seen) == changes:
                break
    writer.join()

    assert seen == [(number + 1, number) for number in range(changes)]
    return f"{len(seen):,} changes watched across {restarts} restarts: none missed, none twice, in order"


PROOFS: dict[str, tuple[Callable[..., str], dict[str, Any]]] = {
    "changes": (prove_no_change_is_lost, {"processes": 8, "times": 200, "kill_seconds": 5.0}),
    "holder": (prove_one_holder, {"contenders": 50, "turns": 3, "paused": 10}),
    "tasks": (prove_each_task_is_done, {"tasks": 1_000, "workers": 16, "deaths": 5}),
    "watch": (prove_a_watch_is_whole, {"changes": 5_000, "restarts": 2}),
}


def main() -> int:
    """0 if all promises were kept."""
    from tests.faults.soak import a_server, say

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("proofs", nargs="*", choices=[*PROOFS, []], help="default: all of them")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    given = parser.parse_args()
    faults = 0
    with a_server(given.database, workers=2) as server:
        for name in given.proofs or PROOFS:
            prove, size = PROOFS[name]
            began = time.monotonic()
            try:
                said = prove(server, f"proof-{name}", **size)
            except AssertionError as broken:
                faults += 1
                said = f"BROKEN {broken}"
            say(f"{name}: {said} ({time.monotonic() - began:.0f} s)")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
