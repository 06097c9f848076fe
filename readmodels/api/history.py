"""The REST views of what happened to an account: trades, events, days; by time, narrowed by what is asked for."""

import uuid
from typing import Any, ClassVar, Final

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.exceptions import ValidationError

from edge.parameters import Declared
from readmodels import listings
from readmodels.api import parameters
from readmodels.api import serializers as s
from readmodels.api.base import PROBLEMS, AccountScopedView
from readmodels.listings import EVENT_TYPES, Bound, Condition, Listing
from readmodels.projections.rows import Row
from readmodels.shapes import day_shape, event_shape, trade_shape

_SEARCH_PROBLEMS: Final = PROBLEMS | {422: s.ProblemSerializer}


class HistoryView(AccountScopedView):
    """Base of the three: a page of a listing."""

    listing: Listing

    def answer(self, account_id: uuid.UUID, asked: dict[str, Any], *, role: str, **place: Any) -> Any:
        """Return a page; raises SearchTooLong."""
        limit, oldest_first = asked["limit"], asked["order"] == "oldest"
        given = [(condition, value) for condition, value in self.conditions(asked) if value is not None]
        cursor = asked.get("cursor")
        beyond = self.listing.end(oldest_first=oldest_first) if cursor is None else self.place(cursor)
        (rows,) = listings.pages(
            listing=self.listing,
            bounds=[Bound(str(account_id), beyond)],
            limit=limit + 1,
            conditions=tuple(given),
            oldest_first=oldest_first,
        )
        shown = [self.show(row) for row in rows[:limit]]
        return {"results": shown, "next": str(shown[-1][self.listing.ordered_by]) if len(rows) > limit else None}

    def show(self, row: Row) -> dict[str, Any]:
        """Return a row as it is shown."""
        raise NotImplementedError

    def place(self, cursor: Any) -> int | str:
        """Return the row that a cursor names: the page begins beyond it."""
        version: int = cursor
        return version

    def conditions(self, asked: dict[str, Any]) -> list[tuple[Condition, Any]]:
        """Return what the rows are narrowed by; None where nothing is asked for."""
        raise NotImplementedError


@extend_schema_view(
    get=extend_schema(
        responses={200: s.TradePageSerializer, **_SEARCH_PROBLEMS},
    )
)
class TradeListView(HistoryView):
    """The trades of an account."""

    takes: ClassVar[Declared] = (parameters.TradeParameters, parameters.VersionParameter, parameters.FieldsParameter)
    shows = s.TradeSerializer
    listing = listings.TRADES

    def show(self, row: Row) -> dict[str, Any]:
        """Return a row as it is shown."""
        return trade_shape(row)

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
    shows = s.EventSerializer
    listing = listings.EVENTS

    def show(self, row: Row) -> dict[str, Any]:
        """Return a row as it is shown."""
        return event_shape(row)

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
    shows = s.DailyPnlSerializer
    listing = listings.DAYS

    def show(self, row: Row) -> dict[str, Any]:
        """Return a row as it is shown."""
        return day_shape(row)

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
