"""The services that are measured: how each is started on loopback, and what it is. Nothing is measured here."""

import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from pathlib import Path

from benchmarks import dialects
from benchmarks.ground import ROOT, Ground
from benchmarks.processes import Child, children_of, command_of, cpu_seconds, free_port

# The measured server refuses nothing: what is measured is work.
UNLIMITED = {
    "BOTWIRE_WRITES_PER_DAY": "2000000000",
    "BOTWIRE_NEW_NAMESPACES_PER_HOUR": "1000000000",
    "BOTWIRE_BYTES": "1000000000000",
}
UVICORN = ("--from", "uvicorn[standard]>=0.54,<1", "--with", "fastapi>=0.165,<1", "uvicorn")
KINTO = ("--from", "kinto[postgresql]>=26.5,<27", "kinto")


class Peer(ABC):
    """One service. `start` brings it up with empty data; its processes end with the ground they stand on."""

    name: str
    title: str
    dialect: dialects.Dialect = dialects.BotWire()
    is_storing = True

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.folder = ground.new_folder(self.name)
        self.port = free_port()
        self.children: list[Child] = []

    @classmethod
    @abstractmethod
    def about(cls, ground: Ground) -> str:
        """What it is, with its version; OSError if it cannot be run on this machine."""

    @abstractmethod
    def start(self) -> None:
        """Start it and return once it answers; raises NotStarted."""

    def roots(self) -> list[int]:
        """The processes that, with their descendants, are all of this service."""
        return [child.pid for child in self.children]

    def cpu_seconds(self) -> float:
        """Processor time that all of this service has used."""
        return cpu_seconds(self.roots())

    def end(self) -> None:
        """End its processes, the last one first."""
        while self.children:
            self.children.pop().end()

    def _run(self, *command: str, ready: str | None, **environment: str) -> None:
        """Start one process of it, and wait until the path `ready` is answered, if one is given."""
        child = self.ground.start(*command, folder=self.folder, environment=environment)
        self.children.append(child)
        if ready:
            child.wait_until_answers(self.port, ready)


class BotWireOnSQLite(Peer):
    """`manage.py serve` as it comes, its limits raised."""

    name, title = "sqlite", "BotWire on SQLite"

    @classmethod
    def about(cls, ground: Ground) -> str:
        return "this checkout, `manage.py serve`"

    def start(self) -> None:
        command = [sys.executable, "manage.py", "serve", "--bind", f"127.0.0.1:{self.port}"]
        command += ["--workers", str(self.ground.workers), "--data", str(self.folder)]
        self._run(*command, ready="/readyz", **self.environment())

    def workers(self) -> list[int]:
        """gunicorn's workers: the children of the child of `serve` that is gunicorn."""
        [serve] = self.children
        masters = (pid for pid in children_of(serve.pid) if " gunicorn " in command_of(pid))
        return [worker for master in masters for worker in children_of(master)]

    def environment(self) -> dict[str, str]:
        """What the server is told, and whoever else works on its data."""
        return {**UNLIMITED, "DJANGO_SETTINGS_MODULE": "botwire_site.settings", "BOTWIRE_DATA": str(self.folder)}


class BotWireOnPostgreSQL(BotWireOnSQLite):
    """The same on a database of the run's PostgreSQL, whose processor time is counted as the service's."""

    name, title = "postgresql", "BotWire on PostgreSQL"

    @classmethod
    def about(cls, ground: Ground) -> str:
        return f"{super().about(ground)}, {ground.cluster.about}"

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        self.database_url = ground.cluster.new_database()

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "DATABASE_URL": self.database_url}

    def roots(self) -> list[int]:
        return [*super().roots(), self.ground.cluster.pid]


class StandIn(Peer):
    """The stand-in for the earlier BotWire, under uvicorn with uvloop and httptools, which were at its disposal."""

    name, title = "standin", "stand-in for the earlier BotWire"

    @classmethod
    def about(cls, ground: Ground) -> str:
        return f"FastAPI, one worker: {_output(*_uv_tool(*UVICORN), '--version')}"

    def start(self) -> None:
        command = [*_uv_tool(*UVICORN), "benchmarks.standin:app", "--app-dir", str(ROOT), "--no-access-log"]
        command += ["--port", str(self.port), "--log-level", "warning"]
        self._run(*command, ready="/openapi.json", STANDIN_DATABASE=str(self.folder / "memory.sqlite3"))


class Floor(Peer):
    """The worker that BotWire is to run in, answering a constant."""

    name, title = "floor", "floor: a constant"
    is_storing = False

    @classmethod
    def about(cls, ground: Ground) -> str:
        import gunicorn

        return f"gunicorn {gunicorn.__version__}, its asgi worker"

    def start(self) -> None:
        command = [sys.executable, "-m", "gunicorn", "benchmarks.constant:app", "--worker-class", "asgi"]
        command += ["--bind", f"127.0.0.1:{self.port}", "--workers", str(self.ground.workers)]
        self._run(*command, "--no-control-socket", "--log-level", "warning", ready="/")


class Etcd(Peer):
    """One etcd, asked through its gateway from JSON to gRPC; it syncs each write as it comes."""

    name, title = "etcd", "etcd, JSON gateway"
    dialect = dialects.Etcd()

    @classmethod
    def about(cls, ground: Ground) -> str:
        return _output(_found("etcd", "etcd-server"), "--version").splitlines()[0]

    def start(self) -> None:
        client, peer = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{free_port()}"
        command = ["etcd", "--data-dir", str(self.folder / "data"), "--log-level", "error"]
        command += ["--listen-client-urls", client, "--advertise-client-urls", client]
        command += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]
        command += ["--initial-cluster", f"default={peer}", "--quota-backend-bytes", str(8 * 2**30)]
        self._run(*command, ready="/health")


class Webdis(Peer):
    """Redis that syncs its log before each answer, behind Webdis with the threads that its package configures."""

    name, title = "webdis", "Webdis + Redis, appendfsync always"
    dialect = dialects.Webdis()
    THREADS = 2

    @classmethod
    def about(cls, ground: Ground) -> str:
        _found("webdis", "webdis")
        redis = _output(_found("redis-server", "redis-server"), "--version").split()[2].removeprefix("v=")
        return f"Redis {redis}, Webdis with {cls.THREADS} threads"

    def start(self) -> None:
        redis = free_port()
        command = ["redis-server", "--port", str(redis), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        command += ["--save", "", "--appendonly", "yes", "--appendfsync", "always"]
        self._run(*command, ready=None)  # it takes HTTP for an attack; Webdis tells when it is there
        settings = self.folder / "webdis.json"
        settings.write_text(
            f'{{"redis_host": "127.0.0.1", "redis_port": {redis}, "http_host": "127.0.0.1", "http_port": {self.port},'
            f' "threads": {self.THREADS}, "daemonize": false, "database": 0, "verbosity": 1,'
            f' "logfile": "{self.folder / "requests.log"}"}}'
        )
        self._run("webdis", str(settings), ready="/PING")


class Kinto(Peer):
    """Kinto on a database of the run's PostgreSQL, with the web server that it starts itself."""

    name, title = "kinto", "Kinto on PostgreSQL"
    dialect = dialects.Kinto()

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        self.database_url = ground.cluster.new_database()

    @classmethod
    def about(cls, ground: Ground) -> str:
        return f"Kinto {_output(*_uv_tool(*KINTO), 'version')}, waitress, {ground.cluster.about}"

    def start(self) -> None:
        settings = self.folder / "kinto.ini"
        settings.write_text(self._settings())
        _output(*_uv_tool(*KINTO), "migrate", "--ini", str(settings))
        self._run(*_uv_tool(*KINTO), "start", "--ini", str(settings), "--port", str(self.port), ready="/v1/")

    def roots(self) -> list[int]:
        return [*super().roots(), self.ground.cluster.pid]

    def _settings(self) -> str:
        stores = [
            f"kinto.{what}_backend = kinto.core.{what}.postgresql\nkinto.{what}_url = {self.database_url}\n"
            for what in ("storage", "permission", "cache")
        ]
        return (
            f"[server:main]\nuse = egg:waitress#main\nhost = 127.0.0.1\nport = %(http_port)s\n"
            f"[app:main]\nuse = egg:kinto\n{''.join(stores)}"
            "kinto.userid_hmac_secret = benchmark\nmultiauth.policies = basicauth\n"
            "kinto.record_id_generator = kinto.views.NameGenerator\n"
            "[loggers]\nkeys = root\n[handlers]\nkeys = console\n[formatters]\nkeys =\n"
            "[logger_root]\nlevel = ERROR\nhandlers = console\n"
            "[handler_console]\nclass = StreamHandler\nargs = (sys.stderr,)\n"
        )


PEERS: dict[str, type[Peer]] = {
    peer.name: peer for peer in (BotWireOnSQLite, BotWireOnPostgreSQL, StandIn, Etcd, Webdis, Kinto, Floor)
}
BOTWIRE: dict[str, type[BotWireOnSQLite]] = {
    name: peer for name, peer in PEERS.items() if issubclass(peer, BotWireOnSQLite)
}


def _found(program: str, package: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise FileNotFoundError(f"{program} is not installed; it is in Debian's package {package}")
    return path


def _uv_tool(*arguments: str) -> tuple[str, ...]:
    """`uv tool run`: a program from PyPI in an environment of its own, which uv keeps."""
    uv = os.environ.get("UV") or _found("uv", "(none: pip install uv)")
    return (uv, "tool", "run", "--quiet", "--python", f"{sys.version_info[0]}.{sys.version_info[1]}", *arguments)


def _output(*command: str) -> str:
    """What a program prints; OSError if it is not there or fails, with the last line that it said."""
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300)  # noqa: S603 - our own commands
    if ended.returncode:
        raise OSError(f"`{Path(command[0]).name}` failed: {(ended.stderr.splitlines() or [''])[-1]}")
    return ended.stdout.strip()
