"""The store behind the `Memory` capability of Pydantic AI's harness. It only translates to the verbs of AsyncMemory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

from botwire._adapters import framework, memory_of
from botwire._async import AsyncMemory
from botwire._exceptions import BotWireError, KeyNotFoundError, PreconditionFailedError
from botwire._segments import joined
from botwire._transactions import AsyncTransaction
from botwire._values import JSONValue

with framework("pydantic-ai-harness"):
    from pydantic_ai.exceptions import ToolFailed
    from pydantic_ai_harness.memory import (
        MemoryConflictError,
        MemoryFile,
        MemoryMutation,
        MemoryOperation,
        MemoryOperationConflictError,
    )

__all__ = ["BotWireMemoryStore"]

_RECEIPTS_STAY = timedelta(days=7)


class BotWireMemoryStore:
    """The notes of the harness's `Memory` capability, shared by agents in any number of processes.

        agent = Agent(model, capabilities=[Memory(store=BotWireMemoryStore("my-desk"))])

    A file is the object `{"content", "operation_id", "metadata"}` under the key `prefix` + "files/" + its path, and its
    version is the entry's. An operation's receipt is kept for 7 days. `base_url`, `token` and `agent` are as for
    botwire.Memory; `memory` is an AsyncMemory to use instead. What the server refuses raises ToolFailed: the model is
    told, with what it can do next, and the run goes on.
    """

    def __init__(
        self,
        namespace: str | None = None,
        *,
        base_url: str | None = None,
        token: str | None = None,
        agent: str | None = None,
        memory: AsyncMemory | None = None,
        prefix: str = "notes/",
    ) -> None:
        self._memory = memory_of(AsyncMemory, memory, namespace, base_url=base_url, token=token, agent=agent)
        self._prefix = prefix

    async def read(self, path: str, *, max_chars: int) -> MemoryFile | None:
        """Return the file with up to `max_chars` of its content, None if there is none."""
        if max_chars <= 0:
            raise ValueError("max_chars must be positive")
        try:
            with _told_to_the_model():
                entry = await self._memory.get_entry(self._file(path))
        except KeyNotFoundError:
            return None
        content = entry.value["content"]
        return MemoryFile(
            content=content[:max_chars],
            version=str(entry.version),
            operation_id=entry.value["operation_id"],
            truncated=len(content) > max_chars,
            metadata=entry.value["metadata"],
        )

    async def get_operation(self, operation: MemoryOperation) -> MemoryMutation | None:
        """Return what `operation` did, if it was carried out; MemoryOperationConflictError if that was another one."""
        try:
            with _told_to_the_model():
                receipt = await self._memory.get_entry(self._receipt(operation))
        except KeyNotFoundError:
            return None
        if receipt.value["fingerprint"] != operation.fingerprint:
            raise MemoryOperationConflictError(f"operation id {operation.id!r} was reused with different arguments")
        # The receipt is written right after the file, in the same transaction, so that its version is the next.
        version = str(receipt.version - 1) if receipt.value["is_write"] else None
        return MemoryMutation(version=version, replayed=True, existed=receipt.value["existed"])

    async def write(
        self, path: str, content: str, *, expected_version: str | None, operation: MemoryOperation | None = None
    ) -> MemoryMutation:
        """Store a file if its version is `expected_version` (None: if there is none), and record no metadata."""
        return await self.write_with_metadata(
            path, content, expected_version=expected_version, metadata=None, operation=operation
        )

    async def write_with_metadata(
        self,
        path: str,
        content: str,
        *,
        expected_version: str | None,
        metadata: Mapping[str, str] | None,
        operation: MemoryOperation | None = None,
    ) -> MemoryMutation:
        """The same as write(), with `metadata` recorded beside the content."""
        value = {
            "content": content,
            "operation_id": operation.id if operation else None,
            "metadata": dict(metadata) if metadata else None,
        }
        return await self._mutation(path, expected_version, operation, value)

    async def delete(
        self, path: str, *, expected_version: str | None, operation: MemoryOperation | None = None
    ) -> MemoryMutation:
        """Delete a file if its version is `expected_version` (None: if there is none, which is no change)."""
        return await self._mutation(path, expected_version, operation, None)

    async def list_paths(self, prefix: str = "", *, limit: int) -> list[str]:
        """Return the first `limit` paths that begin with `prefix`, in order."""
        if limit <= 0:
            raise ValueError("limit must be positive")
        with _told_to_the_model():
            keys = await self._memory.list_keys(self._file(prefix))
        return [key.removeprefix(self._file("")) for key in keys[:limit]]

    async def close(self) -> None:
        """Close the connections, also those of a `memory` that was given."""
        await self._memory.close()

    async def _mutation(
        self,
        path: str,
        expected_version: str | None,
        operation: MemoryOperation | None,
        value: dict[str, JSONValue] | None,
    ) -> MemoryMutation:
        """Write `value`, or delete where it is None, with the receipt, all or nothing; once for each operation."""
        if operation is not None and (done := await self.get_operation(operation)) is not None:
            return done
        existed = expected_version is not None
        try:
            with _told_to_the_model():
                async with self._memory.transaction() as t:
                    await self._note(t, path, expected_version, value)
                    if operation is not None:
                        await self._note_receipt(t, operation, existed, is_write=value is not None)
        except (PreconditionFailedError, MemoryConflictError):
            # Somebody else wrote the file, or carried out the same operation in this moment.
            if operation is not None and (done := await self.get_operation(operation)) is not None:
                return done
            raise MemoryConflictError(f"memory path {path!r} changed before it could be changed") from None
        version = str(t.results[0]) if value is not None else None
        return MemoryMutation(version=version, replayed=False, existed=existed)

    async def _note(
        self, t: AsyncTransaction, path: str, expected_version: str | None, value: dict[str, JSONValue] | None
    ) -> None:
        version = _version(path, expected_version)
        if version is None and await t.get(self._file(path)) is not None:
            raise MemoryConflictError(f"memory path {path!r} is there already")
        if value is not None:
            t.set(self._file(path), value, if_version=version)
        elif version is not None:
            t.delete(self._file(path), if_version=version)

    async def _note_receipt(
        self, t: AsyncTransaction, operation: MemoryOperation, existed: bool, *, is_write: bool
    ) -> None:
        if await t.get(self._receipt(operation)) is not None:
            raise MemoryConflictError(f"operation {operation.id!r} was carried out by somebody else in this moment")
        receipt = {"fingerprint": operation.fingerprint, "existed": existed, "is_write": is_write}
        t.set(self._receipt(operation), receipt, ttl=_RECEIPTS_STAY)

    def _file(self, path: str) -> str:
        return f"{self._prefix}files/{path}"

    def _receipt(self, operation: MemoryOperation) -> str:
        return self._prefix + joined("operations", operation.id)


@contextmanager
def _told_to_the_model() -> Iterator[None]:
    """What the server refuses, as what Pydantic AI tells the model; what the store itself answers stays as it is."""
    try:
        yield
    except (KeyNotFoundError, PreconditionFailedError):
        raise
    except BotWireError as error:
        raise ToolFailed(str(error)) from error


def _version(path: str, expected: str | None) -> int | None:
    if expected is None:
        return None
    if not expected.isascii() or not expected.isdigit():
        raise MemoryConflictError(f"memory path {path!r} never had the version {expected!r}")
    return int(expected)
