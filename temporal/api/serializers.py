"""The shapes of accounts of the past and of differences, for the OpenAPI document; values come from shapes.py."""

from typing import Any, Final

from rest_framework import serializers

from edge.parameters import Flag, Text, WholeNumber

EVENTS_PAGE: Final = 50
EVENTS_PAGE_MAX: Final = 500


class Base(serializers.Serializer[Any]):
    """A shape."""


def money(meaning: str) -> serializers.CharField:
    """Return a field for money: a decimal string with four decimals."""
    return serializers.CharField(help_text=f"{meaning}; decimal string with four decimals")


def quantity_text(meaning: str) -> serializers.CharField:
    """Return a field for shares: a decimal string."""
    return serializers.CharField(help_text=f"{meaning}; decimal string")


def instant(meaning: str) -> Text:
    """Return a parameter for an instant, whose text moments.py judges."""
    return Text(required=False, help_text=f"{meaning}; RFC 3339 with a time zone")


class MomentParameters(Base):
    """An instant or a version; neither means now."""

    at = instant("As of this instant, what was recorded at it included")
    version = Text(required=False, help_text="As of this version, a whole number from 1")
    valued = Flag(default=False, help_text="Also at the market's prices of that instant")


class InstantParameters(Base):
    """An instant; none means now."""

    at = instant("As of this instant, what was recorded at it included")


class DiffParameters(Base):
    """Two moments: from the first version and to now when they are not given."""

    from_at = instant("From this instant")
    from_version = Text(required=False, help_text="From this version, a whole number from 1")
    to_at = instant("To this instant")
    to_version = Text(required=False, help_text="To this version")
    limit = WholeNumber(default=EVENTS_PAGE, min_value=1, max_value=EVENTS_PAGE_MAX)
    cursor = WholeNumber(required=False, min_value=0, max_value=10**18 - 1, help_text="`next` of the page before")


class DayOfMomentSerializer(Base):
    """The UTC day of the moment, up to it."""

    date = serializers.DateField()
    volume = money("Value traded")
    trades = serializers.IntegerField()
    realized_pnl = money("Realized profit or loss")


class LimitsOfMomentSerializer(Base):
    """The risk limits of the moment."""

    max_position_percent = serializers.CharField()
    max_daily_value = money("Traded value per UTC day")
    max_trade_value = money("Value of one trade")


class PositionOfMomentSerializer(Base):
    """A position, valued at the price that the account had last traded it at."""

    symbol = serializers.CharField()
    quantity = quantity_text("Shares")
    reserved_quantity = quantity_text("Shares that working sell orders keep")
    available = quantity_text("Shares that are not reserved")
    avg_cost = money("Average cost of one share")
    cost = money("What the shares cost")
    last_price = money("Price that the account had last traded it at")
    market_value = money("Quantity times that price, rounded half to even")
    unrealized_pnl = money("Market value less cost")
    realized_pnl = money("Realized so far")


class OrderOfMomentSerializer(Base):
    """An order that worked then."""

    order_id = serializers.CharField()
    client_order_id = serializers.CharField()
    symbol = serializers.CharField()
    side = serializers.CharField()
    order_type = serializers.CharField()
    time_in_force = serializers.CharField()
    status = serializers.CharField()
    quantity = quantity_text("Shares")
    filled_quantity = quantity_text("Shares filled")
    remaining_quantity = quantity_text("Shares not filled")
    filled_value = money("Value of its fills")
    limit_price = serializers.CharField(allow_null=True)
    stop_price = serializers.CharField(allow_null=True)
    reserve_price = money("What a buy reserves for each share that is not filled")


class ValuedPositionSerializer(Base):
    """A position at the price of the instant."""

    symbol = serializers.CharField()
    quantity = quantity_text("Shares")
    price = money("Price of one share")
    price_source = serializers.ChoiceField(
        ["market", "last trade"], help_text="The market's at that instant, or the account's own last trade"
    )
    market_value = money("Quantity times that price, rounded half to even")
    unrealized_pnl = money("Market value less cost")


class ValuationSerializer(Base):
    """The positions at the market's prices of the instant; prices within a day are simulated."""

    at = serializers.DateTimeField()
    session_date = serializers.DateField(allow_null=True, help_text="The trading day that the market replayed then")
    positions_value = money("What the shares were worth")
    portfolio_value = money("Cash and positions")
    unrealized_pnl = money("Value less cost")
    positions = ValuedPositionSerializer(many=True)


class AccountAsOfSerializer(Base):
    """An account as of a moment, and the command that it stands on."""

    account_id = serializers.UUIDField()
    at = serializers.DateTimeField(help_text="The instant asked for, or that of the version")
    status = serializers.CharField()
    currency = serializers.CharField()
    cash = money("Cash")
    reserved_cash = money("The part of it that working buys keep")
    buying_power = money("The rest")
    positions_cost = money("What the shares held cost")
    positions_value = money("What they are worth")
    portfolio_value = money("Cash and positions")
    realized_pnl = money("Realized so far")
    unrealized_pnl = money("Not realized")
    fees = money("What its trades cost so far")
    deposited = money("All deposits")
    withdrawn = money("All withdrawals")
    trade_count = serializers.IntegerField()
    day = DayOfMomentSerializer()
    limits = LimitsOfMomentSerializer()
    positions = PositionOfMomentSerializer(many=True)
    orders = OrderOfMomentSerializer(many=True)
    version = serializers.IntegerField()
    event_id = serializers.UUIDField(help_text="Of the event of that version")
    event_type = serializers.CharField()
    recorded_at = serializers.DateTimeField(help_text="When the event of that version was recorded")
    actor = serializers.CharField(help_text="Who asked for it")
    command_id = serializers.CharField()
    valuation = ValuationSerializer(required=False, help_text="With valued=true")


class CurrencyTotalsSerializer(Base):
    """Sums over the accounts of one currency."""

    currency = serializers.CharField()
    accounts = serializers.IntegerField()
    cash = money("Cash")
    positions_value = money("What the shares were worth, at each account's last trades")
    portfolio_value = money("Cash and positions")


class TotalsSerializer(Base):
    """Sums over all accounts, the last line of the answer."""

    at = serializers.DateTimeField()
    accounts = serializers.IntegerField()
    currencies = CurrencyTotalsSerializer(many=True)


class AccountLineSerializer(Base):
    """A line of the answer: an account, and in the last line only the totals."""

    account_id = serializers.UUIDField()
    version = serializers.IntegerField()
    status = serializers.CharField()
    currency = serializers.CharField()
    cash = money("Cash")
    reserved_cash = money("The part of it that working buys keep")
    buying_power = money("The rest")
    positions_cost = money("What the shares held cost")
    positions_value = money("What they were worth")
    portfolio_value = money("Cash and positions")
    realized_pnl = money("Realized so far")
    unrealized_pnl = money("Not realized")
    trade_count = serializers.IntegerField()
    open_orders = serializers.IntegerField()
    positions = PositionOfMomentSerializer(many=True)
    totals = TotalsSerializer(required=False)


class ChangeSerializer(Base):
    """A figure that is not what it was."""

    field = serializers.CharField(help_text='Such as "cash" or "positions.KO.quantity"')
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class DiffEventSerializer(Base):
    """An event between the two moments."""

    version = serializers.IntegerField()
    event_id = serializers.UUIDField()
    event_type = serializers.CharField()
    recorded_at = serializers.DateTimeField()
    actor = serializers.CharField()
    command_id = serializers.CharField()
    correlation_id = serializers.CharField()
    reason = serializers.CharField(allow_null=True, help_text="Code of a refusal, or the words of who asked for it")
    summary = serializers.CharField(help_text="What the event says, in one line")


class DiffSerializer(Base):
    """What changed, and the events that did it."""

    account_id = serializers.UUIDField()
    from_version = serializers.IntegerField()
    to_version = serializers.IntegerField()
    changes = ChangeSerializer(many=True)
    events = DiffEventSerializer(many=True)
    next = serializers.CharField(allow_null=True, help_text="Give it back as `cursor`")


class TemporalProblemSerializer(Base):
    """An error, application/problem+json."""

    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField(help_text="Stable code")
