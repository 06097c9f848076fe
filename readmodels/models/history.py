"""What happened to accounts: trades, days, events."""

from typing import ClassVar

from django.db import models

from readmodels.models.columns import ACCOUNT, ACTOR, ACTOR_LENGTH_MAX, CORRELATION, SYMBOL, money, shares

TRADE_VERSION = "Account version of the trade's event"
TRADE_ID = "Event id, derived from the event's hash"
TRADE_DAY = "UTC day of the trade; the day_ columns are of it, so far"
EXECUTED_AT = "When the trade was recorded"


class Name(models.Model):
    """A text that comes again and again in trades: a symbol, or who acted. Numbers are given out once and never change;
    a rebuild keeps them, so that rows of both sets of tables are the same.
    """

    number = models.AutoField(primary_key=True, db_comment="Stands for the name in trades")
    name = models.CharField(max_length=ACTOR_LENGTH_MAX, db_comment=f"Symbol of an instrument, or an actor: {ACTOR}")

    class Meta:
        db_table = "names"
        db_table_comment = "Numbers of the texts that come again and again in trades"
        constraints: ClassVar = [models.UniqueConstraint(fields=["name"], name="names_name")]

    def __str__(self) -> str:
        return self.name


class Trade(models.Model):
    """One row for each trade, with everything that its event says: no other table has a row for it. Partitioned by the
    year of `executed_at`, which the table's own key ends with.

    Written once for each trade, so it is narrow: columns of fixed width first, numbers for names. People and queries
    read the view `trade_history`.
    """

    pk = models.CompositePrimaryKey("account_id", "version")
    account_id = models.UUIDField(db_comment=ACCOUNT)
    version = models.BigIntegerField(db_comment=TRADE_VERSION)
    executed_at = models.DateTimeField(db_comment=EXECUTED_AT)
    symbol = models.IntegerField(db_comment=f"{SYMBOL}, its number in names")
    day = models.DateField(db_comment=TRADE_DAY)
    price = money("Price of one share")
    position_quantity = shares("Shares held after the trade")
    position_cost = money("What these shares cost")
    position_realized_pnl = money("Realized profit or loss in this symbol so far")
    day_volume = money("Value traded on the day")
    day_trades = models.BigIntegerField(db_comment="Trades on the day")
    day_realized_pnl = money("Realized profit or loss of the day")
    quantity = shares("Shares")
    value = money("Quantity times price, rounded half to even")
    fee = money("What the trade cost")
    realized_pnl = money("Realized profit or loss of this trade")
    cash_after = money("Cash after the trade")
    total_realized_pnl = money("Realized profit or loss of the account so far")
    total_fees = money("What the trades of the account cost so far")
    positions_cost = money("What all shares held after the trade cost")
    portfolio_value = money("Cash and positions after the trade")
    trade_count = models.BigIntegerField(db_comment="Trades of the account so far")
    trade_id = models.UUIDField(db_comment=TRADE_ID)
    actor = models.IntegerField(db_comment="Who acted, the number in names")
    is_buy = models.BooleanField(db_comment="A buy; else a sell")
    command_uuid = models.UUIDField(null=True, db_comment="Command that led to it, when its id is a UUID")
    command_text = models.CharField(max_length=64, null=True, db_comment="The same, when it is any other text")  # noqa: DJ001 - absent is not the empty string.
    order_id = models.CharField(max_length=64, null=True, db_comment="Order that it filled")  # noqa: DJ001 - absent is not the empty string.
    correlation_id = models.CharField(max_length=64, null=True, db_comment=CORRELATION)  # noqa: DJ001 - absent is not the empty string.
    causation_id = models.CharField(max_length=64, null=True, db_comment="What caused it")  # noqa: DJ001 - absent is not the empty string.

    class Meta:
        db_table = "trades"
        db_table_comment = "One row for each trade, as it is stored: trade_history shows it"


class TradeHistory(models.Model):
    """One row for each trade, with everything that its event says. A view of trades and names (trade_view.py)."""

    pk = models.CompositePrimaryKey("account_id", "version")
    account_id = models.UUIDField(db_comment=ACCOUNT)
    version = models.BigIntegerField(db_comment=TRADE_VERSION)
    trade_id = models.UUIDField(db_comment=TRADE_ID)
    symbol = models.CharField(max_length=12, db_comment=SYMBOL)
    side = models.CharField(max_length=4, db_comment="BUY or SELL")
    quantity = shares("Shares")
    price = money("Price of one share")
    value = money("Quantity times price, rounded half to even")
    fee = money("What the trade cost")
    realized_pnl = money("Realized profit or loss of this trade")
    cash_after = money("Cash after the trade")
    order_id = models.CharField(max_length=64, null=True, db_comment="Order that it filled")  # noqa: DJ001 - absent is not the empty string.
    command_id = models.CharField(max_length=64, db_comment="Command that led to it")
    executed_at = models.DateTimeField(db_comment=EXECUTED_AT)
    actor = models.CharField(max_length=ACTOR_LENGTH_MAX, db_comment=ACTOR)
    correlation_id = models.CharField(max_length=64, null=True, db_comment=CORRELATION)  # noqa: DJ001 - absent is not the empty string.
    causation_id = models.CharField(max_length=64, null=True, db_comment="What caused it")  # noqa: DJ001 - absent is not the empty string.
    position_quantity = shares("Shares held after the trade")
    position_cost = money("What these shares cost")
    position_realized_pnl = money("Realized profit or loss in this symbol so far")
    total_realized_pnl = money("Realized profit or loss of the account so far")
    total_fees = money("What the trades of the account cost so far")
    positions_cost = money("What all shares held after the trade cost")
    portfolio_value = money("Cash and positions after the trade")
    trade_count = models.BigIntegerField(db_comment="Trades of the account so far")
    day = models.DateField(db_comment=TRADE_DAY)
    day_volume = money("Value traded on the day")
    day_trades = models.BigIntegerField(db_comment="Trades on the day")
    day_realized_pnl = money("Realized profit or loss of the day")

    class Meta:
        """The view's own name; it is made after migrations."""

        managed = False
        db_table = "trade_history"
        db_table_comment = "One row for each trade"


class DayRow(models.Model):
    """The columns of an account's day."""

    pk = models.CompositePrimaryKey("account_id", "date")
    account_id = models.UUIDField(db_comment=ACCOUNT)
    date = models.DateField(db_comment="UTC day")
    trades = models.BigIntegerField(db_comment="Trades of the day")
    volume = money("Value traded on the day")
    realized_pnl = money("Realized profit or loss of the day")
    dividends = money("Dividends of the day")
    version = models.BigIntegerField(db_comment="Account version that the row stands on")

    class Meta:
        abstract = True


class StoredDay(DayRow):
    """One row for each account and UTC day on which it had traded, or a split or a dividend had come, at its
    `positions_version`; newer trades are not in it.
    """

    class Meta:
        db_table = "stored_days"
        db_table_comment = "Days as of account_summary.positions_version: daily_pnl is exact"


class DailyPnl(DayRow):
    """One row for each account and UTC day on which it traded, or a split or a dividend came. A view of stored_days and
    of the trades that are newer (current_views.py).
    """

    class Meta:
        """The view's own name; it is made after migrations."""

        managed = False
        db_table = "daily_pnl"
        db_table_comment = "One row for each account and UTC day with a trade, a split or a dividend"


class EventRow(models.Model):
    """The columns of an event that people and reporting tools can read."""

    pk = models.CompositePrimaryKey("account_id", "version")
    account_id = models.UUIDField(db_comment=ACCOUNT)
    version = models.BigIntegerField(db_comment="Account version of the event")
    event_id = models.UUIDField(db_comment="Derived from the event's hash")
    event_type = models.CharField(max_length=40, db_comment="Such as TradeExecuted")
    recorded_at = models.DateTimeField(db_comment="When the event was recorded")
    actor = models.CharField(max_length=ACTOR_LENGTH_MAX, db_comment=ACTOR)
    command_id = models.CharField(max_length=64, db_comment="Command that led to it")
    correlation_id = models.CharField(max_length=64, db_comment="What it belongs together with; else the command")
    causation_id = models.CharField(max_length=64, null=True, db_comment="What caused it")  # noqa: DJ001 - absent is not the empty string.
    data = models.JSONField(db_comment="The event's fields; money and quantities as decimal strings")

    class Meta:
        abstract = True


class AccountEvent(EventRow):
    """One row for each event that is not a trade. Partitioned by the year of `recorded_at`, which the table's own key
    ends with.
    """

    class Meta:
        db_table = "account_events"
        db_table_comment = "One row for each event that is not a trade"


class Activity(EventRow):
    """One row for each event: the audit trail. A view of account_events and trade_history (activity_view.py)."""

    class Meta:
        """The view's own name; it is made after migrations."""

        managed = False
        db_table = "activity"
        db_table_comment = "One row for each event: the audit trail"
        verbose_name_plural = "activity"
