"""What the frameworks' suites share: real servers, names that no other test uses, and the programs of the documents.

Their environments have no Django and none of the main suite's fixtures.
"""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from botwire import Memory
from tests.frameworks.pages import programs, said
from tests.servers import ROOT, Server

# The suites run in the environments that test_environments.py makes; the main one has no framework.
collect_ignore_glob = [] if "BOTWIRE_SERVER_PYTHON" in os.environ else ["*/*"]

SECONDS = 100


def _serving(folder: Path, **limits: str) -> Iterator[Server]:
    server = Server(folder, None, {"BOTWIRE_NEW_NAMESPACES_PER_HOUR": "1000000", **limits})
    server.start()
    yield server
    if server.process and server.process.poll() is None:
        server.kill()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for the whole session, on SQLite. A test that kills it starts it again: its address stays."""
    yield from _serving(tmp_path_factory.mktemp("server"), BOTWIRE_WRITES_PER_DAY="1000000")


@pytest.fixture(scope="session")
def cramped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with limits that an agent reaches: 3 writes a day, values of 200 bytes."""
    yield from _serving(tmp_path_factory.mktemp("cramped"), BOTWIRE_WRITES_PER_DAY="3", BOTWIRE_VALUE_BYTES="200")


@pytest.fixture(scope="session")
def few_writes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that takes 10 writes a day, of any size: it runs out of them in the middle of what an agent does."""
    yield from _serving(tmp_path_factory.mktemp("few"), BOTWIRE_WRITES_PER_DAY="10")


@pytest.fixture
def namespace() -> str:
    """The name of a namespace that nobody has used."""
    return f"test-{secrets.token_hex(8)}"


@pytest.fixture
def memory(server: Server, namespace: str) -> Iterator[Memory]:
    """The test's namespace as the client sees it."""
    with Memory(namespace, base_url=server.url) as memory:
        yield memory


@pytest.fixture
def run_program(server: Server, tmp_path: Path) -> Callable[..., str]:
    """Runs a program's text as a process of its own, with `arguments`, and gives what it printed."""

    def run(text: str, *arguments: str) -> str:
        file = tmp_path / f"program_{secrets.token_hex(4)}.py"
        file.write_text(text)
        finished = subprocess.run(
            [sys.executable, str(file), *arguments],
            env={**os.environ, "BOTWIRE_URL": server.url, "PYTHONPATH": str(ROOT)},
            cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS,
        )  # fmt: skip
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout

    return run


@pytest.fixture
def run_page(run_program: Callable[..., str]) -> Callable[[str], None]:
    """Runs each program of `docs/frameworks/<name>.md`, in order, and compares what it prints with what it says."""

    def run(name: str) -> None:
        for program in programs(name):
            assert run_program(program).splitlines() == said(program)

    return run
