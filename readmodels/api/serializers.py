"""The shapes of the REST answers, for the OpenAPI document. The values themselves come from readmodels/shapes.py."""

from typing import Any, Final

from rest_framework import serializers

ACTOR: Final = "user:<id>/<name>, with /key:<id>/<name> for an API key; platform/<part>"


class Base(serializers.Serializer[Any]):
    """A shape."""


def decimal_text(meaning: str) -> serializers.CharField:
    """Return a field for money: a decimal string with four decimals."""
    return serializers.CharField(help_text=f"{meaning}; decimal string with four decimals")


def quantity_text(meaning: str) -> serializers.CharField:
    """Return a field for shares: a decimal string with as many decimals as it needs, six at most."""
    return serializers.CharField(help_text=f"{meaning}; decimal string, with up to six decimals")


ACCOUNT_STATUSES: Final = ["ACTIVE", "FROZEN", "CLOSED"]


class DaySerializer(Base):
    """The account's last trading day (UTC)."""

    date = serializers.DateField(allow_null=True)
    volume = decimal_text("Value traded")
    trades = serializers.IntegerField()
    realized_pnl = decimal_text("Realized profit or loss")


class LimitsSerializer(Base):
    """The account's risk limits."""

    max_position_percent = serializers.CharField(help_text="Of the portfolio, per symbol")
    max_daily_value = decimal_text("Traded value per UTC day")
    max_trade_value = decimal_text("Value of one trade")


class AccountSerializer(Base):
    """An account, its positions valued at the price that it last traded them at."""

    account_id = serializers.UUIDField()
    name = serializers.CharField()
    owner = serializers.CharField(help_text="The user for good, such as user:17")
    owner_name = serializers.CharField(help_text="What the owner is called now; `owner` when there is no such user")
    currency = serializers.CharField()
    status = serializers.ChoiceField(ACCOUNT_STATUSES)
    role = serializers.ChoiceField(["owner", "trader", "viewer", "staff"], help_text="The asking user's role")
    cash = decimal_text("Cash")
    reserved_cash = decimal_text("The part of it that working buy orders keep")
    buying_power = decimal_text("The rest: what there is to spend")
    positions_cost = decimal_text("What the shares held cost")
    positions_value = decimal_text("What they are worth")
    portfolio_value = decimal_text("Cash and positions")
    realized_pnl = decimal_text("Realized profit or loss so far")
    unrealized_pnl = decimal_text("Unrealized profit or loss")
    deposited = decimal_text("All deposits")
    withdrawn = decimal_text("All withdrawals")
    trade_count = serializers.IntegerField()
    open_orders = serializers.IntegerField(help_text="Orders that work")
    day = DaySerializer()
    limits = LimitsSerializer()
    version = serializers.IntegerField(help_text="Account version that this stands on")
    updated_at = serializers.DateTimeField()


class PositionSerializer(Base):
    """A position."""

    symbol = serializers.CharField()
    quantity = quantity_text("Shares")
    reserved_quantity = quantity_text("Shares that working sell orders keep")
    available = quantity_text("The rest: what there is to sell")
    avg_cost = decimal_text("Average cost of one share")
    cost = decimal_text("Total cost")
    last_price = decimal_text("Price that the account last traded it at")
    market_value = decimal_text("Quantity times last price, rounded half to even")
    unrealized_pnl = decimal_text("Market value less cost")
    realized_pnl = decimal_text("Realized in this symbol so far")
    version = serializers.IntegerField()
    updated_at = serializers.DateTimeField()


ORDER_STATUSES: Final = ["PENDING", "PARTIALLY_FILLED", "FILLED", "CANCELLED", "EXPIRED", "REJECTED", "REPLACED"]
SIDES: Final = ["BUY", "SELL"]


class OrderSerializer(Base):
    """An order; what the orders that it replaced had filled counts as filled."""

    order_id = serializers.UUIDField()
    client_order_id = serializers.CharField(help_text="Unique among the account's working orders only")
    symbol = serializers.CharField()
    side = serializers.ChoiceField(SIDES)
    order_type = serializers.ChoiceField(["MARKET", "LIMIT", "STOP", "STOP_LIMIT"])
    time_in_force = serializers.ChoiceField(["DAY", "GTC", "IOC", "FOK"])
    status = serializers.ChoiceField(ORDER_STATUSES, help_text="The first two work, all others have ended")
    quantity = quantity_text("Shares in all")
    filled_quantity = quantity_text("Shares filled")
    remaining_quantity = quantity_text("Shares not filled, also of an order that has ended")
    avg_fill_price = serializers.CharField(
        allow_null=True,
        help_text="Decimal string with four decimals, half to even; null when nothing is filled",
    )
    filled_value = decimal_text("Value of all fills")
    limit_price = serializers.CharField(allow_null=True, help_text="Decimal string with four decimals")
    stop_price = serializers.CharField(allow_null=True, help_text="Decimal string with four decimals")
    reserve_price = decimal_text("What a buy keeps in cash for each share that is not filled")
    replaces = serializers.UUIDField(allow_null=True, help_text="The order whose place it took")
    replaced_by = serializers.UUIDField(allow_null=True, help_text="The order that took its place")
    reason = serializers.CharField(help_text="Why it was cancelled, expired or rejected; may be empty")
    placed_version = serializers.IntegerField(help_text="Account version of its placing")
    version = serializers.IntegerField(help_text="Account version of its latest event")
    command_id = serializers.CharField(help_text="The command that placed it")
    actor = serializers.CharField(help_text=f"Who placed it: {ACTOR}")
    placed_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True, help_text="Null while it works")


class TradeSerializer(Base):
    """A trade."""

    trade_id = serializers.UUIDField(help_text="The event's id, derived from its hash")
    version = serializers.IntegerField()
    symbol = serializers.CharField()
    side = serializers.ChoiceField(SIDES)
    quantity = quantity_text("Shares")
    price = decimal_text("Price of one share")
    value = decimal_text("Quantity times price, rounded half to even")
    fee = decimal_text("What the trade cost")
    realized_pnl = decimal_text("Realized by this trade")
    cash_after = decimal_text("Cash after it")
    order_id = serializers.CharField(allow_null=True)
    command_id = serializers.CharField()
    executed_at = serializers.DateTimeField()


class DailyPnlSerializer(Base):
    """A day with trades."""

    date = serializers.DateField()
    trades = serializers.IntegerField()
    volume = decimal_text("Value traded")
    realized_pnl = decimal_text("Realized profit or loss")
    version = serializers.IntegerField()


class AccountPageSerializer(Base):
    """A page of accounts."""

    results = AccountSerializer(many=True)
    next = serializers.CharField(allow_null=True, help_text="Cursor of the next page")


class PortfolioSerializer(Base):
    """An account and its open positions, both as of the account's version."""

    account = AccountSerializer()
    positions = PositionSerializer(many=True)


class PositionListSerializer(Base):
    """An account's open positions."""

    results = PositionSerializer(many=True)


class OrderPageSerializer(Base):
    """A page of orders, newest first."""

    results = OrderSerializer(many=True)
    next = serializers.CharField(allow_null=True, help_text="Cursor of the next page")


class TradePageSerializer(Base):
    """A page of trades, newest first."""

    results = TradeSerializer(many=True)
    next = serializers.CharField(allow_null=True, help_text="Cursor of the next page")


class DailyPnlPageSerializer(Base):
    """A page of an account's days with trades, newest first."""

    results = DailyPnlSerializer(many=True)
    next = serializers.CharField(allow_null=True, help_text="Give it back as `cursor`; null at the end")


class EventSerializer(Base):
    """An event: what happened to the account, and by whom."""

    event_id = serializers.UUIDField()
    version = serializers.IntegerField()
    type = serializers.CharField(help_text="Such as TradeExecuted")
    recorded_at = serializers.DateTimeField()
    actor = serializers.CharField(help_text=ACTOR)
    command_id = serializers.CharField()
    correlation_id = serializers.CharField()
    causation_id = serializers.CharField(allow_null=True)
    data = serializers.JSONField(help_text="The event's fields; money and quantities as decimal strings")


class ActivityPageSerializer(Base):
    """A page of an account's events, newest first."""

    results = EventSerializer(many=True)
    next = serializers.CharField(allow_null=True, help_text="Give it back as `cursor`; null at the end")


class ProblemSerializer(Base):
    """An error (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField(help_text="Stable code")
