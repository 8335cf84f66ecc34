"""The roles come by migration: into a new database, into one that has accounts and roles of its own, and out again."""

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tests.conftest import allow_truncate

ROLES = {
    "viewer": {"view_namespace"},
    "moderator": {"view_namespace", "moderate_namespace"},
    "administrator": {
        "view_namespace",
        "moderate_namespace",
        "purge_namespace",
        "view_user",
        "add_user",
        "change_user",
        "delete_user",
        "view_group",
    },
}


def roles() -> dict[str, set[str]]:
    return {group.name: {p.codename for p in group.permissions.all()} for group in Group.objects.all()}


def migrate(to: str) -> None:
    MigrationExecutor(connection).migrate([("namespaces", to)])


@pytest.fixture
def _migrations(database, transactional_db):
    yield
    leaves = MigrationExecutor(connection).loader.graph.leaf_nodes("namespaces")
    MigrationExecutor(connection).migrate(leaves)
    allow_truncate()


def test_a_new_database_has_the_three_roles(database, db):
    assert roles() == ROLES


@pytest.mark.usefixtures("_migrations")
def test_an_existing_database_gets_them_and_keeps_its_own():
    migrate("0002_operators")
    Group.objects.create(name="ours")
    Group.objects.create(name="viewer")

    migrate("0003_append_only_and_roles")

    assert roles() == {**ROLES, "ours": set()}


@pytest.mark.usefixtures("_migrations")
def test_they_go_again_and_leave_others():
    Group.objects.create(name="ours")

    migrate("0002_operators")

    assert roles() == {"ours": set()}
