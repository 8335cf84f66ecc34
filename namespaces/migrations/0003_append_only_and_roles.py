"""The moderation log may only grow: the database refuses to change or remove its rows. And the operators' three roles."""

from django.apps import apps as installed
from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

TABLE = "namespaces_moderationaction"
APPEND_ONLY = {
    "postgresql": [
        """
        CREATE FUNCTION refuse_to_change_moderation() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'the moderation log is append-only'; END $$
        """,
        f"""
        CREATE TRIGGER moderation_append_only BEFORE UPDATE OR DELETE ON {TABLE}
        FOR EACH ROW EXECUTE FUNCTION refuse_to_change_moderation()
        """,
    ],
    "sqlite": [
        f"""
        CREATE TRIGGER moderation_no_{event.lower()} BEFORE {event} ON {TABLE}
        BEGIN SELECT RAISE(ABORT, 'the moderation log is append-only'); END
        """
        for event in ("UPDATE", "DELETE")
    ],
}
UNDO = {
    "postgresql": [
        f"DROP TRIGGER moderation_append_only ON {TABLE}",
        "DROP FUNCTION refuse_to_change_moderation()",
    ],
    "sqlite": ["DROP TRIGGER moderation_no_update", "DROP TRIGGER moderation_no_delete"],
}
ROLES = {
    "viewer": ["namespaces.view_namespace"],
    "moderator": ["namespaces.view_namespace", "namespaces.moderate_namespace"],
    "administrator": [
        "namespaces.view_namespace",
        "namespaces.moderate_namespace",
        "namespaces.purge_namespace",
        "auth.view_user",
        "auth.add_user",
        "auth.change_user",
        "auth.delete_user",
        "auth.view_group",
    ],
}


def enforce(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    for statement in APPEND_ONLY[editor.connection.vendor]:
        editor.execute(statement)


def relax(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    for statement in UNDO[editor.connection.vendor]:
        editor.execute(statement)


def make_roles(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    for label in ("auth", "namespaces"):  # Django itself makes permissions only after the last migration
        create_permissions(installed.get_app_config(label), apps=apps, verbosity=0)
    group, permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    for name, granted in ROLES.items():
        role, _ = group.objects.get_or_create(name=name)
        pairs = [full.split(".") for full in granted]
        role.permissions.set(
            permission.objects.get(content_type__app_label=label, codename=codename) for label, codename in pairs
        )


def remove_roles(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("auth", "Group").objects.filter(name__in=ROLES).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("namespaces", "0002_operators"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.RunPython(enforce, relax, elidable=False),
        migrations.RunPython(make_roles, remove_roles, elidable=False),
    ]
