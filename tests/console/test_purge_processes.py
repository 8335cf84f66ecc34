"""Purging with real processes: killed in the middle, it goes on and ends exact; and TRUNCATE spares the log."""

import os
import subprocess
import sys
import time

import psycopg
import pytest

from tests.conftest import ROOT
from tests.promises.books import _snapshot, books_of

ENTRIES = 10_000
KILLS = 3


def environment_of(server):
    database = {"DATABASE_URL": server.database_url} if server.database_url else {}
    return {**os.environ, "BOTWIRE_DATA": str(server.folder), **database}


def manage(server, code):
    """Run Python with the server's own settings; what it prints."""
    command = [sys.executable, "manage.py", "shell", "-v0", "-c", code]
    environment = environment_of(server)
    ended = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True, timeout=120)
    return ended.stdout


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
for key in ("k0000000", "k0009999", "another"):
    writing.set_entry("{namespace}", key, JSONText.parse('"new"'))
"""


def job_of(server):
    with _snapshot(server) as rows:
        [job] = rows("SELECT state, removed, removed_bytes FROM namespaces_purgejob")
    return job


def wait_for_a_batch(server, seconds=60):
    before, deadline = job_of(server)[1], time.monotonic() + seconds
    while job_of(server)[1] == before:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def wait_for_the_end(server, seconds=120):
    deadline = time.monotonic() + seconds
    while job_of(server)[0] != "done":
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.timeout(300)
def test_a_purge_killed_again_and_again_goes_on_and_ends_exact(make_server, namespace):
    server = make_server()
    server.kill()  # its worker would be faster than this test
    manage(server, FILL.format(entries=ENTRIES, namespace=namespace))
    manage(server, START.format(namespace=namespace))

    for _ in range(KILLS):
        command, environment = [sys.executable, "manage.py", "worker"], environment_of(server)
        workers = [subprocess.Popen(command, cwd=ROOT, env=environment) for _ in range(2)]
        wait_for_a_batch(server)
        for worker in workers:
            worker.kill()
            worker.wait()
        assert job_of(server)[0] == "running", "it is killed in its middle"
        books = books_of(server, namespace)
        assert books.counters == books.recount(), "exact at every moment"
    manage(server, WRITE.format(namespace=namespace))
    server.start()
    wait_for_the_end(server)

    books = books_of(server, namespace)
    assert books.counters == books.recount()
    assert {key: text for key, (_, text) in books.entries.items()} == dict.fromkeys(
        ("another", "k0000000", "k0009999"), '"new"'
    )
    assert [change.revision for change in books.log] == list(range(1, books.counters.revision + 1))
    assert {change.value for change in books.log} == {None, '"new"'}
    _, removed, removed_bytes = job_of(server)
    deletes = [change for change in books.log if change.kind == "delete"]
    assert removed == len(deletes)
    assert removed_bytes == removed * 13
    assert {change.writer for change in deletes} == {"operator"}
    assert server.stop() == 0


@pytest.mark.only_on("postgresql")
def test_postgresql_refuses_to_truncate_the_log(make_server):
    server = make_server()

    with (
        psycopg.connect(server.database_url) as connection,
        pytest.raises(psycopg.errors.RaiseException, match="append-only"),
    ):
        connection.execute("TRUNCATE namespaces_moderationaction")
