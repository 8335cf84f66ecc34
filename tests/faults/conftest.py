"""Servers that take much, on databases that may be broken."""

from collections.abc import Callable, Iterator

import pytest

from tests.conftest import Server, ServerMaker
from tests.faults.postgresql import PostgreSQL

pytest.register_assert_rewrite("tests.faults.load", "tests.promises.books")
ROOM = {"BOTWIRE_WRITES_PER_DAY": "100000000", "BOTWIRE_NEW_NAMESPACES_PER_HOUR": "1000000"}


@pytest.fixture(scope="session")
def sturdy(make_lasting_server: ServerMaker) -> Server:
    """A server with room for load, for tests that leave it serving."""
    return make_lasting_server(**ROOM)


@pytest.fixture(scope="session")
def own_postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL for tests that break it, one after the other; each leaves it running."""
    made = PostgreSQL(max_connections="60")
    yield made
    made.remove()


@pytest.fixture
def make_breakable_server(
    database: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Server]]:
    """Makes servers, with room for load, on a database that is nobody else's in any way."""
    made: list[Server] = []

    def make() -> Server:
        is_postgresql = database == "postgresql"
        url = request.getfixturevalue("own_postgresql").make_database() if is_postgresql else None
        made.append(Server(tmp_path_factory.mktemp("server"), url, ROOM))
        made[-1].start()
        return made[-1]

    yield make
    for server in made:
        if server.process and server.process.poll() is None:
            server.kill()
