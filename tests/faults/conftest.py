"""Servers that take much, on databases that may be broken."""

from collections.abc import Iterator

import pytest

from botwire_site import gunicorn_conf
from tests.conftest import ServerMaker
from tests.faults.load import ROOM
from tests.faults.postgresql import PostgreSQL
from tests.servers import Server

pytest.register_assert_rewrite("tests.faults.load", "tests.promises.books")
# A thread for each request is what slow and waiting clients use up: nothing else stands in for these tests.
NEEDS_EVENT_LOOP = pytest.mark.xfail(
    gunicorn_conf.worker_class == "gthread",
    reason="web processes of threads: every waiting request holds one",
    strict=False,
)


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


@pytest.fixture(scope="session")
def breakable(
    database: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server with room for load, on a database that is nobody else's in any way; each test leaves it serving."""
    is_postgresql = database == "postgresql"
    url = request.getfixturevalue("own_postgresql").make_database() if is_postgresql else None
    server = Server(tmp_path_factory.mktemp("server"), url, ROOM)
    server.start()
    yield server
    server.kill()
