"""Leases and claimed tasks: what is held, for how long, and how it is kept; with a thread or with an asyncio task.

What the server is asked is written once, as steps (see `_call`). How long a lease is held is judged by this machine's
monotonic clock, from before the request that granted or renewed it was sent: never longer than the server says.
"""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Any, TypeVar

from botwire import _operations
from botwire._answers import Claimed, Grant
from botwire._call import Steps
from botwire._exceptions import (
    BotWireConnectionError,
    BotWireError,
    LeaseHeldError,
    LeaseLostError,
    NamespaceNotFoundError,
    NothingToClaimError,
)
from botwire._patience import Patience
from botwire._wire import Calls

T = TypeVar("T")

#: Sends steps for a Memory, and for an AsyncMemory.
Run = Callable[[Steps[Any]], Any]
AsyncRun = Callable[[Steps[Any]], Awaitable[Any]]

#: The part of its ttl after which a lease is renewed.
_RENEWED_AFTER = 1 / 3


class Holding:
    """One lease as its holder knows it."""

    def __init__(
        self, calls: Calls, name: str, ttl: float | timedelta, timeout: float | None, holder: str | None
    ) -> None:
        calls.acquire(name, ttl, holder, 0)  # raises for what can not be asked
        self._calls, self._name, self._timeout, self._holder = calls, name, timeout, holder
        self._ttl = ttl.total_seconds() if isinstance(ttl, timedelta) else float(ttl)
        self._asked_ttl = ttl
        self._fencing: int | None = None
        self._held_until = 0.0
        self._is_lost = False

    @property
    def name(self) -> str:
        """What the lease is on."""
        return self._name

    @property
    def fencing(self) -> int:
        """The number of this holding: greater than that of any earlier one in the namespace.

        Raises LeaseLostError where the lease is not held any more, RuntimeError where it was not acquired.
        """
        if self._fencing is None:
            raise RuntimeError(f"The lease {self._name!r} is not acquired.")
        if not self.is_held:
            raise self._loss()
        return self._fencing

    @property
    def is_held(self) -> bool:
        """Whether nobody else can hold it now, as far as can be known without asking the server."""
        return self._fencing is not None and not self._is_lost and time.monotonic() < self._held_until

    @property
    def renew_in(self) -> float:
        """Seconds until the next renewal should be sent."""
        return max(0.0, self._held_until - self._ttl * (1 - _RENEWED_AFTER) - time.monotonic())

    def taken(self, grant: Grant, asked_at: float) -> Steps[bool]:
        """Begin to hold what was asked for at `asked_at`; False where it was lost before the answer came.

        A server that let us wait gave the lease later than that, so that it may seem over already: a renewal tells.
        """
        self._fencing, self._is_lost = grant.fencing, False
        self._held_until = asked_at + self._ttl
        if self.renew_in > 0:
            return True
        try:
            yield from self.renewal()
        except LeaseLostError:
            return False
        return True

    def acquisition(self) -> Steps[None]:
        patience = Patience(self._timeout, LeaseHeldError)
        while True:
            asked_at = time.monotonic()
            grant = yield from patience.ask(
                lambda seconds: self._calls.acquire(self._name, self._asked_ttl, self._holder, seconds)
            )
            if grant is not None and (yield from self.taken(grant, asked_at)):
                return
            if patience.is_over:
                raise patience.refusal or self._loss()
            yield from patience.rest()

    def renewal(self) -> Steps[None]:
        fencing, asked_at = self._number(), time.monotonic()
        try:
            yield self._calls.renew(self._name, fencing, self._asked_ttl)
        except LeaseLostError:
            self._is_lost |= fencing == self._fencing
            raise
        if fencing == self._fencing:
            self._held_until = asked_at + self._ttl

    def ending(self) -> Steps[None]:
        """Give the lease back; LeaseLostError where it was lost before."""
        fencing = self.ended()
        if self._is_lost:
            raise self._loss()
        yield self._calls.release(self._name, fencing)

    def ended(self) -> int:
        """Hold it no more; the number it was held by."""
        fencing, self._fencing = self._number(), None
        return fencing

    def gave_up(self, error: Exception) -> bool:
        """Whether renewing in the background ends with `error`: the lease is lost, or can not be known to be held."""
        self._is_lost |= not self.is_held or not isinstance(error, BotWireError)
        return self._is_lost

    def _number(self) -> int:
        if self._fencing is None:
            raise RuntimeError(f"The lease {self._name!r} is not acquired.")
        return self._fencing

    def _loss(self) -> LeaseLostError:
        return LeaseLostError(
            f"The lease {self._name!r} is lost: it expired before it was renewed. Somebody else may hold it now."
        )


class Lease(Holding):
    """A lease that is renewed by a thread as long as it is held and this object lives. Memory.lock() makes it.

        with memory.lock("deploy") as lease:
            memory.set("deployed", 17, lease=lease)

    Entering acquires it and leaving releases it. LeaseLostError is raised by `fencing`, renew() and release(), by a
    write with `lease=`, and on leaving, once the lease is lost; never by code that does not ask: look at `is_held`
    before each step of long work.
    """

    def __init__(self, run: Run, *what: Any) -> None:
        super().__init__(*what)
        self._run = run
        self._stop = threading.Event()

    def acquire(self) -> Lease:
        """Acquire it, and renew it from now on; LeaseHeldError where another holds it all the time."""
        self._run(self.acquisition())
        self.keep()
        return self

    def renew(self) -> None:
        """Renew it now, for its whole ttl."""
        self._run(self.renewal())

    def release(self) -> None:
        """Give it back."""
        self._stop.set()
        self._run(self.ending())

    def keep(self) -> None:
        """Begin to renew in the background."""
        self._stop = threading.Event()
        weakref.finalize(self, self._stop.set)
        what = (weakref.ref(self), self._stop, self.renew_in)
        threading.Thread(target=_keep, args=what, name=f"botwire lease {self._name}", daemon=True).start()

    def __enter__(self) -> Lease:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._fencing is None:
            return
        # Without an answer it ends by itself after its ttl. An exception on its way out is not hidden by another.
        with suppress(BotWireConnectionError if error is None else BotWireError):
            self.release()


class AsyncLease(Holding):
    """A lease that is renewed by an asyncio task of the loop that acquired it. What Lease says holds here too.

    async with memory.lock("deploy") as lease:
        await memory.set("deployed", 17, lease=lease)
    """

    def __init__(self, run: AsyncRun, *what: Any) -> None:
        super().__init__(*what)
        self._run = run
        self._keeping: asyncio.Task[None] | None = None

    async def acquire(self) -> AsyncLease:
        """Acquire it, and renew it from now on; see Lease.acquire()."""
        await self._run(self.acquisition())
        self.keep()
        return self

    async def renew(self) -> None:
        """Renew it now, for its whole ttl."""
        await self._run(self.renewal())

    async def release(self) -> None:
        """Give it back."""
        if self._keeping:
            self._keeping.cancel()
        await self._run(self.ending())

    def keep(self) -> None:
        """Begin to renew in the background."""
        self._keeping = asyncio.create_task(_keep_async(weakref.ref(self), self.renew_in))
        weakref.finalize(self, _cancel, asyncio.get_running_loop(), self._keeping)

    async def __aenter__(self) -> AsyncLease:
        return await self.acquire()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._fencing is None:
            return
        with suppress(BotWireConnectionError if error is None else BotWireError):
            await self.release()


def _keep(reference: weakref.ref[Lease], stop: threading.Event, pause: float) -> None:
    """Renew as long as the lease is held and somebody refers to it."""
    while not stop.wait(pause):
        lease = reference()
        if lease is None:
            return
        pause = lease.renew_in
        if not pause:
            try:
                lease.renew()
                pause = lease.renew_in
            except (BotWireError, RuntimeError) as error:
                if stop.is_set() or lease.gave_up(error):
                    return
                pause = lease._ttl / 10
        del lease


async def _keep_async(reference: weakref.ref[AsyncLease], pause: float) -> None:
    while True:
        await asyncio.sleep(pause)
        lease = reference()
        if lease is None:
            return
        pause = lease.renew_in
        if not pause:
            try:
                await lease.renew()
                pause = lease.renew_in
            except (BotWireError, RuntimeError) as error:
                if lease.gave_up(error):
                    return
                pause = lease._ttl / 10
        del lease


def _cancel(loop: asyncio.AbstractEventLoop, keeping: asyncio.Task[None]) -> None:
    # The garbage collector runs in any thread, and perhaps after the loop has ended.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(keeping.cancel)


class Claim:
    """An entry that was claimed, as its holder knows it."""

    def __init__(self, calls: Calls, claimed: Claimed) -> None:
        self._calls = calls
        self._claimed = claimed
        self._is_settled = False

    @property
    def key(self) -> str:
        """The key of the entry, which is also the name of the lease on it."""
        return self._claimed.key

    @property
    def value(self) -> Any:
        """The entry's value when it was claimed."""
        return self._claimed.value

    @property
    def version(self) -> int:
        """The entry's version when it was claimed."""
        return self._claimed.version

    def completion(self, lease: Holding) -> Steps[None]:
        """Delete the entry and give the lease back, in one; neither where the lease was lost."""
        yield self._calls.batch(
            [
                _operations.about(self.key, _operations.delete()),
                _operations.release(lease.name, lease.fencing),
            ]
        )
        self._is_settled = True
        lease.ended()


class Task(Claim):
    """An entry that nobody else works on. Memory.claim() makes it.

        with memory.claim("tasks/") as task:
            work_on(task.value)

    Leaving normally completes it, an exception releases it. Its lease is renewed in the background; where the process
    dies, the entry can be claimed again after the ttl.
    """

    def __init__(self, calls: Calls, claimed: Claimed, lease: Lease, run: Run) -> None:
        super().__init__(calls, claimed)
        self._lease, self._run = lease, run
        lease.keep()

    @property
    def lease(self) -> Lease:
        """The lease on the entry."""
        return self._lease

    def complete(self) -> None:
        """Delete the entry and release the lease; LeaseLostError, and nothing is deleted, if the lease was lost."""
        self._run(self.completion(self._lease))
        self._lease._stop.set()

    def release(self) -> None:
        """Give the entry back, for anybody to claim."""
        self._is_settled = True
        self._lease.release()

    def __enter__(self) -> Task:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._is_settled:
            return
        if error is None:
            self.complete()
            return
        with suppress(BotWireError):
            self.release()


class AsyncTask(Claim):
    """The same as Task, for asyncio: `async with`, and complete() and release() are awaited."""

    def __init__(self, calls: Calls, claimed: Claimed, lease: AsyncLease, run: AsyncRun) -> None:
        super().__init__(calls, claimed)
        self._lease, self._run = lease, run
        lease.keep()

    @property
    def lease(self) -> AsyncLease:
        """The lease on the entry."""
        return self._lease

    async def complete(self) -> None:
        """Delete the entry and release the lease; see Task.complete()."""
        await self._run(self.completion(self._lease))
        if self._lease._keeping:
            self._lease._keeping.cancel()

    async def release(self) -> None:
        """Give the entry back, for anybody to claim."""
        self._is_settled = True
        await self._lease.release()

    async def __aenter__(self) -> AsyncTask:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._is_settled:
            return
        if error is None:
            await self.complete()
            return
        with suppress(BotWireError):
            await self.release()


def claim(
    calls: Calls,
    prefix: str,
    ttl: float | timedelta,
    timeout: float | None,
    holder: str | None,
    lease_on: Callable[[str], T],
) -> Steps[tuple[Claimed, T] | None]:
    """The first entry under `prefix` that nobody holds, with the lease on it; None where there is none in time."""
    patience = Patience(timeout, NothingToClaimError, NamespaceNotFoundError)
    while True:
        asked_at = time.monotonic()
        claimed: Claimed | None = yield from patience.ask(lambda seconds: calls.claim(prefix, ttl, holder, seconds))
        if claimed is not None:
            lease = lease_on(claimed.grant.name)
            assert isinstance(lease, Holding)
            if (yield from lease.taken(claimed.grant, asked_at)):
                return claimed, lease
        if patience.is_over:
            return None
        yield from patience.rest()
