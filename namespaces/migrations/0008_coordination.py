import django.db.models.deletion
import namespaces.models
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("namespaces", "0007_standing_refusals_and_biggest_keys"),
    ]

    operations = [
        migrations.AddField(
            model_name="namespace",
            name="fencing",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.CreateModel(
            name="Lease",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "namespace_id", "name", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", namespaces.models.ByteOrderedField(max_length=512)),
                ("holder", models.CharField(blank=True, default="", max_length=128)),
                ("fencing", models.BigIntegerField()),
                ("acquired_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                (
                    "namespace",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lease_set",
                        to="namespaces.namespace",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["expires_at"], name="lease_expires_at")],
            },
        ),
        migrations.CreateModel(
            name="Receipt",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "namespace_id", "key", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("key", namespaces.models.ByteOrderedField(max_length=255)),
                ("request", models.CharField(max_length=64)),
                ("answer", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "namespace",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="receipt_set",
                        to="namespaces.namespace",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["at"], name="receipt_at")],
            },
        ),
    ]
