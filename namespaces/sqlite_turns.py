"""Whose turn it is to write to SQLite: first come, first served, among the threads of a process and among processes.

SQLite has one writer at a time; whoever comes second sleeps and tries again, for up to 100 ms at a time, so that a busy
process would keep the others out for seconds. Nothing here touches the database, whose own lock still counts.
"""

import fcntl
import functools
import os
import threading
import time
from collections import deque
from dataclasses import dataclass, field

_POLL_SECONDS = 0.0002


@dataclass(eq=False, slots=True)
class _Ticket:
    thread: int
    is_called: threading.Event = field(default_factory=threading.Event)


class FairLock:
    """A lock that goes to whoever has waited longest; the thread that holds it may take it again."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._waiting: deque[_Ticket] = deque()
        self._owner: int | None = None
        self._depth = 0

    @property
    def depth(self) -> int:
        """How many times the thread that holds it has taken it."""
        return self._depth

    def acquire(self, timeout: float) -> bool:
        """Whether it was had within `timeout` seconds."""
        me = threading.get_ident()
        with self._mutex:
            if self._owner in (None, me):
                self._owner = me
                self._depth += 1
                return True
            ticket = _Ticket(me)
            self._waiting.append(ticket)
        if ticket.is_called.wait(timeout):
            return True
        with self._mutex:
            if ticket.is_called.is_set():
                return True
            self._waiting.remove(ticket)
            return False

    def release(self) -> None:
        with self._mutex:
            self._depth -= 1
            if self._depth:
                return
            self._owner = None
            if self._waiting:
                following = self._waiting.popleft()
                self._owner, self._depth = following.thread, 1
                following.is_called.set()


class Turns:
    """The turns of one database file. In a process a FairLock decides; between processes two locked files do.

    Whoever wants the turn holds `-next` while waiting for `-turn`, so that the one who just had it comes after him. The
    kernel lets both go when a process ends, however it ends.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = FairLock()
        self._files: tuple[int, int] | None = None
        self._process = 0

    def take(self, timeout: float) -> bool:
        """Whether the turn was had within `timeout` seconds; whoever has it may take it again."""
        deadline = time.monotonic() + timeout
        if not self._lock.acquire(timeout):
            return False
        if self._lock.depth > 1 or self._lock_files(deadline):
            return True
        self._lock.release()
        return False

    def end(self) -> None:
        """Give the turn back, once for each time it was taken."""
        if self._lock.depth == 1:
            fcntl.flock(self._open()[1], fcntl.LOCK_UN)
        self._lock.release()

    def _lock_files(self, deadline: float) -> bool:
        following, turn = self._open()
        if not _lock_file(following, deadline):
            return False
        try:
            return _lock_file(turn, deadline)
        finally:
            fcntl.flock(following, fcntl.LOCK_UN)

    def _open(self) -> tuple[int, int]:
        """The two files, opened by this process itself: a lock belongs to the opening, which a fork would share."""
        if self._files is None or self._process != os.getpid():
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            self._files = (os.open(f"{self._path}-next", flags, 0o600), os.open(f"{self._path}-turn", flags, 0o600))
            self._process = os.getpid()
        return self._files


@functools.cache
def turns_of(path: str) -> Turns:
    """The turns of the database at `path`, one object for the whole process."""
    return Turns(path)


def _lock_file(descriptor: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        else:
            return True
