"""What the adapters for the agent frameworks share: the memory they are given, and the extra that is missing.

No framework is imported here, and what one of them asks for is in its own adapter.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from botwire._async import AsyncMemory
from botwire._sync import Memory

M = TypeVar("M", Memory, AsyncMemory)


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
