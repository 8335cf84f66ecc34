"""A stand-in for the earlier BotWire, written from scratch: FastAPI, synchronous endpoints, one SQLite upsert per PUT.

It has what such a service had, and no more: no limits, no versions, no log of changes. It listens on loopback, for the
benchmark alone; the file of its database is named by STANDIN_DATABASE.
"""

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

DATABASE = os.environ.get("STANDIN_DATABASE", "")
SCHEMA = """
CREATE TABLE IF NOT EXISTS memory (
    namespace TEXT, key TEXT, value TEXT, created_at REAL, updated_at REAL, PRIMARY KEY (namespace, key)
)
"""
UPSERT = """
INSERT INTO memory VALUES (?, ?, ?, ?, ?)
ON CONFLICT (namespace, key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at
"""

app = FastAPI()


class Body(BaseModel):
    """What a PUT carries."""

    value: Any


@contextmanager
def connection() -> Iterator[sqlite3.Connection]:
    """A connection for one request, as endpoints that run in a pool of threads use SQLite; committed at the end."""
    opened = sqlite3.connect(DATABASE, timeout=30)
    try:
        with opened:
            yield opened
    finally:
        opened.close()


def prepare() -> None:
    """Make the table, and let readers and the writer work at once."""
    with connection() as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute(SCHEMA)


@app.put("/memory/{namespace}/{key}")
def put(namespace: str, key: str, body: Body) -> dict[str, Any]:
    now = time.time()
    with connection() as database:
        database.execute(UPSERT, (namespace, key, json.dumps(body.value), now, now))
    return {"namespace": namespace, "key": key, "stored": True, "updated_at": now}


@app.get("/memory/{namespace}/{key}")
def get(namespace: str, key: str) -> dict[str, Any]:
    sql = "SELECT value, created_at, updated_at FROM memory WHERE namespace = ? AND key = ?"
    with connection() as database:
        row = database.execute(sql, (namespace, key)).fetchone()
    if row is None:
        raise HTTPException(404, "key not found")
    return {
        "namespace": namespace,
        "key": key,
        "value": json.loads(row[0]),
        "created_at": row[1],
        "updated_at": row[2],
    }


@app.get("/memory/{namespace}")
def keys(namespace: str, limit: int = 1000) -> dict[str, Any]:
    sql = "SELECT key FROM memory WHERE namespace = ? ORDER BY key LIMIT ?"
    with connection() as database:
        found = [row[0] for row in database.execute(sql, (namespace, limit))]
    return {"namespace": namespace, "count": len(found), "keys": found}


if DATABASE:
    prepare()
