"""The types of the query side: the shapes of readmodels/shapes.py, and what leads from one to others.

A list is added with a shape, a connection (`connection_of`), and one resolver that calls `newest_page`.
"""

from datetime import date
from typing import Any, Final

import graphene
from graphql import GraphQLResolveInfo

from accounts.shapes import show_each
from readmodels import shapes
from readmodels.api.graphql import filters
from readmodels.api.graphql.connections import (
    account_version,
    connection_of,
    newest_page,
    page_arguments,
    period_arguments,
    version_of_cursor,
)
from readmodels.api.graphql.loaders import loaders_of
from readmodels.api.graphql.orders import AccountOrders
from readmodels.queries.listings import DAY_AFTER_ALL, DAYS, EVENTS, TRADES


class Trade(shapes.Trade.graphql(), graphene.ObjectType):  # type: ignore[misc] # Its fields are made.
    """A trade that was booked."""

    account = graphene.Field(lambda: Account, required=True, description="The account that traded.")


TradeConnection: Final = connection_of("TradeConnection", Trade, "Trades, newest first.")
EventConnection: Final = connection_of("EventConnection", shapes.Event.object_type(), "Events, newest first.")
DailyPnlConnection: Final = connection_of(
    "DailyPnlConnection", shapes.DailyPnl.object_type(), "Days with trades, newest first."
)


class Account(shapes.Account.graphql(), AccountOrders, graphene.ObjectType):  # type: ignore[misc] # As above.
    """An account, its positions valued at the price that it last traded them at."""

    positions = graphene.List(graphene.NonNull(shapes.Position.object_type()), description="Open positions by symbol.")
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
        return await show_each(shapes.Position.show, rows)

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
            show=lambda row: {**shapes.Trade.show(row), "account": account},
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
            show=shapes.Event.show,
        )

    @staticmethod
    async def resolve_daily_pnl(
        account: dict[str, Any], info: GraphQLResolveInfo, first: int | None = None, after: str | None = None
    ) -> dict[str, Any]:
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
            show=shapes.DailyPnl.show,
        )
