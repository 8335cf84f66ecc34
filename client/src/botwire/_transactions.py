"""Many reads and writes in one request: transactions, and whole dicts of entries at once.

Steps and states for both clients (see `_call`), and the two faces of a transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any

from botwire import _operations
from botwire._answers import BatchAnswer, Members
from botwire._call import Steps
from botwire._exceptions import BatchTooLargeError, PreconditionFailedError, TransactionConflictError
from botwire._leases import AsyncRun, Run
from botwire._models import Entry
from botwire._operations import UNSET, Operation, Unset, about, json_text
from botwire._values import JSONValue
from botwire._waiting import entry_or_none
from botwire._wire import Calls, Fenced

#: What a server takes in one batch, at least unless its operator lowered it.
BATCH_OPERATIONS = 500
BATCH_BYTES = 8 * 1024 * 1024
_AROUND_OPERATIONS = 64


class Collected:
    """What a transaction has read, and what it is to write.

    The methods that write only note it; everything is sent as one batch in the end, in this order.
    """

    def __init__(self, calls: Calls, lease: Fenced | None) -> None:
        self._calls, self._lease = calls, lease
        self._read: dict[str, Entry | None] = {}
        self._writes: list[tuple[str, Operation]] = []
        self._results: list[Any] = []
        self._revision: int | None = None

    @property
    def results(self) -> list[Any]:
        """After the end, what each write did, in order: of a set its version, of a delete whether there was something,
        of a pop what was taken out, of an append the length, of anything else the new value.
        """
        return self._results

    @property
    def revision(self) -> int | None:
        """The namespace's revision after the transaction; None before its end, and where nothing was to be written."""
        return self._revision

    def set(
        self, key: str, value: JSONValue, *, ttl: float | timedelta | None = None, if_version: int | None = None
    ) -> None:
        """Store `value` under `key`."""
        self._note(key, _operations.set_to(value, ttl, if_version))

    def delete(self, key: str, *, if_version: int | None = None) -> None:
        """Delete `key`; that it is not there is no error, without `if_version`."""
        self._note(key, _operations.delete(if_version))

    def append(
        self, key: str, value: JSONValue, *, max_length: int | None = None, ttl: float | timedelta | None = None
    ) -> None:
        """Append `value` to the list under `key`."""
        self._note(key, _operations.append(value, max_length, ttl))

    def pop(self, key: str, count: int = 1, *, first: bool = False) -> None:
        """Take `count` values from the end of the list under `key`, or from its beginning."""
        self._note(key, _operations.pop(count, first))

    def increment(self, key: str, by: float = 1, *, initial: float | None = 0) -> None:
        """Add `by` to the number under `key`."""
        self._note(key, _operations.increment(by, initial))

    def merge(self, key: str, patch: JSONValue, *, initial: JSONValue | Unset = UNSET) -> None:
        """Apply the JSON Merge Patch `patch` to the value under `key`."""
        self._note(key, _operations.merge(patch, initial))

    def patch(self, key: str, operations: list[dict[str, Any]]) -> None:
        """Apply the JSON Patch `operations` to the value under `key`."""
        self._note(key, _operations.patch(operations))

    def reading(self, key: str, default: Any) -> Steps[Any]:
        if any(key == written for written, _ in self._writes):
            raise ValueError(f"The transaction writes {key!r} already: read it before that, or after the end.")
        if key not in self._read:
            self._read[key] = yield from entry_or_none(self._calls, key)
        entry = self._read[key]
        return default if entry is None else entry.value

    def commitment(self) -> Steps[None]:
        """Send it, all or nothing; TransactionConflictError where a key is not as it was read."""
        if not self._writes:
            return
        checks = [(key, _operations.check(entry.version if entry else None)) for key, entry in self._read.items()]
        batch = [*checks, *self._writes]
        try:
            answer: BatchAnswer = yield self._calls.batch([about(*operation) for operation in batch], self._lease)
        except PreconditionFailedError as error:
            key = None if error.operation is None else batch[error.operation][0]
            raise TransactionConflictError(str(error), key=key, **vars(error)) from error
        self._revision = answer.revision
        self._results = [_result(answer) for answer in answer.results[len(checks) :]]

    def _note(self, key: str, operation: Operation) -> None:
        about(key, operation)  # raises for what can not be a key
        self._writes.append((key, operation))


class Transaction(Collected):
    """Reads that still hold, and writes that happen together, when it ends; Memory.transaction() makes it."""

    def __init__(self, calls: Calls, lease: Fenced | None, run: Run) -> None:
        super().__init__(calls, lease)
        self._run = run

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value under `key`, now; at the end it must not have been written by anybody else."""
        return self._run(self.reading(key, default))

    def __enter__(self) -> Transaction:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self._run(self.commitment())


class AsyncTransaction(Collected):
    """The same as Transaction, for asyncio: `async with`, and get() is awaited; what only notes a write is not."""

    def __init__(self, calls: Calls, lease: Fenced | None, run: AsyncRun) -> None:
        super().__init__(calls, lease)
        self._run = run

    async def get(self, key: str, default: Any = None) -> Any:
        """Return the value under `key`, now; see Transaction.get()."""
        return await self._run(self.reading(key, default))

    async def __aenter__(self) -> AsyncTransaction:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            await self._run(self.commitment())


def set_many(
    calls: Calls, mapping: Mapping[str, JSONValue], ttl: float | timedelta | None, lease: Fenced | None
) -> Steps[None]:
    for batch in batches([about(key, _operations.set_to(value, ttl)) for key, value in mapping.items()]):
        yield calls.batch(batch, lease)


def get_many(calls: Calls, keys: Iterable[str]) -> Steps[dict[str, Any]]:
    found: dict[str, Any] = {}
    for batch in batches([about(key, _operations.get()) for key in keys]):
        found |= yield from _found(calls, batch)
    return found


def _found(calls: Calls, batch: list[Operation]) -> Steps[dict[str, Any]]:
    """What is there of the keys that `batch` reads; in two requests where one answer does not hold all of it."""
    try:
        answer: BatchAnswer = yield calls.batch(batch)
    except BatchTooLargeError:
        if len(batch) == 1:
            raise
        half = len(batch) // 2
        return (yield from _found(calls, batch[:half])) | (yield from _found(calls, batch[half:]))
    return {row.text("key"): row.value("value") for row in answer.results if row.truth("found")}


def delete_many(calls: Calls, keys: Iterable[str], lease: Fenced | None) -> Steps[int]:
    deleted = 0
    for batch in batches([about(key, _operations.delete()) for key in keys]):
        answer: BatchAnswer = yield calls.batch(batch, lease)
        deleted += sum(row.truth("deleted") for row in answer.results)
    return deleted


def batches(batch: list[Operation]) -> Iterator[list[Operation]]:
    """As few parts as the server takes; one, if it takes all at once."""
    part: list[Operation] = []
    size = _AROUND_OPERATIONS
    for operation in batch:
        length = len(json_text(operation)) + 1
        if part and (len(part) == BATCH_OPERATIONS or size + length > BATCH_BYTES):
            yield part
            part, size = [], _AROUND_OPERATIONS
        part.append(operation)
        size += length
    if part:
        yield part


def _result(answer: Members) -> Any:
    for name in ("popped", "deleted", "length", "value"):
        if name in answer:
            return answer.value(name)
    return answer.integer("version")
