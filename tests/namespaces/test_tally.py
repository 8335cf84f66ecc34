"""What is counted in memory reaches the database, once, and without a transaction for each namespace."""

from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from namespaces import clock, tally, writing
from namespaces.jsontext import JSONText
from namespaces.models import DailyUsage

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("database")]

ONE = JSONText.parse("1")


@pytest.fixture
def counting(monkeypatch):
    monkeypatch.setattr(tally, "_is_started", True)
    yield
    tally.flush()


@pytest.mark.usefixtures("counting")
def test_reads_of_many_namespaces_are_added_up_at_once():
    names = [f"ns{n}" for n in range(60)]
    for name in names:
        writing.set_entry(name, "k", ONE)

    def queries_for(number: int) -> int:
        for name in names[:number]:
            tally.count_read(name)
        with CaptureQueriesContext(connection) as captured:
            tally.flush()
        return len(captured)

    assert queries_for(2) == queries_for(60)
    assert Counter(DailyUsage.objects.values_list("reads", flat=True)) == {2: 2, 1: 58}
    assert set(DailyUsage.objects.values_list("writes", flat=True)) == {1}


@pytest.mark.usefixtures("counting")
def test_reads_and_refusals_add_up_beside_each_other_and_names_that_are_none_are_dropped():
    writing.set_entry("known", "k", ONE, now=clock.now())
    for _ in range(2):
        tally.count_read("known")
        tally.count_refusal("known", "key_not_found")
        tally.count_read("unknown")
        tally.flush()

    [usage] = DailyUsage.objects.all()

    assert (usage.reads, usage.writes, usage.refusals) == (2, 1, {"key_not_found": 2})
