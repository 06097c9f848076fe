"""Time travel's part of the GraphQL schema: an account as of a moment, what changed between two, its performance,
and what it would be under other limits. Nothing is written.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from accounts.api.graphql.errors import ApiError
from accounts.api.parsing import factories
from accounts.api.submission import access_from
from accounts.domain.errors import CommandInvalid
from accounts.scalars import BigInt
from edge.request_thread import on_another_thread
from temporal.api.parameters import EVENTS_PAGE, EVENTS_PAGE_MAX
from temporal.as_of.as_of import NOW, account_as_of, instant, moment_of
from temporal.as_of.diff import diff_shape, difference, event_page
from temporal.as_of.shapes import AccountAsOf, AccountDiff, account_shape, shown_instant
from temporal.as_of.valuation import valuation_of
from temporal.errors import InvalidMoment, TemporalError
from temporal.performance.history import asked_performance
from temporal.performance.history_shapes import AccountPerformance, AccountWhatIf
from temporal.performance.periods import KINDS
from temporal.what_if import EVENTS_OVER_REST_MAX, limits_of, what_if


class WhatIfLimitsInput(graphene.InputObjectType):
    """Risk limits; those that are left out stay the account's own, with all their changes."""

    max_position_percent = graphene.String(description="Of the portfolio, such as 10.00.")
    max_daily_value = graphene.String(description="Traded value per UTC day.")
    max_trade_value = graphene.String(description="Value of one trade.")
    price_band_percent = graphene.String(description="Band around the market's price, such as 10.00; 0 is none.")


class TemporalQuery(graphene.ObjectType):
    """Queries of the past, from the events alone."""

    account_as_of = graphene.Field(
        AccountAsOf.object_type(),
        required=True,
        id=graphene.ID(required=True),
        at=graphene.String(description="RFC 3339 with a time zone; what was recorded at it counts."),
        version=BigInt(description="Instead of an instant; neither means now."),
        valued=graphene.Boolean(default_value=False, description="Also at the market's prices of that instant."),
        description="An account as it was at any instant or version.",
    )
    account_diff = graphene.Field(
        AccountDiff.object_type(),
        required=True,
        id=graphene.ID(required=True),
        from_at=graphene.String(),
        from_version=BigInt(description="The first version when no start is given."),
        to_at=graphene.String(),
        to_version=BigInt(description="Now when no end is given."),
        limit=graphene.Int(default_value=EVENTS_PAGE, description=f"Events, at most {EVENTS_PAGE_MAX}."),
        cursor=graphene.String(description="`next` of the page before."),
        description="What changed in an account from one moment to a later one, and the events that did it.",
    )
    account_performance = graphene.Field(
        AccountPerformance.object_type(),
        required=True,
        id=graphene.ID(required=True),
        start=graphene.String(name="from", description="First day, YYYY-MM-DD; the opening when none is given."),
        end=graphene.String(name="to", description="Last day, YYYY-MM-DD; today in the zone when none is given."),
        period=graphene.String(default_value="day", description=f"{', '.join(KINDS)}; weeks begin on Monday."),
        zone=graphene.String(default_value="UTC", description="IANA name of the time zone whose days are meant."),
        description="Trades, profits, cash flows, return and drawdown of an account by day, week or month.",
    )
    account_what_if = graphene.Field(
        AccountWhatIf.object_type(),
        required=True,
        id=graphene.ID(required=True),
        limits=WhatIfLimitsInput(required=True),
        start=graphene.String(name="from", description="After this instant (RFC 3339); the opening if none is given."),
        end=graphene.String(name="to", description="Up to this instant; now if none is given."),
        description="What an account would be, had it had other risk limits: its commands, decided again.",
    )

    @staticmethod
    async def resolve_account_as_of(
        root: None,
        info: GraphQLResolveInfo,
        id: str,
        at: str | None = None,
        version: int | None = None,
        valued: bool = False,
    ) -> dict[str, Any]:
        """Return the account's shape."""
        await require_access(info, id)
        return await answer_of(lambda now: _account(id, at, version, valued, now))

    @staticmethod
    async def resolve_account_diff(
        root: None, info: GraphQLResolveInfo, id: str, limit: int, cursor: str | None = None, **moments: Any
    ) -> dict[str, Any]:
        """Return the difference's shape."""
        await require_access(info, id)
        return await answer_of(lambda now: _difference(id, moments, limit, cursor, now))

    @staticmethod
    async def resolve_account_performance(
        root: None,
        info: GraphQLResolveInfo,
        id: str,
        period: str,
        zone: str,
        start: str | None = None,
        end: str | None = None,
    ) -> dict[str, Any]:
        """Return the performance's shape."""
        await require_access(info, id)

        def ask(now: datetime) -> dict[str, Any]:
            return AccountPerformance.show(
                asked_performance(id, start=start, end=end, period=period, zone=zone, now=now)
            )

        return await answer_of(ask)

    @staticmethod
    async def resolve_account_what_if(
        root: None,
        info: GraphQLResolveInfo,
        id: str,
        limits: dict[str, str | None],
        start: str | None = None,
        end: str | None = None,
    ) -> dict[str, Any]:
        """Return what would have been."""
        await require_access(info, id)

        def ask(now: datetime) -> dict[str, Any]:
            found = what_if(
                id,
                limits=limits_of(**limits),
                start=None if start is None else instant(start, now=now),
                end=None if end is None else instant(end, now=now),
                events_max=EVENTS_OVER_REST_MAX,
            )
            return AccountWhatIf.show(found)

        return await answer_of(ask)


async def require_access(info: GraphQLResolveInfo, account_id: str) -> None:
    """Raise NOT_FOUND when the asking user has no access, as if there were no such account."""
    try:
        checked = factories.account_id(account_id)
    except CommandInvalid:
        await access_from(info)
        raise _not_found(account_id) from None
    if (await access_from(info, checked)).role is None:
        raise _not_found(account_id)


async def answer_of(ask: Callable[[datetime], dict[str, Any]]) -> dict[str, Any]:
    """Ask the event store on a thread, and return this app's errors with their codes."""
    try:
        return await on_another_thread(partial(ask, datetime.now(UTC)))
    except TemporalError as error:
        raise ApiError(error.code, str(error)) from error


def _not_found(account_id: str) -> ApiError:
    return ApiError("NOT_FOUND", f"there is no account {account_id[:40]} that you may see")


def _account(account_id: str, at: str | None, version: int | None, is_valued: bool, now: datetime) -> dict[str, Any]:
    moment = moment_of(at=at, version=version, now=now)
    found = account_as_of(account_id, moment)
    shown_at = now if moment == NOW else moment.at
    valuation = valuation_of(found.state, shown_instant(found, shown_at)) if is_valued else None
    return account_shape(found, at=shown_at, valuation=valuation)


def _difference(
    account_id: str, moments: dict[str, Any], limit: int, cursor: str | None, now: datetime
) -> dict[str, Any]:
    if not 1 <= limit <= EVENTS_PAGE_MAX:
        raise InvalidMoment(f"limit is from 1 to {EVENTS_PAGE_MAX}, found {limit}")
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise InvalidMoment(f"cursor is the `next` of a page, found {cursor[:40]!r}")
    start, end = (
        moment_of(at=moments.get(f"{side}_at"), version=moments.get(f"{side}_version"), now=now)
        for side in ("from", "to")
    )
    found = difference(account_id, start, end)
    return diff_shape(found, event_page(found, after_version=int(cursor or 0), limit=limit))
