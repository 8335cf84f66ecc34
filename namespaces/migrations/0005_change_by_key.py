"""The versions of one key are found by an index of the change log."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("namespaces", "0004_account_actions"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="change",
            index=models.Index(fields=["namespace", "key", "-revision"], name="change_by_key"),
        ),
    ]
