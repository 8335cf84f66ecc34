"""How the database would carry a statement out, to prove that it reads no table from end to end."""

from django.db import connection


def plan_of(sql: str) -> str:
    """The plan of `sql`. PostgreSQL would rather read a small table whole: it is told not to, where it can help it."""
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "SET enable_seqscan = off; EXPLAIN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {sql}")
        if connection.vendor == "postgresql":
            cursor.nextset()
        return str(cursor.fetchall())
