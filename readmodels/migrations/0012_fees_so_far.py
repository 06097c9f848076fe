"""Trades say what all trades of the account cost so far: nothing, for those that are projected already."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("readmodels", "0011_positions_follow"),
    ]

    operations = [
        migrations.AddField(
            model_name="tradehistory",
            name="total_fees",
            field=models.BigIntegerField(
                default=0, db_comment="What the trades of the account cost so far, in ten-thousandths of the account's currency"
            ),
            preserve_default=False,
        ),
    ]
