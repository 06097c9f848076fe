"""The read models: what the events add up to, in tables. Written by the projector alone, rebuilt from events at any
time.

Money and prices are integers in ten-thousandths of the account's currency. Every row carries the account version that
it stands on. Nothing in them is random or read from a clock, so a rebuild gives the same rows, byte for byte.
"""

from typing import ClassVar

from django.db import models

MONEY = "in ten-thousandths of the account's currency"
ACCOUNT = "Account id"
SYMBOL = "Symbol of the instrument"
CORRELATION = "What it belongs together with, if not the command alone"
ACTOR = "User, and the API key behind a slash"


def money(meaning: str) -> models.BigIntegerField:
    """Return a column for an amount of money or a price."""
    return models.BigIntegerField(db_comment=f"{meaning}, {MONEY}")


def money_or_none(meaning: str) -> models.BigIntegerField:
    """Return a column for a price that there may not be."""
    return models.BigIntegerField(null=True, db_comment=f"{meaning}, {MONEY}")


class AccountSummary(models.Model):
    """One row for each account."""

    account_id = models.UUIDField(primary_key=True, db_comment=ACCOUNT)
    owner = models.CharField(max_length=150, db_comment="User name of the owner")
    name = models.CharField(max_length=80, db_comment="As its owner named it")
    currency = models.CharField(max_length=3, db_comment="ISO 4217")
    status = models.CharField(max_length=8, db_comment="ACTIVE, FROZEN or CLOSED")
    cash = money("Cash")
    reserved_cash = money("The part of the cash that working buys keep for what is not filled of them")
    deposited = money("All deposits so far")
    withdrawn = money("All withdrawals so far")
    positions_cost = money("What the shares held cost")
    portfolio_value = money("Cash and positions at the price that the account last traded them at")
    realized_pnl = money("Realized profit or loss so far, average cost")
    trade_count = models.BigIntegerField(db_comment="Trades so far")
    open_orders = models.IntegerField(db_comment="Orders that work")
    day_date = models.DateField(null=True, db_comment="UTC day of the last trade; the day_ columns are of it")
    day_volume = money("Value traded on day_date")
    day_trades = models.IntegerField(db_comment="Trades on day_date")
    day_realized_pnl = money("Realized profit or loss on day_date")
    max_position_bp = models.IntegerField(db_comment="Limit of one symbol, basis points of the portfolio")
    max_daily_value = money("Limit of the value traded in a UTC day")
    max_trade_value = money("Limit of one trade")
    version = models.BigIntegerField(db_comment="Account version that the row stands on")
    opened_at = models.DateTimeField(db_comment="When it was opened")
    updated_at = models.DateTimeField(db_comment="When the event of that version was recorded")

    class Meta:
        """The table's own name."""

        db_table = "account_summary"
        db_table_comment = "One row for each account"
        verbose_name = "account"
        indexes: ClassVar = [models.Index(fields=["owner"], name="account_summary_owner")]

    def __str__(self) -> str:
        return f"{self.name} ({self.account_id})"


class PortfolioPosition(models.Model):
    """One row for each account and symbol that it ever held; quantity 0 is a closed position."""

    pk = models.CompositePrimaryKey("account_id", "symbol")
    account_id = models.UUIDField(db_comment=ACCOUNT)
    symbol = models.CharField(max_length=12, db_comment=SYMBOL)
    quantity = models.BigIntegerField(db_comment="Whole shares held")
    reserved_quantity = models.BigIntegerField(db_comment="Those of them that working sells keep, whole shares")
    cost = money("What these shares cost")
    avg_cost = money("Average cost of one share, rounded half to even")
    last_price = money("Price that the account last traded the symbol at")
    realized_pnl = money("Realized profit or loss in this symbol so far")
    version = models.BigIntegerField(db_comment="Account version that the row stands on")
    updated_at = models.DateTimeField(db_comment="When the event of that version was recorded")

    class Meta:
        """The table's own name."""

        db_table = "portfolio_positions"
        db_table_comment = "One row for each account and symbol that it ever held; quantity 0 is a closed position"


class Order(models.Model):
    """One row for each order, whether it works or has ended.

    `filled_quantity`, `filled_value` and `avg_fill_price` count what the orders that it replaced had filled.
    """

    order_id = models.UUIDField(primary_key=True, db_comment="Given when the order was placed")
    account_id = models.UUIDField(db_comment=ACCOUNT)
    client_order_id = models.CharField(
        max_length=64, db_comment="The client's own id; unique among the account's working orders only"
    )
    symbol = models.CharField(max_length=12, db_comment=SYMBOL)
    side = models.CharField(max_length=4, db_comment="BUY or SELL")
    order_type = models.CharField(max_length=10, db_comment="MARKET, LIMIT, STOP or STOP_LIMIT")
    time_in_force = models.CharField(max_length=3, db_comment="DAY, GTC, IOC or FOK")
    quantity = models.BigIntegerField(db_comment="Whole shares, filled or not")
    filled_quantity = models.BigIntegerField(db_comment="Whole shares filled")
    filled_value = money("Value of all fills")
    avg_fill_price = money_or_none("Average price of a filled share, rounded half to even; null when none is filled")
    limit_price = money_or_none("Worst price that it may be filled at")
    stop_price = money_or_none("Price that it waits for")
    reserve_price = money("Price that a share is reckoned at; a buy keeps it in cash for each share not filled")
    status = models.CharField(
        max_length=16,
        db_comment="PENDING or PARTIALLY_FILLED while it works; FILLED, CANCELLED, EXPIRED, REJECTED or REPLACED",
    )
    replaces = models.UUIDField(null=True, db_comment="Order whose place it took")
    replaced_by = models.UUIDField(null=True, db_comment="Order that took its place")
    reason = models.CharField(max_length=200, blank=True, db_comment="Why it was cancelled, expired or rejected")
    placed_version = models.BigIntegerField(db_comment="Account version of its placing; orders an account's orders")
    placed_at = models.DateTimeField(db_comment="When it was placed")
    updated_at = models.DateTimeField(db_comment="When its latest event was recorded")
    ended_at = models.DateTimeField(null=True, db_comment="When it stopped working; null while it works")
    version = models.BigIntegerField(db_comment="Account version of its latest event")
    command_id = models.CharField(max_length=64, db_comment="Command that placed it")
    actor = models.CharField(max_length=200, db_comment="Who placed it: user, and the API key behind a slash")

    class Meta:
        """The table's own name."""

        db_table = "orders"
        db_table_comment = "One row for each order, whether it works or has ended"
        indexes: ClassVar = [
            models.Index(fields=["account_id", "-placed_version"], name="orders_newest"),
            models.Index(
                fields=["account_id", "-placed_version"],
                condition=models.Q(ended_at__isnull=True),
                name="orders_open",
            ),
            models.Index(fields=["account_id", "client_order_id"], name="orders_client_order_id"),
            models.Index(fields=["-placed_at"], name="orders_placed_at"),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} {self.symbol} ({self.order_id})"


class TradeHistory(models.Model):
    """One row for each trade, with everything that its event says: no other table has a row for it. Partitioned by the
    year of `executed_at`, which the table's own key ends with.
    """

    pk = models.CompositePrimaryKey("account_id", "version")
    account_id = models.UUIDField(db_comment=ACCOUNT)
    version = models.BigIntegerField(db_comment="Account version of the trade's event")
    trade_id = models.UUIDField(db_comment="Event id, derived from the event's hash")
    symbol = models.CharField(max_length=12, db_comment=SYMBOL)
    side = models.CharField(max_length=4, db_comment="BUY or SELL")
    quantity = models.BigIntegerField(db_comment="Whole shares")
    price = money("Price of one share")
    value = money("Quantity times price")
    realized_pnl = money("Realized profit or loss of this trade")
    cash_after = money("Cash after the trade")
    order_id = models.CharField(max_length=64, null=True, db_comment="Order that it filled")  # noqa: DJ001 - absent is not the empty string.
    command_id = models.CharField(max_length=64, db_comment="Command that led to it")
    executed_at = models.DateTimeField(db_comment="When the trade was recorded")
    actor = models.CharField(max_length=200, db_comment=ACTOR)
    correlation_id = models.CharField(max_length=64, null=True, db_comment=CORRELATION)  # noqa: DJ001 - absent is not the empty string.
    causation_id = models.CharField(max_length=64, null=True, db_comment="What caused it")  # noqa: DJ001 - absent is not the empty string.
    position_quantity = models.BigIntegerField(db_comment="Whole shares held after the trade")
    position_cost = money("What these shares cost")
    position_realized_pnl = money("Realized profit or loss in this symbol so far")
    total_realized_pnl = money("Realized profit or loss of the account so far")
    positions_cost = money("What all shares held after the trade cost")
    portfolio_value = money("Cash and positions after the trade")
    trade_count = models.BigIntegerField(db_comment="Trades of the account so far")
    day = models.DateField(db_comment="UTC day of the trade; the day_ columns are of it, so far")
    day_volume = money("Value traded on the day")
    day_trades = models.IntegerField(db_comment="Trades on the day")
    day_realized_pnl = money("Realized profit or loss of the day")

    class Meta:
        """The table's own name."""

        db_table = "trade_history"
        db_table_comment = "One row for each trade"


class DailyPnl(models.Model):
    """One row for each account and UTC day on which it traded."""

    pk = models.CompositePrimaryKey("account_id", "date")
    account_id = models.UUIDField(db_comment=ACCOUNT)
    date = models.DateField(db_comment="UTC day")
    trades = models.IntegerField(db_comment="Trades of the day")
    volume = money("Value traded on the day")
    realized_pnl = money("Realized profit or loss of the day")
    version = models.BigIntegerField(db_comment="Account version that the row stands on")

    class Meta:
        """The table's own name."""

        db_table = "daily_pnl"
        db_table_comment = "One row for each account and UTC day on which it traded"


class EventRow(models.Model):
    """The columns of an event that people and reporting tools can read."""

    pk = models.CompositePrimaryKey("account_id", "version")
    account_id = models.UUIDField(db_comment=ACCOUNT)
    version = models.BigIntegerField(db_comment="Account version of the event")
    event_id = models.UUIDField(db_comment="Derived from the event's hash")
    event_type = models.CharField(max_length=40, db_comment="Such as TradeExecuted")
    recorded_at = models.DateTimeField(db_comment="When the event was recorded")
    actor = models.CharField(max_length=200, db_comment=ACTOR)
    command_id = models.CharField(max_length=64, db_comment="Command that led to it")
    correlation_id = models.CharField(max_length=64, db_comment="What it belongs together with; else the command")
    causation_id = models.CharField(max_length=64, null=True, db_comment="What caused it")  # noqa: DJ001 - absent is not the empty string.
    data = models.JSONField(db_comment="The event's fields; money as decimal strings")

    class Meta:
        """Columns alone."""

        abstract = True


class AccountEvent(EventRow):
    """One row for each event that is not a trade. Partitioned by the year of `recorded_at`, which the table's own key
    ends with.
    """

    class Meta:
        """The table's own name."""

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


class ProjectionCheckpoint(models.Model):
    """How far each partition of the event store is projected; moves in the same transaction as the rows."""

    partition = models.IntegerField(primary_key=True, db_comment="Of the event store")
    seq = models.BigIntegerField(db_comment="Last batch that is in the tables")
    stopped_because = models.TextField(blank=True, db_comment="Why projecting stopped here; empty while it goes on")

    class Meta:
        """The table's own name."""

        db_table = "projection_checkpoints"
        db_table_comment = "How far each partition of the event store is projected; moves together with the rows"

    def __str__(self) -> str:
        return f"partition {self.partition} at {self.seq}"


class DeadLetter(models.Model):
    """An event that could not be projected, or that waits behind one of the same account; retried in the admin."""

    pk = models.CompositePrimaryKey("account_id", "version")
    account_id = models.UUIDField(db_comment=ACCOUNT)
    version = models.BigIntegerField(db_comment="Account version of the event")
    partition = models.IntegerField(db_comment="Of the event store")
    seq = models.BigIntegerField(db_comment="Batch that holds the event")
    event_type = models.CharField(max_length=40, db_comment="Such as TradeExecuted")
    error = models.TextField(db_comment="What went wrong; empty for an event that waits behind another")

    class Meta:
        """The table's own name."""

        db_table = "dead_letters"
        db_table_comment = "An event that could not be projected, or that waits behind one of the same account"
