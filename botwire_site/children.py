"""`python -m botwire_site.children MODULE ARGUMENT...` runs a module as a child of `manage.py serve`, and no longer."""

import contextlib
import ctypes
import os
import runpy
import select
import signal
import sys

PR_SET_PDEATHSIG = 1  # prctl(2)


def die_with_parent() -> None:
    """Have the kernel send SIGTERM when the parent ends, `kill -9` included. Linux only; elsewhere nothing is done."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(os.environ["BOTWIRE_PARENT"]):  # it ended before the line above
        sys.exit(1)


def tell_ready() -> None:
    """Let `manage.py serve`, if it is what started this process or a parent of it, know that it is ready to serve."""
    pipe = os.environ.get("BOTWIRE_READY_PIPE")
    if pipe:
        with contextlib.suppress(OSError):  # nobody listens any more
            os.write(int(pipe), b".")


def wait_until_prepared() -> bool:
    """Wait a second at most until `manage.py serve`, if it is what started this, has prepared the database.

    Whether it has. EOFError if it ended before. What it wrote is left in the pipe for every other process to see.
    """
    pipe = os.environ.get("BOTWIRE_PREPARED_PIPE")
    if not pipe:
        return True
    poll = select.poll()
    poll.register(int(pipe), select.POLLIN)
    events = sum(event for _, event in poll.poll(1_000))
    if events and not events & select.POLLIN:
        raise EOFError
    return bool(events)


if __name__ == "__main__":
    die_with_parent()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
