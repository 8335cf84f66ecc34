"""The client for asyncio. It only sends and pauses: requests and answers are in `_wire`, repeats in `_retry`.

What the methods promise is written in `_sync`, once.
"""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import AsyncIterator, Callable
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


class AsyncMemory:
    """Memory for asyncio: the same options and methods, awaited. What Memory says about them holds here too.

        async with AsyncMemory("trading-desk") as memory:
            await memory.set("tsla_signal", {"signal": "buy", "confidence": 0.9})
            await memory.get("tsla_signal")
            async for key, value in memory.items():
                ...

    One AsyncMemory may be used from several event loops: each has connections of its own. `transport`, an async httpx
    transport, would be shared by them.
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
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        follow_environment()
        self._namespace = check_namespace(namespace)
        self._settings = Settings.of(base_url, token, agent, timeout, retries)
        self._transport = transport
        self._calls = Calls(self._settings.base_url, namespace)
        self._clients: dict[asyncio.AbstractEventLoop, httpx.AsyncClient] = {}
        self._is_closed = False

    @property
    def namespace(self) -> str:
        """The name that this memory is shared under."""
        return self._namespace

    async def set(
        self,
        key: str,
        value: JSONValue,
        *,
        ttl: float | timedelta | None = None,
        if_version: int | None = None,
        if_absent: bool = False,
    ) -> SetResult:
        """Store `value` under `key`; see Memory.set()."""
        return await self._send(self._calls.set(key, value, ttl, if_version, if_absent))

    async def get(self, key: str, default: Any = None) -> Any:
        """Return the value under `key`, or `default` if there is none."""
        try:
            return (await self.get_entry(key)).value
        except KeyNotFoundError:
            return default

    async def get_entry(self, key: str) -> Entry:
        """Return the value under `key` with its version, writer and times; raise KeyNotFoundError if there is none."""
        return await self._send(self._calls.get_entry(key))

    async def delete(self, key: str, *, if_version: int | None = None) -> bool:
        """Delete `key` and tell whether it was there; see Memory.delete()."""
        try:
            return await self._send(self._calls.delete(key, if_version))
        except KeyNotFoundError:
            return False

    async def exists(self, key: str) -> bool:
        """Tell whether there is an entry under `key`, without fetching its value."""
        return await self._send(self._calls.exists(key))

    async def list_keys(self, prefix: str = "") -> builtins.list[str]:
        """Return all keys that begin with `prefix`, in the order of their UTF-8 bytes; see Memory.list_keys()."""
        return [key async for key in self._each(self._calls.keys, prefix)]

    async def keys(self, prefix: str = "") -> builtins.list[str]:
        """The same as list_keys()."""
        return await self.list_keys(prefix)

    async def list(self, prefix: str = "") -> builtins.list[str]:
        """The same as list_keys()."""
        return await self.list_keys(prefix)

    def items(self, prefix: str = "") -> AsyncIterator[tuple[str, Any]]:
        """Iterate (`async for`) over all keys that begin with `prefix` and their values; see Memory.items()."""
        return self._each(self._calls.items, prefix)

    async def clear(self, prefix: str = "") -> int:
        """Delete all entries whose keys begin with `prefix`, as one write, and return how many there were."""
        try:
            return await self._send(self._calls.clear(prefix))
        except NamespaceNotFoundError:
            return 0

    async def usage(self) -> Usage:
        """Return what the namespace uses against its limits; NamespaceNotFoundError if nothing was ever written."""
        return await self._send(self._calls.usage())

    async def close(self) -> None:
        """Close the connections of the running event loop. Any further call raises RuntimeError.

        Those of other loops end with their loops: only there can they be closed.
        """
        self._is_closed = True
        client = self._clients.get(asyncio.get_running_loop())
        if client is not None:
            await client.aclose()

    async def aclose(self) -> None:
        """The same as close(), under the name that contextlib.aclosing() looks for."""
        await self.close()

    async def __aenter__(self) -> AsyncMemory:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __aiter__(self) -> AsyncIterator[str]:
        return self._each(self._calls.keys, "")

    def __repr__(self) -> str:
        return f"AsyncMemory({self._namespace!r}, base_url={self._settings.base_url!r})"

    def _each(self, page_of: Callable[[str, str | None], Call[Page[T]]], prefix: str) -> AsyncIterator[T]:
        """Iterate over all pages; the arguments are checked now, the first page is fetched when it is asked for."""
        return self._follow(page_of, prefix, page_of(prefix, None))

    async def _follow(
        self, page_of: Callable[[str, str | None], Call[Page[T]]], prefix: str, call: Call[Page[T]]
    ) -> AsyncIterator[T]:
        while True:
            page = await self._send(call)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            call = page_of(prefix, page.next_cursor)

    async def _send(self, call: Call[T]) -> T:
        exchange = Exchange(call, self._settings)
        while True:
            exchange.begin()
            outcome = await self._attempt(call)
            pause = exchange.pause_after(outcome)
            if pause is None:
                return exchange.result(outcome)
            await asyncio.sleep(pause)

    async def _attempt(self, call: Call[T]) -> Outcome:
        try:
            return await self._client().request(call.method, call.url, headers=call.headers, content=call.content)
        except httpx.RequestError as error:
            return error

    def _client(self) -> httpx.AsyncClient:
        """The running loop's client: a connection can only be used in the loop that opened it.

        A forked child runs a loop of its own, so it shares no connection with its parent.
        """
        if self._is_closed:
            raise RuntimeError(f"{self!r} is closed.")
        loop = asyncio.get_running_loop()
        return self._clients.get(loop) or self._first_client(loop)

    def _first_client(self, loop: asyncio.AbstractEventLoop) -> httpx.AsyncClient:
        # A client holds its loop, so weak references would keep both for ever; ended loops are let go here instead.
        for ended in [other for other in list(self._clients) if other.is_closed()]:
            self._clients.pop(ended, None)
        client = httpx.AsyncClient(transport=self._transport, **self._settings.options())
        self._clients[loop] = client
        return client
