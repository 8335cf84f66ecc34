"""Django's backend for PostgreSQL, but for this: a restart of the database costs no request that comes after it.

A pool notices that a connection has ended when it is used, so each one that lay idle through a restart would fail a
request. The pools' own `check` does not help a whole pool: after each connection that fails they wait, for 1, 2, 4
seconds. So whoever takes a connection looks at it, and the first that finds one ended has all of the pool replaced.
"""

import select

import psycopg


def has_news(connection: "psycopg.BaseConnection[object]") -> bool:
    """Whether there is something to read on a connection that nobody uses. One system call, no round trip.

    PostgreSQL tells an idle connection hardly anything but that it ends (PostgreSQL documentation, 54.2.9 Termination).
    """
    idle = select.poll()
    idle.register(connection.pgconn.socket, select.POLLIN)
    return bool(idle.poll(0))
