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
START_SECONDS = 60.0


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
            f"  operators  http://{_name_of(bind)}/admin/",
        )
        if not settings.OPERATOR_MFA:
            self._say(
                "  WARNING: operators sign in with a password alone (BOTWIRE_OPERATOR_MFA=0).",
                "           Never on a server that others reach.",
            )

    def _say(self, *lines: str) -> None:
        try:
            for line in lines:
                self.stdout.write(line)
            self.stdout.flush()
        except OSError:  # nobody reads any more: the window was closed, or the pipe's other end. That is no fault.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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


def _name_of(bind: str) -> str:
    """Where a browser on this machine finds the server: by name, since passkeys are made for names alone."""
    host, _, port = bind.rpartition(":")
    return f"localhost:{port}" if host in ("127.0.0.1", "[::1]") else bind


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
    SIGHUP makes both run the code of now, without failing a request or keeping one waiting; but where it says that the
    terminal is gone, it ends them.
    """

    def __init__(self, bind: str, workers: int) -> None:
        self._bind, self._workers = bind, workers
        self._is_stopping = self._is_to_reload = False
        self._had_terminal = _has_terminal()
        self._ready, self._to_tell_ready = os.pipe()
        os.set_blocking(self._ready, False)

    def start(self) -> None:
        """Start both, and return once requests are answered, or a signal or gunicorn's end came first."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
            signal.signal(signal.SIGHUP, self._hang_up)
        self._gunicorn = self._start_gunicorn()
        while self._is_serving() and not _answers(self._bind):
            time.sleep(0.05)
        self._worker = self._start_worker()  # after it, so that it takes no time from those who wait for an answer

    def watch(self) -> None:
        """Serve until a signal; CommandError if gunicorn ends by itself."""
        while self._is_serving():
            self._count_ready()
            if self._is_to_reload:
                self._reload()
            if self._worker.poll() is not None:
                self._worker = self._start_worker()
            time.sleep(0.2)
        for child in (self._gunicorn, self._worker):
            child.terminate()
        for child in (self._gunicorn, self._worker):
            _wait_for_end(child)
        if not self._is_stopping:
            raise CommandError(f"gunicorn ended by itself with status {self._gunicorn.returncode}.")

    def _is_serving(self) -> bool:
        return not self._is_stopping and self._gunicorn.poll() is None

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._is_stopping = True

    def _hang_up(self, number: int, frame: FrameType | None) -> None:
        if self._had_terminal and not _has_terminal():
            self._is_stopping = True
        self._is_to_reload = True

    def _reload(self) -> None:
        """One web process after the other: a new one starts, and once it is ready the oldest finishes, and ends.

        gunicorn's own reload ends all of them while the new ones still start.
        """
        self._is_to_reload = False
        for _ in range(self._workers):
            self._count_ready()
            self._gunicorn.send_signal(signal.SIGTTIN)
            self._wait_for_ready()
            self._gunicorn.send_signal(signal.SIGTTOU)
        self._worker.terminate()

    def _wait_for_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self._is_serving() and not self._count_ready() and time.monotonic() < deadline:
            time.sleep(0.05)

    def _count_ready(self) -> int:
        """How many web processes have become ready since this was last asked."""
        try:
            return len(os.read(self._ready, 4_096))
        except BlockingIOError:
            return 0

    def _start_gunicorn(self) -> subprocess.Popen[bytes]:
        arguments = ["--config", "python:botwire_site.gunicorn_conf", "--bind", self._bind]
        return _start("gunicorn", *arguments, "--workers", str(self._workers), ready=self._to_tell_ready)

    def _start_worker(self) -> subprocess.Popen[bytes]:
        return _start("django", "worker")


def _has_terminal() -> bool:
    """Whether this process can be talked to from a terminal, which is over once its window is closed."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _start(module: str, *arguments: str, ready: int | None = None) -> subprocess.Popen[bytes]:
    # A session of its own keeps Ctrl-C from reaching the child: the order in which things stop is decided here.
    command = [sys.executable, "-m", "botwire_site.children", module, *arguments]
    environment = {**os.environ, "BOTWIRE_PARENT": str(os.getpid())}
    pipes = () if ready is None else (ready,)
    if ready is not None:
        environment["BOTWIRE_READY_PIPE"] = str(ready)
    return subprocess.Popen(  # noqa: S603
        command, cwd=settings.BASE_DIR, env=environment, start_new_session=True, pass_fds=pipes
    )


def _wait_for_end(child: subprocess.Popen[bytes]) -> None:
    """Let a child that was asked to end finish what it does, and insist after STOP_SECONDS."""
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
