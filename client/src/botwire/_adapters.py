"""What the adapters for the agent frameworks share: the memory they are given, and the extra that is missing.

No framework is imported here, and what one of them asks for is in its own adapter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from botwire._async import AsyncMemory
from botwire._call import Steps
from botwire._sync import Memory
from botwire._wire import Calls

M = TypeVar("M", Memory, AsyncMemory)
T = TypeVar("T")


@contextmanager
def framework(extra: str) -> Iterator[None]:
    """Import a framework in this; where it is missing, or not the one meant, ImportError names the extra to install.

    with framework("crewai"):
        from crewai.tools import BaseTool
    """
    try:
        yield
    except ImportError as error:
        raise ImportError(
            f'{error}. BotWire\'s adapter needs what this installs: pip install "botwire[{extra}]"',
            name=error.name,
            path=error.path,
        ) from error


def memory_of(
    kind: type[M],
    memory: M | None,
    namespace: str | None,
    *,
    base_url: str | None = None,
    token: str | None = None,
    agent: str | None = None,
) -> M:
    """The `memory` that was given, or a new one of that `kind` on `namespace`; TypeError unless it is one of the two.

    The options are those of Memory, and for a new one alone.
    """
    if memory is None and namespace is not None:
        return kind(namespace, base_url=base_url, token=token, agent=agent)
    if memory is None or (namespace, base_url, token, agent) != (None, None, None, None):
        raise TypeError("Give either a namespace (with base_url, token, agent), or memory=..., which has all of it.")
    return memory


class BothMemories:
    """One memory in both kinds, for a framework whose classes can be called and awaited: the same steps for either.

    The arguments are those of memory_of(); the second kind has the settings of the one that is given, except for a
    transport. `blocking` and `awaited` are the two.
    """

    def __init__(
        self,
        memory: Memory | AsyncMemory | None,
        namespace: str | None,
        *,
        base_url: str | None = None,
        token: str | None = None,
        agent: str | None = None,
    ) -> None:
        options = {"base_url": base_url, "token": token, "agent": agent}
        if isinstance(memory, AsyncMemory):
            self.awaited = memory_of(AsyncMemory, memory, namespace, **options)
            self.blocking = _like(memory, Memory)
        else:
            self.blocking = memory_of(Memory, memory, namespace, **options)
            self.awaited = _like(self.blocking, AsyncMemory)

    def run(self, steps: Callable[[Calls], Steps[T]]) -> T:
        return self.blocking._run(steps(self.blocking._calls))

    async def arun(self, steps: Callable[[Calls], Steps[T]]) -> T:
        return await self.awaited._run(steps(self.awaited._calls))

    def __repr__(self) -> str:
        return repr(self.blocking)


def _like(memory: Memory | AsyncMemory, kind: type[M]) -> M:
    twin = kind(memory.namespace, base_url=memory._settings.base_url)
    twin._settings = memory._settings
    return twin
