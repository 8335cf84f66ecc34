"""The blocking client. It only sends and pauses: requests and answers are in `_wire`, repeats in `_retry`."""

from __future__ import annotations

import builtins
import os
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import TracebackType
from typing import Any, TypeVar

import httpx

from botwire._answers import Page
from botwire._debug import follow_environment
from botwire._exceptions import KeyNotFoundError, NamespaceNotFoundError
from botwire._models import Entry, SetResult, Usage
from botwire._names import check_namespace
from botwire._retry import Exchange, Outcome
from botwire._settings import RETRIES, TIMEOUT, Settings
from botwire._values import JSONValue
from botwire._wire import Call, Calls

T = TypeVar("T")


class Memory:
    """The memory that everyone who knows the name `namespace` shares.

        memory = Memory("trading-desk")
        memory.set("tsla_signal", {"signal": "buy", "confidence": 0.9})
        memory.get("tsla_signal")

    The server is `base_url`, else that of the environment's BOTWIRE_URL, else the hosted service. `token` is sent as a
    bearer token; `agent` is the name that is shown as the writer of what is written here. `timeout` is in seconds, for
    connecting and for each wait for the server. `retries` is how often a call may be repeated after the first attempt,
    where that is safe (never after the answer to a write was lost); 0 turns that off. The pauses before them take 30
    seconds at most. `transport` is an httpx transport to send with instead of the usual one; it is closed with the
    Memory, and whether it may be shared by threads and forked processes is its own matter.

    One Memory may be used by many threads at once and, after a fork, by parent and child.

    Every method but close() raises BotWireConnectionError where no answer comes, a BotWireAPIError where the server
    refuses, UnexpectedAnswerError where something else than BotWire answers. A key that can not be one raises
    InvalidKeyError, a key that is no str TypeError, in each case before anything is sent.
    """

    def __init__(
        self,
        namespace: str,
        *,
        base_url: str | None = None,
        token: str | None = None,
        agent: str | None = None,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        follow_environment()
        self._namespace = check_namespace(namespace)
        self._settings = Settings.of(base_url, token, agent, timeout, retries)
        self._transport = transport
        self._calls = Calls(self._settings.base_url, namespace)
        self._clients: dict[int, httpx.Client] = {}
        self._is_closed = False

    @property
    def namespace(self) -> str:
        """The name that this memory is shared under."""
        return self._namespace

    def set(
        self,
        key: str,
        value: JSONValue,
        *,
        ttl: float | timedelta | None = None,
        if_version: int | None = None,
        if_absent: bool = False,
    ) -> SetResult:
        """Store `value` under `key`, in the place of what was there.

        After `ttl` seconds (or that timedelta) the entry is gone; without, it stays, also if it had one before. With
        `if_version` the write happens only if that is the entry's version, with `if_absent` only if there is no entry;
        else PreconditionFailedError is raised.

        A value that is not JSON raises UnsupportedValueError (a TypeError) before anything is sent: only None, bool,
        int, float, str, list and dict with str keys come back as they went in. Their subclasses (enums, OrderedDict,
        numpy's floats) do not, nor do tuples, NaN and infinity.
        """
        return self._send(self._calls.set(key, value, ttl, if_version, if_absent))

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value under `key`, or `default` if there is none."""
        try:
            return self.get_entry(key).value
        except KeyNotFoundError:
            return default

    def get_entry(self, key: str) -> Entry:
        """Return the value under `key` with its version, writer and times; raise KeyNotFoundError if there is none."""
        return self._send(self._calls.get_entry(key))

    def delete(self, key: str, *, if_version: int | None = None) -> bool:
        """Delete `key` and tell whether it was there.

        With `if_version` only if that is the entry's version; else, and if there is none, PreconditionFailedError.
        """
        try:
            return self._send(self._calls.delete(key, if_version))
        except KeyNotFoundError:
            return False

    def exists(self, key: str) -> bool:
        """Tell whether there is an entry under `key`, without fetching its value."""
        return self._send(self._calls.exists(key))

    def list_keys(self, prefix: str = "") -> builtins.list[str]:
        """Return all keys that begin with `prefix`, in the order of their UTF-8 bytes.

        They are fetched page by page: what others write meanwhile may be among them or not.
        """
        return [*self._each(self._calls.keys, prefix)]

    def keys(self, prefix: str = "") -> builtins.list[str]:
        """The same as list_keys()."""
        return self.list_keys(prefix)

    def list(self, prefix: str = "") -> builtins.list[str]:
        """The same as list_keys()."""
        return self.list_keys(prefix)

    def items(self, prefix: str = "") -> Iterator[tuple[str, Any]]:
        """Iterate over all keys that begin with `prefix` and their values, in the order of list_keys().

        They are fetched page by page while you iterate.
        """
        return self._each(self._calls.items, prefix)

    def clear(self, prefix: str = "") -> int:
        """Delete all entries whose keys begin with `prefix`, as one write, and return how many there were."""
        try:
            return self._send(self._calls.clear(prefix))
        except NamespaceNotFoundError:
            return 0

    def usage(self) -> Usage:
        """Return what the namespace uses against its limits; NamespaceNotFoundError if nothing was ever written."""
        return self._send(self._calls.usage())

    def close(self) -> None:
        """Close the connections (of this process, after a fork). Any further call raises RuntimeError."""
        self._is_closed = True
        client = self._clients.get(os.getpid())
        if client is not None:
            client.close()

    def __enter__(self) -> Memory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __getitem__(self, key: str) -> Any:
        return self.get_entry(key).value

    def __setitem__(self, key: str, value: JSONValue) -> None:
        self.set(key, value)

    def __delitem__(self, key: str) -> None:
        self._send(self._calls.delete(key, None))

    def __contains__(self, key: str) -> bool:
        """The same as exists(), so that a key that can not be one raises instead of being silently absent."""
        return self.exists(key)

    def __iter__(self) -> Iterator[str]:
        return self._each(self._calls.keys, "")

    def __len__(self) -> int:
        """The number of keys, counted page by page: entries that have expired do not count."""
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        """True: `if memory:` asks whether there is a Memory, and must not become a request."""
        return True

    def __repr__(self) -> str:
        return f"Memory({self._namespace!r}, base_url={self._settings.base_url!r})"

    def _each(self, page_of: Callable[[str, str | None], Call[Page[T]]], prefix: str) -> Iterator[T]:
        """Iterate over all pages; the arguments are checked now, the first page is fetched when it is asked for."""
        return self._follow(page_of, prefix, page_of(prefix, None))

    def _follow(
        self, page_of: Callable[[str, str | None], Call[Page[T]]], prefix: str, call: Call[Page[T]]
    ) -> Iterator[T]:
        while True:
            page = self._send(call)
            yield from page.items
            if page.next_cursor is None:
                return
            call = page_of(prefix, page.next_cursor)

    def _send(self, call: Call[T]) -> T:
        exchange = Exchange(call, self._settings)
        while True:
            exchange.begin()
            outcome = self._attempt(call)
            pause = exchange.pause_after(outcome)
            if pause is None:
                return exchange.result(outcome)
            time.sleep(pause)

    def _attempt(self, call: Call[T]) -> Outcome:
        try:
            return self._client().request(call.method, call.url, headers=call.headers, content=call.content)
        except httpx.RequestError as error:
            return error

    def _client(self) -> httpx.Client:
        """This process's client. No lock: one that another thread holds during a fork stays locked in the child."""
        if self._is_closed:
            raise RuntimeError(f"{self!r} is closed.")
        pid = os.getpid()
        return self._clients.get(pid) or self._first_client(pid)

    def _first_client(self, pid: int) -> httpx.Client:
        # setdefault is atomic, so that threads that come here together go on with the same client.
        client = self._clients.setdefault(pid, httpx.Client(transport=self._transport, **self._settings.options()))
        # The parent's connections are let go, not closed: closing takes a lock of the parent's. What remains of them
        # in this process is only file descriptors, and closing those is nothing that the server sees.
        for other in [number for number in list(self._clients) if number != pid]:
            self._clients.pop(other, None)
        return client
