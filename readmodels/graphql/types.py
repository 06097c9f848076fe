"""The types of the query side. Money and prices are decimal strings with four decimals, instants RFC 3339 in UTC.

Their values are what readmodels/shapes.py makes of rows: one place for REST, WebSocket and this. A list is added with a
node type, a connection (three lines), and one resolver that calls `newest_page`.
"""

from datetime import date
from typing import Any

import graphene
from graphene.relay import Connection
from graphql import GraphQLResolveInfo

from accounts.scalars import BigInt, Quantity
from readmodels.graphql import filters
from readmodels.graphql.fields import ACTOR, VERSION_OF_ROW, page_arguments, period_arguments, text
from readmodels.graphql.loaders import loaders_of
from readmodels.graphql.orders import AccountOrders
from readmodels.graphql.pages import account_version, newest_page, version_of_cursor
from readmodels.listings import DAY_AFTER_ALL, DAYS, EVENTS, TRADES
from readmodels.shapes import day_shape, event_shape, position_shape, trade_shape


class EventData(graphene.Scalar):
    """The fields of an event as a JSON object; money and quantities as decimal strings."""

    @staticmethod
    def serialize(data: dict[str, Any]) -> dict[str, Any]:
        """Show the object as it is."""
        return data


class AccountDay(graphene.ObjectType):
    """The account's last trading day (UTC)."""

    date = graphene.String(description="Null before the first trade.")
    volume = text("Value traded.")
    trades = BigInt(required=True)
    realized_pnl = text("Realized profit or loss.")


class RiskLimits(graphene.ObjectType):
    """The account's risk limits."""

    max_position_percent = text("Of the portfolio, per symbol.")
    max_daily_value = text("Traded value per UTC day.")
    max_trade_value = text("Value of one trade.")


class Position(graphene.ObjectType):
    """Shares held in one symbol."""

    symbol = graphene.String(required=True)
    quantity = Quantity(required=True, description="Shares.")
    reserved_quantity = Quantity(required=True, description="What working sell orders hold of them.")
    available = Quantity(required=True, description="Shares that are not reserved.")
    avg_cost = text("Average cost of one share.")
    cost = text("Total cost.")
    last_price = text("Price that the account last traded it at.")
    market_value = text("Quantity times last price, rounded half to even.")
    unrealized_pnl = text("Market value less cost.")
    realized_pnl = text("Realized in this symbol so far.")
    version = BigInt(required=True, description=VERSION_OF_ROW)
    updated_at = text("When the event of that version was recorded.")


class Trade(graphene.ObjectType):
    """A trade that was booked."""

    trade_id = graphene.ID(required=True, description="The event's id, derived from its hash.")
    version = BigInt(required=True, description="Account version of the trade.")
    symbol = graphene.String(required=True)
    side = text("BUY or SELL.")
    quantity = Quantity(required=True, description="Shares.")
    price = text("Price of one share.")
    value = text("Quantity times price, rounded half to even.")
    fee = text("What the trade cost.")
    realized_pnl = text("Realized by this trade.")
    cash_after = text("Cash after it.")
    order_id = graphene.String(description="The order that it belongs to, if any.")
    command_id = graphene.String(required=True)
    executed_at = text("RFC 3339, UTC, microseconds.")
    account = graphene.Field(lambda: Account, required=True, description="The account that traded.")


class DailyPnl(graphene.ObjectType):
    """A day with trades (UTC)."""

    date = graphene.String(required=True)
    trades = BigInt(required=True)
    volume = text("Value traded.")
    realized_pnl = text("Realized profit or loss.")
    version = BigInt(required=True, description=VERSION_OF_ROW)


class Event(graphene.ObjectType):
    """An event of the account: its audit trail, refusals included."""

    event_id = graphene.ID(required=True, description="Derived from the event's hash.")
    version = BigInt(required=True, description="Account version of the event.")
    type = text("Such as TradeExecuted.")
    recorded_at = text("RFC 3339, UTC, microseconds.")
    actor = text(ACTOR)
    command_id = graphene.String(required=True)
    correlation_id = graphene.String(required=True)
    causation_id = graphene.String()
    data = EventData(required=True)


class TradeConnection(Connection):
    """Trades, newest first."""

    class Meta:
        """Of trades."""

        node, strict_types = Trade, True

    nodes = graphene.List(graphene.NonNull(Trade), required=True, description="The nodes without their cursors.")


class EventConnection(Connection):
    """Events, newest first."""

    class Meta:
        """Of events."""

        node, strict_types = Event, True

    nodes = graphene.List(graphene.NonNull(Event), required=True, description="The nodes without their cursors.")


class DailyPnlConnection(Connection):
    """Days with trades, newest first."""

    class Meta:
        """Of days."""

        node, strict_types = DailyPnl, True

    nodes = graphene.List(graphene.NonNull(DailyPnl), required=True, description="The nodes without their cursors.")


class Account(AccountOrders, graphene.ObjectType):
    """An account, its positions valued at the price that it last traded them at."""

    account_id = graphene.ID(required=True)
    name = graphene.String(required=True)
    owner = text("The user for good, such as user:17.")
    owner_name = text("What the owner is called now; `owner` when there is no such user.")
    currency = text("ISO 4217.")
    status = text("ACTIVE, FROZEN or CLOSED.")
    role = text("The asking user's: owner, trader, viewer or staff.")
    cash = text("Cash.")
    reserved_cash = text("What working buy orders hold of it.")
    buying_power = text("Cash that is not reserved.")
    positions_cost = text("What the shares held cost.")
    positions_value = text("What they are worth.")
    portfolio_value = text("Cash and positions.")
    realized_pnl = text("Realized profit or loss so far.")
    unrealized_pnl = text("Unrealized profit or loss.")
    deposited = text("All deposits.")
    withdrawn = text("All withdrawals.")
    trade_count = BigInt(required=True)
    open_orders = BigInt(required=True, description="Orders that work.")
    day = graphene.Field(AccountDay, required=True)
    limits = graphene.Field(RiskLimits, required=True)
    version = BigInt(required=True, description=f"{VERSION_OF_ROW} Its trades and events end there, too.")
    updated_at = text("When the event of that version was recorded.")
    positions = graphene.List(graphene.NonNull(Position), description="Open positions by symbol.")
    trades = graphene.Field(
        TradeConnection,
        **page_arguments(),
        symbol=graphene.String(),
        side=graphene.String(description="BUY or SELL."),
        **period_arguments(),
        description="Trades, newest first.",
    )
    events = graphene.Field(
        EventConnection,
        **page_arguments(),
        types=graphene.List(graphene.NonNull(graphene.String), description="Such as TradeExecuted."),
        **period_arguments(),
        description="Every event, newest first.",
    )
    daily_pnl = graphene.Field(DailyPnlConnection, **page_arguments(), description="Days with trades, newest first.")

    @staticmethod
    async def resolve_positions(account: dict[str, Any], info: GraphQLResolveInfo) -> list[dict[str, Any]]:
        """Return the open positions."""
        rows = await loaders_of(info).positions.load(account_version(account))
        return [position_shape(row) for row in rows]

    @staticmethod
    async def resolve_trades(
        account: dict[str, Any],
        info: GraphQLResolveInfo,
        first: int | None = None,
        after: str | None = None,
        symbol: str | None = None,
        side: str | None = None,
        begin: str | None = None,
        end: str | None = None,
    ) -> dict[str, Any]:
        """Return a page of trades."""
        return await newest_page(
            info,
            account,
            kind="trades",
            listing=TRADES,
            first=first,
            after=after,
            parse=version_of_cursor,
            start=account["version"] + 1,
            conditions=filters.trade_conditions(symbol=symbol, side=side, begin=begin, end=end),
            show=lambda row: {**trade_shape(row), "account": account},
        )

    @staticmethod
    async def resolve_events(
        account: dict[str, Any],
        info: GraphQLResolveInfo,
        first: int | None = None,
        after: str | None = None,
        types: list[str] | None = None,
        begin: str | None = None,
        end: str | None = None,
    ) -> dict[str, Any]:
        """Return a page of events."""
        return await newest_page(
            info,
            account,
            kind="events",
            listing=EVENTS,
            first=first,
            after=after,
            parse=version_of_cursor,
            start=account["version"] + 1,
            conditions=filters.event_conditions(types=types, begin=begin, end=end),
            show=event_shape,
        )

    @staticmethod
    async def resolve_daily_pnl(
        account: dict[str, Any], info: GraphQLResolveInfo, first: int | None = None, after: str | None = None
    ) -> dict[str, Any]:
        """Return a page of days."""
        return await newest_page(
            info,
            account,
            kind="dailyPnl",
            listing=DAYS,
            first=first,
            after=after,
            parse=lambda day: date.fromisoformat(day).isoformat(),
            start=DAY_AFTER_ALL,
            conditions=(),
            show=day_shape,
        )
