"""The table of the runs of the kill switch (see models.py)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []

    operations = [
        migrations.CreateModel(
            name="KillSwitchRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("started_at", models.DateTimeField(db_comment="UTC")),
                ("heard_at", models.DateTimeField(db_comment="UTC; when it last said how far it is")),
                ("finished_at", models.DateTimeField(db_comment="UTC; null while it runs, and for good when it was killed", null=True)),
                ("actor", models.CharField(max_length=300)),
                ("reason", models.CharField(max_length=140)),
                ("whose", models.CharField(db_comment="Whose orders, for people", max_length=200)),
                ("account_ids", models.JSONField(db_comment="The accounts, where accounts were asked for", null=True)),
                ("asked", models.BigIntegerField(db_comment="Orders that were found and asked for so far", default=0)),
                ("cancelled", models.BigIntegerField(default=0)),
                ("ended_before", models.BigIntegerField(db_comment="Filled, or ended in another way, before", default=0)),
                ("failures", models.JSONField(db_comment="Orders that could not be cancelled, by code", default=dict)),
                ("is_behind", models.BooleanField(db_comment="Orders may work that were not found", default=False)),
                ("is_complete", models.BooleanField(db_comment="Nothing was left of what worked when it began", default=False)),
                ("error", models.TextField(blank=True, db_comment="What ended it early, if anything did")),
            ],
            options={
                "verbose_name": "kill switch run",
                "ordering": ("-id",),
                "default_permissions": ("view",),
            },
        ),
    ]
