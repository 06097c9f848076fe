"""Quantities become millionths of a share, trades have a fee, positions the value at their price.

What was projected is projected again: the tables are emptied, and the checkpoints with them. An upgrade of a running
platform therefore begins with empty read models, which the projections fill from the journal.
"""

from django.db import migrations, models

MONEY = "in ten-thousandths of the account's currency"
SUM_OF_MONEY = "in ten-thousandths of the currency"
SHARES = "in millionths of a share"
TABLES = (
    "account_events, account_summary, daily_pnl, dead_letters, firm_totals, flow_minutes, orders, portfolio_positions, "
    "projection_checkpoints, symbol_days, symbol_totals, trade_history"
)


def added(model, name, meaning, field=models.BigIntegerField, **options):
    """Add a column to tables that are empty."""
    return migrations.AddField(
        model_name=model, name=name, field=field(default=0, db_comment=meaning, **options), preserve_default=False
    )


def shares(model, name, meaning):
    """Say what a column of shares is counted in."""
    return migrations.AlterField(
        model_name=model, name=name, field=models.BigIntegerField(db_comment=f"{meaning}, {SHARES}")
    )


def sum_of_shares(model, name, meaning):
    """Widen a column of many accounts' shares."""
    column = models.DecimalField(max_digits=38, decimal_places=0, db_comment=f"{meaning}, {SHARES}")
    return migrations.AlterField(model_name=model, name=name, field=column)


class Migration(migrations.Migration):

    dependencies = [
        ("readmodels", "0009_orders_expiring"),
    ]

    operations = [
        migrations.RunSQL(f"TRUNCATE {TABLES}", migrations.RunSQL.noop),
        *(
            added(model, "fees", f"What the trades cost, {SUM_OF_MONEY}", models.DecimalField, max_digits=38, decimal_places=0)
            for model in ("firmtotals", "symboltotals", "symbolday")
        ),
        added("portfolioposition", "market_value", f"What the shares are worth at that price, {MONEY}"),
        added("tradehistory", "fee", f"What the trade cost, {MONEY}"),
        migrations.AlterField(
            model_name="tradehistory",
            name="value",
            field=models.BigIntegerField(db_comment=f"Quantity times price, rounded half to even, {MONEY}"),
        ),
        shares("order", "quantity", "Shares, filled or not"),
        shares("order", "filled_quantity", "Shares filled"),
        shares("portfolioposition", "quantity", "Shares held"),
        shares("portfolioposition", "reserved_quantity", "Those of them that working sells keep"),
        shares("tradehistory", "quantity", "Shares"),
        shares("tradehistory", "position_quantity", "Shares held after the trade"),
        sum_of_shares("symboltotals", "bought_quantity", "Shares bought; less those sold: shares held"),
        sum_of_shares("symboltotals", "sold_quantity", "Shares sold"),
        sum_of_shares("symbolday", "bought_quantity", "Shares bought on the day"),
        sum_of_shares("symbolday", "sold_quantity", "Shares sold on the day"),
    ]
