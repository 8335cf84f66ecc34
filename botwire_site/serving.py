"""What `manage.py serve` starts, and how long it lives. Nothing of Django is here: gunicorn starts while that loads."""

import argparse
import atexit
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import FrameType
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 25.0
START_SECONDS = 60.0


class Unservable(Exception):
    """It cannot be served so; the message says why."""


class Service:
    """The two processes that serve: gunicorn, and the background worker, which is started again if it dies.

    Both end when this process does, however it ends: on Linux the kernel signals them (see `botwire_site.children`).
    SIGHUP makes both run the code of now, without failing a request or keeping one waiting; but where it says that the
    terminal is gone, it ends them.
    """

    def __init__(self, bind: str, workers: int) -> None:
        """Unservable, unless there can be such a service."""
        if workers < 1:
            raise Unservable("--workers is at least 1.")
        _check_bind(bind)
        self.bind, self.workers = bind, workers
        self._is_prepared = self._is_stopping = self._is_to_reload = False
        self._had_terminal = _has_terminal()
        self._ready, self._to_tell_ready = os.pipe()
        os.set_blocking(self._ready, False)
        self._prepared, self._to_tell_prepared = os.pipe()

    def begin(self) -> None:
        """Start gunicorn, whose web processes load, and then wait for `start`. Until then, a signal ends it all."""
        self._gunicorn = self._start_gunicorn()
        atexit.register(self._abandon)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
            signal.signal(signal.SIGHUP, self._hang_up)

    def start(self) -> None:
        """The database is prepared: serve, and return once requests are answered, or a signal or gunicorn's end came.

        The background worker is last, so that it takes no time from those who wait for an answer.
        """
        self._is_prepared = True
        os.write(self._to_tell_prepared, b".")
        while self._is_serving() and not _answers(self.bind):
            time.sleep(0.05)
        self._worker = self._start_worker()

    def watch(self) -> None:
        """Serve until a signal; Unservable if gunicorn ends by itself."""
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
            raise Unservable(f"gunicorn ended by itself with status {self._gunicorn.returncode}.")

    def _is_serving(self) -> bool:
        return not self._is_stopping and self._gunicorn.poll() is None

    def _abandon(self) -> None:
        """Leave nothing of a gunicorn that never served, and so has nothing to finish."""
        if not self._is_prepared:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._gunicorn.pid, signal.SIGKILL)
            self._gunicorn.wait()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if not self._is_prepared:
            sys.exit(0)
        self._is_stopping = True

    def _hang_up(self, number: int, frame: FrameType | None) -> None:
        if self._had_terminal and not _has_terminal():
            self._stop(number, frame)
        self._is_to_reload = True

    def _reload(self) -> None:
        """One web process after the other: a new one starts, and once it is ready the oldest finishes, and ends.

        gunicorn's own reload ends all of them while the new ones still start.
        """
        self._is_to_reload = False
        for _ in range(self.workers):
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
        arguments = ["--config", "python:botwire_site.gunicorn_conf", "--bind", self.bind]
        pipes = {"BOTWIRE_READY_PIPE": self._to_tell_ready, "BOTWIRE_PREPARED_PIPE": self._prepared}
        return _start("gunicorn", *arguments, "--workers", str(self.workers), **pipes)

    def _start_worker(self) -> subprocess.Popen[bytes]:
        return _start("django", "worker")


#: The service of this process.
begun: Service | None = None


def begin(service: Service) -> Service:
    """Begin the service of this process."""
    global begun
    begun = service
    service.begin()
    return service


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `manage.py serve` takes."""
    parser.add_argument("--bind", default="127.0.0.1:8000", metavar="HOST:PORT", help="default: %(default)s")
    parser.add_argument("--data", metavar="DIR", help="where data and the secret key are kept (BOTWIRE_DATA)")
    parser.add_argument("--workers", type=int, default=min(os.cpu_count() or 1, 4), help="default: %(default)s")


def asked_for(arguments: Sequence[str]) -> Service | None:
    """The service that a command line asks for, if it is `serve` and nothing is wrong or unusual with it.

    Of everything else, the command knows what to do or say.
    """
    if arguments[:1] != ["serve"]:
        return None
    parser = _Parser(add_help=False, allow_abbrev=False)
    add_arguments(parser)
    try:
        options, others = parser.parse_known_args(arguments[1:])
        return None if others else Service(options.bind, options.workers)
    except Unservable:
        return None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Unservable(message)


def _check_bind(bind: str) -> None:
    host, _, port = bind.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise Unservable(f"--bind takes HOST:PORT, such as 127.0.0.1:8000 or [::1]:8000; not {bind!r}.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except OSError as error:
            raise Unservable(f"{bind} cannot be listened on: {error.strerror}.") from error


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


def _has_terminal() -> bool:
    """Whether this process can be talked to from a terminal, which is over once its window is closed."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _start(module: str, *arguments: str, **pipes: int) -> subprocess.Popen[bytes]:
    """Start a module, with pipes by the names that it knows them by."""
    # A session of its own keeps Ctrl-C from reaching the child: the order in which things stop is decided here.
    command = [sys.executable, "-m", "botwire_site.children", module, *arguments]
    names = {name: str(pipe) for name, pipe in pipes.items()}
    environment = {**os.environ, **names, "BOTWIRE_PARENT": str(os.getpid())}
    return subprocess.Popen(  # noqa: S603
        command, cwd=ROOT, env=environment, start_new_session=True, pass_fds=pipes.values()
    )


def _wait_for_end(child: subprocess.Popen[bytes]) -> None:
    """Let a child that was asked to end finish what it does, and insist after STOP_SECONDS."""
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
