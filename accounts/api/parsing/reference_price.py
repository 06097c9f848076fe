"""The price that a market order is reckoned at, and that a booked trade has to be near: what the market said when it
came in.

Read from the quote board on a thread of its own, one reading at a time, so that a Redis that hangs holds up no event
loop; and kept for a moment, since a program may place hundreds of orders a second. A market that says nothing, or
nothing new of a symbol, gives no price of it: such an order is refused and not guessed at, such a trade is held to
none; the same goes for a price that no order can have. The account refuses, and not this edge, so that a command which
was executed before is recognised when it is sent again.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from django.conf import settings

from accounts.domain.values import PRICE_MAX
from market.quote_board import read_board
from market.quotes import QuoteSheet, is_quote_stale
from market.replay import Phase

PRICES_SECONDS: Final = 0.5
"""How long prices are used before the board is read again."""
READING_SECONDS_MAX: Final = 3.0
"""How long they are used at most while it is being read again; the board gives up before."""
SILENT_WAIT_SECONDS_MAX: Final = 0.5
"""How long a reading is waited for when the one before found nothing: that of a server which hangs takes long."""


class ReferencePrices:
    """Prices by symbol, in ten-thousandths; `read` gives the quotes as they are at an instant (UTC microseconds)."""

    def __init__(self, read: Callable[[int], QuoteSheet]) -> None:
        self._read = read
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="reference-prices")
        self._reading: Future[None] | None = None
        self._prices: Mapping[str, int] = {}
        self._is_silent = False
        self._good_until = float("-inf")

    async def load(self) -> None:
        """Read the board again, if that is due; returns when that is done, or takes too long."""
        if (self._reading is None or self._reading.done()) and time.monotonic() >= self._good_until:
            self._reading = self._thread.submit(self._refresh)
        if self._reading is not None and not self._reading.done():
            wait_seconds = SILENT_WAIT_SECONDS_MAX if self._is_silent else READING_SECONDS_MAX
            await asyncio.wait([asyncio.wrap_future(self._reading)], timeout=wait_seconds)

    def __call__(self, symbol: str) -> int:
        """Return a symbol's price, 0 when none is known now."""
        return self.latest().get(symbol, 0)

    def latest(self) -> Mapping[str, int]:
        """Return the prices that were loaded, of one look, by symbol; none when that was too long ago."""
        return self._prices if time.monotonic() < self._good_until + READING_SECONDS_MAX else {}

    def _refresh(self) -> None:
        now_us = time.time_ns() // 1_000
        sheet = self._read(now_us)
        self._prices = {
            quote.symbol: quote.price
            for quote in sheet.quotes
            if quote.price <= PRICE_MAX and not is_quote_stale(quote, sheet, now_us=now_us)
        }
        self._is_silent = sheet.phase is Phase.STALE
        self._good_until = time.monotonic() + PRICES_SECONDS


reference_price: Final = ReferencePrices(lambda now_us: read_board(redis_url=settings.REDIS_URL, now_us=now_us))
"""The prices of this process."""
