"""Web processes of a server that are killed while clients use it."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.processes import web_workers
from tests.servers import Server


class Killer(threading.Thread):
    """Kills the youngest web process once it has served for so many seconds, again and again; `kills` counts them.

    An older one is left, so that there is always somebody who serves, also where processes take long to start.
    """

    def __init__(self, server: Server, seconds: float) -> None:
        super().__init__()
        self.kills = 0
        self._server, self._seconds = server, seconds
        self._is_over = threading.Event()

    def run(self) -> None:
        seen: dict[int, float] = {}
        while not self._is_over.wait(0.1):
            alive = web_workers(self._server)
            seen = {number: seen.get(number, time.monotonic()) for number in alive}
            youngest = max(alive, key=lambda number: (seen[number], number), default=0)
            if len(alive) > 1 and time.monotonic() - seen[youngest] > self._seconds:
                os.kill(youngest, signal.SIGKILL)
                self.kills += 1

    def stop(self) -> None:
        self._is_over.set()
        self.join()


@contextmanager
def dying(server: Server, seconds: float) -> Iterator[Killer]:
    """Have a web process killed every so many seconds, see Killer."""
    killer = Killer(server, seconds)
    killer.start()
    try:
        yield killer
    finally:
        killer.stop()
