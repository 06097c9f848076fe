"""The last values of accounts, of their positions and their orders."""

from typing import ClassVar

from django.db import models

from readmodels.models.columns import ACCOUNT, ACTOR, ACTOR_LENGTH_MAX, SYMBOL, money, money_or_none, shares


class AccountSummary(models.Model):
    """One row for each account."""

    account_id = models.UUIDField(primary_key=True, db_comment=ACCOUNT)
    owner = models.CharField(max_length=150, db_comment="Owner: a user for good, such as user:17")
    name = models.CharField(max_length=80, db_comment="As its owner named it")
    currency = models.CharField(max_length=3, db_comment="ISO 4217")
    status = models.CharField(max_length=8, db_comment="ACTIVE, FROZEN or CLOSED")
    cash = money("Cash")
    reserved_cash = money("The part of the cash that working buys keep for what is not filled of them")
    deposited = money("All deposits so far")
    withdrawn = money("All withdrawals so far")
    dividends = money("All dividends so far")
    positions_cost = money("What the shares held cost")
    portfolio_value = money("Cash and positions, each at its last trade or mark")
    open_positions = models.IntegerField(db_comment="Symbols of which it holds shares")
    largest_position = money("The largest position at its last trade or mark, 0 without any")
    largest_symbol = models.CharField(
        max_length=12, blank=True, db_comment="Symbol of the largest position, the first by name of several"
    )
    realized_pnl = money("Realized profit or loss so far, average cost")
    trade_count = models.BigIntegerField(db_comment="Trades so far")
    open_orders = models.IntegerField(db_comment="Orders that work")
    day_date = models.DateField(null=True, db_comment="UTC day of the last trade or split; the day_ columns are of it")
    day_volume = money("Value traded on day_date")
    day_trades = models.BigIntegerField(db_comment="Trades on day_date")
    day_realized_pnl = money("Realized profit or loss on day_date")
    marked_session = models.DateField(null=True, db_comment="Last session whose close positions were marked at")
    marked_at = models.DateTimeField(null=True, db_comment="When the prices of that close were")
    max_position_bp = models.IntegerField(db_comment="Limit of one symbol, basis points of the portfolio")
    max_daily_value = money("Limit of the value traded in a UTC day")
    max_trade_value = money("Limit of one trade")
    price_band_bp = models.IntegerField(
        db_comment="Band around the market's price that booked trades keep to, in basis points of it; 0 is none"
    )
    fee_per_order = money("Fee of an order")
    fee_per_share = money("Fee of one share")
    fee_bp = models.IntegerField(db_comment="Fee of the value, in basis points of it")
    fee_minimum = money("The least that shares and value of an order cost together")
    version = models.BigIntegerField(db_comment="Account version that the row stands on")
    opened_at = models.DateTimeField(db_comment="When it was opened")
    updated_at = models.DateTimeField(db_comment="When the event of that version was recorded")
    positions_version = models.BigIntegerField(
        db_comment="Account version that open_positions, largest_position, largest_symbol and the rows of "
        "stored_positions and stored_days stand on; trades after it are in trades alone"
    )
    behind_since = models.DateTimeField(
        null=True, db_comment="When the first trade after that version was projected; null without any"
    )

    class Meta:
        db_table = "account_summary"
        db_table_comment = "One row for each account"
        verbose_name = "account"
        indexes: ClassVar = [
            models.Index(fields=["owner"], name="account_summary_owner"),
            models.Index(
                fields=["behind_since"],
                condition=models.Q(behind_since__isnull=False),
                name="account_summary_behind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.account_id})"


class PositionRow(models.Model):
    """The columns of a position."""

    pk = models.CompositePrimaryKey("account_id", "symbol")
    account_id = models.UUIDField(db_comment=ACCOUNT)
    symbol = models.CharField(max_length=12, db_comment=SYMBOL)
    quantity = shares("Shares held")
    reserved_quantity = shares("Those of them that working sells keep")
    cost = money("What these shares cost")
    avg_cost = money("Average cost of one share, rounded half to even")
    last_price = money("Price that the account last traded the symbol at, or that of the last mark")
    market_value = money("What the shares are worth at that price")
    realized_pnl = money("Realized profit or loss in this symbol so far")
    version = models.BigIntegerField(db_comment="Account version that the row stands on")
    updated_at = models.DateTimeField(db_comment="When the event of that version was recorded")

    class Meta:
        abstract = True


class StoredPosition(PositionRow):
    """One row for each account and symbol that it held at its `positions_version`; newer trades are not in it."""

    class Meta:
        db_table = "stored_positions"
        db_table_comment = "Positions as of account_summary.positions_version: portfolio_positions is exact"


class PortfolioPosition(PositionRow):
    """One row for each account and symbol that it ever held; quantity 0 is a closed position. A view of
    stored_positions and of the trades that are newer (current_views.py).
    """

    class Meta:
        """The view's own name; it is made after migrations."""

        managed = False
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
    order_type = models.CharField(max_length=13, db_comment="MARKET, LIMIT, STOP, STOP_LIMIT or TRAILING_STOP")
    time_in_force = models.CharField(max_length=3, db_comment="DAY, GTC, IOC, FOK or GTD")
    quantity = shares("Shares, filled or not")
    filled_quantity = shares("Shares filled")
    filled_value = money("Value of all fills")
    avg_fill_price = money_or_none("Average price of a filled share, rounded half to even; null when none is filled")
    limit_price = money_or_none("Worst price that it may be filled at")
    stop_price = money_or_none("Price that it waits for; of a trailing stop, where its stop is now")
    trail_amount = money_or_none("What a trailing stop stays behind the market")
    trail_bp = models.IntegerField(null=True, db_comment="The same in basis points of the market's price")
    trigger_price = money_or_none("Price of the market at which the stop was reached, if the venue said so")
    expires_at = models.DateTimeField(null=True, db_comment="When a GTD order is over")
    order_class = models.CharField(max_length=7, db_comment="SIMPLE, BRACKET, OCO or OTO")
    parent_order_id = models.UUIDField(null=True, db_comment="Order whose fill it waits for, or waited for")
    oco_group = models.UUIDField(null=True, db_comment="The same for orders of which one cancels the others")
    reserve_price = money("Price that a share is reckoned at; a buy keeps it in cash for each share not filled")
    status = models.CharField(
        max_length=16,
        db_comment="HELD while it waits for another order; PENDING or PARTIALLY_FILLED while it works; FILLED, "
        "CANCELLED, EXPIRED, REJECTED or REPLACED",
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
    actor = models.CharField(max_length=ACTOR_LENGTH_MAX, db_comment=f"Who placed it: {ACTOR}")

    class Meta:
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
            models.Index(
                fields=["placed_at", "order_id"],
                condition=models.Q(ended_at__isnull=True) & ~models.Q(time_in_force="GTC"),
                name="orders_expiring",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} {self.symbol} ({self.order_id})"
