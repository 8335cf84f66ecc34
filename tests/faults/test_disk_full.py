"""A disk that is really full: 507 for writes that need room, reads go on, and nothing is half written."""

from pathlib import Path

import httpx
import pytest

from tests.faults.disks import fill, small_disk
from tests.faults.load import ROOM, Load, assert_kept
from tests.promises.books import books_of
from tests.servers import Server

MEBIBYTES = {"sqlite": 32, "postgresql": 32}  # on SQLite, up to 16 of them are its log
PADDING = 20_000


@pytest.fixture
def disk(database):
    with small_disk(MEBIBYTES[database]) as folder:
        yield folder


@pytest.fixture
def server(database, disk, tmp_path, request):
    """A server whose database, and nothing else, is on the small disk."""
    made = {"sqlite": on_sqlite, "postgresql": on_postgresql}[database](disk, tmp_path, request)
    made.start()
    yield made
    if made.process.poll() is None:
        made.kill()


def on_sqlite(disk: Path, folder: Path, request: pytest.FixtureRequest) -> Server:
    server = Server(disk, None, ROOM)
    server.log = folder / "serve.log"
    return server


def on_postgresql(disk: Path, folder: Path, request: pytest.FixtureRequest) -> Server:
    """The log of PostgreSQL stays where there is room: without it, PostgreSQL itself ends."""
    postgresql = request.getfixturevalue("own_postgresql")
    home = disk / "space"
    home.mkdir()
    postgresql.own(home)
    postgresql.run(f"CREATE TABLESPACE small LOCATION '{home}'")
    request.addfinalizer(lambda: postgresql.drop_tablespace("small"))
    return Server(folder, postgresql.make_database("TABLESPACE small"), ROOM)


def test_a_full_disk_is_507_while_reads_go_on_and_rows_equal_what_was_acknowledged(server, disk, namespace):
    with Load(server.url, namespace, padding=PADDING) as load:
        load.wait_for(20)
        ballast = fill(disk)
        load.wait_until(lambda: sum(one.status == 507 for one in load.told) > 50)
        full = len(load.told)
        load.wait_until(lambda: sum(one.value is None and one.status == 200 for one in load.told[full:]) > 50)
    at_full = load.told[full:]

    assert {one.status for one in load.told} == {200, 201, 507}, load.outcomes()
    assert {one.code for one in load.told if one.status == 507} == {"disk_full"}
    assert {one.status for one in at_full if one.value is None} == {200}, "reads go on"
    assert_kept(books_of(server, namespace), load.told)

    ballast.unlink()
    after = httpx.put(f"{server.url}/memory/{namespace}/after", json={"value": "x" * PADDING}, timeout=30)
    assert after.status_code == 201, "and it writes again once there is room"
