"""The types of the query side: the shapes of readmodels/shapes.py, and what leads from one to others.

A list is added with a shape, a connection (`connection_of`), and one resolver that calls `newest_page`.
"""

import time
from datetime import date
from typing import Any, Final

import graphene
from graphql import GraphQLResolveInfo

from accounts.shapes import show_each
from market.live_quotes import live_quotes
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
from readmodels.at_market import account_at_market, positions_at_market
from readmodels.projections.rows import Row
from readmodels.queries.listings import DAY_AFTER_ALL, DAYS, EVENTS, TRADES


class Trade(shapes.Trade.graphql(), graphene.ObjectType):  # type: ignore[misc] # Its fields are made.
    """A trade that was booked."""

    account = graphene.Field(lambda: Account, required=True, description="The account that traded.")


TradeConnection: Final = connection_of("TradeConnection", Trade, "Trades, newest first.")
EventConnection: Final = connection_of("EventConnection", shapes.Event.object_type(), "Events, newest first.")
DailyPnlConnection: Final = connection_of(
    "DailyPnlConnection", shapes.DailyPnl.object_type(), "Days with trades, newest first."
)


class Position(shapes.OpenPosition.graphql(), graphene.ObjectType):  # type: ignore[misc] # As above.
    """Shares held in one symbol, at the account's own price and at the market's."""


class Account(shapes.Account.graphql(), AccountOrders, graphene.ObjectType):  # type: ignore[misc] # As above.
    """An account, its positions valued at the price that it last traded them at."""

    positions = graphene.List(graphene.NonNull(Position), description="Open positions by symbol.")
    at_market = graphene.Field(
        shapes.AccountAtMarket.object_type(), required=True, description="What it is worth at the market's prices."
    )
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
        positions = await _positions(account, info)
        return await show_each(shapes.OpenPosition.show, positions)

    @staticmethod
    async def resolve_at_market(account: dict[str, Any], info: GraphQLResolveInfo) -> dict[str, Any]:
        """Return what the account is worth."""
        cash, reserved_cash = _units(account["cash"]), _units(account["reserved_cash"])
        positions = await _positions(account, info)
        sheet = live_quotes().sheet()
        return shapes.AccountAtMarket.show(
            account_at_market(cash=cash, reserved_cash=reserved_cash, positions=positions, sheet=sheet)
        )

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


async def _positions(account: dict[str, Any], info: GraphQLResolveInfo) -> list[Row]:
    """Return the open positions of an account, with what each is worth."""
    rows = await loaders_of(info).positions.load(account_version(account))
    await live_quotes().load()
    return positions_at_market(rows, live_quotes().quotes(), live_quotes().sheet(), now_us=_now_us())


def _units(amount: str) -> int:
    """Return the ten-thousandths of an amount as it is shown."""
    return int(amount.replace(".", ""))


def _now_us() -> int:
    return time.time_ns() // 1_000
