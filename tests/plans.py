"""How a database means to answer a query: by an index, or by reading a table from end to end."""

import re

from django.db import connection
from django.test.utils import CaptureQueriesContext

# What a query of our own makes up as it goes, and may read as a whole.
MADE_UP = ("step", "counted", "page", "CONSTANT ROW")


def assert_by_index(asked: CaptureQueriesContext) -> None:
    """None of the SELECTs in `asked` reads a table from end to end.

    PostgreSQL prefers to read a table as small as a test's, so that this is made costly: a plan that still does has no
    index to take.
    """
    for query in asked:
        if query["sql"].lstrip().startswith(("SELECT", "WITH RECURSIVE")):
            plan = plan_of(query["sql"])
            scanned = re.findall(r"(?:^SCAN|Seq Scan on) (.*)$", plan, re.MULTILINE)
            assert not [table for table in scanned if not table.startswith(MADE_UP)], f"{query['sql']}\n{plan}"


def plan_of(sql: str) -> str:
    """The plan of `sql`, a line a step."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off")
            cursor.execute(f"EXPLAIN {sql}")
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())
