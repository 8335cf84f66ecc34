"""`kill -9` of web processes while our client writes: it tells what it does not know, and repeats nothing twice."""

import os
import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from botwire import BotWireConnectionError, BotWireError, Memory
from tests.faults.processes import web_workers
from tests.polling import wait_until
from tests.promises.books import books_of

WRITERS = 4
KILLS = 3


@dataclass
class Diary:
    """What one writer was told of each of its values, all different: acknowledged under a version, or not known."""

    acknowledged: dict[str, int] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    failures: list[BotWireError] = field(default_factory=list)


def write_until(is_over: threading.Event, memory: Memory, number: int, diary: Diary) -> None:
    turn = 0
    while not is_over.is_set():
        turn += 1
        value = f"{number}.{turn}"
        try:
            diary.acknowledged[value] = memory.set(f"{number}:{turn % 5}", value).version
        except BotWireConnectionError as error:
            (diary.unknown.append(value) if error.is_outcome_unknown else diary.failures.append(error))
        except BotWireError as error:
            diary.failures.append(error)


def kill_a_worker_under(server, diaries) -> None:
    written = [len(diary.acknowledged) for diary in diaries]
    wait_until(
        lambda: all(len(diary.acknowledged) > before + 10 for diary, before in zip(diaries, written, strict=True))
    )
    victim = web_workers(server)[0]
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: victim not in web_workers(server))


def test_nothing_is_lost_and_nothing_doubled(sturdy, namespace):
    diaries, is_over = [Diary() for _ in range(WRITERS)], threading.Event()

    with Memory(namespace, base_url=sturdy.url) as memory, ThreadPoolExecutor(WRITERS) as pool:
        writing = [pool.submit(write_until, is_over, memory, number, diary) for number, diary in enumerate(diaries)]
        try:
            for _ in range(KILLS):
                kill_a_worker_under(sturdy, diaries)
        finally:
            is_over.set()
        assert [future.result() for future in writing] == [None] * WRITERS

    books = books_of(sturdy, namespace)
    books.assert_balanced()
    times = Counter(change.value for change in books.log)
    versions = {change.value: change.revision for change in books.log}
    told = {f'"{value}"': version for diary in diaries for value, version in diary.acknowledged.items()}
    unknown = {f'"{value}"' for diary in diaries for value in diary.unknown}
    assert [failure for diary in diaries for failure in diary.failures] == []
    assert {value: versions.get(value) for value in told} == told, "none lost"
    assert max(times.values()) == 1, "none doubled"
    assert versions.keys() - told.keys() <= unknown, "what was not acknowledged was told as unknown"
