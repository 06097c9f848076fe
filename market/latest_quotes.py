"""The quotes of now in one event loop, for whoever asks in a request: no server is asked, and no thread is needed, but
for the first reading of the board.

The stream of sheets is followed from the first question on, for as long as the loop runs. A sheet holds all prices, so
a lost one is made good by the next; what is older than it may be is told as STALE, with the prices that it has.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Final
from weakref import WeakKeyDictionary

import structlog
from django.conf import settings

from market.quote_board import read_board
from market.quote_stream import quote_sheets
from market.quotes import UNKNOWN_MARKET, Quote, QuoteSheet, as_of

log = structlog.get_logger(__name__)


class LatestQuotes:
    """The latest sheet that came."""

    def __init__(self) -> None:
        self._sheet = UNKNOWN_MARKET
        self._by_symbol: Mapping[str, Quote] = {}
        self._following: asyncio.Task[None] | None = None
        self._is_loaded = asyncio.Event()

    async def load(self) -> None:
        """Begin to follow the stream, if nobody has; returns once the board was read."""
        if self._following is None or self._following.done():
            self._following = asyncio.create_task(self._follow())
        await self._is_loaded.wait()

    def sheet(self) -> QuoteSheet:
        """Return the latest sheet, STALE when it is too old."""
        return as_of(self._sheet, now_us=_now_us())

    def by_symbol(self) -> Mapping[str, Quote]:
        """Return the quotes of that sheet by symbol."""
        return self._by_symbol

    async def _follow(self) -> None:
        try:
            self._take(await asyncio.to_thread(read_board, redis_url=settings.REDIS_URL, now_us=_now_us()))
        finally:
            self._is_loaded.set()
        try:
            async for sheet in quote_sheets(redis_url=settings.REDIS_URL):
                self._take(sheet)
        except Exception:  # Whoever asks next begins anew; until then what is known grows stale, and says so.
            log.exception("latest_quotes.ended")

    def _take(self, sheet: QuoteSheet) -> None:
        self._sheet, self._by_symbol = sheet, {quote.symbol: quote for quote in sheet.quotes}


_LATEST: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, LatestQuotes]] = WeakKeyDictionary()


def latest_quotes() -> LatestQuotes:
    """Return the quotes of the running event loop."""
    return _LATEST.setdefault(asyncio.get_running_loop(), LatestQuotes())


def _now_us() -> int:
    return time.time_ns() // 1_000
