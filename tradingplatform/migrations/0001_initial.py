"""The tables of what the platform remembers of its own work on accounts (models.py)."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("market", "0004_corporate_actions"),
    ]

    operations = [
        migrations.CreateModel(
            name="SessionMark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("session_date", models.DateField(db_comment="In the time of the market")),
                (
                    "session",
                    models.IntegerField(
                        db_comment="Days since 1970-01-01 of session_date; one more than the one before where a replay has begun again"
                    ),
                ),
                (
                    "closed_at_us",
                    models.BigIntegerField(db_comment="Real time of the close, UTC microseconds", unique=True),
                ),
                ("prices", models.JSONField(db_comment="Ten-thousandths of the currency, by symbol")),
                (
                    "after_account",
                    models.UUIDField(
                        db_comment="The last account that was asked; null before the first one", null=True
                    ),
                ),
                ("marked", models.BigIntegerField(db_comment="Accounts marked so far", default=0)),
                (
                    "left_out",
                    models.BigIntegerField(
                        db_comment="Accounts whose answer was another; the next close counts", default=0
                    ),
                ),
                ("ended_at", models.DateTimeField(db_comment="When the last account was asked", null=True)),
            ],
            options={
                "ordering": ("-closed_at_us",),
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="CorporateActionHolder",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "action_id", "account_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("account_id", models.UUIDField(db_comment="Account that held the shares")),
                (
                    "asked_at_us",
                    models.BigIntegerField(
                        db_comment="UTC microseconds: the time in the command's id"
                    ),
                ),
                (
                    "code",
                    models.CharField(
                        blank=True,
                        db_comment="DONE, or why it was not done; empty while the answer is not known",
                        max_length=32,
                    ),
                ),
                ("quantity", models.BigIntegerField(db_comment="Millionths of a share that it held", default=0)),
                (
                    "amount",
                    models.BigIntegerField(db_comment="Ten-thousandths of the currency that it was paid", default=0),
                ),
                (
                    "action",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, to="market.corporateaction"
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("code", "DONE"), _negated=True),
                        fields=["action"],
                        name="corporate_action_left",
                    )
                ],
            },
        ),
    ]
