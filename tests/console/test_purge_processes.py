"""Purging with real processes: killed in the middle, it goes on and ends exact; and TRUNCATE spares the log."""

import psycopg
import pytest

from tests.console.sessions import manage
from tests.polling import wait_until
from tests.promises.books import _snapshot, books_of
from tests.workers import start_worker

ENTRIES = 4_000
KILLS = 3


FILL = """
from datetime import datetime, UTC
from namespaces.models import Namespace, Entry, Change
now, n, name = datetime.now(UTC), {entries}, "{namespace}"
keys = [f"k{{i:07}}" for i in range(n)]
Namespace.objects.filter(name=name).delete()
Namespace.objects.create(name=name, created_at=now, revision=n, entries=n, bytes=n * 13, log_bytes=n * 13)
Entry.objects.bulk_create((Entry(namespace_id=name, key=k, bytes=13, version=i + 1, created_at=now, updated_at=now,
    value='"old"') for i, k in enumerate(keys)), batch_size=1000)
Change.objects.bulk_create((Change(namespace_id=name, revision=i + 1, kind="set", key=k, bytes=13, at=now,
    value='"old"') for i, k in enumerate(keys)), batch_size=1000)
"""
START = """
from namespaces import purging
purging.start("{namespace}", "", reason="illegal", operator="ada")
"""
WRITE = """
from namespaces import writing
from namespaces.jsontext import JSONText
for key in ("k0000000", "k0003999", "another"):
    writing.set_entry("{namespace}", key, JSONText.parse('"new"'))
"""


def job_of(server):
    with _snapshot(server) as rows:
        [job] = rows("SELECT state, removed, removed_bytes FROM namespaces_purgejob")
    return job


def wait_for_a_batch(server, seconds=120):
    before = job_of(server)[1]
    wait_until(lambda: job_of(server)[1] != before, seconds)


def wait_for_the_end(server, seconds=240):
    wait_until(lambda: job_of(server)[0] == "done", seconds)


@pytest.mark.timeout(600)
def test_a_purge_killed_again_and_again_goes_on_and_ends_exact(unserved, namespace):
    manage(unserved, FILL.format(entries=ENTRIES, namespace=namespace))
    manage(unserved, START.format(namespace=namespace))

    for _ in range(KILLS):
        workers = [start_worker(unserved), start_worker(unserved)]
        wait_for_a_batch(unserved)
        for worker in workers:
            worker.kill()
            worker.wait()
        assert job_of(unserved)[0] == "running", "it is killed in its middle"
        books = books_of(unserved, namespace)
        assert books.counters == books.recount(), "exact at every moment"
    manage(unserved, WRITE.format(namespace=namespace))
    last = start_worker(unserved)
    wait_for_the_end(unserved)
    last.terminate()
    assert last.wait(60) == 0

    books = books_of(unserved, namespace)
    assert books.counters == books.recount()
    assert {key: text for key, (_, text) in books.entries.items()} == dict.fromkeys(
        ("another", "k0000000", "k0003999"), '"new"'
    )
    assert [change.revision for change in books.log] == list(range(1, books.counters.revision + 1))
    assert {change.value for change in books.log} == {None, '"new"'}
    _, removed, removed_bytes = job_of(unserved)
    deletes = [change for change in books.log if change.kind == "delete"]
    assert removed == len(deletes)
    assert removed_bytes == removed * 13
    assert {change.writer for change in deletes} == {"operator"}


@pytest.mark.only_on("postgresql")
def test_postgresql_refuses_to_truncate_the_log(unserved):
    with (
        psycopg.connect(unserved.database_url) as connection,
        pytest.raises(psycopg.errors.RaiseException, match="append-only"),
    ):
        connection.execute("TRUNCATE namespaces_moderationaction")
