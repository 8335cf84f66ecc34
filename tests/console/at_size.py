"""What pages ask of the database, and how long they take. Run as a program, it measures a database that was seeded:

    uv run manage.py migrate && uv run manage.py createcachetable && uv run manage.py seed
    uv run python -m tests.console.at_size

with the same `BOTWIRE_DATA` or `DATABASE_URL`. It ends with status 1 where a page asks for too much or takes too long.
"""

import statistics
import sys
import time
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

MOST_STATEMENTS = 25
MOST_MILLISECONDS = 150
LIST = "/admin/namespaces/"
PATHS = [
    "/admin/",
    "/admin/jump/?to=research-00001",
    "/admin/jump/?to=res",
    LIST,
    f"{LIST}?prefix=res",
    f"{LIST}?prefix=res&after=research-00101",
    *(f"{LIST}?status={status}" for status in ("active", "read_only", "suspended", "restricted")),
    *(f"{LIST}?use={use}" for use in ("near", "full")),
    f"{LIST}?use=near&order=writes",
    f"{LIST}?use=near&status=active&prefix=r",
    f"{LIST}?address=203.0.113.7",
    f"{LIST}?address=203.0.113.7&order=newest",
    f"{LIST}?idle=30",
    f"{LIST}?idle=30&order=idle&prefix=b",
    *(f"{LIST}?order={order}" for order in ("writes", "bytes", "storage", "growth", "refused", "newest", "idle")),
    f"{LIST}?order=bytes&after=3000,build-00003",
    f"{LIST}?order=writes&after=30,build-00003",
    f"{LIST}?refused=daily_write_limit&order=refused",
    f"{LIST}?refused=precondition_failed",
    f"{LIST}trading-desk-00000/",  # the largest
    f"{LIST}research-00001/",
    f"{LIST}build-00003/",
    f"{LIST}trading-desk-00000/browse/",
    f"{LIST}trading-desk-00000/browse/?prefix=agents%2F",
    f"{LIST}trading-desk-00000/key/?key=agents%2F000%2F000003",
    f"{LIST}trading-desk-00000/live/",
    f"{LIST}trading-desk-00000/moderate/",
    f"{LIST}trading-desk-00000/purge/?prefix=agents%2F",
    "/admin/log/",
]


def statements_of(browser: Client, path: str) -> list[str]:
    """The SELECTs of one request, after one that has imported and compiled what is missing."""
    browser.get(path)
    with CaptureQueriesContext(connection) as asked:
        assert browser.get(path).status_code in (200, 302), path
    return [query["sql"] for query in asked if query["sql"].startswith("SELECT")]


def milliseconds_of(browser: Client, path: str) -> float:
    """The median of five requests."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        browser.get(path)
        times.append((time.perf_counter() - began) * 1_000)
    return statistics.median(times)


def whole_readings(statements: list[str]) -> list[tuple[str, str]]:
    """Those of the statements that read one of our tables from end to end, with their plans."""
    return [(statement, plan) for statement in statements if _reads_whole(statement, plan := _plan_of(statement))]


def _plan_of(statement: str) -> str:
    """PostgreSQL reads a table of few pages whole by choice; what counts is that it need not."""
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "SET enable_seqscan = off; EXPLAIN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {statement}")
        if connection.vendor == "postgresql":
            cursor.nextset()
        plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
        if connection.vendor == "postgresql":
            cursor.execute("RESET enable_seqscan")
    return plan


def _reads_whole(statement: str, plan: str) -> bool:
    """A scan of SQLite in the order of an index, or of the rowid, ends where the page is full."""
    is_page = " LIMIT " in statement and "USE TEMP B-TREE FOR ORDER BY" not in plan
    return "Seq Scan on namespaces_" in plan or ("SCAN namespaces_" in plan and not is_page)


def measure(browser: Client, say: Any) -> bool:
    """Measure every page; whether all are as they have to be."""
    say(f"{'statements':>10} {'median':>8}   {connection.vendor}\n")
    is_well = True
    for path in PATHS:
        statements, milliseconds = statements_of(browser, path), milliseconds_of(browser, path)
        whole = whole_readings(statements)
        say(f"{len(statements):>10} {milliseconds:>5.0f} ms   {path}\n")
        for statement, plan in whole:
            say(f"    reads a table whole: {statement}\n{plan}\n")
        is_well &= len(statements) <= MOST_STATEMENTS and milliseconds < MOST_MILLISECONDS and not whole
    return is_well


if __name__ == "__main__":
    import os

    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "botwire_site.settings"
    django.setup()
    from tests.console.conftest import sign_in

    sys.exit(not measure(sign_in("administrator"), sys.stdout.write))
