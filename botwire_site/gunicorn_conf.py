"""How gunicorn serves the site: by `manage.py serve`, or by hand with `gunicorn -c python:botwire_site.gunicorn_conf`.

Binding and the number of workers come from the command line; everything else that matters is decided here.
"""

import os
import socket
from typing import Any

from gunicorn import util

wsgi_app = "botwire_site.wsgi:application"
worker_class = "gthread"
# Two more than may wait for the database, so that /healthz is answered while it hangs.
threads = int(os.environ.get("BOTWIRE_DATABASE_TURNS", "8")) + 2
# Longer than clients keep an idle connection, so that the client is the one who closes it.
keepalive = int(os.environ.get("BOTWIRE_KEEP_ALIVE_SECONDS", "75"))
graceful_timeout = 20
timeout = 60
# Room for a key or a prefix of 512 bytes, each percent-encoded to three, beside a cursor.
limit_request_line = 8190
control_socket_disable = True
forwarded_allow_ips = "127.0.0.1,::1"
accesslog = None
loglevel = "warning"


def post_worker_init(worker: Any) -> None:
    """What a worker needs once Django is there, and what does not survive a fork: the thread that flushes counts."""
    from namespaces import tally

    util.write_error = write_problem
    tally.start()


def write_problem(client: socket.socket, status: int, reason: str, message: str) -> None:
    """gunicorn's answer to what is not HTTP, in the envelope of every other refusal; gunicorn itself answers HTML."""
    from api.problems import answer
    from api.refusals import RequestRefused

    code = "bad_request" if status < 500 else "internal_error"
    response = answer(RequestRefused(code, message or reason))
    headers = {**response.headers, "Content-Length": str(len(response.content)), "Connection": "close"}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    start = f"HTTP/1.1 {response.status_code} {response.reason_phrase}\r\n"
    util.write_nonblock(client, f"{start}{head}\r\n".encode("latin-1") + response.content)


def worker_exit(server: Any, worker: Any) -> None:
    """A worker that ends hands its counts in."""
    from namespaces import tally

    tally.stop()
