"""Iterators over the changes of a namespace. Where they stand, and what they ask, is in `_waiting`."""

from __future__ import annotations

from botwire._leases import AsyncRun, Run
from botwire._models import Change
from botwire._waiting import Following


class Watch:
    """The changes of a namespace, one after the other; Memory.watch() makes it. It holds no connection between them."""

    def __init__(self, following: Following, run: Run) -> None:
        self._following, self._run = following, run
        self._run(following.begin())

    @property
    def revision(self) -> int:
        """The revision up to which all changes were given: what to give as `since` to go on from here."""
        return self._following.revision or 0

    def __iter__(self) -> Watch:
        return self

    def __next__(self) -> Change:
        change: Change | None = self._run(self._following.next_change())
        if change is None:
            raise StopIteration
        return change


class AsyncWatch:
    """The same as Watch, for `async for`; without `since` it begins when the first change is asked for."""

    def __init__(self, following: Following, run: AsyncRun) -> None:
        self._following, self._run = following, run

    @property
    def revision(self) -> int:
        """The revision up to which all changes were given: what to give as `since` to go on from here."""
        return self._following.revision or 0

    def __aiter__(self) -> AsyncWatch:
        return self

    async def __anext__(self) -> Change:
        change: Change | None = await self._run(self._following.next_change())
        if change is None:
            raise StopAsyncIteration
        return change
