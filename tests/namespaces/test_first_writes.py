"""Many first writes at once: the namespace is made once, and every one of them counts."""

import threading
import time

import pytest
from django.db import connection

from namespaces import writing
from namespaces.jsontext import JSONText
from namespaces.models import Change, Namespace
from tests.rows import assert_counters_exact

THREADS = 12


@pytest.mark.django_db(transaction=True)
def test_first_writes_that_race_are_all_accepted_in_order(database, namespace):
    for number in range(30):
        name = f"{namespace}-{number}"
        failures: list[Exception] = []
        gate = threading.Barrier(THREADS)

        def write(key: str, name: str = name, gate: threading.Barrier = gate, failures: list = failures) -> None:
            try:
                gate.wait()
                time.sleep(int(key[1:]) / 2_000)  # spread over the moment at which the first one commits
                writing.set_entry(name, key, JSONText.parse("1"))
            except Exception as failure:  # noqa: BLE001 - all of them are reported
                failures.append(failure)
            finally:
                connection.close()

        threads = [threading.Thread(target=write, args=(f"k{n}",)) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [(repr(f), repr(f.__cause__)) for f in failures] == []
        assert Namespace.objects.get(name=name).revision == THREADS
        assert Change.objects.filter(namespace_id=name).count() == THREADS
        assert_counters_exact(name)
