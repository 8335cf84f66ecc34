from django.db import migrations, models
from django.db.migrations.operations.base import Operation


class PutLast(Operation):
    """Have a column be the last of its table: SQLite reads those before it without walking over a large value.

    PostgreSQL keeps large values elsewhere.
    """

    reversible = True

    def __init__(self, model_name, name):
        self.model_name, self.name = model_name, name

    def state_forwards(self, app_label, state):
        fields = state.models[app_label, self.model_name].fields
        fields[self.name] = fields.pop(self.name)
        state.reload_model(app_label, self.model_name, delay=False)

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "sqlite":
            schema_editor._remake_table(to_state.apps.get_model(app_label, self.model_name))

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        pass

    def describe(self):
        return f"Put {self.name} last in {self.model_name}"


def vouch_for_operators(apps, schema_editor):
    """Nobody else was ever called so."""
    for model in ("Entry", "Change"):
        apps.get_model("namespaces", model).objects.filter(writer="operator").update(is_verified=True)


class Migration(migrations.Migration):
    dependencies = [
        ("namespaces", "0008_coordination"),
    ]

    operations = [
        migrations.AddField(
            model_name="entry",
            name="is_verified",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="change",
            name="is_verified",
            field=models.BooleanField(db_default=False, default=False),
        ),
        PutLast("entry", "value"),
        PutLast("change", "value"),
        migrations.RunPython(vouch_for_operators, migrations.RunPython.noop),
    ]
