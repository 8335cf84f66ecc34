"""What the tests of waiting share: requests that are held, in threads of the test's own, and streams of events."""

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx


class Asker:
    """Asks a server, in the background where an answer is to be waited for."""

    def __init__(self, url: str, namespace: str) -> None:
        self.namespace = namespace
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        self.http = httpx.Client(base_url=url, timeout=70, limits=limits)
        self._threads = ThreadPoolExecutor(64)

    def put_as(self, agent: str, key: str) -> None:
        """Set a key under a writer's name."""
        path = f"/memory/{self.namespace}/{key}"
        self.http.put(path, json={"value": 1}, headers={"X-BotWire-Agent": agent}).raise_for_status()

    def put(self, key: str, value: Any = 1, *, text: str | None = None, **fields: Any) -> int:
        """Set a key; the version. `text` is the value's JSON text."""
        rest = "".join(f', "{name}": {json.dumps(field)}' for name, field in fields.items())
        body = f'{{"value": {json.dumps(value) if text is None else text}{rest}}}'
        answer = self.http.put(
            f"/memory/{self.namespace}/{key}", content=body.encode(), headers={"Content-Type": "application/json"}
        )
        assert answer.status_code in (200, 201), answer.text
        return int(answer.json()["version"])

    def get(self, key: str, query: str = "", **headers: str) -> httpx.Response:
        return self.http.get(f"/memory/{self.namespace}/{key}{query}", headers=headers)

    def changes(self, query: str = "", **headers: str) -> httpx.Response:
        return self.http.get(f"/namespaces/{self.namespace}/changes{query}", headers=headers)

    def later(self, method: Any, *arguments: Any, **options: Any) -> "Future[httpx.Response]":
        """Call one of the above in the background."""
        return self._threads.submit(method, *arguments, **options)

    def close(self) -> None:
        self._threads.shutdown()
        self.http.close()


@contextmanager
def events(
    url: str, namespace: str, query: str = "", **headers: str
) -> Iterator[tuple[httpx.Response, Iterator[dict[str, str]]]]:
    """A stream of events: the answer, and what comes, each a dictionary of its fields; a comment has the name ''."""
    with (
        httpx.Client(base_url=url, timeout=40) as http,
        http.stream(
            "GET", f"/namespaces/{namespace}/changes{query}", headers={"Accept": "text/event-stream", **headers}
        ) as answer,
    ):
        yield answer, _parsed(answer)


def _parsed(answer: httpx.Response) -> Iterator[dict[str, str]]:
    fields: dict[str, str] = {}
    for line in answer.iter_lines():
        if not line:
            yield fields
            fields = {}
            continue
        name, _, value = line.partition(":")
        fields[name] = value.removeprefix(" ")
