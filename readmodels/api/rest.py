"""The REST views: parse, check access, one query, answer. Accounts that one may not see do not exist."""

import uuid
from typing import Any, Final

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import STAFF, accessible_account_ids, role_on_account, roles_by_account
from readmodels import queries
from readmodels.api import serializers as s
from readmodels.shapes import account_shape, day_shape, order_shape, position_shape, trade_shape

DAYS_MAX = 366
_IS_OPEN: Final = {"open": True, "closed": False, "all": None}
PROBLEMS = dict.fromkeys((400, 401, 404, 503), s.ProblemSerializer)


class AccountListView(APIView):
    """The accounts that the asking user may see."""

    @extend_schema(
        operation_id="accounts_list",
        parameters=[s.PageParameters],
        responses={200: s.AccountPageSerializer, **PROBLEMS},
    )
    def get(self, request: Request) -> Response:
        """Return a page of accounts."""
        page = s.parameters(s.PageParameters, request.query_params)
        limit, cursor = page["limit"], page.get("cursor")
        if cursor is not None:
            cursor = _uuid_cursor(cursor)
        account_ids = accessible_account_ids(request.user)
        roles = roles_by_account(request.user)
        rows = queries.accounts(account_ids=account_ids, limit=limit + 1, after=cursor)
        shown = [account_shape(row, role=roles.get(str(row["account_id"]), STAFF)) for row in rows[:limit]]
        return Response({"results": shown, "next": shown[-1]["account_id"] if len(rows) > limit else None})


class AccountScopedView(APIView):
    """Base of the views of one account: checks access, and waits for the version that was asked for."""

    def role(self, request: Request, account_id: uuid.UUID) -> str:
        """Return the asking user's role; raises Http404 when it has none, as if there were no such account."""
        role = role_on_account(request.user, str(account_id))
        if role is None:
            raise _not_found(account_id)
        min_version = s.parameters(s.VersionParameter, request.query_params).get("min_version")
        if min_version is not None:
            queries.wait_for_version(account_id=str(account_id), min_version=min_version)
        return role


class AccountView(AccountScopedView):
    """One account."""

    @extend_schema(parameters=[s.VersionParameter], responses={200: s.AccountSerializer, **PROBLEMS})
    def get(self, request: Request, account_id: uuid.UUID) -> Response:
        """Return the account."""
        role = self.role(request, account_id)
        return Response(account_shape(_account(account_id), role=role))


class PortfolioView(AccountScopedView):
    """One account with its positions."""

    @extend_schema(parameters=[s.VersionParameter], responses={200: s.PortfolioSerializer, **PROBLEMS})
    def get(self, request: Request, account_id: uuid.UUID) -> Response:
        """Return the account and its open positions, of one version."""
        role = self.role(request, account_id)
        with queries.one_snapshot():
            account = account_shape(_account(account_id), role=role)
            positions = [position_shape(row) for row in queries.positions(account_id=str(account_id))]
        return Response({"account": account, "positions": positions})


class PositionListView(AccountScopedView):
    """The positions of an account."""

    @extend_schema(parameters=[s.VersionParameter], responses={200: s.PositionListSerializer, **PROBLEMS})
    def get(self, request: Request, account_id: uuid.UUID) -> Response:
        """Return the open positions by symbol."""
        self.role(request, account_id)
        rows = queries.positions(account_id=str(account_id))
        return Response({"results": [position_shape(row) for row in rows]})


class TradeListView(AccountScopedView):
    """The trades of an account."""

    @extend_schema(
        parameters=[s.PageParameters, s.VersionParameter], responses={200: s.TradePageSerializer, **PROBLEMS}
    )
    def get(self, request: Request, account_id: uuid.UUID) -> Response:
        """Return a page of trades, newest first."""
        self.role(request, account_id)
        page = s.parameters(s.PageParameters, request.query_params)
        limit = page["limit"]
        before = _version_cursor(page["cursor"], "trades") if "cursor" in page else None
        rows = queries.trades(account_id=str(account_id), limit=limit + 1, before_version=before)
        shown = [trade_shape(row) for row in rows[:limit]]
        return Response({"results": shown, "next": str(shown[-1]["version"]) if len(rows) > limit else None})


class OrderListView(AccountScopedView):
    """The orders of an account."""

    @extend_schema(
        operation_id="accounts_orders_list",
        parameters=[s.OrderParameters, s.VersionParameter],
        responses={200: s.OrderPageSerializer, **PROBLEMS},
    )
    def get(self, request: Request, account_id: uuid.UUID) -> Response:
        """Return a page of orders, newest first: those that work, unless others are asked for."""
        self.role(request, account_id)
        page = s.parameters(s.OrderParameters, request.query_params)
        limit = page["limit"]
        client_order_id = page.get("client_order_id")
        status = page.get("status", "open" if client_order_id is None else "all")
        rows = queries.orders(
            account_id=str(account_id),
            limit=limit + 1,
            is_open=_IS_OPEN[status],
            symbol=page.get("symbol"),
            side=page.get("side"),
            client_order_id=client_order_id,
            before_version=_version_cursor(page["cursor"], "orders") if "cursor" in page else None,
        )
        shown = [order_shape(row) for row in rows[:limit]]
        return Response({"results": shown, "next": str(shown[-1]["placed_version"]) if len(rows) > limit else None})


class OrderView(AccountScopedView):
    """One order."""

    @extend_schema(parameters=[s.VersionParameter], responses={200: s.OrderSerializer, **PROBLEMS})
    def get(self, request: Request, account_id: uuid.UUID, order_id: uuid.UUID) -> Response:
        """Return the order, whether it works or has ended."""
        self.role(request, account_id)
        row = queries.order(account_id=str(account_id), order_id=str(order_id))
        if row is None:
            raise Http404(f"Account {account_id} has no order {order_id}.")
        return Response(order_shape(row))


class DailyPnlView(AccountScopedView):
    """The days of an account."""

    @extend_schema(parameters=[s.VersionParameter], responses={200: s.DailyPnlListSerializer, **PROBLEMS})
    def get(self, request: Request, account_id: uuid.UUID) -> Response:
        """Return the days with trades, newest first, at most a year of them."""
        self.role(request, account_id)
        rows = queries.daily_pnl(account_id=str(account_id), limit=DAYS_MAX)
        return Response({"results": [day_shape(row) for row in rows]})


def _account(account_id: uuid.UUID) -> dict[str, Any]:
    row = queries.account(account_id=str(account_id))
    if row is None:
        raise _not_found(account_id)
    return row


def _not_found(account_id: uuid.UUID) -> Http404:
    return Http404(f"There is no account {account_id} that you may see.")


def _uuid_cursor(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise ValidationError({"cursor": "not the `next` of a page of accounts"}) from error


def _version_cursor(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ValidationError({"cursor": f"not the `next` of a page of {what}"})
    return int(text)
