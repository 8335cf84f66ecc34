"""Load on a server while something goes wrong, and what each request was told, to be held against the books."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import httpx

from tests.promises.books import Books

# What a server needs in its environment to take load.
ROOM = {"BOTWIRE_WRITES_PER_DAY": "100000000", "BOTWIRE_NEW_NAMESPACES_PER_HOUR": "1000000"}
KEYS_EACH = 5
REQUEST_SECONDS = 15
NOTHING_WRITTEN = {"database_unavailable", "disk_full"}


@dataclass(frozen=True)
class Told:
    """One request and its answer. `status` is None where none came; `value` is the JSON text that a write sent."""

    sent: float
    answered: float
    status: int | None
    code: str | None = None
    retry_after: str | None = None
    fault: str = ""
    value: str | None = None
    version: int | None = None

    @property
    def is_acknowledged(self) -> bool:
        return self.status in (200, 201)

    @property
    def seconds(self) -> float:
        return self.answered - self.sent


class Load:
    """Writers and readers of one namespace, from the beginning of a `with` to its end.

    Each sends its next request `pause` seconds after the last one was answered. Every value is written once, so that
    the change log tells what became of each write.
    """

    def __init__(
        self, url: str, namespace: str, *, writers: int = 4, readers: int = 2, pause: float = 0.005, padding: int = 0
    ) -> None:
        self.told: list[Told] = []
        self._url, self._path = url, f"/memory/{namespace}"
        self._pause, self._padding = pause, "x" * padding
        self._is_over = threading.Event()
        work = [(self._write, number) for number in range(writers)] + [
            (self._read, number) for number in range(readers)
        ]
        self._threads = [threading.Thread(target=act, args=(number,)) for act, number in work]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, acknowledged: int, seconds: float = 30) -> None:
        """Return once so many more writes were acknowledged; AssertionError if that takes too long."""
        wanted = self._acknowledged() + acknowledged
        self.wait_until(lambda: self._acknowledged() >= wanted, seconds)

    def wait_until(self, condition: Callable[[], bool], seconds: float = 30) -> None:
        """Return once the condition holds; AssertionError if that takes too long."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.outcomes()
            time.sleep(0.02)

    def outcomes(self) -> Counter[Any]:
        """How often each status, code and fault was met."""
        return Counter((told.status, told.code, told.fault) for told in list(self.told))

    def _acknowledged(self) -> int:
        return sum(told.value is not None and told.is_acknowledged for told in list(self.told))

    def _write(self, number: int) -> None:
        with self._client() as client:
            for turn in itertools.count():
                text = f'"{number}.{turn} {self._padding}"'
                path = f"{self._path}/{number}:{turn % KEYS_EACH}"
                self._ask(client, "PUT", path, text)
                if self._is_over.wait(self._pause):
                    return

    def _read(self, number: int) -> None:
        with self._client() as client:
            while not self._is_over.wait(self._pause):
                self._ask(client, "GET", self._path, None)

    def _client(self) -> httpx.Client:
        return httpx.Client(base_url=self._url, timeout=REQUEST_SECONDS, trust_env=False, verify=False)

    def _ask(self, client: httpx.Client, method: str, path: str, text: str | None) -> None:
        body = None if text is None else f'{{"value": {text}}}'
        sent = time.monotonic()
        try:
            answer = client.request(method, path, content=body, headers={"Content-Type": "application/json"})
        except httpx.TransportError as error:
            self.told.append(Told(sent, time.monotonic(), None, fault=repr(error), value=text))
            return
        is_good = answer.is_success
        self.told.append(
            Told(
                sent,
                time.monotonic(),
                answer.status_code,
                code=None if is_good else answer.json()["code"],
                retry_after=answer.headers.get("Retry-After"),
                value=text,
                version=answer.json()["version"] if is_good and text is not None else None,
            )
        )


def assert_kept(books: Books, told: list[Told]) -> None:
    """The books balance, and hold what was told: each acknowledged write once and under the version of its answer.

    A write that nobody answered, or whose outcome is unknown, stands there once or not at all; a refused one does not.
    """
    books.assert_balanced()
    writes = [one for one in told if one.value is not None]
    times_written = Counter(change.value for change in books.log)
    acknowledged = {(one.version, one.value) for one in writes if one.is_acknowledged}
    assert acknowledged - {(change.revision, change.value) for change in books.log} == set(), "lost"
    assert [value for value, times in times_written.items() if times > 1] == [], "doubled"
    assert [one for one in writes if one.code in NOTHING_WRITTEN and one.value in times_written] == [], "half refused"
