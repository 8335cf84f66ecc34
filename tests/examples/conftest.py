"""A server to kill, and programs that do not outlive their test."""

from collections.abc import Callable, Iterator

import pytest

from botwire import Memory
from tests.conftest import Server, ServerMaker
from tests.examples.programs import Program


@pytest.fixture(scope="session")
def _server_to_kill(make_lasting_server: ServerMaker) -> Server:
    return make_lasting_server()


@pytest.fixture
def server_to_kill(_server_to_kill: Server) -> Server:
    """A server whose every process a test may kill; it runs at the beginning of each."""
    assert _server_to_kill.process is not None
    if _server_to_kill.process.poll() is not None:
        _server_to_kill.start()
    return _server_to_kill


@pytest.fixture
def start(namespace: str) -> Iterator[Callable[[Server, str], Program]]:
    """Starts an example on the test's namespace."""
    started: list[Program] = []

    def start(server: Server, path: str) -> Program:
        started.append(Program(path, namespace, server.url))
        return started[-1]

    yield start
    for program in started:
        program.kill()


@pytest.fixture
def memory_at(namespace: str) -> Iterator[Callable[[Server], Memory]]:
    """The test's namespace as the client sees it."""
    opened: list[Memory] = []

    def memory_at(server: Server) -> Memory:
        opened.append(Memory(namespace, base_url=server.url))
        return opened[-1]

    yield memory_at
    for memory in opened:
        memory.close()
