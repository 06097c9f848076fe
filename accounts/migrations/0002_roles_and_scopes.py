"""The roles of the platform as groups; scope, limit, expiry and last use of API keys.

The names of the groups are written out: a migration has to make the same thing however the code changes.
"""

from django.db import migrations, models

GROUPS = ("viewer", "trader", "compliance", "operator")


def make_groups(apps, schema_editor):
    groups = apps.get_model("auth", "Group").objects
    for name in GROUPS:
        groups.get_or_create(name=name)


class Migration(migrations.Migration):

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("accounts", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="scope",
            field=models.CharField(
                choices=[("read", "Read"), ("trade", "Trade")],
                db_comment="trade includes read",
                default="trade",
                max_length=5,
            ),
        ),
        migrations.AddField(
            model_name="apikey",
            name="requests_per_minute",
            field=models.PositiveIntegerField(
                blank=True, db_comment="0 is no limit; the platform's own when null", null=True
            ),
        ),
        migrations.AddField(
            model_name="apikey",
            name="expires_at",
            field=models.DateTimeField(blank=True, db_comment="Worthless from then on; never when null", null=True),
        ),
        migrations.AddField(
            model_name="apikey",
            name="last_used_at",
            field=models.DateTimeField(blank=True, db_comment="To the minute", null=True),
        ),
        migrations.RunPython(make_groups, migrations.RunPython.noop, elidable=False),
    ]
