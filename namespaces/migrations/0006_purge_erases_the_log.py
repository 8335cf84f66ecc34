"""What a purge needs to erase the change log, too; and on PostgreSQL, TRUNCATE is refused to the moderation log as well.

SQLite has no TRUNCATE.
"""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

TABLE = "namespaces_moderationaction"


def refuse_truncate(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(
            f"CREATE TRIGGER moderation_no_truncate BEFORE TRUNCATE ON {TABLE} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_moderation()"
        )


def allow_truncate(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(f"DROP TRIGGER IF EXISTS moderation_no_truncate ON {TABLE}")


class Migration(migrations.Migration):
    dependencies = [("namespaces", "0005_change_by_key")]

    operations = [
        migrations.AddField(
            model_name="purgejob",
            name="driver",
            field=models.CharField(
                blank=True, choices=[("worker", "Worker"), ("page", "Page")], default="", max_length=6
            ),
        ),
        migrations.AddField(
            model_name="purgejob",
            name="erased_revision",
            field=models.BigIntegerField(null=True),
        ),
        migrations.RunPython(refuse_truncate, allow_truncate, elidable=False),
    ]
