"""Running sums over all accounts, for dashboards and reports: nothing has to be added up when somebody asks.

Amounts of different currencies are never added. A sum over all accounts may outgrow 64 bits.
"""

from django.db import models

from readmodels.models.columns import SYMBOL, money, sum_of_money, sum_of_shares

CURRENCY = "ISO 4217, the currency of the accounts that are summed up"


class FirmTotals(models.Model):
    """What all accounts of a currency come to since the first event."""

    currency = models.CharField(max_length=3, primary_key=True, db_comment=CURRENCY)
    accounts = models.BigIntegerField(db_comment="Accounts opened")
    closed_accounts = models.BigIntegerField(db_comment="Those of them that are closed")
    deposited = sum_of_money("All deposits")
    withdrawn = sum_of_money("All withdrawals")
    trades = models.BigIntegerField(db_comment="Trades")
    refusals = models.BigIntegerField(db_comment="Commands refused by a rule")
    bought_value = sum_of_money("Value of all buys")
    sold_value = sum_of_money("Value of all sells")
    fees = sum_of_money("What the trades cost")
    realized_pnl = sum_of_money("Realized profit or loss, average cost")
    dividends = sum_of_money("All dividends")
    fractions = sum_of_money("Cash that splits paid for fractions of shares")

    class Meta:
        db_table = "firm_totals"
        db_table_comment = "What all accounts of a currency come to since the first event"
        verbose_name_plural = "firm totals"


class SymbolTotals(models.Model):
    """What all accounts of a currency did in a symbol since the first event, and so what they hold of it."""

    pk = models.CompositePrimaryKey("currency", "symbol")
    currency = models.CharField(max_length=3, db_comment=CURRENCY)
    symbol = models.CharField(max_length=12, db_comment=SYMBOL)
    holders = models.BigIntegerField(db_comment="Accounts that hold shares of it")
    trades = models.BigIntegerField(db_comment="Trades")
    bought_quantity = sum_of_shares("Shares bought; less those sold, with actions_quantity: shares held")
    bought_value = sum_of_money("Value of all buys")
    sold_quantity = sum_of_shares("Shares sold")
    sold_value = sum_of_money("Value of all sells")
    fees = sum_of_money("What the trades cost")
    realized_pnl = sum_of_money("Realized profit or loss, average cost")
    dividends = sum_of_money("All dividends")
    actions_quantity = sum_of_shares("Shares that came, less those that went, by splits and changes of symbol")
    actions_cost = sum_of_money("Cost that came, less what went: with changes of symbol, and for fractions of splits")
    last_traded_at = models.DateTimeField(db_comment="When it last had a price: of a trade, a close, an action")
    last_price = money("Price of a share then; of several at that instant the highest")

    class Meta:
        db_table = "symbol_totals"
        db_table_comment = "What all accounts of a currency did in a symbol since the first event"
        verbose_name_plural = "symbol totals"


class SymbolDay(models.Model):
    """What all accounts of a currency did in a symbol on a UTC day."""

    pk = models.CompositePrimaryKey("currency", "symbol", "date")
    currency = models.CharField(max_length=3, db_comment=CURRENCY)
    symbol = models.CharField(max_length=12, db_comment=SYMBOL)
    date = models.DateField(db_comment="UTC day")
    trades = models.BigIntegerField(db_comment="Trades of the day")
    bought_quantity = sum_of_shares("Shares bought on the day")
    bought_value = sum_of_money("Value of the day's buys")
    sold_quantity = sum_of_shares("Shares sold on the day")
    sold_value = sum_of_money("Value of the day's sells")
    fees = sum_of_money("What the trades cost")
    realized_pnl = sum_of_money("Realized profit or loss of the day, average cost")
    dividends = sum_of_money("Dividends of the day")

    class Meta:
        db_table = "symbol_days"
        db_table_comment = "What all accounts of a currency did in a symbol on a UTC day"


class FlowMinute(models.Model):
    """What all accounts of a currency did in a minute. Partitioned by the year of `minute`."""

    pk = models.CompositePrimaryKey("currency", "minute")
    currency = models.CharField(max_length=3, db_comment=CURRENCY)
    minute = models.DateTimeField(db_comment="When the minute began")
    trades = models.BigIntegerField(db_comment="Trades recorded in the minute")
    refusals = models.BigIntegerField(db_comment="Commands refused by a rule in the minute")
    bought_value = sum_of_money("Value of the minute's buys")
    sold_value = sum_of_money("Value of the minute's sells")

    class Meta:
        db_table = "flow_minutes"
        db_table_comment = "What all accounts of a currency did in a minute"
