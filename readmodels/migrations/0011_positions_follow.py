"""Positions and days are stored some trades later; what was their tables' names become views over them and the trades.

The views are made after every migration (readmodels/current_views.py).
"""

from django.db import migrations, models

MONEY = "in ten-thousandths of the account's currency"
SHARES = "in millionths of a share"
RENAMED = (("portfolio_positions", "stored_positions"), ("daily_pnl", "stored_days"))
VERSION = models.BigIntegerField(db_comment="Account version that the row stands on")
ACCOUNT = models.UUIDField(db_comment="Account id")


def number(meaning, unit=None):
    """Return a column for a count, or an amount in a unit."""
    return models.BigIntegerField(db_comment=meaning if unit is None else f"{meaning}, {unit}")


def view(name, table, comment, key, fields):
    """Return the operation that says what a view has."""
    pk = models.CompositePrimaryKey(*key, blank=True, editable=False, primary_key=True, serialize=False)
    return migrations.CreateModel(
        name=name,
        fields=[("pk", pk), ("account_id", ACCOUNT), *fields],
        options={"db_table": table, "db_table_comment": comment, "managed": False},
    )


class Migration(migrations.Migration):

    dependencies = [
        ("readmodels", "0010_millionths_and_fees"),
    ]

    operations = [
        migrations.AddField(
            "accountsummary",
            "positions_version",
            models.BigIntegerField(
                default=0,
                db_comment="Account version that open_positions, largest_position, largest_symbol and the rows of "
                "stored_positions and stored_days stand on; trades after it are in trade_history alone",
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            "accountsummary",
            "behind_since",
            models.DateTimeField(
                null=True, db_comment="When the first trade after that version was projected; null without any"
            ),
        ),
        migrations.RunSQL("UPDATE account_summary SET positions_version = version", migrations.RunSQL.noop),
        migrations.AddIndex(
            "accountsummary",
            models.Index(
                condition=models.Q(("behind_since__isnull", False)),
                fields=["behind_since"],
                name="account_summary_behind",
            ),
        ),
        *(
            migrations.RunSQL(f"ALTER TABLE {table} SET (fillfactor = 50)", f"ALTER TABLE {table} RESET (fillfactor)")
            for table in ("account_summary", "firm_totals", "symbol_totals", "symbol_days")
        ),
        migrations.RenameModel("PortfolioPosition", "StoredPosition"),
        migrations.RenameModel("DailyPnl", "StoredDay"),
        migrations.AlterModelTable("storedposition", "stored_positions"),
        migrations.AlterModelTable("storedday", "stored_days"),
        migrations.AlterModelTableComment(
            "storedposition", "Positions as of account_summary.positions_version: portfolio_positions is exact"
        ),
        migrations.AlterModelTableComment("storedday", "Days as of account_summary.positions_version: daily_pnl is exact"),
        *(
            migrations.RunSQL(
                f"ALTER TABLE {new} RENAME CONSTRAINT {old}_pkey TO {new}_pkey; ALTER TABLE {new} SET (fillfactor = 70)",
                f"ALTER TABLE {new} RENAME CONSTRAINT {new}_pkey TO {old}_pkey; ALTER TABLE {new} RESET (fillfactor)",
            )
            for old, new in RENAMED
        ),
        view(
            "PortfolioPosition",
            "portfolio_positions",
            "One row for each account and symbol that it ever held; quantity 0 is a closed position",
            ("account_id", "symbol"),
            [
                ("symbol", models.CharField(db_comment="Symbol of the instrument", max_length=12)),
                ("quantity", number("Shares held", SHARES)),
                ("reserved_quantity", number("Those of them that working sells keep", SHARES)),
                ("cost", number("What these shares cost", MONEY)),
                ("avg_cost", number("Average cost of one share, rounded half to even", MONEY)),
                ("last_price", number("Price that the account last traded the symbol at", MONEY)),
                ("market_value", number("What the shares are worth at that price", MONEY)),
                ("realized_pnl", number("Realized profit or loss in this symbol so far", MONEY)),
                ("version", VERSION),
                ("updated_at", models.DateTimeField(db_comment="When the event of that version was recorded")),
            ],
        ),
        view(
            "DailyPnl",
            "daily_pnl",
            "One row for each account and UTC day on which it traded",
            ("account_id", "date"),
            [
                ("date", models.DateField(db_comment="UTC day")),
                ("trades", number("Trades of the day")),
                ("volume", number("Value traded on the day", MONEY)),
                ("realized_pnl", number("Realized profit or loss of the day", MONEY)),
                ("version", VERSION),
            ],
        ),
    ]
