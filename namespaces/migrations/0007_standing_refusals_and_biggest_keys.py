
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("namespaces", "0006_purge_erases_the_log"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="namespace",
            name="namespace_restricted",
        ),
        migrations.AddField(
            model_name="standing",
            name="biggest",
            field=models.JSONField(db_default=[], default=list),
        ),
        migrations.AddField(
            model_name="standing",
            name="biggest_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="standing",
            name="refusals",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddIndex(
            model_name="namespace",
            index=models.Index(
                condition=models.Q(("status", "active"), _negated=True),
                fields=["status", "name"],
                name="namespace_restricted",
            ),
        ),
        migrations.AddIndex(
            model_name="standing",
            index=models.Index(fields=["day", "-refusals", "namespace"], name="standing_refusals"),
        ),
    ]
