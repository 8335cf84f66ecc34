"""Several sets as one, on SQLite: each statement of their plan runs once, over a table of what they say.

One by one, each set is five calls, and each call lets the interpreter go and has to wait until the event loop does the
same. The SQL is that of `namespaces.sql`, whose parameters become columns `given_<name>`; no rule is made here.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from namespaces import sql
from namespaces.database import Row, Statement

# Fewer go one by one.
FEWEST = 3
# What the values of one part have at most, in bytes, unless it is of one set: they are held twice more while it runs.
LARGEST_PART = 1_048_576

_CLEAR = ("DELETE FROM temp.item", "DELETE FROM temp.verdict")
_NAMES = sql.parameters_of_sets()
_COLUMNS = ", ".join(f"given_{name}" for name in _NAMES)
_TOTAL = """(
    SELECT given_namespace, MAX(given_now) AS given_now, SUM(given_log_bytes) AS given_log_bytes,
        MAX(revision) AS revision, SUM(growth) AS growth, SUM(appeared) AS appeared, NULL AS refusal
    FROM temp.verdict GROUP BY given_namespace
)"""

_EXTRACTED = ", ".join(f"json_extract(value, '$[{n}]') AS given_{name}" for n, name in enumerate(_NAMES))
_GROWTH = "SUM(given_entry_bytes - COALESCE(e.bytes, 0)) OVER before_it"
_FILL = f"""
WITH given AS MATERIALIZED (SELECT key AS n, {_EXTRACTED} FROM json_each(%(batch)s))
INSERT INTO temp.item
SELECT n, {_COLUMNS}, ROW_NUMBER() OVER before_it - 1, {_GROWTH} - given_entry_bytes + COALESCE(e.bytes, 0)
FROM given LEFT JOIN namespaces_entry AS e ON e.namespace_id = given_namespace AND e.key = given_key
WINDOW before_it AS (PARTITION BY given_namespace ORDER BY n)
"""  # noqa: S608 - our own constants
_READ = f"SELECT json_group_array(json_array(n, {', '.join(sql.STATE)})) FROM temp.verdict"  # noqa: S608


def parts_of(statements: Iterable[Statement | None]) -> Iterator[list[int]]:
    """Split writes, given by place, so that each part is one of any kind, or sets of different keys on one condition.

    Those of a part are of one day. None stands for what is no write of one entry.
    """
    part: list[int] = []
    first: Statement | None = None
    keys: set[tuple[str, str]] = set()
    room = 0
    for place, statement in enumerate(statements):
        if part and not (first and statement and _go_together(first, statement, keys, room)):
            yield part
            part = []
        if not part:
            first, keys, room = statement, set(), LARGEST_PART
        if statement is not None:
            keys.add(_key_of(statement))
            room -= statement[2].get("entry_bytes", 0)
        part.append(place)
    if part:
        yield part


def _go_together(first: Statement, statement: Statement, keys: set[tuple[str, str]], room: int) -> bool:
    plan, precondition, parameters = statement
    return (
        plan is first[0]
        and precondition == first[1]
        and parameters["today"] == first[2]["today"]
        and plan.kind == sql.SET.kind
        and _key_of(statement) not in keys
        and parameters["entry_bytes"] <= room
    )


def _key_of(statement: Statement) -> tuple[str, str]:
    return statement[2]["namespace"], statement[2].get("key", "")


def prepare(connection: Any) -> None:
    """Make a connection of the sqlite3 module ready: the tables are its own, and in memory."""
    connection.execute("PRAGMA temp_store = MEMORY")
    columns = f"n, {_COLUMNS}, writes_before, bytes_before"
    connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS item ({columns})")
    connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS verdict ({columns}, {', '.join(sql.STATE)})")


def carry_out(cursor: Any, statements: Sequence[Statement]) -> list[Row | None] | None:
    """Carry out sets that `parts_of` has put together: their verdicts; None if one is refused, and nothing written.

    In an open transaction that holds the write lock. Each is judged as if those before it had been carried out.
    """
    plan, precondition, _ = statements[0]
    many = _statements_of(plan, precondition)
    for clearing in _CLEAR:
        cursor.execute(clearing, {})
    given = [[parameters[name] for name in _NAMES] for _, _, parameters in statements]
    cursor.execute(_FILL, {"batch": json.dumps(given, ensure_ascii=False)})
    cursor.execute(many.judge, {})
    cursor.execute(_READ, {})
    verdicts: list[Row | None] = [None] * len(statements)
    for place, *values in json.loads(cursor.fetchone()[0]):
        verdicts[place] = dict(zip(sql.STATE, values, strict=True))
    if any(verdict is not None and verdict["refusal"] is not None for verdict in verdicts):
        return None
    for statement in many.carry_out:
        cursor.execute(statement, {})
    return verdicts


@dataclass(frozen=True, slots=True)
class _Statements:
    """Those of a plan: what judges the sets of the table `item`, and what then carries them out."""

    judge: str
    carry_out: tuple[str, ...]


@lru_cache(maxsize=64)
def _statements_of(plan: sql.Plan, precondition: str) -> _Statements:
    return _Statements(
        judge=f"INSERT INTO temp.verdict {_of_columns(plan.verdict_of_items(precondition))}",
        carry_out=tuple(_of_columns(_for_all(statement)) for statement in plan.statements),
    )


def _for_all(statement: str) -> str:
    """A statement of a plan; the namespace's own row advances once for all that is set in it."""
    if statement is not sql.ADVANCE_NAMESPACE:
        return statement
    return statement.replace("FROM verdict", f"FROM {_TOTAL} AS verdict")


def _of_columns(statement: str) -> str:
    return re.sub(r"%\((\w+)\)s", r"given_\1", statement)
