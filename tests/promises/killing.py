"""Web processes of a server that are killed while clients use it."""

import os
import random
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.processes import web_workers
from tests.servers import Server


class Killer(threading.Thread):
    """Kills a web process every so many seconds; `kills` counts them."""

    def __init__(self, server: Server, seconds: float) -> None:
        super().__init__()
        self.kills = 0
        self._server, self._seconds = server, seconds
        self._is_over = threading.Event()

    def run(self) -> None:
        while not self._is_over.wait(self._seconds):
            alive = web_workers(self._server)
            if len(alive) > 1:  # one is left to serve
                os.kill(random.choice(alive), signal.SIGKILL)
                self.kills += 1

    def stop(self) -> None:
        self._is_over.set()
        self.join()


@contextmanager
def dying(server: Server, seconds: float) -> Iterator[Killer]:
    """Have a web process killed every so many seconds."""
    killer = Killer(server, seconds)
    killer.start()
    try:
        yield killer
    finally:
        killer.stop()
