"""What a server's database holds, read past the server, and whether it adds up."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg

if TYPE_CHECKING:  # racers import this module, and the server fixtures would come along with it
    from tests.conftest import Server


class Change(NamedTuple):
    """A row of the change log."""

    revision: int
    kind: str
    key: str
    writer: str
    value: str | None


class Counters(NamedTuple):
    """What a namespace's row counts."""

    revision: int
    bytes: int
    entries: int
    log_bytes: int


@dataclass(frozen=True)
class Books:
    """Everything about one namespace in one moment. `entries` gives version and JSON text by key."""

    counters: Counters
    entries: dict[str, tuple[int, str]]
    log: list[Change]
    writes_by_day: dict[str, int]

    def recount(self) -> Counters:
        """The counters, counted from the rows."""
        return Counters(
            revision=len(self.log),
            bytes=sum(_size(key, value) for key, (_, value) in self.entries.items()),
            entries=len(self.entries),
            log_bytes=sum(_size(change.key, change.value or "") for change in self.log),
        )

    def replay(self) -> dict[str, tuple[int, str | None]]:
        """The entries, made from the log alone; KeyError where it removes what it never set."""
        entries: dict[str, tuple[int, str | None]] = {}
        for change in self.log:
            if change.kind == "set":
                entries[change.key] = (change.revision, change.value)
            else:
                del entries[change.key]
        return entries

    def assert_balanced(self) -> None:
        """Counters equal a recount, revisions have no gap, and log and entries tell the same."""
        assert self.counters == self.recount()
        assert [change.revision for change in self.log] == list(range(1, self.counters.revision + 1))
        assert self.replay() == self.entries


def books_of(server: "Server", namespace: str) -> Books:
    """The books of a namespace that exists, all of one snapshot, also while others write."""
    with _snapshot(server) as rows:
        [counters] = rows(
            "SELECT revision, bytes, entries, log_bytes FROM namespaces_namespace WHERE name = %s", namespace
        )
        entries = rows("SELECT key, version, value FROM namespaces_entry WHERE namespace_id = %s", namespace)
        log = rows(
            "SELECT revision, kind, key, writer, value FROM namespaces_change"
            " WHERE namespace_id = %s ORDER BY revision",
            namespace,
        )
        usage = rows("SELECT day, writes FROM namespaces_dailyusage WHERE namespace_id = %s", namespace)
    return Books(
        counters=Counters(*counters),
        entries={key: (version, value) for key, version, value in entries},
        log=[Change(*row) for row in log],
        writes_by_day={str(day): writes for day, writes in usage},
    )


def namespaces_made_from(server: "Server", address: str) -> set[str]:
    """The names of the namespaces that a client address has made."""
    with _snapshot(server) as rows:
        return {name for (name,) in rows("SELECT name FROM namespaces_namespace WHERE created_from = %s", address)}


@contextmanager
def _snapshot(server: "Server") -> Iterator[Any]:
    """A function from SQL with %s for its parameters to rows; all that it is asked sees the same moment."""
    if server.database_url:
        with psycopg.connect(server.database_url) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            yield lambda sql, *parameters: connection.execute(sql, parameters).fetchall()
    else:
        with closing(sqlite3.connect(server.folder / "botwire.sqlite3", isolation_level=None)) as connection:
            connection.execute("BEGIN")
            yield lambda sql, *parameters: connection.execute(sql.replace("%s", "?"), parameters).fetchall()


def _size(key: str, value: str) -> int:
    return len(key.encode()) + len(value.encode())
