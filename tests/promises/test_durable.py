"""Durable: a write that was answered is there after `kill -9` of every process, and none is there by half."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Semaphore

import httpx
import pytest
from django.db import connection

from tests.promises.books import books_of
from tests.promises.racing import client_of, outcome_of

KILLS = 8
WRITERS = 6
KEYS_EACH = 5
ANSWERS_BEFORE_A_KILL = 150
SYNCHRONOUS_FULL = 2
WAITS_FOR_THE_DISK = {
    "sqlite": ("PRAGMA {}", {"journal_mode": "wal", "synchronous": SYNCHRONOUS_FULL}),
    "postgresql": ("SHOW {}", {"synchronous_commit": "on"}),
}


@dataclass
class Diary:
    """What a writer knows of its keys: version and text of what was acknowledged, the text of what never was answered.

    None stands for a deletion.
    """

    number: int
    choice: random.Random
    acknowledged: dict[str, tuple[int, str] | None] = field(default_factory=dict)
    unanswered: dict[str, str | None] = field(default_factory=dict)

    def allows(self, key: str, found: tuple[int, str] | None) -> bool:
        """Whether this may be what a read of the key finds."""
        if key in self.unanswered and self.unanswered[key] == (found and found[1]):
            return True
        return found == self.acknowledged.get(key)

    def settle(self, entries: dict[str, tuple[int, str]]) -> None:
        """Go on from what was found."""
        self.acknowledged = {key: entries.get(key) for key in self.acknowledged | self.unanswered}
        self.unanswered = {}


def write_until_unanswered(client: httpx.Client, namespace: str, diary: Diary, answered: Semaphore) -> None:
    while True:
        key = f"{diary.number}:{diary.choice.randrange(KEYS_EACH)}"
        text = json.dumps("x" * diary.choice.randrange(4_000)) if diary.choice.random() < 0.85 else None
        try:
            answer = send(client, f"/memory/{namespace}/{key}", text)
        except httpx.TransportError:
            diary.unanswered[key] = text
            return
        assert outcome_of(answer) in [(200, None), (201, None), (404, "key_not_found")]
        diary.acknowledged[key] = None if text is None else (answer.json()["version"], text)
        answered.release()


def send(client: httpx.Client, path: str, text: str | None) -> httpx.Response:
    if text is None:
        return client.delete(path)
    return client.put(path, content=f'{{"value": {text}}}', headers={"Content-Type": "application/json"})


def write_until_killed(server, namespace, diaries):
    """All writers at once, the server's processes killed amid their requests."""
    answered = Semaphore(0)
    with client_of(server.url) as client, ThreadPoolExecutor(len(diaries)) as pool:
        writers = [pool.submit(write_until_unanswered, client, namespace, diary, answered) for diary in diaries]
        try:
            for _ in range(ANSWERS_BEFORE_A_KILL):
                assert answered.acquire(timeout=30)
        finally:
            server.kill()
        for writer in writers:
            writer.result()


def entries_of(server, namespace):
    """Version and text of every entry, as the server answers them."""
    with client_of(server.url) as client:
        listed = client.get(f"/memory/{namespace}", params={"include": "values"}).json()["entries"]
    return {entry["key"]: (entry["version"], json.dumps(entry["value"])) for entry in listed}


def test_every_acknowledged_write_survives_eight_kills_of_every_process(make_server, namespace):
    server = make_server(BOTWIRE_WRITES_PER_DAY="1000000")
    diaries = [Diary(number, random.Random(number)) for number in range(WRITERS)]

    for _ in range(KILLS):
        write_until_killed(server, namespace, diaries)
        server.start()

        entries = entries_of(server, namespace)
        books = books_of(server, namespace)
        books.assert_balanced()
        assert books.entries == entries
        lost = [
            key
            for diary in diaries
            for key in diary.acknowledged | diary.unanswered
            if not diary.allows(key, entries.get(key))
        ]
        assert lost == []
        for diary in diaries:
            diary.settle(entries)

    assert books.counters.revision >= KILLS * ANSWERS_BEFORE_A_KILL * 0.8
    assert server.stop() == 0


@pytest.mark.usefixtures("transactional_db")
def test_a_commit_waits_for_the_disk(database):
    question, expected = WAITS_FOR_THE_DISK[database]

    with connection.cursor() as cursor:
        found = {}
        for setting in expected:
            cursor.execute(question.format(setting))
            [found[setting]] = cursor.fetchone()

    assert found == expected
