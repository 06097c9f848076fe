"""The REST views: parse, check access, one query, answer. Accounts that one may not see do not exist."""

import uuid
from typing import Any, ClassVar, Final

from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import STAFF, accessible_account_ids, roles_by_account
from edge.parameters import Declared
from edge.views import RestView
from readmodels import queries
from readmodels.api import parameters
from readmodels.api import serializers as s
from readmodels.api.base import PROBLEMS, AccountScopedView, not_found
from readmodels.shapes import account_shape, order_shape, position_shape

_IS_OPEN: Final = {"open": True, "closed": False, "all": None}


class AccountListView(RestView):
    """The accounts that the asking user may see."""

    takes: ClassVar[Declared] = (parameters.AccountPageParameters,)

    @extend_schema(
        operation_id="accounts_list",
        responses={200: s.AccountPageSerializer, **PROBLEMS},
    )
    def get(self, request: Request) -> Response:
        """Return a page of accounts."""
        limit, cursor = self.asked["limit"], self.asked.get("cursor")
        account_ids = accessible_account_ids(request.user)
        roles = roles_by_account(request.user)
        rows = queries.accounts(account_ids=account_ids, limit=limit + 1, after=None if cursor is None else str(cursor))
        shown = [account_shape(row, role=roles.get(str(row["account_id"]), STAFF)) for row in rows[:limit]]
        return Response({"results": shown, "next": shown[-1]["account_id"] if len(rows) > limit else None})


@extend_schema_view(
    get=extend_schema(
        responses={200: s.AccountSerializer, **PROBLEMS},
    )
)
class AccountView(AccountScopedView):
    """One account."""

    shows = s.AccountSerializer

    def answer(self, account_id: uuid.UUID, asked: dict[str, Any], *, role: str, **place: Any) -> Any:
        """Return the account."""
        return account_shape(_account(account_id), role=role)


@extend_schema_view(get=extend_schema(operation_id="accounts_summary_retrieve"))
class SummaryView(AccountView):
    """One account, by the name that others give it."""


@extend_schema_view(
    get=extend_schema(
        responses={200: s.PortfolioSerializer, **PROBLEMS},
    )
)
class PortfolioView(AccountScopedView):
    """One account with its positions."""

    shows = s.PortfolioSerializer

    def answer(self, account_id: uuid.UUID, asked: dict[str, Any], *, role: str, **place: Any) -> Any:
        """Return the account and its open positions, of one version."""
        found = queries.portfolio(account_id=str(account_id))
        if found is None:
            raise not_found(account_id)
        account, positions = found
        return {"account": account_shape(account, role=role), "positions": [position_shape(row) for row in positions]}


@extend_schema_view(
    get=extend_schema(
        responses={200: s.PositionListSerializer, **PROBLEMS},
    )
)
class PositionListView(AccountScopedView):
    """The positions of an account."""

    shows = s.PositionSerializer

    def answer(self, account_id: uuid.UUID, asked: dict[str, Any], *, role: str, **place: Any) -> Any:
        """Return the open positions by symbol."""
        rows = queries.positions(account_id=str(account_id))
        return {"results": [position_shape(row) for row in rows]}


@extend_schema_view(
    get=extend_schema(
        operation_id="accounts_orders_list",
        responses={200: s.OrderPageSerializer, **PROBLEMS},
    )
)
class OrderListView(AccountScopedView):
    """The orders of an account."""

    takes: ClassVar[Declared] = (parameters.OrderParameters, parameters.VersionParameter, parameters.FieldsParameter)
    shows = s.OrderSerializer

    def answer(self, account_id: uuid.UUID, asked: dict[str, Any], *, role: str, **place: Any) -> Any:
        """Return a page of orders: those that work, unless others are asked for."""
        limit = asked["limit"]
        client_order_id = asked.get("client_order_id")
        status = asked.get("status", "open" if client_order_id is None else "all")
        rows = queries.orders(
            account_id=str(account_id),
            limit=limit + 1,
            is_open=_IS_OPEN[status],
            symbol=asked.get("symbol"),
            side=asked.get("side"),
            client_order_id=client_order_id,
            beyond=asked.get("cursor"),
            oldest_first=asked["order"] == "oldest",
        )
        shown = [order_shape(row) for row in rows[:limit]]
        return {"results": shown, "next": str(shown[-1]["placed_version"]) if len(rows) > limit else None}


@extend_schema_view(
    get=extend_schema(
        responses={200: s.OrderSerializer, **PROBLEMS},
    )
)
class OrderView(AccountScopedView):
    """One order."""

    shows = s.OrderSerializer

    def answer(self, account_id: uuid.UUID, asked: dict[str, Any], *, role: str, **place: Any) -> Any:
        """Return the order, whether it works or has ended."""
        order_id = place["order_id"]
        row = queries.order(account_id=str(account_id), order_id=str(order_id))
        if row is None:
            raise Http404(f"Account {account_id} has no order {order_id}.")
        return order_shape(row)


def _account(account_id: uuid.UUID) -> dict[str, Any]:
    row = queries.account(account_id=str(account_id))
    if row is None:
        raise not_found(account_id)
    return row
