"""Time travel's part of the GraphQL schema: an account as of a moment, and what changed between two."""

from datetime import datetime
from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from accounts.scalars import BigInt
from temporal.api import types as t
from temporal.api.asking import answer, require_access
from temporal.api.history_schema import HistoryQuery
from temporal.api.serializers import EVENTS_PAGE, EVENTS_PAGE_MAX
from temporal.as_of import account_as_of
from temporal.diff import diff_shape, difference, event_page
from temporal.errors import InvalidMoment
from temporal.moments import NOW, moment_of
from temporal.shapes import account_shape, shown_instant
from temporal.valuation import valuation_of


class TemporalQuery(HistoryQuery, graphene.ObjectType):
    """Queries of the past, from the events alone."""

    account_as_of = graphene.Field(
        t.AccountAsOf,
        required=True,
        id=graphene.ID(required=True),
        at=graphene.String(description="RFC 3339 with a time zone; what was recorded at it counts."),
        version=BigInt(description="Instead of an instant; neither means now."),
        valued=graphene.Boolean(default_value=False, description="Also at the market's prices of that instant."),
        description="An account as it was at any instant or version.",
    )
    account_diff = graphene.Field(
        t.AccountDiff,
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
        return await answer(lambda now: _account(id, at, version, valued, now))

    @staticmethod
    async def resolve_account_diff(
        root: None, info: GraphQLResolveInfo, id: str, limit: int, cursor: str | None = None, **moments: Any
    ) -> dict[str, Any]:
        """Return the difference's shape."""
        await require_access(info, id)
        return await answer(lambda now: _difference(id, moments, limit, cursor, now))


def _account(account_id: str, at: str | None, version: int | None, is_valued: bool, now: datetime) -> dict[str, Any]:
    moment = moment_of(at=at, version=version, now=now)
    found = account_as_of(account_id, moment, with_event_id=True)
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
