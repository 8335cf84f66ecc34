"""Every page with many namespaces and entries: few statements, and each by an index.

The time that they take at 1,000,000 entries is measured by a program, see `tests.console.at_size`.
"""

import pytest
from django.core.management import call_command

from tests.console.at_size import MOST_STATEMENTS, PATHS, statements_of, whole_readings


@pytest.fixture
def seeded(administrator):
    call_command("seed", entries=12_000, namespaces=600, largest=6_000)
    return administrator


def test_every_page_asks_little_and_by_index(seeded):
    for path in PATHS:
        statements = statements_of(seeded, path)

        assert 1 < len(statements) <= MOST_STATEMENTS, path
        assert whole_readings(statements) == [], path


def test_a_statement_that_reads_a_table_whole_would_be_found(seeded):
    bad = "SELECT name FROM namespaces_namespace WHERE status_reason = 'x'"

    assert [statement for statement, _ in whole_readings([bad])] == [bad]
