"""Where writes wait: bounded, and fair between namespaces, so that a busy one holds up none but itself.

Nothing here knows what waits, or locks: each engine guards its queue.
"""

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class QueueFull(Exception):
    """As many wait as may wait."""


class FairQueue(Generic[T]):
    """First come, first served within a namespace; the namespaces take turns."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._length = 0
        self._waiting: dict[str, deque[T]] = {}  # in the order of their turns
        self._served: dict[str, deque[T]] = {}

    def __len__(self) -> int:
        return self._length

    def put(self, namespace: str, item: T) -> None:
        """Let `item` wait; QueueFull beyond the bound."""
        if self._length >= self._most:
            raise QueueFull
        self._length += 1
        self._queue_of(namespace).append(item)

    def _queue_of(self, namespace: str) -> deque[T]:
        served = self._served.get(namespace)
        return self._waiting.setdefault(namespace, deque()) if served is None else served

    def take(self, most: int) -> list[T]:
        """Up to `most` items, one of each namespace, then another of each, and so on."""
        taken: list[T] = []
        while self._waiting and len(taken) < most:
            namespace = next(iter(self._waiting))
            queue = self._waiting.pop(namespace)
            taken.append(queue.popleft())
            if queue:
                self._waiting[namespace] = queue
        self._length -= len(taken)
        return taken

    def serve(self, most: int) -> tuple[str, list[T]] | None:
        """Up to `most` items of the namespace whose turn it is; it has no other turn until it is `served`."""
        if not self._waiting:
            return None
        namespace = next(iter(self._waiting))
        queue = self._served[namespace] = self._waiting.pop(namespace)
        taken = [queue.popleft() for _ in range(min(most, len(queue)))]
        self._length -= len(taken)
        return namespace, taken

    def served(self, namespace: str) -> None:
        """End the turn of a namespace; what waits of it has its next turn after all others."""
        queue = self._served.pop(namespace)
        if queue:
            self._waiting[namespace] = queue

    def drop(self, is_to_go: Callable[[T], bool]) -> list[T]:
        """Take out, wherever they stand, the items that are to go."""
        dropped: list[T] = []
        for namespace, queue in list(self._waiting.items()):
            dropped += filter(is_to_go, queue)
            staying = deque(item for item in queue if not is_to_go(item))
            if staying:
                self._waiting[namespace] = staying
            else:
                del self._waiting[namespace]
        self._length -= len(dropped)
        return dropped
