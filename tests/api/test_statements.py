"""How much is asked of the database: one round trip for a write on PostgreSQL, one statement for a read."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.plans import plan_of

pytestmark = [pytest.mark.django_db, pytest.mark.only_through("django")]  # whose statements Django can count


def test_a_read_is_one_statement_beside_that_which_tells_who_may(put, get, django_assert_num_queries):
    put("k")

    with django_assert_num_queries(2):
        get("k")


def test_a_write_on_postgresql_is_one_round_trip_beside_that_which_tells_who_may(database, put, delete):
    put("k")

    with CaptureQueriesContext(connection) as asked:
        put("k", 2)
        put("l", 2)
        delete("k")

    assert len(asked) == (6 if database == "postgresql" else len(asked))
    assert not [query for query in asked if "COUNT(" in query["sql"].upper() or "SUM(" in query["sql"].upper()]


def test_reads_and_prefixes_use_the_primary_key(database, put, api, namespace):
    put("k")

    with CaptureQueriesContext(connection) as asked:
        api.get(f"/memory/{namespace}/k")
        api.get(f"/memory/{namespace}?prefix=k&include=values")
        api.get(f"/memory/{namespace}?prefix=k&limit=1")

    for query in asked:
        if "namespaces_entry" in query["sql"]:
            plan = plan_of(query["sql"])
            assert "SCAN namespaces_entry" not in plan, plan
            assert "Seq Scan on namespaces_entry" not in plan, plan
            assert "key>" in plan.replace(" ", "") or "key=" in plan.replace(" ", "") or "(key" in plan, plan
