"""Who opened which account, once and for good; names that no user may have; names of API keys.

The list of names is written out: a migration has to make the same thing however the code changes.
"""

import django.core.validators
from django.conf import settings
from django.db import migrations, models

RESERVED = (
    "anonymous", "beat", "expiry", "key", "market", "platform", "projector", "scheduler", "snapshotter", "system", "user",
    "venue", "writer",
)
CONSTRAINT = "username_is_not_the_platforms"
IS_ALLOWED = "lower(username) NOT IN ({}) AND username !~ '[/[:cntrl:]]'".format(", ".join(f"'{name}'" for name in RESERVED))


def reserve_names(apps, schema_editor):
    """Let the database refuse what the validators of the model refuse, whoever writes there."""
    users = apps.get_model(settings.AUTH_USER_MODEL)._meta.db_table
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(f"SELECT username FROM {users} WHERE NOT ({IS_ALLOWED}) ORDER BY username")
        taken = [name for (name,) in cursor.fetchall()]
    if taken:
        raise RuntimeError(
            f"the users {taken} have names that only the platform itself may have, or with a slash in them: rename them "
            f"(UPDATE {users} SET username = ... ), then migrate again; what they own hangs on their id and stays theirs"
        )
    schema_editor.execute(f"ALTER TABLE {users} ADD CONSTRAINT {CONSTRAINT} CHECK ({IS_ALLOWED})")


def free_names(apps, schema_editor):
    """Allow every name again."""
    users = apps.get_model(settings.AUTH_USER_MODEL)._meta.db_table
    schema_editor.execute(f"ALTER TABLE {users} DROP CONSTRAINT {CONSTRAINT}")


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("accounts", "0002_roles_and_scopes"),
    ]

    operations = [
        migrations.CreateModel(
            name="AccountOpening",
            fields=[
                ("account_id", models.UUIDField(db_comment="Account id", primary_key=True, serialize=False)),
                (
                    "owner",
                    models.CharField(db_comment="The user, as user:<id>; stays when the user is deleted", max_length=30),
                ),
                ("granted_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={"default_permissions": ()},
        ),
        migrations.AlterField(
            model_name="apikey",
            name="name",
            field=models.CharField(
                db_comment="What the key is for, in its owner's words",
                max_length=40,
                validators=[
                    django.core.validators.RegexValidator(
                        "^(?! )[^\\x00-\\x1f\\x7f/]+(?<! )\\Z", "A key's name has no slash, no control characters, and no space at either end."
                    )
                ],
            ),
        ),
        migrations.RunPython(reserve_names, free_names),
    ]
