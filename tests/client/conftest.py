"""Memories to test with, and servers that misbehave."""

import asyncio
from collections.abc import Callable, Iterator

import httpx
import pytest

from botwire import Memory
from tests.client.answers import Misbehaving, problem


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch):
    monkeypatch.delenv("BOTWIRE_URL", raising=False)
    monkeypatch.delenv("BOTWIRE_DEBUG", raising=False)


@pytest.fixture
def memory(server, namespace) -> Iterator[Memory]:
    with Memory(namespace, base_url=server.url, agent="tester") as memory:
        yield memory


@pytest.fixture
def requests_sent() -> list[httpx.Request]:
    return []


@pytest.fixture
def recorded(requests_sent) -> Iterator[Memory]:
    """A Memory whose every request is kept in `requests_sent` and answered 404 key_not_found."""

    def answer(request: httpx.Request) -> httpx.Response:
        requests_sent.append(request)
        return problem(404, "key_not_found")

    with Memory("desk", base_url="http://server", transport=httpx.MockTransport(answer)) as memory:
        yield memory


@pytest.fixture
def misbehaving() -> Iterator[Callable[..., Misbehaving]]:
    servers = []

    def start(*answers: bytes | str | None) -> Misbehaving:
        servers.append(Misbehaving(*answers))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def run() -> Callable[..., object]:
    """Runs a coroutine in an event loop of its own, in debug mode: a forgotten await shows."""
    return lambda coroutine: asyncio.run(coroutine, debug=True)
