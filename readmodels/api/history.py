"""The REST views of what happened to an account: orders, trades, events, days; narrowed by what is asked for."""

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.exceptions import ValidationError

from accounts.shapes import Shape, show_each
from edge.rest import Declared
from identity.permissions import Access
from readmodels import shapes
from readmodels.api import parameters
from readmodels.api import serializers as s
from readmodels.api.base import PROBLEMS, AccountScopedView
from readmodels.projections.rows import Row
from readmodels.queries import listings
from readmodels.queries.account_queries import Query
from readmodels.queries.listings import EVENT_TYPES, Condition, Conditions, Listing

_SEARCH_PROBLEMS: Final = PROBLEMS | {422: s.ProblemSerializer}


class HistoryView(AccountScopedView):
    """Base of the lists: a page of a listing."""

    listing: ClassVar[Listing]
    shape: ClassVar[type[Shape]]

    def query(self, asked: dict[str, Any], place: dict[str, Any]) -> tuple[Query, Sequence[Any]]:
        """Ask for a page, and whether there is another one."""
        oldest_first = asked["order"] == "oldest"
        cursor = asked.get("cursor")
        page = listings.page_of(
            listing=self.listing,
            beyond=self.listing.end(oldest_first=oldest_first) if cursor is None else self.place(cursor),
            limit=asked["limit"] + 1,
            conditions=self._given(asked),
            oldest_first=oldest_first,
        )
        return page.query, page.values

    async def get(
        self, request: HttpRequest, *, access: Access, asked: dict[str, Any], **place: Any
    ) -> HttpResponseBase:
        """Return a page; raises SearchTooLong."""
        with listings.searching(self._given(asked)):
            return await super().get(request, access=access, asked=asked, **place)

    async def answer(
        self, rows: list[Row], asked: dict[str, Any], *, role: str, account_id: uuid.UUID, **place: Any
    ) -> dict[str, Any]:
        limit = asked["limit"]
        shown = await show_each(self.shape.show, rows[:limit])
        return {"results": shown, "next": str(shown[-1][self.listing.ordered_by]) if len(rows) > limit else None}

    def _given(self, asked: dict[str, Any]) -> Conditions:
        return tuple((condition, value) for condition, value in self.conditions(asked) if value is not None)

    def place(self, cursor: Any) -> int | str:
        """Return the row that a cursor names: the page begins beyond it."""
        version: int = cursor
        return version

    def conditions(self, asked: dict[str, Any]) -> list[tuple[Condition, Any]]:
        """Return what the rows are narrowed by; None where nothing is asked for."""
        raise NotImplementedError


@extend_schema_view(
    get=extend_schema(
        operation_id="accounts_orders_list",
        responses={200: s.OrderPageSerializer, **_SEARCH_PROBLEMS},
    )
)
class OrderListView(HistoryView):
    """The orders of an account."""

    takes: ClassVar[Declared] = (parameters.OrderParameters, parameters.VersionParameter, parameters.FieldsParameter)
    shape = shapes.Order
    shows = s.OrderSerializer
    listing = listings.ORDERS

    def conditions(self, asked: dict[str, Any]) -> list[tuple[Condition, Any]]:
        """Return what the orders are narrowed by: those that work, unless others are asked for."""
        client_order_id = asked.get("client_order_id")
        status = asked.get("status", "open" if client_order_id is None else "all")
        return [
            (listings.IS_OPEN, True if status == "open" else None),
            (listings.HAS_ENDED, True if status == "closed" else None),
            (listings.SYMBOL_IS, asked.get("symbol")),
            (listings.SIDE_IS, asked.get("side")),
            (listings.CLIENT_ORDER_ID_IS, client_order_id),
        ]


@extend_schema_view(
    get=extend_schema(
        responses={200: s.TradePageSerializer, **_SEARCH_PROBLEMS},
    )
)
class TradeListView(HistoryView):
    """The trades of an account."""

    takes: ClassVar[Declared] = (parameters.TradeParameters, parameters.VersionParameter, parameters.FieldsParameter)
    shape = shapes.Trade
    shows = s.TradeSerializer
    listing = listings.TRADES

    def conditions(self, asked: dict[str, Any]) -> list[tuple[Condition, Any]]:
        """Return what the trades are narrowed by."""
        return [
            (listings.SYMBOL_IS, asked.get("symbol")),
            (listings.SIDE_IS, asked.get("side")),
            (listings.EXECUTED_FROM, asked.get("from")),
            (listings.EXECUTED_BEFORE, asked.get("to")),
        ]


@extend_schema_view(
    get=extend_schema(
        responses={200: s.ActivityPageSerializer, **_SEARCH_PROBLEMS},
    )
)
class ActivityView(HistoryView):
    """The events of an account: its audit trail."""

    takes: ClassVar[Declared] = (parameters.ActivityParameters, parameters.VersionParameter, parameters.FieldsParameter)
    shape = shapes.Event
    shows = s.EventSerializer
    listing = listings.EVENTS

    def conditions(self, asked: dict[str, Any]) -> list[tuple[Condition, Any]]:
        """Return what the events are narrowed by."""
        text = asked.get("text")
        return [
            (listings.TYPE_IS_ONE_OF, _types(asked.get("type"))),
            *(() if text is None else listings.text_conditions(text)),
            (listings.RECORDED_FROM, asked.get("from")),
            (listings.RECORDED_BEFORE, asked.get("to")),
        ]


@extend_schema_view(
    get=extend_schema(
        responses={200: s.DailyPnlPageSerializer, **_SEARCH_PROBLEMS},
    )
)
class DailyPnlView(HistoryView):
    """The days of an account."""

    takes: ClassVar[Declared] = (parameters.DayParameters, parameters.VersionParameter, parameters.FieldsParameter)
    shape = shapes.DailyPnl
    shows = s.DailyPnlSerializer
    listing = listings.DAYS

    def place(self, cursor: Any) -> int | str:
        """Return the day that a cursor names."""
        day: str = cursor.isoformat()
        return day

    def conditions(self, asked: dict[str, Any]) -> list[tuple[Condition, Any]]:
        """Return what the days are narrowed by."""
        return [(listings.DAY_FROM, asked.get("from")), (listings.DAY_BEFORE, asked.get("to"))]


def _types(text: str | None) -> list[str] | None:
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in EVENT_TYPES:
            raise ValidationError({"type": f"there is no {name!r}: there are {', '.join(sorted(EVENT_TYPES))}"})
    return names
