"""Many sets as one: the statements of the engine on SQLite, beside the same writes one by one."""

from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from namespaces import clock, writing
from namespaces import database as database_of
from namespaces.callers import NOBODY, Caller
from namespaces.conditions import ALWAYS, PRESENT
from namespaces.engine import many
from namespaces.engine.sqlite import Job as GroupJob
from namespaces.engine.sqlite import NativeCursor, _carry_out, _run
from namespaces.jsontext import JSONText
from namespaces.models import Namespace
from tests.rows import all_rows

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("database")]

OF_SQLITE = "PostgreSQL has a statement of its own for this"
ONE = JSONText.parse("1")
LIMITS_OF_A_CROWD = {"writes_per_day": 9, "bytes": 90}
crowds = st.lists(
    st.tuples(
        st.sampled_from(["set", "set", "set", "set", "set", "delete", "change", "conditional"]),
        st.sampled_from(["one", "two", "unknown"]),
        st.sampled_from(["a", "b", "c", "d", "é/ü", "old"]),
        st.sampled_from(["1", '"é \\u0000 \\" \\\\"', '"' + "x" * 30 + '"', "[null, {}]"]),
        st.sampled_from([None, 60.0]),
        st.sampled_from([NOBODY, Caller("écrivain")]),
    ),
    max_size=24,
)


def crowd_jobs(crowd: list[Any], now: datetime) -> list[GroupJob]:
    """A group of jobs, as they wait for the thread that writes."""
    jobs = []
    for kind, namespace, key, text, ttl, caller in crowd:
        condition = PRESENT if kind == "conditional" else ALWAYS
        if kind == "delete":
            write = writing.delete_of(namespace, key, caller=caller, now=now)
        else:
            value = JSONText.parse(text)
            write = writing.set_of(namespace, key, value, ttl=ttl, condition=condition, caller=caller, now=now)
        statement = (write.plan, write.condition.sql, write.parameters)
        work: Any = partial(run_whole, statement=statement) if kind == "change" else statement
        jobs.append(GroupJob(namespace, work, Future(), 0.0))
    return jobs


def run_whole(cursor: Any, statement: database_of.Statement) -> Any:
    return database_of.run_step_by_step(cursor, *statement)


@given(crowd=crowds)
@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_group_writes_what_its_writes_would_one_by_one(crowd, database, settings):
    """As one statement for many sets, or as many for each: the same verdicts, and the same rows."""
    if database != "sqlite":
        pytest.skip(OF_SQLITE)
    settings.LIMITS = {**settings.LIMITS, **LIMITS_OF_A_CROWD}
    now = clock.now()

    def written(carry_out: Callable[[Any, list[GroupJob]], list[Any]]) -> Any:
        with transaction.atomic():
            for name in ("one", "two"):
                Namespace.objects.create(name=name, created_at=now)
                long_ago = now - timedelta(days=1)
                writing.set_entry(name, "old", ONE, ttl=60, now=long_ago)
            outcomes = carry_out(NativeCursor(connection.connection), crowd_jobs(crowd, now))
            rows = all_rows()
            transaction.set_rollback(True)
        return outcomes, rows

    def one_by_one(cursor: Any, jobs: list[GroupJob]) -> list[Any]:
        return [_run(cursor, job.work) for job in jobs]

    connection.ensure_connection()
    many.prepare(connection.connection)
    assert written(_carry_out) == written(one_by_one)


def test_many_sets_take_as_many_statements_as_few(database):
    """Whoever writes to one namespace and whoever writes to many are carried out together, in one go."""
    if database != "sqlite":
        pytest.skip(OF_SQLITE)

    crowd = [("set", ("one", "two")[n % 2], f"k{n}", "1", None, NOBODY) for n in range(200)]
    for name in ("one", "two"):
        writing.set_entry(name, "old", ONE)

    def statements_for(number: int) -> int:
        cursor = CountingCursor(connection.connection)
        with transaction.atomic():
            _carry_out(cursor, crowd_jobs(crowd[:number], clock.now()))
        return cursor.number

    many.prepare(connection.connection)
    assert statements_for(3) == statements_for(200) < 15


class CountingCursor(NativeCursor):
    """A cursor that counts what it is asked."""

    number = 0

    def execute(self, sql: str, parameters: Any) -> None:
        self.number += 1
        super().execute(sql, parameters)


def test_what_cannot_be_one_statement_is_split():
    """Other kinds, the same key again, another condition, another day, and what would be too large to hold twice."""
    now = clock.now()

    def set_of(key: str, *, size: int = 1, condition: Any = ALWAYS, at: datetime = now) -> Any:
        write = writing.set_of("one", key, JSONText.of_checked("1" * size), condition=condition, now=at)
        return write.plan, write.condition.sql, write.parameters

    def places(*statements: Any) -> list[list[int]]:
        return list(many.parts_of(statements))

    delete = writing.delete_of("one", "a", now=now)
    half = many.LARGEST_PART // 2
    assert places() == []
    assert places(set_of("a"), set_of("b"), set_of("c")) == [[0, 1, 2]]
    assert places(set_of("a"), set_of("b"), set_of("a")) == [[0, 1], [2]]
    assert places(set_of("a"), None, None, set_of("b")) == [[0], [1], [2], [3]]
    assert places((delete.plan, delete.condition.sql, delete.parameters), set_of("b")) == [[0], [1]]
    assert places(set_of("a"), set_of("b", condition=PRESENT), set_of("c", condition=PRESENT)) == [[0], [1, 2]]
    assert places(set_of("a"), set_of("b", at=now + timedelta(days=1))) == [[0], [1]]
    assert places(set_of("a", size=half - 1), set_of("b", size=half - 1)) == [[0, 1]]
    assert places(set_of("a", size=half), set_of("b", size=half)) == [[0], [1]]
