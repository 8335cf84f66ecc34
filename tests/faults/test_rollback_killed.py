"""A rollback that is a job, with real processes: killed in the middle, it goes on and ends exact."""

import pytest

from tests.console.sessions import manage
from tests.polling import wait_until
from tests.promises.books import _snapshot, books_of
from tests.workers import start_worker

KEYS = 2_000
KILLS = 2

FILL = """
from datetime import datetime, UTC
from namespaces.models import Namespace, Entry, Change
now, n, name = datetime.now(UTC), {keys}, "{namespace}"
keys = [f"k{{i:07}}" for i in range(n)]
Namespace.objects.create(name=name, created_at=now, revision=2 * n, entries=n, bytes=n * 13, log_bytes=2 * n * 13)
Entry.objects.bulk_create((Entry(namespace_id=name, key=k, bytes=13, version=n + i + 1, created_at=now, updated_at=now,
    writer="bot7", value='"lie"') for i, k in enumerate(keys)), batch_size=1000)
Change.objects.bulk_create((Change(namespace_id=name, revision=i + 1, kind="set", key=k, bytes=13, at=now,
    writer="lead", value=f'"{{i % 1000:03}}"') for i, k in enumerate(keys)), batch_size=1000)
Change.objects.bulk_create((Change(namespace_id=name, revision=n + i + 1, kind="set", key=k, bytes=13, at=now,
    writer="bot7", value='"lie"') for i, k in enumerate(keys)), batch_size=1000)
"""
START = """
from namespaces import rollback_jobs
from namespaces.callers import Caller
from namespaces.names import Writer
rollback_jobs.roll_back("{namespace}", Writer("bot7", is_verified=False), caller=Caller("lead"))
"""
WRITE = """
from namespaces import writing
from namespaces.callers import Caller
from namespaces.jsontext import JSONText
writing.set_entry("{namespace}", "k{last:07}", JSONText.parse('"new"'), caller=Caller("quant"))
"""


def job_of(server):
    with _snapshot(server) as rows:
        [job] = rows("SELECT state, restored, kept, cursor_revision FROM namespaces_rollbackjob")
    return job


@pytest.mark.timeout(600)
def test_a_rollback_killed_again_and_again_goes_on_and_ends_exact(unserved, namespace):
    manage(unserved, FILL.format(keys=KEYS, namespace=namespace))
    manage(unserved, START.format(namespace=namespace))

    for _ in range(KILLS):
        before = job_of(unserved)[1]
        workers = [start_worker(unserved), start_worker(unserved)]
        wait_until(lambda before=before: job_of(unserved)[1] > before, 240)
        for worker in workers:
            worker.kill()
            worker.wait()
        state, restored, _, _ = job_of(unserved)
        assert state == "running", "it is killed in its middle"
        books = books_of(unserved, namespace)
        assert books.counters == books.recount(), "exact at every moment"
        assert restored == books.counters.revision - 2 * KEYS, "the job says just what was written"
    manage(unserved, WRITE.format(namespace=namespace, last=KEYS - 1))
    last = start_worker(unserved)
    wait_until(lambda: job_of(unserved)[0] == "done", 240)
    last.terminate()
    assert last.wait(60) == 0

    books = books_of(unserved, namespace)
    assert books.counters == books.recount()
    assert books.replay() == books.entries
    values = {key: text for key, (_, text) in books.entries.items()}
    assert values.pop(f"k{KEYS - 1:07}") == '"new"'
    assert values == {f"k{number:07}": f'"{number % 1000:03}"' for number in range(KEYS - 1)}
    assert job_of(unserved) == ("done", KEYS - 1, 1, 2 * KEYS)
