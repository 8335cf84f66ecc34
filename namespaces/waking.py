"""Waiting for a namespace to change, on an event loop: no thread and no database connection is held by who waits.

Commits of this process's engine are told at once, those of others on a pulse, which beats only while somebody waits.
What is waited for over HTTP is decided in `api.lane`; nothing here answers, and nothing is remembered for later.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from namespaces import reading, sql
from namespaces.changes import ChangePage, page_of, read_parameters
from namespaces.engine import Engine
from namespaces.engine.errors import NotAnswered
from namespaces.errors import DatabaseTrouble, KeyNotFound, Refusal
from namespaces.jsonequality import comparable
from namespaces.reading import Remembered

PULSE_SECONDS = 0.025
# Looking takes at most one part in so many of the time, and no look is further from the next than this.
REST = 4
MOST_REST_SECONDS = 1.0
# More changes than these are not told one by one: everyone who waits then looks for themselves.
MOST_TOLD = 1_000
PAGE_BYTES = 262_144
# A value of more characters takes so long to compare that a thread should do it, for a moment.
LARGEST_COMPARED = 65_536

logger = logging.getLogger("botwire.waking")


class Mark(NamedTuple):
    """How far a namespace has come: all only grow, and one of them with each write, each lease, each loss of access."""

    revision: int = 0
    fencing: int = 0
    access_version: int = 0


class Sighting:
    """An entry, or none, as one read found it, for everybody who waited for its key when the read began.

    It is for those who were let in at `access_version`; others look for themselves.
    """

    def __init__(self, namespace: str, key: str, row: Any) -> None:
        self._namespace, self._key, self._row = namespace, key, row
        self._comparable: asyncio.Future[Any] | None = None
        self.access_version: int = reading.access_version_in(row)

    @property
    def is_of_nothing(self) -> bool:
        """Whether no namespace was there for whoever looked."""
        return self._row is None

    def entry(self) -> Remembered | None:
        """The entry; raises NamespaceSuspended."""
        try:
            return reading.remembered(self._namespace, self._key, self._row)
        except KeyNotFound:
            return None

    async def says(self, value: Any) -> bool:
        """Whether the entry's value is `value`, as `namespaces.jsonequality` makes it comparable."""
        entry = self.entry()
        if entry is None:
            return False
        if self._comparable is None:
            self._comparable = asyncio.ensure_future(_comparable(entry.value))
        return bool(await asyncio.shield(self._comparable) == value)


async def _comparable(text: str) -> Any:
    if len(text) <= LARGEST_COMPARED:
        return comparable(text)
    return await asyncio.to_thread(comparable, text)


News = Sighting | ChangePage | None


class Waiter:
    """Somebody who waits: for one key, or for changes of keys that begin with `prefix`; for leases too if so said."""

    def __init__(self, key: str | None = None, *, prefix: str = "", minds_leases: bool = False) -> None:
        self.key, self.prefix, self.minds_leases = key, prefix, minds_leases
        self.is_over = False
        self._news: News = None
        self._woken = asyncio.Event()

    def wake(self, news: News = None) -> None:
        """Tell what has happened; None: look for yourself."""
        self._news = news
        self._woken.set()

    def end(self) -> None:
        """Wait no more, now and later."""
        self.is_over = True
        self._woken.set()

    async def news(self, deadline: float) -> News:
        """The latest that was told since the last call. TimeoutError at `deadline`, the loop's time, or when over."""
        if not self.is_over:
            async with asyncio.timeout_at(deadline):
                await self._woken.wait()
        if self.is_over:
            raise TimeoutError
        self._woken.clear()
        news, self._news = self._news, None
        return news


class _Watch:
    """One namespace that somebody waits for. All up to `mark` has been told; None: nothing has been seen yet."""

    def __init__(self) -> None:
        self.mark: Mark | None = None
        self.by_key: dict[str, set[Waiter]] = {}
        self.followers: set[Waiter] = set()

    def add(self, waiter: Waiter) -> None:
        self._group_of(waiter).add(waiter)

    def discard(self, waiter: Waiter) -> None:
        self._group_of(waiter).discard(waiter)
        if waiter.key is not None and not self.by_key[waiter.key]:
            del self.by_key[waiter.key]

    @property
    def is_deserted(self) -> bool:
        return not self.by_key and not self.followers

    def everyone(self) -> list[Waiter]:
        return [waiter for group in (self.followers, *self.by_key.values()) for waiter in group]

    def _group_of(self, waiter: Waiter) -> set[Waiter]:
        return self.followers if waiter.key is None else self.by_key.setdefault(waiter.key, set())


class Waking:
    """Everybody who waits in this process. To be made, and asked, on the engine's loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._loop = asyncio.get_running_loop()
        self._watches: dict[str, _Watch] = {}
        self._written: set[str] = set()
        self._is_written = asyncio.Event()
        self._commits: int | None = None
        self._beating: asyncio.Task[None] | None = None
        self._is_over = False
        engine.listen(self._hear)

    @contextmanager
    def waiting(self, namespace: str, waiter: Waiter) -> Iterator[Waiter]:
        """Have `waiter` told of what happens from now on: whoever looks after this began misses nothing."""
        watch = self._watches.setdefault(namespace, _Watch())
        watch.add(waiter)
        if self._is_over:
            waiter.end()
        if self._beating is None or self._beating.done():
            self._beating = self._loop.create_task(self._beat())
        try:
            yield waiter
        finally:
            watch.discard(waiter)
            if watch.is_deserted:
                self._watches.pop(namespace, None)

    async def changed(self, namespace: str, since: Mark, seconds: float) -> Mark:
        """Wait until the namespace has come further than `since`, for `seconds` at most; how far it has come.

        Raises NotAnswered and DatabaseTrouble as the engine does.
        """
        deadline = self._loop.time() + seconds
        with self.waiting(namespace, Waiter(minds_leases=True)) as waiter:
            while (mark := (await self._marks({namespace}))[namespace]) == since:
                try:
                    await waiter.news(deadline)
                except TimeoutError:
                    break
        return mark

    def end(self) -> None:
        """End every wait, and every one to come."""
        self._is_over = True
        for watch in self._watches.values():
            for waiter in watch.everyone():
                waiter.end()

    def _hear(self, names: set[str]) -> None:
        written = names & self._watches.keys()
        if written:
            self._written |= written
            self._is_written.set()

    async def _beat(self) -> None:
        """Look at what was written here when it is, and at everything on the pulse, until nobody waits."""
        due = 0.0
        while self._watches:
            began = self._loop.time()
            is_pulse = began >= due
            written, self._written = self._written, set()
            self._is_written.clear()
            try:
                await (self._look_at_all() if is_pulse else self._look_at(written))
            except (NotAnswered, DatabaseTrouble):
                is_pulse = True  # and what was not told now, is then
            except Exception:
                logger.exception("what has changed could not be told")
            if is_pulse:
                took = self._loop.time() - began
                due = self._loop.time() + min(max(PULSE_SECONDS, (REST - 1) * took), MOST_REST_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._is_written.wait()

    async def _look_at_all(self) -> None:
        commits = self._engine.commits()
        is_quiet = commits is not None and commits == self._commits
        await self._look_at({name for name, watch in self._watches.items() if not (is_quiet and watch.mark)})
        self._commits = commits

    async def _look_at(self, names: set[str]) -> None:
        if not names:
            return
        for namespace, mark in (await self._marks(names)).items():
            watch = self._watches.get(namespace)
            if watch is not None and watch.mark != mark:
                await self._tell(namespace, watch, mark)

    async def _marks(self, names: set[str]) -> dict[str, Mark]:
        found = {name: Mark(*mark) for name, *mark in await self._engine.marks(names)}
        return {name: found.get(name, Mark()) for name in names}

    async def _tell(self, namespace: str, watch: _Watch, mark: Mark) -> None:
        """Tell of everything up to `mark`, and remember how far that has come, also where it breaks off."""
        if watch.mark is None or not 0 <= mark.revision - watch.mark.revision <= MOST_TOLD:
            _tell_everyone(watch)
        else:
            while watch.mark.revision < mark.revision:
                page = await self._page_after(namespace, watch.mark.revision)
                if page is None:
                    _tell_everyone(watch)
                    break
                await self._tell_changes(namespace, watch, page)
                watch.mark = watch.mark._replace(revision=page.next)
            if watch.mark.access_version != mark.access_version:
                _tell_everyone(watch)
            elif watch.mark.fencing != mark.fencing:
                _tell_of_leases(watch)
        watch.mark = mark._replace(revision=max(mark.revision, watch.mark.revision if watch.mark else 0))

    async def _page_after(self, namespace: str, revision: int) -> ChangePage | None:
        """What came after a revision; None where the log does not tell."""
        parameters = read_parameters(namespace, revision, "", MOST_TOLD, room=PAGE_BYTES)
        rows = await self._engine.fetch_all(sql.READ_CHANGES_FOR_ALL, parameters)
        try:
            page = page_of(namespace, revision, rows)
        except Refusal:
            return None
        return page if page.changes else None

    async def _tell_changes(self, namespace: str, watch: _Watch, page: ChangePage) -> None:
        keys = dict.fromkeys(change.key for change in page.changes)
        for key in keys:
            # Only who waits before the read begins: to a request that comes later, what it finds may be out of date.
            waiters = list(watch.by_key.get(key, ()))
            if not waiters:
                continue
            row = await self._engine.fetch(sql.READ_ENTRY_FOR_ALL, reading.read_parameters(namespace, key))
            sighting = Sighting(namespace, key, row)
            for waiter in waiters:
                waiter.wake(sighting)
            await asyncio.sleep(0)  # an engine that answers on the loop itself would hold it up for all keys
        for follower in watch.followers:
            if not follower.prefix or any(key.startswith(follower.prefix) for key in keys):
                follower.wake(page)


def _tell_everyone(watch: _Watch) -> None:
    for waiter in watch.everyone():
        waiter.wake()


def _tell_of_leases(watch: _Watch) -> None:
    for follower in watch.followers:
        if follower.minds_leases:
            follower.wake()
