"""The memory tool of the Anthropic SDK (`memory_20250818`) on a memory: its files are entries, its folders prefixes.

The words it answers with are those of the SDK's own tool for local files, which is what the models know.
"""

from __future__ import annotations

from typing import Any

import anyio.to_thread

from botwire import _files
from botwire._adapters import framework, memory_of
from botwire._exceptions import BotWireError, PreconditionFailedError, TransactionConflictError
from botwire._files import NotDone
from botwire._operations import UNSET
from botwire._sync import Memory

with framework("anthropic"):
    from anthropic.lib.tools import ToolError
    from anthropic.tools.memory import BetaAbstractMemoryTool, BetaAsyncAbstractMemoryTool

__all__ = ["BotWireAsyncMemoryTool", "BotWireMemoryTool"]


class BotWireMemoryTool(BetaAbstractMemoryTool):
    """Claude's memory directory, shared by every agent that uses the same namespace.

        tool = BotWireMemoryTool("my-desk")
        client.beta.messages.tool_runner(model=..., messages=..., tools=[tool], max_tokens=1024).until_done()

    The file /memories/notes/a.txt is the text under the key `prefix` + "notes/a.txt", which any other agent can read
    and write, too; a value that is no text is shown as JSON and not edited. `base_url`, `token` and `agent` are as for
    Memory; `memory` is one to use instead. Everything that can not be done, what the server refuses included, is told
    to the model as a tool result that is an error (ToolError), and changes nothing.
    """

    def __init__(
        self,
        namespace: str | None = None,
        *,
        base_url: str | None = None,
        token: str | None = None,
        agent: str | None = None,
        memory: Memory | None = None,
        prefix: str = "memories/",
        cache_control: Any = None,
    ) -> None:
        super().__init__(cache_control=cache_control)
        self._memory = memory_of(Memory, memory, namespace, base_url=base_url, token=token, agent=agent)
        self._prefix = prefix

    def execute(self, command: Any) -> Any:
        """Carry out a command and return what is told to the model; ToolError where it can not be done."""
        try:
            return super().execute(command)
        except (NotDone, BotWireError) as error:
            raise ToolError(str(error)) from error

    def view(self, command: Any) -> str:
        """Show a file with the numbers of its lines, or what is in a folder."""
        name = _files.relative(command.path)
        value = self._memory.get(self._prefix + name, UNSET) if name else UNSET
        if value is not UNSET:
            return _files.numbered(command.path, _files.text_of(value), command.view_range)
        inside = self._inside(name)
        if name and not inside:
            raise _files.missing(command.path)
        sizes = {path: len(_files.text_of(value).encode()) for path, value in inside.items()}
        return _files.folder(command.path.rstrip("/"), sizes)

    def create(self, command: Any) -> str:
        """Make a new file; of several agents that make it at once, one does."""
        name = _files.relative(command.path)
        above = [name[:place] for place, character in enumerate(name) if character == "/"]
        for file in self._memory.get_many(self._prefix + folder for folder in above):
            raise NotDone(f"The path {_files.ROOT}/{file.removeprefix(self._prefix)} is not a directory.")
        if not name or self._memory.list_keys(f"{self._prefix}{name}/"):
            raise NotDone(f"File {command.path} already exists")
        try:
            self._memory.set(self._prefix + name, command.file_text, if_absent=True)
        except PreconditionFailedError:
            raise NotDone(f"File {command.path} already exists") from None
        return f"File created successfully at: {command.path}"

    def str_replace(self, command: Any) -> str:
        """Replace a text that is in a file once; no edit of another agent is lost."""
        before = ""

        def replace(value: Any) -> str:
            nonlocal before
            after = _files.replaced(command.path, value, command.old_str, command.new_str)
            before = value
            return after

        after = self._memory.update(self._file(command.path), replace, UNSET)
        return _files.snippet(before, after, command.old_str)

    def insert(self, command: Any) -> str:
        """Insert lines after one; no edit of another agent is lost."""
        self._memory.update(
            self._file(command.path),
            lambda value: _files.inserted(command.path, value, command.insert_line, command.insert_text),
            UNSET,
        )
        return f"The file {command.path} has been edited."

    def delete(self, command: Any) -> str:
        """Delete a file, or a folder with all that is in it."""
        name = _files.relative(command.path)
        if not name:
            raise NotDone(f"Cannot delete the {_files.ROOT} directory itself")
        if not self._memory.delete(self._prefix + name) and not self._memory.clear(f"{self._prefix}{name}/"):
            raise NotDone(f"The path {command.path} does not exist")
        return f"Successfully deleted {command.path}"

    def rename(self, command: Any) -> str:
        """Move a file or a folder to where nothing is, all or nothing."""
        old, new = _files.relative(command.old_path), _files.relative(command.new_path)
        if not old:
            raise NotDone(f"Cannot rename the {_files.ROOT} directory itself")
        if not new or self._is_there(new):
            raise NotDone(f"The destination {command.new_path} already exists")
        if f"{new}/".startswith(f"{old}/"):
            raise NotDone(f"Cannot move {command.old_path} into itself")
        try:
            self._move(old, new, command.old_path)
        except TransactionConflictError:
            raise NotDone(
                f"Another agent changed {command.old_path} or {command.new_path} meanwhile; nothing was renamed. "
                "View them and try again."
            ) from None
        return f"Successfully renamed {command.old_path} to {command.new_path}"

    def clear_all_memory(self) -> str:
        """Delete all files."""
        self._memory.clear(self._prefix)
        return "All memory cleared"

    def _move(self, old: str, new: str, path: str) -> None:
        """Move a file, or all that is in a folder, all or nothing."""
        names = [f"{old}/{below}" for below in self._inside(old)]
        with self._memory.transaction() as t:
            moved = {name: value for name in [old, *names] if (value := t.get(self._prefix + name, UNSET)) is not UNSET}
            if not moved:
                raise NotDone(f"The path {path} does not exist")
            for name, value in moved.items():
                to = f"{self._prefix}{new}{name.removeprefix(old)}"
                if t.get(to, UNSET) is not UNSET:
                    raise NotDone(f"The destination {_files.ROOT}/{to.removeprefix(self._prefix)} already exists")
                t.set(to, value)
                t.delete(self._prefix + name)

    def _file(self, path: str) -> str:
        """The key of what is to be edited."""
        name = _files.relative(path)
        if not name or (not self._memory.exists(self._prefix + name) and self._inside(name)):
            raise NotDone(f"The path {path} is not a file.")
        return self._prefix + name

    def _inside(self, name: str) -> dict[str, Any]:
        """The values in the folder `name` by their paths in it."""
        folder = f"{self._prefix}{name}/" if name else self._prefix
        return {key.removeprefix(folder): value for key, value in self._memory.items(folder)}

    def _is_there(self, name: str) -> bool:
        return self._memory.exists(self._prefix + name) or bool(self._memory.list_keys(f"{self._prefix}{name}/"))


class BotWireAsyncMemoryTool(BetaAsyncAbstractMemoryTool):
    """BotWireMemoryTool for the asynchronous client. It works in threads, as the SDK's own tool for files does."""

    def __init__(self, *args: Any, cache_control: Any = None, **options: Any) -> None:
        super().__init__(cache_control=cache_control)
        self._tool = BotWireMemoryTool(*args, **options)

    async def execute(self, command: Any) -> Any:
        """Carry out a command and return what is told to the model; ToolError where it can not be done."""
        return await anyio.to_thread.run_sync(self._tool.execute, command)

    # Each command names its own method, which the sync tool finds; these only make the class complete.
    view = create = str_replace = insert = delete = rename = execute

    async def clear_all_memory(self) -> str:
        """Delete all files."""
        return await anyio.to_thread.run_sync(self._tool.clear_all_memory)
