"""REST: bars of one symbol, page by page as JSON, or all of a time as CSV. Read on the event loop, with one statement
for each page.

Every page has an entity tag made of what is in it: who sends it back (`If-None-Match`) is told 304 as long as nothing
has changed, which for a time that is over is until somebody imports other bars.
"""

import csv
import hashlib
import io
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, ClassVar, Final

from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import get_conditional_response
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer

from accounts.shapes import show_each
from edge.rest import Choice, Declared, Instant, Text, WholeNumber
from identity.credentials import awhile_granted, credential_of
from identity.permissions import Access
from market.bars.definition import DAY, SPANS, Span
from market.bars.reading import page_of, row_of
from market.instruments.current import current_instruments
from readmodels.api import serializers as s
from readmodels.api.base import PROBLEMS, AsyncView, answer_with
from readmodels.queries import replicas
from tradingplatform.bars.shapes import Bar

LIMIT: Final = 500
LIMIT_MAX: Final = 5_000
ROWS_AT_ONCE: Final = 5_000
"""Of a file, so many are read and sent together."""

BarPageSerializer: Final = s.page_of(Bar, "BarPage", "A page of bars, newest first unless asked otherwise.")


class BarRange(serializers.Serializer[Any]):
    """Which bars."""

    symbol = Text(max_length=12)
    span = Choice(list(SPANS), default=DAY.name, help_text="Minutes, hours or trading days")

    def get_fields(self) -> dict[str, Any]:
        """Return the fields, one of which has a name that Python keeps to itself."""
        begin = Instant(required=False, help_text="Bars that begin at or after this instant of market time")
        return {
            **super().get_fields(),
            "from": begin,
            "to": Instant(required=False, help_text="Bars that begin before it"),
        }


class BarPage(serializers.Serializer[Any]):
    """How many, from where, and which end first."""

    limit = WholeNumber(min_value=1, max_value=LIMIT_MAX, default=LIMIT)
    cursor = Instant(required=False, help_text="`next` of the page before")
    order = Choice(["newest", "oldest"], default="newest", help_text="What comes first")


class BarListView(AsyncView):
    """The bars of one symbol."""

    takes: ClassVar[Declared] = (BarRange, BarPage)

    @extend_schema(operation_id="market_bars_list", responses={200: BarPageSerializer, **PROBLEMS}, tags=["market"])
    async def get(
        self, request: HttpRequest, *, access: Access, asked: dict[str, Any], **place: Any
    ) -> HttpResponseBase:
        """Return a page."""
        limit = asked["limit"]
        rows = await bars_of(
            symbol=asked["symbol"],
            span=SPANS[asked["span"]],
            begin=asked.get("from"),
            end=asked.get("to"),
            beyond=asked.get("cursor"),
            limit=limit + 1,
            oldest_first=asked["order"] == "oldest",
        )
        shown = await show_each(Bar.show, rows[:limit])
        page = answer_with({"results": shown, "next": shown[-1]["at"] if len(rows) > limit else None})
        tag = f'"{hashlib.sha256(page.content).hexdigest()[:32]}"'
        response = get_conditional_response(request, etag=tag, response=page) or page
        response["ETag"] = tag
        response["Cache-Control"] = "private, no-cache"
        return response


class BarFileView(AsyncView):
    """All bars of one symbol in a time, oldest first, as CSV that can be imported again."""

    takes: ClassVar[Declared] = (BarRange,)
    renderer_classes = [JSONRenderer]

    def is_accepted(self, request: HttpRequest) -> bool:
        """The path names the type of the file."""
        return True

    @extend_schema(
        operation_id="market_bars_csv", responses={(200, "text/csv"): OpenApiTypes.STR, **PROBLEMS}, tags=["market"]
    )
    async def get(
        self, request: HttpRequest, *, access: Access, asked: dict[str, Any], **place: Any
    ) -> HttpResponseBase:
        """Return the file; what is wrong is said before it begins."""
        symbol, span = asked["symbol"], SPANS[asked["span"]]
        period = {"begin": asked.get("from"), "end": asked.get("to")}
        first = await _oldest(symbol, span, period)
        lines = awhile_granted(_lines(symbol, span, period, first), credential_of(request, user=access.principal.user))
        answer = StreamingHttpResponse(lines, content_type="text/csv")
        answer["Content-Disposition"] = f'attachment; filename="bars-{symbol}-{span.name}.csv"'
        return answer


async def bars_of(*, symbol: str, **asked: Any) -> list[dict[str, Any]]:
    """Return the rows of a page (market/bars/reading.py); raises Http404 for a symbol that is none."""
    if symbol not in current_instruments().by_symbol:
        raise Http404(f"There is no instrument {symbol}.")
    page = page_of(symbol=symbol, **asked)
    rows, _ = await replicas.read(page.statement, page.values)
    return [row_of(values) for values in rows]


_FILE_COLUMNS: Final = ("at", "open", "high", "low", "close", "volume")


async def _lines(symbol: str, span: Span, period: dict[str, Any], first: list[dict[str, Any]]) -> AsyncIterator[bytes]:
    yield _csv([("symbol", *_FILE_COLUMNS)])
    rows = first
    while rows:
        shown = await show_each(Bar.show, rows)
        yield _csv([(symbol, *(each[name] for name in _FILE_COLUMNS)) for each in shown])
        rows = await _oldest(symbol, span, period, beyond=rows[-1]["at"]) if len(rows) == ROWS_AT_ONCE else []


async def _oldest(
    symbol: str, span: Span, period: dict[str, Any], beyond: datetime | None = None
) -> list[dict[str, Any]]:
    return await bars_of(symbol=symbol, span=span, **period, beyond=beyond, limit=ROWS_AT_ONCE, oldest_first=True)


def _csv(rows: list[tuple[Any, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
