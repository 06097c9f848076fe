"""The GraphQL types of accounts of the past. Money is a decimal string with four decimals, instants RFC 3339 in UTC.

The fields are those of the shapes (temporal/shapes.py, temporal/diff.py), which resolvers return as they are.
"""

import graphene

from accounts.scalars import BigInt, Quantity


class DayAsOf(graphene.ObjectType):
    """The UTC day of the moment, up to it."""

    date = graphene.String(required=True)
    volume = graphene.String(required=True)
    trades = BigInt(required=True)
    realized_pnl = graphene.String(required=True)


class LimitsAsOf(graphene.ObjectType):
    """The risk limits of the moment."""

    max_position_percent = graphene.String(required=True)
    max_daily_value = graphene.String(required=True)
    max_trade_value = graphene.String(required=True)


class PositionAsOf(graphene.ObjectType):
    """A position, valued at the price that the account had last traded it at."""

    symbol = graphene.String(required=True)
    quantity = Quantity(required=True)
    reserved_quantity = Quantity(required=True)
    available = Quantity(required=True)
    avg_cost = graphene.String(required=True)
    cost = graphene.String(required=True)
    last_price = graphene.String(required=True)
    market_value = graphene.String(required=True)
    unrealized_pnl = graphene.String(required=True)
    realized_pnl = graphene.String(required=True)


class OrderAsOf(graphene.ObjectType):
    """An order that worked then."""

    order_id = graphene.ID(required=True)
    client_order_id = graphene.String(required=True)
    symbol = graphene.String(required=True)
    side = graphene.String(required=True)
    order_type = graphene.String(required=True)
    time_in_force = graphene.String(required=True)
    status = graphene.String(required=True)
    quantity = Quantity(required=True)
    filled_quantity = Quantity(required=True)
    remaining_quantity = Quantity(required=True)
    filled_value = graphene.String(required=True)
    limit_price = graphene.String()
    stop_price = graphene.String()
    reserve_price = graphene.String(required=True)


class ValuedPosition(graphene.ObjectType):
    """A position at the price of the instant."""

    symbol = graphene.String(required=True)
    quantity = Quantity(required=True)
    price = graphene.String(required=True)
    price_source = graphene.String(required=True, description='"market", or "last trade": the account\'s own.')
    market_value = graphene.String(required=True)
    unrealized_pnl = graphene.String(required=True)


class Valuation(graphene.ObjectType):
    """The positions at the market's prices of the instant; prices within a day are simulated."""

    at = graphene.String(required=True)
    session_date = graphene.String(description="The trading day that the market replayed then.")
    positions_value = graphene.String(required=True)
    portfolio_value = graphene.String(required=True)
    unrealized_pnl = graphene.String(required=True)
    positions = graphene.List(graphene.NonNull(ValuedPosition), required=True)


class AccountAsOf(graphene.ObjectType):
    """An account as of a moment, and the event that it stands on."""

    account_id = graphene.ID(required=True)
    at = graphene.String(required=True, description="The instant asked for, or that of the version.")
    status = graphene.String(required=True)
    currency = graphene.String(required=True)
    cash = graphene.String(required=True)
    reserved_cash = graphene.String(required=True)
    buying_power = graphene.String(required=True)
    positions_cost = graphene.String(required=True)
    positions_value = graphene.String(required=True)
    portfolio_value = graphene.String(required=True)
    realized_pnl = graphene.String(required=True)
    unrealized_pnl = graphene.String(required=True)
    fees = graphene.String(required=True, description="What its trades cost so far.")
    deposited = graphene.String(required=True)
    withdrawn = graphene.String(required=True)
    trade_count = BigInt(required=True)
    day = graphene.Field(DayAsOf, required=True)
    limits = graphene.Field(LimitsAsOf, required=True)
    positions = graphene.List(graphene.NonNull(PositionAsOf), required=True)
    orders = graphene.List(graphene.NonNull(OrderAsOf), required=True)
    version = BigInt(required=True)
    event_id = graphene.ID(required=True)
    event_type = graphene.String(required=True)
    recorded_at = graphene.String(required=True)
    actor = graphene.String(required=True)
    command_id = graphene.String(required=True)
    valuation = graphene.Field(Valuation, description="With valued: true.")


class Change(graphene.ObjectType):
    """A figure that is not what it was; null for what did not, or does not, exist."""

    field = graphene.String(required=True, description='Such as "cash" or "positions.KO.quantity".')
    before = graphene.String()
    after = graphene.String()


class EventOfDiff(graphene.ObjectType):
    """An event between the two moments."""

    version = BigInt(required=True)
    event_id = graphene.ID(required=True)
    event_type = graphene.String(required=True)
    recorded_at = graphene.String(required=True)
    actor = graphene.String(required=True)
    command_id = graphene.String(required=True)
    correlation_id = graphene.String(required=True)
    reason = graphene.String(description="Code of a refusal, or the words of who asked for it.")
    summary = graphene.String(required=True, description="What the event says, in one line.")


class AccountDiff(graphene.ObjectType):
    """What changed between two moments, and a page of the events that did it."""

    account_id = graphene.ID(required=True)
    from_version = BigInt(required=True)
    to_version = BigInt(required=True)
    changes = graphene.List(graphene.NonNull(Change), required=True)
    events = graphene.List(graphene.NonNull(EventOfDiff), required=True)
    next = graphene.String(description="Give it back as `cursor`; null at the end.")
