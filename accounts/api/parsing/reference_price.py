"""The price that a market order is reckoned at, and that a booked trade has to be near: what the market said when it
came in.

Read from the quote board, and kept for a moment, since a program may place hundreds of orders a second. A market that
says nothing, or nothing new of a symbol, gives no price of it: such an order is refused and not guessed at, such a
trade is held to none. The account refuses, and not this edge, so that a command which was executed before is recognised
when it is sent again.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from django.conf import settings

from market.quote_board import read_board
from market.quotes import QuoteSheet, is_quote_stale

PRICES_SECONDS: Final = 0.5
"""How long prices are used before the board is read again."""


class ReferencePrices:
    """Prices by symbol, in ten-thousandths; `read` gives the quotes as they are at an instant (UTC microseconds)."""

    def __init__(self, read: Callable[[int], QuoteSheet], clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._prices: dict[str, int] = {}
        self._good_until = float("-inf")

    def __call__(self, symbol: str) -> int:
        """Return a symbol's price, 0 when none is known now."""
        return self.latest().get(symbol, 0)

    def latest(self) -> Mapping[str, int]:
        """Return the prices that are known now, of one look, by symbol."""
        with self._lock:
            if self._clock() >= self._good_until:
                now_us = time.time_ns() // 1_000
                sheet = self._read(now_us)
                self._prices = {
                    quote.symbol: quote.price
                    for quote in sheet.quotes
                    if not is_quote_stale(quote, sheet, now_us=now_us)
                }
                self._good_until = self._clock() + PRICES_SECONDS
            return self._prices


reference_price: Final = ReferencePrices(lambda now_us: read_board(redis_url=settings.REDIS_URL, now_us=now_us))
"""The prices of this process."""
