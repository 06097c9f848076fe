"""Who may do what: access to accounts, API keys, the platform's roles as groups, and names that no user may have.

Names of groups and of the platform are written out: a migration has to make the same thing however the code changes.
"""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

GROUPS = ("viewer", "trader", "compliance", "operator")
RESERVED = (
    "anonymous", "beat", "expiry", "key", "market", "platform", "projector", "scheduler", "snapshotter", "system", "user",
    "venue", "writer",
)
CONSTRAINT = "username_is_not_the_platforms"
IS_ALLOWED = "lower(username) NOT IN ({}) AND username !~ '[/[:cntrl:]]'".format(", ".join(f"'{name}'" for name in RESERVED))


def make_groups(apps, schema_editor):
    """Make a group for each role of the platform."""
    groups = apps.get_model("auth", "Group").objects
    for name in GROUPS:
        groups.get_or_create(name=name)


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

    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.CharField(
                        db_comment="What the key is for, in its owner's words",
                        max_length=40,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^(?! )[^\\x00-\\x1f\\x7f/]+(?<! )\\Z", "A key's name has no slash, no control characters, and no space at either end."
                            )
                        ],
                    ),
                ),
                ("prefix", models.CharField(db_comment="Public part of the key, to recognise it by", max_length=12, unique=True)),
                ("secret_hash", models.CharField(db_comment="SHA-256 of the secret part, hexadecimal", max_length=64)),
                (
                    "scope",
                    models.CharField(
                        choices=[("read", "Read"), ("trade", "Trade")],
                        db_comment="trade includes read",
                        default="trade",
                        max_length=5,
                    ),
                ),
                (
                    "requests_per_minute",
                    models.PositiveIntegerField(
                        blank=True, db_comment="0 is no limit; the platform's own when null", null=True
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField(blank=True, db_comment="Worthless from then on; never when null", null=True)),
                ("last_used_at", models.DateTimeField(blank=True, db_comment="To the minute", null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="api_keys", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={"verbose_name": "API key"},
        ),
        migrations.CreateModel(
            name="AccountAccess",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("account_id", models.UUIDField(db_comment="Account id; the account itself is in the event store")),
                ("role", models.CharField(choices=[("owner", "Owner"), ("trader", "Trader"), ("viewer", "Viewer")], max_length=8)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="account_access",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "account access",
                "constraints": [
                    models.UniqueConstraint(fields=("user", "account_id"), name="one_role_per_user_and_account")
                ],
            },
        ),
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
        migrations.RunPython(make_groups, migrations.RunPython.noop, elidable=False),
        migrations.RunPython(reserve_names, free_names),
    ]
