"""A server that runs out of writes in the middle of a conversation."""

from collections.abc import Iterator

import pytest

from tests.frameworks.conftest import serving
from tests.servers import Server


@pytest.fixture(scope="session")
def few_writes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from serving(tmp_path_factory.mktemp("few"), BOTWIRE_WRITES_PER_DAY="5")
