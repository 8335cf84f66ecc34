"""How gunicorn serves the site: by `manage.py serve`, or by hand with `gunicorn -c python:botwire_site.gunicorn_conf`.

Binding and the number of workers come from the command line; everything else that matters is decided here.
"""

import gc
import os
import sys
from typing import Any

from gunicorn.arbiter import Arbiter

wsgi_app = "botwire_site.asgi:application"
worker_class = "botwire_site.gunicorn_worker.Worker"
# Longer than clients keep an idle connection, so that the client is the one who closes it.
keepalive = int(os.environ.get("BOTWIRE_KEEP_ALIVE_SECONDS", "75"))
graceful_timeout = 20
timeout = 60
# Room for a key or a prefix of 512 bytes, each percent-encoded to three, beside a cursor.
limit_request_line = 8190
control_socket_disable = True
# The one in C (gunicorn-h1c 0.6.10) takes a body of more than 64 KiB for requests that it lost, so that every second
# large set ended its connection, and would spare 3 to 7 % of a request; headers read before are not parsed at all.
http_parser = "python"
forwarded_allow_ips = "127.0.0.1,::1"
accesslog = None
loglevel = "warning"
# How long a thread may keep the interpreter while the event loop waits for it. Python's own 5 ms made the slowest reads
# and writes (p99) half as slow again.
SWITCH_SECONDS = 0.0005


def post_fork(server: Any, worker: Any) -> None:
    """What is loaded from here on stays: to search it for garbage, again and again, took a tenth of the start."""
    gc.disable()


def post_worker_init(worker: Any) -> None:
    """What waits for the database, and what does not survive a fork: the thread that flushes counts.

    And threads that leave the event loop its share.
    """
    from botwire_site import children
    from namespaces import tally

    gc.freeze()
    gc.enable()
    _wait_until_prepared(worker)
    sys.setswitchinterval(SWITCH_SECONDS)
    tally.start()
    children.tell_ready()


def _wait_until_prepared(worker: Any) -> None:
    """`manage.py serve` prepares the database while this process loads; gunicorn ends it all if `serve` failed to."""
    from botwire_site import children

    try:
        while not children.wait_until_prepared():
            worker.notify()
    except EOFError:
        sys.exit(Arbiter.WORKER_BOOT_ERROR)


def worker_exit(server: Any, worker: Any) -> None:
    """A worker that ends hands its counts in, unless it ends before it has any."""
    if not worker.booted:
        return
    from namespaces import tally

    tally.stop()
