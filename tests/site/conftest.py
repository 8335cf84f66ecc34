"""Visitors of the pages: browsers without an account, on both databases."""

import pytest

from tests.conftest import RawClient


class Visitor(RawClient):
    """A client that says what browsers say: that it would rather have HTML."""

    def __init__(self) -> None:
        super().__init__(raise_request_exception=False, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})


@pytest.fixture
def visitor(database: str, db: None) -> Visitor:
    return Visitor()
