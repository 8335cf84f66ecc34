"""Snapshots: reading much, page by page, as it all was at one moment. Nothing is written, and nobody is held up.

A snapshot is a read transaction on a connection of its own, which any thread may use, one at a time. While it is open,
SQLite keeps what is written meanwhile in its log (WAL), and PostgreSQL keeps the rows that were replaced: so whoever
opens one bounds how long. Inside a transaction of the caller's own, it reads through that.
"""

from typing import Any

from django.db import connection, connections

from namespaces import database

_BEGIN = {"sqlite": "BEGIN", "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}


class Snapshot:
    """What the database holds from the first read on. Database errors are raised as Django has them."""

    def __init__(self) -> None:
        self._own = None if connection.in_atomic_block else _connect()

    def fetch_all(self, sql: str, parameters: database.Parameters) -> list[tuple[Any, ...]]:
        """All rows that one statement answers."""
        with (self._own or connection).cursor() as cursor:
            cursor.execute(sql, parameters)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def close(self) -> None:
        """Let go of it; closing twice does no harm."""
        if self._own is not None:
            self._own.close()


def _connect() -> Any:
    """A connection beside PostgreSQL's pool, whose connections are for who needs them briefly."""
    usual = connections.create_connection("default")
    options = {name: option for name, option in usual.settings_dict["OPTIONS"].items() if name != "pool"}
    own = type(usual)({**usual.settings_dict, "OPTIONS": options}, usual.alias)
    own.inc_thread_sharing()
    try:
        with own.cursor() as cursor:
            cursor.execute(_BEGIN[own.vendor])
    except BaseException:
        own.close()
        raise
    return own
