"""The client for asyncio. It only sends and pauses: requests and answers are in `_wire`, repeats in `_retry`.

What the methods promise is written in `_sync`, once.
"""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

import httpx

from botwire import _leases, _operations, _rollback, _transactions, _waiting
from botwire._access import Access, trusted
from botwire._answers import Page
from botwire._call import Call, Pause, Steps
from botwire._debug import follow_environment
from botwire._exceptions import (
    BotWireError,
    KeyNotFoundError,
    NamespaceNotFoundError,
    NotQuarantinedError,
    TargetMissingError,
    VersionNotFoundError,
)
from botwire._leases import AsyncLease, AsyncTask
from botwire._models import (
    ChangePage,
    Entry,
    Quarantined,
    Rollback,
    SetResult,
    SharedToken,
    Token,
    Usage,
    Version,
    Writer,
)
from botwire._names import check_namespace
from botwire._operations import UNSET, Unset
from botwire._retry import Exchange, Outcome
from botwire._settings import RETRIES, TIMEOUT, Settings
from botwire._transactions import AsyncTransaction
from botwire._values import JSONValue
from botwire._waiting import Condition, Following, only_value
from botwire._watching import AsyncWatch
from botwire._wire import OWN, Calls, Prefixes

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
        self._access = Access(self._settings.base_url, namespace)
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
        lease: AsyncLease | None = None,
    ) -> SetResult:
        """Store `value` under `key`; see Memory.set()."""
        return await self._send(self._calls.set(key, value, ttl, if_version, if_absent, lease))

    async def get(
        self, key: str, default: Any = None, *, trust: Collection[str] | None = None, version: int | None = None
    ) -> Any:
        """Return the value under `key`, or `default` if there is none; see Memory.get()."""
        try:
            if version is not None:
                past = await self._send(self._calls.past(key, version))
                return trusted(past, trust, default)
            return trusted(await self.get_entry(key), trust, default)
        except (KeyNotFoundError, VersionNotFoundError):
            return default

    async def get_entry(self, key: str) -> Entry:
        """Return the value under `key` with its version, writer and times; raise KeyNotFoundError if there is none."""
        return await self._send(self._calls.get_entry(key))

    async def delete(self, key: str, *, if_version: int | None = None, lease: AsyncLease | None = None) -> bool:
        """Delete `key` and tell whether it was there; see Memory.delete()."""
        try:
            return await self._send(self._calls.delete(key, if_version, lease))
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

    async def append(
        self,
        key: str,
        value: JSONValue,
        *,
        max_length: int | None = None,
        ttl: float | timedelta | None = None,
        lease: AsyncLease | None = None,
    ) -> int:
        """Append `value` to the list under `key` and return the new length; see Memory.append()."""
        call = self._calls.change(key, _operations.append(value, max_length, ttl), lease, is_brief=True)
        return (await self._send(call)).length or 0

    async def pop(self, key: str, default: Any = UNSET, *, first: bool = False, lease: AsyncLease | None = None) -> Any:
        """Take the last value (or the `first`) out of the list under `key` and return it; see Memory.pop()."""
        popped = await self.pop_many(key, 1, first=first, lease=lease)
        return only_value(popped, key, default)

    async def pop_many(
        self, key: str, count: int, *, first: bool = False, lease: AsyncLease | None = None
    ) -> builtins.list[Any]:
        """Take up to `count` values out of the list under `key`; see Memory.pop_many()."""
        try:
            changed = await self._send(self._calls.change(key, _operations.pop(count, first), lease, is_brief=True))
        except TargetMissingError:
            return []
        return changed.popped

    async def increment(
        self, key: str, by: float = 1, *, initial: float | None = 0, lease: AsyncLease | None = None
    ) -> int | float:
        """Add `by` to the number under `key` and return the sum; see Memory.increment()."""
        changed = await self._send(self._calls.change(key, _operations.increment(by, initial), lease))
        total: int | float = changed.value
        return total

    async def merge(
        self, key: str, patch: JSONValue, *, initial: JSONValue | Unset = UNSET, lease: AsyncLease | None = None
    ) -> Any:
        """Apply a JSON Merge Patch to the object under `key` and return what it is then; see Memory.merge()."""
        return (await self._send(self._calls.change(key, _operations.merge(patch, initial), lease))).value

    async def patch(
        self, key: str, operations: builtins.list[dict[str, Any]], *, lease: AsyncLease | None = None
    ) -> Any:
        """Apply a JSON Patch to the value under `key` and return what it is then; see Memory.patch()."""
        return (await self._send(self._calls.change(key, _operations.patch(operations), lease))).value

    async def update(
        self,
        key: str,
        function: Callable[[Any], JSONValue],
        default: Any = None,
        *,
        ttl: float | timedelta | None = None,
        timeout: float = 30,
        lease: AsyncLease | None = None,
    ) -> Any:
        """Replace the value under `key` by `function(value)` and return that; see Memory.update()."""
        return await self._run(_waiting.update(self._calls, key, function, default, ttl, timeout, lease))

    async def wait(
        self,
        key: str,
        *,
        equals: JSONValue | Unset = UNSET,
        after: int | None = None,
        until: Callable[[Any], object] | None = None,
        timeout: float | None = 60,
    ) -> Any:
        """Wait for the entry under `key` and return its value; see Memory.wait()."""
        return await self._run(_waiting.wait(self._calls, key, Condition.of(equals, after, until), timeout))

    def watch(self, prefix: str = "", *, since: int | None = None, timeout: float | None = None) -> AsyncWatch:
        """Iterate (`async for`) over the changes of keys that begin with `prefix`; see Memory.watch()."""
        return AsyncWatch(Following(self._calls, prefix, since, timeout), self._run)

    async def changes(
        self,
        since: int,
        prefix: str = "",
        limit: int = 1_000,
        *,
        writer: str | Writer | None = None,
        verified: bool | None = None,
    ) -> ChangePage:
        """Return up to `limit` changes after the revision `since`, without waiting for any; see Memory.changes()."""
        return await self._send(self._calls.changes(since, prefix, limit, writer=writer, verified=verified))

    def history(self, key: str, *, values: bool = False) -> AsyncIterator[Version]:
        """Iterate (`async for`) over the versions of `key`, newest first; see Memory.history()."""
        return self._each(partial(self._calls.versions, with_values=values), key)

    async def restore(
        self, key: str, version: int, *, ttl: float | timedelta | None = None, if_version: int | None = None
    ) -> SetResult:
        """Set `key` to what `version` set it to, as a new version; see Memory.restore()."""
        return await self._send(self._calls.restore(key, version, ttl, if_version))

    async def rollback(
        self,
        *,
        writer: str | Writer | None,
        since: int | datetime | None = None,
        prefix: str = "",
        verified: bool | None = None,
        dry_run: bool = False,
        wait: bool = True,
    ) -> Rollback:
        """Take back what `writer` did: each key goes back to the newest version not by it; see Memory.rollback()."""
        meant = _rollback.writer_of(writer, verified, self._settings.token)
        return await self._run(_rollback.rollback(self._calls, meant, since, prefix, dry_run, wait))

    async def rollback_progress(self, job: str) -> Rollback:
        """Return what a rollback that became a job has done so far."""
        return await self._send(self._calls.rollback_job(job))

    async def cancel_rollback(self, job: str) -> Rollback:
        """Stop a rollback for good; what it took back stays taken back."""
        return await self._send(self._calls.cancel_rollback(job))

    async def quarantine(
        self, writer: str | Writer | None, reason: str = "", *, verified: bool | None = None
    ) -> Quarantined:
        """Hide what `writer` wrote, and will write, until release(); see Memory.quarantine()."""
        meant = _rollback.writer_of(writer, verified, self._settings.token)
        return await self._send(self._calls.quarantine(meant, reason))

    async def release(self, writer: str | Writer | None, *, verified: bool | None = None) -> bool:
        """Have what `writer` wrote be read again, and tell whether it was hidden; see Memory.quarantine()."""
        try:
            meant = _rollback.writer_of(writer, verified, self._settings.token)
            return await self._send(self._calls.release_writer(meant))
        except NotQuarantinedError:
            return False

    async def quarantined(self) -> builtins.list[Quarantined]:
        """Return the writers that are in quarantine."""
        return await self._send(self._calls.quarantined())

    def lock(self, name: str, *, ttl: float | timedelta = 60, timeout: float | None = None) -> AsyncLease:
        """Return the lease `name`, for an `async with` statement; see Memory.lock()."""
        return AsyncLease(self._run, self._calls, name, ttl, timeout, self._settings.agent)

    async def claim(self, prefix: str, *, ttl: float | timedelta = 60, timeout: float | None = 0) -> AsyncTask | None:
        """Take the first entry under `prefix` that nobody else holds, or None; see Memory.claim()."""
        holder = self._settings.agent
        found = await self._run(
            _leases.claim(
                self._calls, prefix, ttl, timeout, holder,
                lambda name: AsyncLease(self._run, self._calls, name, ttl, None, holder),
            )
        )  # fmt: skip
        return AsyncTask(self._calls, *found, self._run) if found else None

    def transaction(self, *, lease: AsyncLease | None = None) -> AsyncTransaction:
        """Return a transaction, for an `async with` statement; see Memory.transaction()."""
        return AsyncTransaction(self._calls, lease, self._run)

    async def set_many(
        self, mapping: Mapping[str, JSONValue], *, ttl: float | timedelta | None = None, lease: AsyncLease | None = None
    ) -> None:
        """Store each value of `mapping` under its key, in one request; see Memory.set_many()."""
        await self._run(_transactions.set_many(self._calls, mapping, ttl, lease))

    async def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return the values under those of `keys` that are there; see Memory.get_many()."""
        return await self._run(_transactions.get_many(self._calls, keys))

    async def delete_many(self, keys: Iterable[str], *, lease: AsyncLease | None = None) -> int:
        """Delete those of `keys` that are there and return how many; up to 500 keys all or nothing."""
        return await self._run(_transactions.delete_many(self._calls, keys, lease))

    @classmethod
    async def create(
        cls,
        namespace: str,
        *,
        name: str | None = None,
        base_url: str | None = None,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> AsyncMemory:
        """Make a new, private namespace, and return its AsyncMemory; see Memory.create()."""
        memory = cls(namespace, base_url=base_url, timeout=timeout, retries=retries, transport=transport)
        try:
            await memory.claim_namespace(name=name)
        except BaseException:
            await memory.close()
            raise
        return memory

    @property
    def token(self) -> str | None:
        """The token that is sent, a secret; None without one."""
        return self._settings.token

    @property
    def claim_code(self) -> str | None:
        """What claim_namespace() needs, if a write of this Memory has made the namespace; else None."""
        return self._access.claim_code

    async def claim_namespace(self, code: str | None = None, *, name: str | None = None) -> SharedToken:
        """Make the namespace private, and return its first token; see Memory.claim_namespace()."""
        shared = await self._send(self._calls.claim_namespace(name, self._access.code_for(code)))
        self._show(shared.token)
        return shared

    async def share(
        self,
        *,
        read: Prefixes | None = None,
        write: Prefixes | None = None,
        name: str | None = None,
        role: str | None = None,
        ttl: float | timedelta | None = None,
    ) -> SharedToken:
        """Return a new token that may do a part of what this one may; see Memory.share()."""
        return await self._send(self._calls.share(role, name, read, write, ttl))

    async def tokens(self) -> builtins.list[Token]:
        """Return the tokens that this one may manage; see Memory.tokens()."""
        return await self._send(self._calls.tokens())

    async def revoke(self, token: Token | str) -> int:
        """Take a token back; see Memory.revoke()."""
        return await self._send(self._calls.revoke(token))

    async def rotate(self, token: Token | str | None = None, *, overlap: float | timedelta = 0) -> SharedToken:
        """Replace a token by a new one with the same rights; see Memory.rotate()."""
        rotated = await self._send(self._calls.rotate(OWN if token is None else token, overlap))
        if token is None:
            self._show(rotated.token)
        return rotated

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

    async def _run(self, steps: Steps[T]) -> T:
        """Do the steps one after the other and return their result."""
        try:
            step = next(steps)
            while True:
                try:
                    outcome = await self._do(step)
                except BotWireError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(outcome)
        except StopIteration as end:
            result: T = end.value
            return result

    async def _do(self, step: Call[Any] | Pause) -> Any:
        return await (asyncio.sleep(step.seconds) if isinstance(step, Pause) else self._send(step))

    async def _send(self, call: Call[T]) -> T:
        exchange = Exchange(call, self._settings)
        while True:
            exchange.begin()
            outcome = await self._attempt(call)
            pause = exchange.pause_after(outcome)
            if pause is None:
                if isinstance(outcome, httpx.Response):
                    self._access.note(call, outcome)
                return exchange.result(outcome)
            await asyncio.sleep(pause)

    async def _attempt(self, call: Call[T]) -> Outcome:
        try:
            return await self._client().request(
                call.method,
                call.url,
                headers=call.headers,
                content=call.content,
                timeout=self._settings.timeout_of(call.wait),
            )
        except httpx.RequestError as error:
            return error

    def _show(self, token: str) -> None:
        """Send this token from now on."""
        self._settings = self._settings.with_token(token)
        for client in builtins.list(self._clients.values()):
            client.headers.update(self._settings.headers)

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
