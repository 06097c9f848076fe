"""The REST views: parse, check access, one query, answer. Accounts that one may not see do not exist."""

import time
import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

from django.http import Http404, HttpRequest, HttpResponseBase
from drf_spectacular.utils import extend_schema, extend_schema_view

from accounts.shapes import show_each
from edge.rest import Declared
from identity.permissions import STAFF, Access
from market.live_quotes import live_quotes
from readmodels import shapes
from readmodels.api import parameters
from readmodels.api import serializers as s
from readmodels.api.base import PROBLEMS, AccountScopedView, AsyncView, answer_with, not_found
from readmodels.at_market import account_at_market, positions_at_market
from readmodels.projections.rows import Row
from readmodels.queries import account_queries
from readmodels.queries.account_queries import Query
from readmodels.shapes import account_shape


class AccountListView(AsyncView):
    """The accounts that the asking user may see."""

    takes: ClassVar[Declared] = (parameters.AccountPageParameters,)

    @extend_schema(
        operation_id="accounts_list",
        responses={200: s.AccountPageSerializer, **PROBLEMS},
    )
    async def get(
        self, request: HttpRequest, *, access: Access, asked: dict[str, Any], **place: Any
    ) -> HttpResponseBase:
        """Return a page of accounts."""
        limit, cursor = asked["limit"], asked.get("cursor")
        found = await account_queries.accounts_of(
            access.principal.user, limit=limit + 1, after=None if cursor is None else str(cursor)
        )
        rows = [row for (row,) in found[:limit]]
        shown = await show_each(lambda row: account_shape(row, role=row["role"] or STAFF), rows)
        return answer_with({"results": shown, "next": shown[-1]["account_id"] if len(found) > limit else None})


@extend_schema_view(
    get=extend_schema(
        responses={200: s.AccountSerializer, **PROBLEMS},
    )
)
class AccountView(AccountScopedView):
    """One account."""

    asks = account_queries.ACCOUNT
    shows = s.AccountSerializer

    async def answer(
        self, rows: list[Row], asked: dict[str, Any], *, role: str, account_id: uuid.UUID, **place: Any
    ) -> dict[str, Any]:
        if not rows:
            raise not_found(account_id)
        return account_shape(rows[0], role=role)


@extend_schema_view(get=extend_schema(operation_id="accounts_summary_retrieve"))
class SummaryView(AccountView):
    """One account, by the name that others give it."""


@extend_schema_view(
    get=extend_schema(
        responses={200: s.PortfolioSerializer, **PROBLEMS},
    )
)
class AtMarketView(AccountScopedView):
    """Base of views that show what positions are worth at the market's prices: of the latest quotes of this process."""

    async def get(
        self, request: HttpRequest, *, access: Access, asked: dict[str, Any], **place: Any
    ) -> HttpResponseBase:
        """Have the quotes at hand, then answer."""
        await live_quotes().load()
        return await super().get(request, access=access, asked=asked, **place)

    def edition(self) -> str:
        """Return when the quotes were made, and whether they are too old."""
        sheet = live_quotes().sheet()
        return f"{sheet.made_at_us} {sheet.phase}"


class PortfolioView(AtMarketView):
    """One account with its positions."""

    asks = account_queries.PORTFOLIO
    shows = s.PortfolioSerializer

    async def answer(
        self, rows: list[Row], asked: dict[str, Any], *, role: str, account_id: uuid.UUID, **place: Any
    ) -> dict[str, Any]:
        """Return the account and its open positions, of one version."""
        if not rows:
            raise not_found(account_id)
        row, sheet = rows[0], live_quotes().sheet()
        held = account_queries.positions_of_portfolio(rows)
        positions = positions_at_market(held, live_quotes().quotes(), sheet, now_us=_now_us())
        worth = account_at_market(
            cash=row["cash"], reserved_cash=row["reserved_cash"], positions=positions, sheet=sheet
        )
        return {
            "account": account_shape(row, role=role),
            "positions": await show_each(shapes.OpenPosition.show, positions),
            "at_market": shapes.AccountAtMarket.show(worth),
        }


@extend_schema_view(
    get=extend_schema(
        responses={200: s.PositionListSerializer, **PROBLEMS},
    )
)
class PositionListView(AtMarketView):
    """The positions of an account."""

    asks = account_queries.POSITIONS
    shows = s.PositionSerializer

    async def answer(
        self, rows: list[Row], asked: dict[str, Any], *, role: str, account_id: uuid.UUID, **place: Any
    ) -> dict[str, Any]:
        """Return the open positions by symbol."""
        positions = positions_at_market(rows, live_quotes().quotes(), live_quotes().sheet(), now_us=_now_us())
        return {"results": await show_each(shapes.OpenPosition.show, positions)}


@extend_schema_view(
    get=extend_schema(
        responses={200: s.OrderSerializer, **PROBLEMS},
    )
)
class OrderView(AccountScopedView):
    """One order."""

    shows = s.OrderSerializer

    def query(self, asked: dict[str, Any], place: dict[str, Any]) -> tuple[Query, Sequence[Any]]:
        return account_queries.ORDER, [place["order_id"]]

    async def answer(
        self, rows: list[Row], asked: dict[str, Any], *, role: str, account_id: uuid.UUID, **place: Any
    ) -> dict[str, Any]:
        """Return the order, whether it works or has ended."""
        if not rows:
            raise Http404(f"Account {account_id} has no order {place['order_id']}.")
        return shapes.Order.show(rows[0])


def _now_us() -> int:
    return time.time_ns() // 1_000
