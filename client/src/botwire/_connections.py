"""Connections of threads: one thread has one for itself while it calls."""

from __future__ import annotations

import functools
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from botwire._settings import MOST_CONNECTIONS, Settings


class Connections:
    """Clients of httpx, each with one connection, of which at most MOST_CONNECTIONS are lent at a time.

    Where threads share one client, its pool may close a connection while a thread waits for an answer on it
    (https://github.com/encode/httpcore/issues/1110). A `transport` of the user's own is in one client for all.
    """

    def __init__(self, settings: Settings, transport: httpx.BaseTransport | None) -> None:
        self._make = functools.partial(httpx.Client, transport=transport, **settings.options())
        self._of_all = self._make() if transport is not None else None
        self._timeout = settings.timeout
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._resting: deque[httpx.Client] = deque()
        self._later_headers: dict[str, str] = {}
        self._is_closed = False

    @contextmanager
    def lend(self) -> Iterator[httpx.Client]:
        """A client for one call. Raises httpx.PoolTimeout where all stay lent for as long as the settings' timeout."""
        if self._of_all is not None:
            yield self._of_all
            return
        if not self._free.acquire(timeout=self._timeout):
            raise httpx.PoolTimeout("")
        try:
            client = self._take()
            if self._later_headers:
                client.headers.update(self._later_headers)
            try:
                yield client
            finally:
                self._resting.append(client)
        finally:
            self._free.release()
            if self._is_closed:
                self._close_resting()

    def show(self, headers: dict[str, str]) -> None:
        """Send these headers from now on."""
        self._later_headers = headers
        if self._of_all is not None:
            self._of_all.headers.update(headers)

    def close(self) -> None:
        """Close the connections; those that are lent, when they come back."""
        self._is_closed = True
        if self._of_all is not None:
            self._of_all.close()
        self._close_resting()

    def _take(self) -> httpx.Client:
        """The client that came back last, whose connection is most likely still open."""
        try:
            return self._resting.pop()
        except IndexError:
            return self._make()

    def _close_resting(self) -> None:
        while self._resting:
            try:
                client = self._resting.pop()
            except IndexError:  # another thread has closed it
                return
            client.close()
