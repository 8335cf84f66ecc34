"""What migrations make of the memory that is there already."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def migrate(to: str):
    """Migrate to a state of the app; gives its models as they are there."""
    executor = MigrationExecutor(connection)
    executor.migrate([("namespaces", to)])
    return MigrationExecutor(connection).loader.project_state([("namespaces", to)]).apps


@pytest.fixture
def _migrations(database, transactional_db):
    yield
    leaves = MigrationExecutor(connection).loader.graph.leaf_nodes("namespaces")
    MigrationExecutor(connection).migrate(leaves)


@pytest.mark.usefixtures("_migrations")
def test_what_operators_wrote_before_is_theirs_and_what_others_wrote_is_self_declared():
    before = migrate("0008_coordination")
    before.get_model("namespaces", "Namespace").objects.create(name="old", created_at=NOW, revision=2)
    for version, writer in ((1, "bot7"), (2, "operator")):
        same = {"namespace_id": "old", "key": writer, "bytes": 9, "writer": writer, "value": "[1]"}
        before.get_model("namespaces", "Entry").objects.create(**same, version=version, created_at=NOW, updated_at=NOW)
        before.get_model("namespaces", "Change").objects.create(**same, revision=version, kind="set", at=NOW)

    after = migrate("0009_verified_writers")

    for model in ("Entry", "Change"):
        rows = after.get_model("namespaces", model).objects.filter(namespace_id="old").order_by("key")
        assert list(rows.values_list("writer", "is_verified", "value")) == [
            ("bot7", False, "[1]"),
            ("operator", True, "[1]"),
        ]


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("table", ["namespaces_entry", "namespaces_change"])
@pytest.mark.django_db
def test_values_come_last_so_that_no_other_column_lies_behind_a_large_one(database, table):
    with connection.cursor() as cursor:
        columns = [column.name for column in connection.introspection.get_table_description(cursor, table)]

    assert columns[-1] == "value"
