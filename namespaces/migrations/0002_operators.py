import django.db.models.deletion
import namespaces.models
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("namespaces", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="DailyTotal",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                ("writes", models.PositiveBigIntegerField(default=0)),
                ("refusals", models.JSONField(default=dict)),
            ],
        ),
        migrations.CreateModel(
            name="ModerationAction",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("operator", models.CharField(max_length=150)),
                (
                    "action",
                    models.CharField(
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
                        ],
                        max_length=15,
                    ),
                ),
                ("namespace", namespaces.models.ByteOrderedField(blank=True, default="", max_length=64)),
                ("reason", models.TextField()),
                ("before", models.JSONField(default=dict)),
                ("after", models.JSONField(default=dict)),
            ],
        ),
        migrations.CreateModel(
            name="PurgeJob",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "namespace_id", "started_at", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "namespace",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="purge_job_set",
                        to="namespaces.namespace",
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("prefix", models.CharField(blank=True, default="", max_length=512)),
                ("up_to_revision", models.BigIntegerField()),
                ("operator", models.CharField(max_length=150)),
                ("reason", models.TextField()),
                (
                    "state",
                    models.CharField(
                        choices=[("running", "Running"), ("cancelled", "Cancelled"), ("done", "Done")],
                        default="running",
                        max_length=9,
                    ),
                ),
                ("cursor", models.CharField(blank=True, default="", max_length=512)),
                ("expected", models.PositiveBigIntegerField(default=0)),
                ("removed", models.PositiveBigIntegerField(default=0)),
                ("removed_bytes", models.PositiveBigIntegerField(default=0)),
                ("updated_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Standing",
            fields=[
                (
                    "namespace",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="standing",
                        serialize=False,
                        to="namespaces.namespace",
                    ),
                ),
                ("day", models.DateField()),
                ("write_use", models.PositiveIntegerField(default=0)),
                ("growth", models.PositiveBigIntegerField(default=0)),
                ("byte_use", models.PositiveIntegerField(default=0)),
                ("bytes", models.PositiveBigIntegerField(default=0)),
                ("last_write_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.AlterModelOptions(
            name="namespace",
            options={
                "permissions": (
                    ("moderate_namespace", "Can limit a namespace and edit what is in it"),
                    ("purge_namespace", "Can purge a namespace"),
                )
            },
        ),
        migrations.AddIndex(
            model_name="namespace",
            index=models.Index(fields=["-created_at"], name="namespace_newest"),
        ),
        migrations.AddIndex(
            model_name="namespace",
            index=models.Index(fields=["created_from", "-created_at"], name="namespace_siblings"),
        ),
        migrations.AddIndex(
            model_name="namespace",
            index=models.Index(
                condition=models.Q(("status", "active"), _negated=True), fields=["status"], name="namespace_restricted"
            ),
        ),
        migrations.AddIndex(
            model_name="moderationaction",
            index=models.Index(fields=["namespace", "-id"], name="moderation_namespace"),
        ),
        migrations.AddIndex(
            model_name="moderationaction",
            index=models.Index(fields=["operator", "-id"], name="moderation_operator"),
        ),
        migrations.AddIndex(
            model_name="moderationaction",
            index=models.Index(fields=["action", "-id"], name="moderation_action"),
        ),
        migrations.AddIndex(
            model_name="standing",
            index=models.Index(fields=["day", "-write_use", "namespace"], name="standing_writes"),
        ),
        migrations.AddIndex(
            model_name="standing",
            index=models.Index(fields=["day", "-growth", "namespace"], name="standing_growth"),
        ),
        migrations.AddIndex(
            model_name="standing",
            index=models.Index(fields=["-byte_use", "namespace"], name="standing_byte_use"),
        ),
        migrations.AddIndex(
            model_name="standing",
            index=models.Index(fields=["-bytes", "namespace"], name="standing_bytes"),
        ),
        migrations.AddIndex(
            model_name="standing",
            index=models.Index(fields=["last_write_at", "namespace"], name="standing_last_write"),
        ),
        migrations.AddIndex(
            model_name="purgejob",
            index=models.Index(condition=models.Q(("state", "running")), fields=["started_at"], name="purge_running"),
        ),
    ]
