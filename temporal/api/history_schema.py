"""History over GraphQL: an account's performance, and what it would be under other limits. Nothing is written."""

from datetime import datetime
from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from temporal.api import history_types as t
from temporal.api.asking import answer, require_access
from temporal.history import asked_performance
from temporal.history_shapes import performance_shape, what_if_shape
from temporal.moments import instant
from temporal.periods import KINDS
from temporal.what_if import EVENTS_OVER_REST_MAX, limits_of, what_if


class HistoryQuery(graphene.ObjectType):
    """Queries of the history of an account, from its events alone."""

    account_performance = graphene.Field(
        t.AccountPerformance,
        required=True,
        id=graphene.ID(required=True),
        start=graphene.String(name="from", description="First day, YYYY-MM-DD; the opening when none is given."),
        end=graphene.String(name="to", description="Last day, YYYY-MM-DD; today in the zone when none is given."),
        period=graphene.String(default_value="day", description=f"{', '.join(KINDS)}; weeks begin on Monday."),
        zone=graphene.String(default_value="UTC", description="IANA name of the time zone whose days are meant."),
        description="Trades, profits, cash flows, return and drawdown of an account by day, week or month.",
    )
    account_what_if = graphene.Field(
        t.AccountWhatIf,
        required=True,
        id=graphene.ID(required=True),
        limits=t.WhatIfLimitsInput(required=True),
        start=graphene.String(name="from", description="After this instant (RFC 3339); the opening if none is given."),
        end=graphene.String(name="to", description="Up to this instant; now if none is given."),
        description="What an account would be, had it had other risk limits: its commands, decided again.",
    )

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
            return performance_shape(asked_performance(id, start=start, end=end, period=period, zone=zone, now=now))

        return await answer(ask)

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
            return what_if_shape(found)

        return await answer(ask)
