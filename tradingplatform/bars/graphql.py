"""Bars over GraphQL, newest first, for everybody who is logged in."""

from datetime import datetime
from typing import Any, Final

import graphene
from django.http import Http404
from graphql import GraphQLResolveInfo

from accounts.api.graphql.errors import ApiError
from accounts.api.submission import access_from
from edge.instants import InvalidInstant, parse_instant
from market.bars.definition import DAY, SPANS
from readmodels.api.graphql.connections import (
    connection_of,
    key_of,
    page_arguments,
    page_of,
    page_size,
    period_arguments,
)
from readmodels.api.graphql.errors import bad_argument
from tradingplatform.bars.rest import bars_of
from tradingplatform.bars.shapes import Bar

BarConnection: Final = connection_of("BarConnection", Bar.object_type(), "Bars of one symbol, newest first.")


class BarsQuery(graphene.ObjectType):
    """Looking at bars."""

    bars = graphene.Field(
        BarConnection,
        symbol=graphene.String(required=True),
        span=graphene.String(default_value=DAY.name, description=f"{', '.join(SPANS)}: minutes, hours, trading days."),
        **period_arguments(),
        **page_arguments(),
        description="What an instrument cost over minutes, hours or trading days, in market time.",
    )

    @staticmethod
    async def resolve_bars(
        root: None,
        info: GraphQLResolveInfo,
        symbol: str,
        span: str = DAY.name,
        begin: str | None = None,
        end: str | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> dict[str, Any]:
        """Return a page."""
        await access_from(info)
        size = page_size(first)
        if span not in SPANS:
            raise bad_argument(f"`span` is one of {', '.join(SPANS)}, found {span[:40]!r}")
        kind = f"bars {span}"
        try:
            rows = await bars_of(
                symbol=symbol,
                span=SPANS[span],
                begin=_instant("from", begin),
                end=_instant("to", end),
                beyond=None if after is None else key_of(kind, after, parse_instant),
                limit=size + 1,
                oldest_first=False,
            )
        except Http404 as error:
            raise ApiError("NOT_FOUND", f"there is no instrument {symbol[:40]}") from error
        return await page_of(
            rows, kind=kind, size=size, key=lambda row: Bar.show(row)["at"], show=Bar.show, after=after
        )


def _instant(name: str, text: str | None) -> datetime | None:
    try:
        return None if text is None else parse_instant(text)
    except InvalidInstant as error:
        raise bad_argument(f"`{name}`: {error}") from error
