"""`manage.py serve`: the whole service. It prepares the database, then runs gunicorn and the background worker."""

import argparse
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection, HTTPException
from types import FrameType
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.utils import OperationalError

OPERATOR = "operator"
STOP_SECONDS = 25.0


class Command(BaseCommand):
    help = "Run BotWire: prepare the database, then serve it until Ctrl-C."
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1:8000", metavar="HOST:PORT", help="default: %(default)s")
        parser.add_argument("--data", metavar="DIR", help="where data and the secret key are kept (BOTWIRE_DATA)")
        parser.add_argument("--workers", type=int, default=min(os.cpu_count() or 1, 4), help="default: %(default)s")

    def handle(self, *, bind: str, workers: int, **options: Any) -> None:
        _check_bind(bind)
        if workers < 1:
            raise CommandError("--workers is at least 1.")
        self._prepare()
        service = Service(bind, workers)
        connection.close()
        service.start()
        self._announce(bind, workers)
        service.watch()

    def _prepare(self) -> None:
        settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
        try:
            call_command("migrate", verbosity=0, interactive=False)
            call_command("createcachetable", verbosity=0)
            password = _create_first_operator()
        except OperationalError as error:
            raise CommandError(f"The database cannot be used: {str(error).strip()}") from error
        if password:
            self._say("", f"  An operator account was made. Sign in at /admin/ as {OPERATOR!r} with the password")
            self._say("", f"      {password}", "", "  It is shown this once, and stored only as a hash.", "")

    def _announce(self, bind: str, workers: int) -> None:
        database = connection.settings_dict
        place = database["NAME"] if connection.vendor == "sqlite" else f"{database['HOST']}/{database['NAME']}"
        self._say(
            f"BotWire serves on http://{bind} with {workers} worker{'s'[: workers != 1]}. Ctrl-C stops it.",
            f"  database   {connection.vendor}, {place}",
            f"  data       {settings.DATA_DIR}",
            f"  API docs   http://{bind}/api/docs/",
            f"  operators  http://{bind}/admin/",
        )

    def _say(self, *lines: str) -> None:
        for line in lines:
            self.stdout.write(line)
        self.stdout.flush()


def _check_bind(bind: str) -> None:
    host, _, port = bind.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise CommandError(f"--bind takes HOST:PORT, such as 127.0.0.1:8000 or [::1]:8000; not {bind!r}.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except OSError as error:
            raise CommandError(f"{bind} cannot be listened on: {error.strerror}.") from error


def _answers(bind: str) -> bool:
    """Whether a web process answers; gunicorn listens before it has any."""
    host, _, port = bind.rpartition(":")
    reachable = {"0.0.0.0": "127.0.0.1", "[::]": "::1"}.get(host, host.strip("[]"))  # noqa: S104 - compared only
    connection = HTTPConnection(reachable, int(port), timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": "localhost"})
        return connection.getresponse().status < 500
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _create_first_operator() -> str | None:
    """Make the operator account where there is no administrator yet, and return its password; it is kept nowhere."""
    users = get_user_model()._default_manager
    if users.filter(is_superuser=True).exists():
        return None
    password = secrets.token_urlsafe(15)
    users.create_superuser(username=OPERATOR, email="", password=password)
    return password


class Service:
    """The two processes that serve: gunicorn, and the background worker, which is started again if it dies.

    Both end when this process does, however it ends: on Linux the kernel signals them (see `botwire_site.children`).
    """

    def __init__(self, bind: str, workers: int) -> None:
        self._bind, self._workers = bind, workers
        self._is_stopping = False

    def start(self) -> None:
        """Start both, and return once requests are answered, or a signal or gunicorn's end came first."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        self._gunicorn = self._start_gunicorn()
        while self._is_serving() and not _answers(self._bind):
            time.sleep(0.05)
        self._worker = self._start_worker()  # after it, so that it takes no time from those who wait for an answer

    def watch(self) -> None:
        """Serve until a signal; CommandError if gunicorn ends by itself."""
        while self._is_serving():
            if self._worker.poll() is not None:
                self._worker = self._start_worker()
            time.sleep(0.2)
        for child in (self._gunicorn, self._worker):
            _end(child)
        if not self._is_stopping:
            raise CommandError(f"gunicorn ended by itself with status {self._gunicorn.returncode}.")

    def _is_serving(self) -> bool:
        return not self._is_stopping and self._gunicorn.poll() is None

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._is_stopping = True

    def _start_gunicorn(self) -> subprocess.Popen[bytes]:
        arguments = ["--config", "python:botwire_site.gunicorn_conf", "--bind", self._bind]
        return _start("gunicorn", *arguments, "--workers", str(self._workers))

    def _start_worker(self) -> subprocess.Popen[bytes]:
        return _start("django", "worker")


def _start(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    # A session of its own keeps Ctrl-C from reaching the child: the order in which things stop is decided here.
    command = [sys.executable, "-m", "botwire_site.children", module, *arguments]
    environment = {**os.environ, "BOTWIRE_PARENT": str(os.getpid())}
    return subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, start_new_session=True)  # noqa: S603


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ask a child to finish what it does, and insist after STOP_SECONDS."""
    child.terminate()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
