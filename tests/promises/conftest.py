"""Servers with small limits, addresses that nobody wrote from, and a day that does not end meanwhile."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from ipaddress import IPv4Address
from itertools import count

import httpx
import pytest
from django_ratelimit.core import _get_window

from tests.conftest import Server, ServerMaker
from tests.promises.racing import BYTES, NEW_NAMESPACES, client_of

pytest.register_assert_rewrite("tests.promises.books", "tests.promises.coordination")
_numbers = count(int(IPv4Address("127.77.0.1")))


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    with client_of(server.url) as client:
        yield client


@pytest.fixture(scope="session")
def small_server(make_lasting_server: ServerMaker) -> Server:
    """A server where a namespace stores BYTES bytes, and an address makes NEW_NAMESPACES namespaces an hour."""
    return make_lasting_server(BOTWIRE_BYTES=str(BYTES), BOTWIRE_NEW_NAMESPACES_PER_HOUR=str(NEW_NAMESPACES))


@pytest.fixture(scope="session")
def server_behind_proxy(make_lasting_server: ServerMaker) -> Server:
    """The same brake, behind one proxy."""
    return make_lasting_server(BOTWIRE_TRUSTED_PROXIES="1", BOTWIRE_NEW_NAMESPACES_PER_HOUR=str(NEW_NAMESPACES))


@pytest.fixture
def new_address() -> Callable[[], str]:
    """Makes addresses of this machine that no other test uses, and whose hour does not end while a test counts."""

    def make() -> str:
        addresses = (str(IPv4Address(number)) for number in _numbers)
        return next(address for address in addresses if _get_window(address, 3_600) - time.time() > 300)

    return make


@pytest.fixture
def address(new_address: Callable[[], str]) -> str:
    return new_address()


@pytest.fixture
def one_day() -> None:
    """Waits for the next UTC day where this one is about to end."""
    now = datetime.now(UTC)
    left = 86_400 - (now.hour * 3_600 + now.minute * 60 + now.second)
    if left < 60:
        time.sleep(left + 1)
