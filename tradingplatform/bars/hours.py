"""REST: when an instrument's exchange is open, by its calendar."""

from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar

from django.http import Http404, HttpRequest, HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from accounts.shapes import Day, Flag, Instant, One, Shape, Text
from edge.request_thread import on_another_thread
from edge.rest import Declared
from edge.rest import Instant as InstantParameter
from edge.rest import Text as TextParameter
from identity.permissions import Access
from market.bars.writing import instant, microseconds
from market.instruments.current import current_instruments
from market.sessions import calendar_of, sessions_of
from readmodels.api.base import PROBLEMS, AsyncView, answer_with


class MarketDay(Shape):
    """A trading day of an exchange."""

    date = Day()
    opens_at = Instant()
    closes_at = Instant("The first instant after it; early before some holidays")


class MarketHours(Shape):
    """When an exchange is open."""

    symbol = Text()
    calendar = Text("The exchange by ISO 10383, or 24/7")
    at = Instant("The instant that this is about")
    is_open = Flag("False in the pause at noon that some exchanges have, too")
    day = One(MarketDay, "The trading day that goes on at that instant", of="day", null=True)
    next_open_at = Instant("Null beyond the calendar, which ends a year from now", null=True)
    next_close_at = Instant("Of the trading day that goes on, or else of the next one", null=True)


class HoursParameters(serializers.Serializer[Any]):
    """Of what, and when."""

    symbol = TextParameter(max_length=12)
    at = InstantParameter(required=False, help_text="Now when it is left out")


class MarketHoursView(AsyncView):
    """When an instrument's exchange is open."""

    takes: ClassVar[Declared] = (HoursParameters,)

    @extend_schema(operation_id="market_hours", responses={200: MarketHours.serializer(), **PROBLEMS}, tags=["market"])
    async def get(
        self, request: HttpRequest, *, access: Access, asked: dict[str, Any], **place: Any
    ) -> HttpResponseBase:
        """Return it; a calendar that nobody has asked for before is loaded on a thread."""
        definition = current_instruments().by_symbol.get(asked["symbol"])
        if definition is None:
            raise Http404(f"There is no instrument {asked['symbol']}.")
        at = asked.get("at") or datetime.now(UTC)
        sessions = await on_another_thread(partial(sessions_of, calendar_of(definition)))
        at_us = microseconds(at)
        opens_us, closes_us = sessions.next_open_us(at_us), sessions.next_close_us(at_us)
        days = [
            {"date": each.day, "opens_at": instant(each.open_us), "closes_at": instant(each.close_us)}
            for each in sessions.between(at_us, at_us + 1)
        ]
        hours = {
            "symbol": definition.symbol,
            "calendar": sessions.calendar,
            "at": at,
            "is_open": sessions.is_open(at_us),
            "day": days[0] if days else None,
            "next_open_at": None if opens_us is None else instant(opens_us),
            "next_close_at": None if closes_us is None else instant(closes_us),
        }
        return answer_with(MarketHours.show(hours))
