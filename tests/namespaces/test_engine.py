"""The write engine: what waits together is committed together, nobody suffers for a neighbour, nothing is half done."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from namespaces import engine, reading, sql, writing
from namespaces.engine.errors import NotAnswered
from namespaces.errors import DatabaseUnavailable
from namespaces.jsontext import JSONText
from namespaces.models import Change, Entry, Namespace
from tests.rows import all_rows, assert_counters_exact

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("database")]

ONE = JSONText.parse("1")


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[engine.Engine]:
    started = await engine.start()
    try:
        yield started
    finally:
        await started.stop()


def on_loop(work: Callable[[engine.Engine], Awaitable[Any]]) -> Any:
    """What `work` returns, given an engine of its own on a loop of its own."""

    async def run() -> Any:
        async with running() as started:
            return await work(started)

    return asyncio.run(run())


async def set_one(started: engine.Engine, namespace: str, key: str, value: JSONText = ONE) -> Any:
    write = writing.set_of(namespace, key, value)
    return await started.carry_out(write.plan, write.condition.sql, write.parameters)


@pytest.fixture
def known(namespace: str) -> str:
    """A namespace that exists, at revision 1."""
    writing.set_entry(namespace, "first", ONE)
    return namespace


@contextlib.contextmanager
def writes_blocked(database: str) -> Iterator[None]:
    """Nobody can write, because somebody else holds the lock for it."""
    if database == "sqlite":
        blocker: Any = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
    else:
        known = connection.settings_dict
        blocker = psycopg.connect(
            dbname=known["NAME"], host=known["HOST"] or known["OPTIONS"]["host"], user=known["USER"]
        )
        blocker.execute("LOCK TABLE namespaces_namespace IN EXCLUSIVE MODE")
    try:
        yield
    finally:
        blocker.rollback()
        blocker.close()


def commits(database: str, *, since_now: bool = False) -> int:
    """A number that grows by one with each transaction that writes; on SQLite it starts again `since_now`."""
    with connection.cursor() as cursor:
        if database == "postgresql":
            cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
            return int(cursor.fetchone()[0])
        if since_now:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            assert cursor.fetchone()[0] == 0
        cursor.execute("PRAGMA page_size")
        frame = 24 + cursor.fetchone()[0]
    log = Path(f"{connection.settings_dict['NAME']}-wal").read_bytes()
    # The frame that ends a transaction tells the file's size: https://www.sqlite.org/fileformat.html#the_write_ahead_log
    return sum(int.from_bytes(log[at + 4 : at + 8]) > 0 for at in range(32, len(log), frame))


def test_an_accepted_write_is_what_a_thread_would_have_written(known):
    verdict = on_loop(lambda started: set_one(started, known, "k"))

    assert (verdict["revision"], verdict["refusal"], verdict["live_version"]) == (2, None, None)
    assert reading.get_entry(known, "k").version == 2
    assert_counters_exact(known)


def test_a_namespace_that_never_was_is_told_and_not_made(namespace):
    assert on_loop(lambda started: set_one(started, namespace, "k")) is None
    assert not Namespace.objects.exists()


def test_a_read_sees_every_write_that_was_answered(known):
    async def write_and_read(started: engine.Engine) -> list[int]:
        seen = []
        for number in range(20):
            written = await set_one(started, known, "k", JSONText.parse(str(number)))
            row = await started.fetch(sql.READ_ENTRY, reading.read_parameters(known, "k"))
            seen.append(reading.remembered(known, "k", row).version - written["revision"])
        return seen

    assert on_loop(write_and_read) == [0] * 20


def test_a_read_sees_what_another_process_has_just_written(known):
    async def read_after_each_write(started: engine.Engine) -> list[str]:
        seen = []
        for number in range(5):
            await asyncio.to_thread(in_a_thread, writing.set_entry, known, "k", JSONText.parse(str(number)))
            row = await started.fetch(sql.READ_ENTRY, reading.read_parameters(known, "k"))
            seen.append(reading.remembered(known, "k", row).value)
        return seen

    assert on_loop(read_after_each_write) == ["0", "1", "2", "3", "4"]


def in_a_thread(work: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return work(*arguments)
    finally:
        connection.close()


def test_writes_that_race_are_all_accepted_without_a_gap(known):
    async def race(started: engine.Engine) -> list[Any]:
        on_the_loop = [set_one(started, known, f"loop{number}") for number in range(100)]
        in_threads = [
            asyncio.to_thread(in_a_thread, writing.set_entry, known, f"thread{number}", ONE) for number in range(20)
        ]
        return await asyncio.gather(*on_the_loop, *in_threads)

    verdicts = on_loop(race)

    assert sorted(verdict["revision"] for verdict in verdicts[:100]) == sorted(
        Change.objects.filter(namespace_id=known, key__startswith="loop").values_list("revision", flat=True)
    )
    assert Namespace.objects.get().revision == 121
    assert_counters_exact(known)


def test_writes_that_wait_together_are_committed_together(database, known):
    async def race(started: engine.Engine) -> int:
        await set_one(started, known, "warm")
        before = commits_in_thread(since_now=True)
        await asyncio.gather(*(set_one(started, known, f"k{number}") for number in range(100)))
        return commits_in_thread() - before

    def commits_in_thread(*, since_now: bool = False) -> int:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(in_a_thread, partial(commits, database, since_now=since_now)).result()

    assert 1 <= on_loop(race) <= 10
    assert Namespace.objects.get().revision == 102
    assert_counters_exact(known)


def test_each_write_of_a_group_is_refused_on_its_own(known, settings):
    settings.LIMITS = {**settings.LIMITS, "writes_per_day": 11}

    async def race(started: engine.Engine) -> list[Any]:
        return await asyncio.gather(*(set_one(started, known, f"k{number}") for number in range(30)))

    refusals = [verdict["refusal"] for verdict in on_loop(race)]

    assert refusals.count(None) == 10
    assert set(refusals) == {None, "daily_write_limit"}
    assert Entry.objects.count() == 11
    assert_counters_exact(known)


def test_a_write_that_fails_takes_no_neighbour_with_it(known):
    """One write of the group breaks a rule of the table, as no write that was checked can."""

    async def race(started: engine.Engine) -> list[Any]:
        writes = [writing.set_of(known, f"k{number}", ONE) for number in range(9)]
        broken = {**writes[4].parameters, "key": ""}
        parameters = [broken if number == 4 else write.parameters for number, write in enumerate(writes)]
        tries = [started.carry_out(sql.SET, "TRUE", given) for given in parameters]
        return await asyncio.gather(*tries, return_exceptions=True)

    results = on_loop(race)

    assert isinstance(results.pop(4), NotAnswered)
    assert [verdict["refusal"] for verdict in results] == [None] * 8
    assert Namespace.objects.get().revision == 9
    assert_counters_exact(known)


@pytest.mark.only_on("sqlite")
def test_a_unit_that_refuses_undoes_itself_and_no_neighbour_is_done_again(database, known):
    runs = []

    def refusing(unit):
        runs.append("refused")
        unit.execute("UPDATE namespaces_namespace SET fencing = 99 WHERE name = %(namespace)s")
        raise DatabaseUnavailable

    async def together(started):
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor() as threads, writes_blocked(database):
            unit = loop.run_in_executor(threads, in_a_thread, writing.in_unit, known, refusing, writing.NOBODY)
            neighbours = [asyncio.create_task(set_one(started, known, f"k{number}")) for number in range(3)]
            await asyncio.sleep(0.2)
        return await asyncio.gather(unit, *neighbours, return_exceptions=True)

    refused, *accepted = on_loop(together)

    assert isinstance(refused, DatabaseUnavailable)
    assert runs == ["refused"]
    assert sorted(verdict["revision"] for verdict in accepted) == [2, 3, 4]
    assert Namespace.objects.get(name=known).fencing == 0
    assert_counters_exact(known)


def test_a_write_that_is_cancelled_while_it_waits_is_never_made(database, known):
    async def cancel(started: engine.Engine) -> None:
        with writes_blocked(database):
            first = asyncio.ensure_future(set_one(started, known, "first"))
            await asyncio.sleep(0.2)
            later = asyncio.ensure_future(set_one(started, known, "later"))
            await asyncio.sleep(0.2)
            later.cancel()
        await first

    before = Namespace.objects.get().revision

    on_loop(cancel)

    assert Namespace.objects.get().revision == before + 1
    assert not Entry.objects.filter(key="later").exists()
    assert_counters_exact(known)


def test_a_database_that_stays_locked_is_told_in_time(database, known, settings):
    settings.SQLITE_TIMEOUT = 1
    before = all_rows()

    async def wait(started: engine.Engine) -> list[Any]:
        with writes_blocked(database):
            tries = (set_one(started, known, f"k{number}") for number in range(5))
            return await asyncio.wait_for(asyncio.gather(*tries, return_exceptions=True), 20)

    results = on_loop(wait)

    assert [type(result) for result in results] == [DatabaseUnavailable] * 5
    assert all_rows() == before


def test_reads_go_on_while_writes_wait(database, known):
    async def read(started: engine.Engine) -> Any:
        with writes_blocked(database):
            writes = [asyncio.ensure_future(set_one(started, f"{known}", f"k{number}")) for number in range(50)]
            await asyncio.sleep(0.1)
            row = await asyncio.wait_for(started.fetch(sql.READ_ENTRY, reading.read_parameters(known, "first")), 2)
        await asyncio.gather(*writes)
        return row

    assert reading.remembered(known, "first", on_loop(read)).value == "1"


def test_no_more_writes_wait_than_may(database, known, monkeypatch):
    module = f"namespaces.engine.{database}"
    monkeypatch.setattr(f"{module}.MOST_WAITING", 10)

    async def crowd(started: engine.Engine) -> list[Any]:
        with writes_blocked(database):
            writes = [asyncio.ensure_future(set_one(started, known, f"k{number}")) for number in range(60)]
            await asyncio.sleep(0.3)
        return await asyncio.gather(*writes, return_exceptions=True)

    results = on_loop(crowd)

    accepted = [result for result in results if not isinstance(result, Exception)]
    assert {type(result) for result in results if isinstance(result, Exception)} == {DatabaseUnavailable}
    assert 10 <= len(accepted) <= 50
    assert Namespace.objects.get().revision == 1 + len(accepted)
    assert_counters_exact(known)


def test_what_waits_when_it_stops_is_still_carried_out(known):
    async def stop() -> list[Any]:
        started = await engine.start()
        writes = [asyncio.ensure_future(set_one(started, known, f"k{number}")) for number in range(50)]
        await asyncio.sleep(0)
        await started.stop()
        return await asyncio.gather(*writes)

    assert [verdict["refusal"] for verdict in asyncio.run(stop())] == [None] * 50


def test_a_busy_namespace_holds_up_no_other(database, known, namespace):
    other = f"{namespace}-b"
    writing.set_entry(other, "first", ONE)

    async def race(started: engine.Engine) -> int:
        busy = [asyncio.ensure_future(set_one(started, known, f"k{number}")) for number in range(900)]
        await asyncio.sleep(0)
        await set_one(started, other, "k")
        before = sum(write.done() for write in busy)
        await asyncio.gather(*busy)
        return before

    assert on_loop(race) < 600, "not after all that came first"
