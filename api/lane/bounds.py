"""How many requests may wait at once in this process: in all, for one namespace, from one client address."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from namespaces.errors import TooManyWaiters
from namespaces.limits import limit

RETRY_SECONDS = 5


class Bounds:
    """Counts who waits. `address` is what counts as one client, see `api.requests.network_of`."""

    def __init__(self) -> None:
        self._all = 0
        self._by_namespace: Counter[str] = Counter()
        self._by_address: Counter[str] = Counter()

    @contextmanager
    def room_for(self, namespace: str, address: str) -> Iterator[None]:
        """Count one who waits; TooManyWaiters if that is one too many."""
        _check("in this server process", "waiters_per_process", self._all)
        _check(f"for the namespace {namespace}", "waiters_per_namespace", self._by_namespace[namespace])
        _check("from your address", "waiters_per_address", self._by_address[address])
        self._add(namespace, address, 1)
        try:
            yield
        finally:
            self._add(namespace, address, -1)

    def _add(self, namespace: str, address: str, number: int) -> None:
        self._all += number
        for counter, name in ((self._by_namespace, namespace), (self._by_address, address)):
            counter[name] += number
            if not counter[name]:
                del counter[name]


def _check(whose: str, name: str, waiting: int) -> None:
    if waiting >= limit(name):
        raise TooManyWaiters(whose=whose, limit=limit(name), retry_after=RETRY_SECONDS)
