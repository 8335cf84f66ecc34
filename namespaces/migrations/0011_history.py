from importlib import import_module

import django.db.models.deletion
from django.db import migrations, models

PutLast = import_module("namespaces.migrations.0009_verified_writers").PutLast


class Migration(migrations.Migration):
    dependencies = [
        ("namespaces", "0010_access"),
    ]

    operations = [
        migrations.AddField(
            model_name="change",
            name="expires_at",
            field=models.DateTimeField(null=True),
        ),
        # Once more, because the new column is behind it now.
        PutLast("change", "value"),
        migrations.AlterField(
            model_name="moderationaction",
            name="action",
            field=models.CharField(
                choices=[
                    ("activate", "Activate"),
                    ("read_only", "Read Only"),
                    ("suspend", "Suspend"),
                    ("limits", "Limits"),
                    ("edit", "Edit"),
                    ("delete", "Delete"),
                    ("restore", "Restore"),
                    ("export", "Export"),
                    ("purge", "Purge"),
                    ("purge_cancelled", "Purge Cancelled"),
                    ("purge_done", "Purge Done"),
                    ("quarantine", "Quarantine"),
                    ("release", "Release"),
                    ("revoke", "Revoke"),
                    ("account", "Account"),
                ],
                max_length=15,
            ),
        ),
        migrations.CreateModel(
            name="Quarantine",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "namespace_id",
                        "writer",
                        "is_verified",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("writer", models.CharField(blank=True, default="", max_length=128)),
                ("is_verified", models.BooleanField()),
                ("reason", models.TextField(blank=True, default="")),
                ("at", models.DateTimeField()),
                ("placed_by", models.CharField(blank=True, default="", max_length=128)),
                ("is_placer_verified", models.BooleanField(default=False)),
                (
                    "namespace",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="quarantine_set",
                        to="namespaces.namespace",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RollbackJob",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "namespace_id", "started_at", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("writer", models.CharField(blank=True, default="", max_length=128)),
                ("is_verified", models.BooleanField()),
                ("since_revision", models.BigIntegerField()),
                ("up_to_revision", models.BigIntegerField()),
                ("prefix", models.CharField(blank=True, default="", max_length=512)),
                ("started_by", models.CharField(blank=True, default="", max_length=128)),
                ("is_starter_verified", models.BooleanField(default=False)),
                (
                    "state",
                    models.CharField(
                        choices=[("running", "Running"), ("cancelled", "Cancelled"), ("done", "Done")],
                        default="running",
                        max_length=9,
                    ),
                ),
                ("cursor_revision", models.BigIntegerField()),
                ("restored", models.PositiveBigIntegerField(default=0)),
                ("deleted", models.PositiveBigIntegerField(default=0)),
                ("unchanged", models.PositiveBigIntegerField(default=0)),
                ("kept", models.PositiveBigIntegerField(default=0)),
                ("unreachable", models.PositiveBigIntegerField(default=0)),
                ("refused", models.PositiveBigIntegerField(default=0)),
                ("moved", models.JSONField(default=list)),
                ("left", models.JSONField(default=list)),
                ("updated_at", models.DateTimeField()),
                (
                    "namespace",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rollback_job_set",
                        to="namespaces.namespace",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "running")), fields=["started_at"], name="rollback_running"
                    )
                ],
            },
        ),
    ]
