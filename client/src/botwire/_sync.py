"""The blocking client. It only sends and pauses: requests and answers are in `_wire`, repeats in `_retry`."""

from __future__ import annotations

import builtins
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

import httpx

from botwire import _leases, _operations, _portability, _rollback, _transactions, _waiting
from botwire._access import Access, trusted
from botwire._answers import Page
from botwire._call import Call, Pause, Steps
from botwire._connections import Connections
from botwire._debug import follow_environment
from botwire._exceptions import (
    BotWireError,
    InvalidExportError,
    KeyNotFoundError,
    NamespaceNotFoundError,
    NotQuarantinedError,
    TargetMissingError,
    VersionNotFoundError,
)
from botwire._leases import Lease, Task
from botwire._models import (
    ChangePage,
    Entry,
    ExportResult,
    ImportResult,
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
from botwire._portability import File, Progress
from botwire._problems import broken_off, no_answer
from botwire._retry import Exchange, Outcome
from botwire._settings import RETRIES, TIMEOUT, Settings
from botwire._transactions import Transaction
from botwire._values import JSONValue
from botwire._waiting import Condition, Following, only_value
from botwire._watching import Watch
from botwire._wire import OWN, Calls, Prefixes

T = TypeVar("T")


class Memory:
    """The memory that everyone who knows the name `namespace` shares.

        memory = Memory("trading-desk")
        memory.set("tsla_signal", {"signal": "buy", "confidence": 0.9})
        memory.get("tsla_signal")

    The server is `base_url`, else that of the environment's BOTWIRE_URL, else the hosted service. `token` is one of a
    private namespace, and stands for a writer; without one, `agent` is the name that is shown as the writer, as its own
    word. `timeout` is in seconds, for
    connecting and for each wait for the server. `retries` is how often a call may be repeated after the first attempt,
    where that is safe (README, Retries); 0 turns that off. The pauses before them take 30
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
        self._access = Access(self._settings.base_url, namespace)
        self._connections: dict[int, Connections] = {}
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
        lease: Lease | None = None,
    ) -> SetResult:
        """Store `value` under `key`, in the place of what was there.

        After `ttl` seconds (or that timedelta) the entry is gone; without, it stays, also if it had one before. With
        `if_version` the write happens only if that is the entry's version, with `if_absent` only if there is no entry;
        else PreconditionFailedError is raised. With `lease` it happens only if that lease is still held; else
        LeaseLostError is raised. The same holds wherever a method takes a `lease`.

        A value that is not JSON raises UnsupportedValueError (a TypeError) before anything is sent: only None, bool,
        int, float, str, list and dict with str keys come back as they went in. Their subclasses (enums, OrderedDict,
        numpy's floats) do not, nor do tuples, NaN and infinity.
        """
        return self._send(self._calls.set(key, value, ttl, if_version, if_absent, lease))

    def get(
        self, key: str, default: Any = None, *, trust: Collection[str] | None = None, version: int | None = None
    ) -> Any:
        """Return the value under `key`, or `default` if there is none.

        With `trust` only what one of these writers wrote, by a token: what others wrote is as if it were not there.
        With `version` it is the value that this version gave to the key, or `default` if it is not known any more.
        """
        try:
            if version is not None:
                return trusted(self._send(self._calls.past(key, version)), trust, default)
            return trusted(self.get_entry(key), trust, default)
        except (KeyNotFoundError, VersionNotFoundError):
            return default

    def get_entry(self, key: str) -> Entry:
        """Return the value under `key` with its version, writer and times; raise KeyNotFoundError if there is none."""
        return self._send(self._calls.get_entry(key))

    def delete(self, key: str, *, if_version: int | None = None, lease: Lease | None = None) -> bool:
        """Delete `key` and tell whether it was there.

        With `if_version` only if that is the entry's version; else, and if there is none, PreconditionFailedError.
        """
        try:
            return self._send(self._calls.delete(key, if_version, lease))
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

    def append(
        self,
        key: str,
        value: JSONValue,
        *,
        max_length: int | None = None,
        ttl: float | timedelta | None = None,
        lease: Lease | None = None,
    ) -> int:
        """Append `value` to the list under `key`, which is made if it is not there, and return the new length.

        With `max_length` only the newest so many stay. `ttl` is as for set(), but without it the entry's expiry stays
        as it is. WrongTypeError is raised where something else than a list is there.
        """
        call = self._calls.change(key, _operations.append(value, max_length, ttl), lease, is_brief=True)
        return self._send(call).length or 0

    def pop(self, key: str, default: Any = UNSET, *, first: bool = False, lease: Lease | None = None) -> Any:
        """Take the last value (or the `first`) out of the list under `key` and return it.

        Where there is none, return `default`; without one raise TargetMissingError, which is a LookupError.
        """
        popped = self.pop_many(key, 1, first=first, lease=lease)
        return only_value(popped, key, default)

    def pop_many(self, key: str, count: int, *, first: bool = False, lease: Lease | None = None) -> builtins.list[Any]:
        """Take up to `count` values from the end (or the beginning) of that list, in the order they stand."""
        try:
            changed = self._send(self._calls.change(key, _operations.pop(count, first), lease, is_brief=True))
        except TargetMissingError:
            return []
        return changed.popped

    def increment(
        self, key: str, by: float = 1, *, initial: float | None = 0, lease: Lease | None = None
    ) -> int | float:
        """Add `by` to the number under `key` and return the sum; where there is none, to `initial`.

        Integers are exact at any size; with a float on either side the sum is a float. With `initial=None` a key that
        is not there raises TargetMissingError.
        """
        total: int | float = self._send(self._calls.change(key, _operations.increment(by, initial), lease)).value
        return total

    def merge(
        self, key: str, patch: JSONValue, *, initial: JSONValue | Unset = UNSET, lease: Lease | None = None
    ) -> Any:
        """Apply a JSON Merge Patch (RFC 7396) to the object under `key` and return what it is then.

        Members of `patch` replace those of the same name, at any depth; None removes them. Where there is no entry,
        `initial` is what the patch is applied to, and without one TargetMissingError is raised.
        """
        return self._send(self._calls.change(key, _operations.merge(patch, initial), lease)).value

    def patch(self, key: str, operations: builtins.list[dict[str, Any]], *, lease: Lease | None = None) -> Any:
        """Apply a JSON Patch (RFC 6902) to the value under `key` and return what it is then.

        A `test` that fails raises PreconditionFailedError, a path that is not there PatchFailedError; nothing is
        changed then.
        """
        return self._send(self._calls.change(key, _operations.patch(operations), lease)).value

    def update(
        self,
        key: str,
        function: Callable[[Any], JSONValue],
        default: Any = None,
        *,
        ttl: float | timedelta | None = None,
        timeout: float = 30,
        lease: Lease | None = None,
    ) -> Any:
        """Replace the value under `key` by `function(value)` and return that; nothing of others is ever lost.

        `function` gets `default` (a copy of it) where there is no entry, and is called again where somebody else wrote
        in between; after `timeout` seconds of that PreconditionFailedError is raised. `ttl` is as for set().
        """
        return self._run(_waiting.update(self._calls, key, function, default, ttl, timeout, lease))

    def wait(
        self,
        key: str,
        *,
        equals: JSONValue | Unset = UNSET,
        after: int | None = None,
        until: Callable[[Any], object] | None = None,
        timeout: float | None = 60,
    ) -> Any:
        """Wait for the entry under `key` and return its value.

        For any value; or for one that is equal to `equals` as JSON; or for one of a version greater than `after`; or
        for one of which `until(value)` is true. After `timeout` seconds (None: never) WaitTimeoutError is raised. A
        value that is replaced at once may be missed; watch() gives each.
        """
        return self._run(_waiting.wait(self._calls, key, Condition.of(equals, after, until), timeout))

    def watch(self, prefix: str = "", *, since: int | None = None, timeout: float | None = None) -> Watch:
        """Iterate over the changes of keys that begin with `prefix`, as they happen: in order, each once.

        They are those after the revision `since`, or without it those from now on. The iteration ends when no change
        came for `timeout` seconds (None: never). It goes on where it was after a lost connection and a restart of the
        server; to go on in another process, give it the `revision` of this one. RevisionTrimmedError is raised where
        the server's log does not reach back to `since` any more.
        """
        return Watch(Following(self._calls, prefix, since, timeout), self._run)

    def changes(
        self,
        since: int,
        prefix: str = "",
        limit: int = 1_000,
        *,
        writer: str | Writer | None = None,
        verified: bool | None = None,
    ) -> ChangePage:
        """Return up to `limit` changes after the revision `since`, without waiting for any; see watch().

        With `writer` only those by that Writer, or by that name; with `verified` only those whose writer is verified,
        or only the others. While `next` is below `revision` there may be more, even if these are few or none.
        """
        return self._send(self._calls.changes(since, prefix, limit, writer=writer, verified=verified))

    def history(self, key: str, *, values: bool = False) -> Iterator[Version]:
        """Iterate over the versions of `key`, newest first, deletions included, as far as the server's log has them.

        With `values` each set has its value, unless that was purged or its writer is in quarantine. They are fetched
        page by page while you iterate.
        """
        return self._each(partial(self._calls.versions, with_values=values), key)

    def restore(
        self, key: str, version: int, *, ttl: float | timedelta | None = None, if_version: int | None = None
    ) -> SetResult:
        """Set `key` to what `version` set it to, as a new version, also where it was deleted since.

        `ttl` and `if_version` are as for set(). It counts as no write of the day. VersionNotFoundError is raised where
        the value is not known any more; its `versions` are those that are.
        """
        return self._send(self._calls.restore(key, version, ttl, if_version))

    def rollback(
        self,
        *,
        writer: str | Writer | None,
        since: int | datetime | None = None,
        prefix: str = "",
        verified: bool | None = None,
        dry_run: bool = False,
        wait: bool = True,
    ) -> Rollback:
        """Take back what `writer` did: each key it wrote goes back to the newest version that is not by it.

        Only keys that it wrote after the revision (or the time) `since` and that begin with `prefix`; a key that
        somebody else wrote later stays. With `dry_run` nothing is written, and the answer tells what would be. Up to
        500 keys it is all or nothing; more are a job on the server, which is waited for, or with `wait=False` is
        `running`: see rollback_progress() and cancel_rollback(). It counts as no write of the day.

        `writer` is a Writer as entries and changes have it, or a name, or None for those who gave none. A name is that
        of a `verified` writer if this memory has a token, and else of one who called itself so.
        """
        meant = _rollback.writer_of(writer, verified, self._settings.token)
        return self._run(_rollback.rollback(self._calls, meant, since, prefix, dry_run, wait))

    def rollback_progress(self, job: str) -> Rollback:
        """Return what a rollback that became a job has done so far."""
        return self._send(self._calls.rollback_job(job))

    def cancel_rollback(self, job: str) -> Rollback:
        """Stop a rollback for good; what it took back stays taken back."""
        return self._send(self._calls.cancel_rollback(job))

    def quarantine(self, writer: str | Writer | None, reason: str = "", *, verified: bool | None = None) -> Quarantined:
        """Hide what `writer` wrote, and will write, from every reader, until release().

        `writer` and `verified` are as for rollback(). The log still tells who wrote which key when.
        """
        meant = _rollback.writer_of(writer, verified, self._settings.token)
        return self._send(self._calls.quarantine(meant, reason))

    def release(self, writer: str | Writer | None, *, verified: bool | None = None) -> bool:
        """Have what `writer` wrote be read again, and tell whether it was hidden; see quarantine()."""
        try:
            meant = _rollback.writer_of(writer, verified, self._settings.token)
            return self._send(self._calls.release_writer(meant))
        except NotQuarantinedError:
            return False

    def quarantined(self) -> builtins.list[Quarantined]:
        """Return the writers that are in quarantine."""
        return self._send(self._calls.quarantined())

    def lock(self, name: str, *, ttl: float | timedelta = 60, timeout: float | None = None) -> Lease:
        """Return the lease `name`, for a `with` statement: entering acquires it, leaving releases it.

        Only one holder can have it at a time. It is renewed in the background; when this process dies or is cut off,
        it passes on after `ttl` seconds. Where another holds it, it is waited for, up to `timeout` seconds (None: as
        long as it takes), and then LeaseHeldError is raised.
        """
        return Lease(self._run, self._calls, name, ttl, timeout, self._settings.agent)

    def claim(self, prefix: str, *, ttl: float | timedelta = 60, timeout: float | None = 0) -> Task | None:
        """Take the first entry whose key begins with `prefix` and that nobody else holds; None if there is none.

        It is waited for up to `timeout` seconds (None: as long as it takes). The entry stays where it is until the
        task is completed; when this process dies, anybody can claim it after `ttl` seconds.
        """
        holder = self._settings.agent
        found = self._run(
            _leases.claim(
                self._calls, prefix, ttl, timeout, holder,
                lambda name: Lease(self._run, self._calls, name, ttl, None, holder),
            )
        )  # fmt: skip
        return Task(self._calls, *found, self._run) if found else None

    def transaction(self, *, lease: Lease | None = None) -> Transaction:
        """Return a transaction, for a `with` statement: what it writes is written at its end, all or nothing.

            with memory.transaction() as t:
                balance = t.get("balance", 0)
                t.set("balance", balance - 10)
                t.append("log", ["paid", 10])

        What it read must then be as it was read: else TransactionConflictError, and nothing is written. An exception in
        the block is passed on, and nothing is written.
        """
        return Transaction(self._calls, lease, self._run)

    def set_many(
        self, mapping: Mapping[str, JSONValue], *, ttl: float | timedelta | None = None, lease: Lease | None = None
    ) -> None:
        """Store each value of `mapping` under its key, in one request.

        Up to 500 entries (and 8 MiB) it is all or nothing; more are sent in several requests, each all or nothing.
        """
        self._run(_transactions.set_many(self._calls, mapping, ttl, lease))

    def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return the values under those of `keys` that are there.

        Up to 500 keys and 8 MiB of values are all as they were at one moment; more are read in several requests.
        """
        return self._run(_transactions.get_many(self._calls, keys))

    def delete_many(self, keys: Iterable[str], *, lease: Lease | None = None) -> int:
        """Delete those of `keys` that are there and return how many; up to 500 keys all or nothing."""
        return self._run(_transactions.delete_many(self._calls, keys, lease))

    def export(
        self, file: File, *, prefix: str = "", history: bool = False, progress: Progress | None = None
    ) -> ExportResult:
        """Write all entries whose keys begin with `prefix` to a file, as lines of JSON, and tell what they are.

        They are as they were at one revision, whatever is written meanwhile; with `history` the change log follows. A
        path is there only once it holds the whole export. `progress` is called with how many entries and changes have
        come, and how many there are. NamespaceNotFoundError is raised if nothing was ever written.
        """
        call = self._calls.export(prefix, history)
        with _portability.written(file) as opened:
            receiver = _portability.Receiver(opened, progress)
            self._receive(call, receiver.take)
            try:
                return receiver.end()
            except InvalidExportError as error:
                raise broken_off(call.method, call.url) from error

    def import_(
        self,
        file: File,
        *,
        dry_run: bool = False,
        on_conflict: str = "fail",
        progress: Progress | None = None,
    ) -> ImportResult:
        """Put what was exported to a file into this memory, and tell what that did; with `dry_run` only what it would.

        Where nothing was ever written here, entries come back with their versions, times and writers, and so does the
        change log. Elsewhere they are written anew. Where a key has another value already, `on_conflict` says what
        becomes of it: "fail" raises ImportConflictError, "skip" keeps what is there, "replace" overwrites it.

        Each entry and change that is put in counts as a write. An import that was stopped, by a limit or a kill, goes
        on when it is run again: what is there already is skipped. A file that is not whole, or was edited, raises
        InvalidExportError before anything is sent. An exception that has a `line` was raised at that line of the file;
        everything before it has been put in.
        """
        _portability.check_on_conflict(on_conflict)
        with _portability.readable(file) as opened:
            source = _portability.Source.checked(opened)
            return self._run(_portability.taken_in(self._calls, source, dry_run, on_conflict, progress))

    @classmethod
    def create(
        cls,
        namespace: str,
        *,
        name: str | None = None,
        base_url: str | None = None,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        transport: httpx.BaseTransport | None = None,
    ) -> Memory:
        """Make a new, private namespace, and return its Memory, which has the only token, an admin's.

        Keep `memory.token` where only those find it who may do everything; share() gives others. The token stands for
        the writer `name` ("admin"). Raises AlreadyClaimedError if it is private, ClaimCodeRequiredError if it is open.
        """
        memory = cls(namespace, base_url=base_url, timeout=timeout, retries=retries, transport=transport)
        try:
            memory.claim_namespace(name=name)
        except BaseException:
            memory.close()
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

    def claim_namespace(self, code: str | None = None, *, name: str | None = None) -> SharedToken:
        """Make the namespace private, and return its first token, an admin's, which this Memory sends from now on.

        One that does not exist is made. Of one that does, only who has made it can prove that: `code` is the claim code
        of the answer to its first write, which this Memory knows if it was its own. The token stands for the writer
        `name` ("admin").
        """
        shared = self._send(self._calls.claim_namespace(name, self._access.code_for(code)))
        self._show(shared.token)
        return shared

    def share(
        self,
        *,
        read: Prefixes | None = None,
        write: Prefixes | None = None,
        name: str | None = None,
        role: str | None = None,
        ttl: float | timedelta | None = None,
    ) -> SharedToken:
        """Return a new token that may do a part of what this one may, for `ttl` seconds, but no longer than this one.

        It reads and writes keys that begin with one of `write`, and reads those that begin with one of `read` too;
        without either, it reads what this one may. It stands for the writer `name`: by default for the
        same one, and unless this is an admin's, else only for one below it ("worker/1" below "worker"). `role="admin"`
        makes another admin token.
        """
        return self._send(self._calls.share(role, name, read, write, ttl))

    def tokens(self) -> builtins.list[Token]:
        """Return the tokens that this one may manage: an admin's all, another one itself and what came of it."""
        return self._send(self._calls.tokens())

    def revoke(self, token: Token | str) -> int:
        """Take a token back, by its id, with all that was shared with it; return how many. Their waits end at once."""
        return self._send(self._calls.revoke(token))

    def rotate(self, token: Token | str | None = None, *, overlap: float | timedelta = 0) -> SharedToken:
        """Replace a token by a new one with the same rights, and return that.

        Without `token` it is this Memory's own, which sends the new one from now on. The old one stays good for
        `overlap` seconds, so that those who have it can be given the new one without a gap.
        """
        rotated = self._send(self._calls.rotate(OWN if token is None else token, overlap))
        if token is None:
            self._show(rotated.token)
        return rotated

    def close(self) -> None:
        """Close the connections (of this process, after a fork). Any further call raises RuntimeError."""
        self._is_closed = True
        connections = self._connections.get(os.getpid())
        if connections is not None:
            connections.close()

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

    def _run(self, steps: Steps[T]) -> T:
        """Do the steps one after the other and return their result."""
        try:
            step = next(steps)
            while True:
                try:
                    outcome = self._do(step)
                except BotWireError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(outcome)
        except StopIteration as end:
            result: T = end.value
            return result

    def _do(self, step: Call[Any] | Pause) -> Any:
        return time.sleep(step.seconds) if isinstance(step, Pause) else self._send(step)

    def _send(self, call: Call[T]) -> T:
        exchange = Exchange(call, self._settings)
        while True:
            exchange.begin()
            outcome = self._attempt(call)
            pause = exchange.pause_after(outcome)
            if pause is None:
                if isinstance(outcome, httpx.Response):
                    self._access.note(call, outcome)
                return exchange.result(outcome)
            time.sleep(pause)

    def _receive(self, call: Call[Any], take: Callable[[bytes], None]) -> None:
        """Have `take` called with all pieces of an answer. It is asked for again only while no piece has come."""
        exchange = Exchange(call, self._settings)
        while True:
            exchange.begin()
            outcome = self._attempt_to_receive(call, take)
            if isinstance(outcome, httpx.Response) and outcome.is_success:
                return
            pause = exchange.pause_after(outcome)
            if pause is None:
                exchange.result(outcome)
            time.sleep(pause or 0)

    def _attempt_to_receive(self, call: Call[Any], take: Callable[[bytes], None]) -> Outcome:
        has_begun = False
        try:
            with (
                self._own_connections().lend() as client,
                client.stream(call.method, call.url, headers=call.headers) as response,
            ):
                if response.is_success:
                    for piece in response.iter_bytes():
                        has_begun = True
                        take(piece)
                else:
                    response.read()
                return response
        except httpx.RequestError as error:
            if has_begun:
                raise no_answer(error, call.method, call.url, self._settings.timeout) from error
            return error

    def _attempt(self, call: Call[T]) -> Outcome:
        try:
            with self._own_connections().lend() as client:
                return client.request(
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
        for connections in builtins.list(self._connections.values()):
            connections.show(self._settings.headers)

    def _own_connections(self) -> Connections:
        """This process's. No lock: one that another thread holds during a fork stays locked in the child."""
        if self._is_closed:
            raise RuntimeError(f"{self!r} is closed.")
        pid = os.getpid()
        return self._connections.get(pid) or self._first_connections(pid)

    def _first_connections(self, pid: int) -> Connections:
        # setdefault is atomic, so that threads that come here together go on with the same ones.
        connections = self._connections.setdefault(pid, Connections(self._settings, self._transport))
        # The parent's connections are let go, not closed: closing takes a lock of the parent's. What remains of them
        # in this process is only file descriptors, and closing those is nothing that the server sees.
        for other in [number for number in list(self._connections) if number != pid]:
            self._connections.pop(other, None)
        return connections
