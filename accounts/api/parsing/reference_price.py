"""The price that a market order is reckoned at, and that a booked trade has to be near: what the market said when it
came in.

From the sheets that the event loop follows (market/live_quotes.py): no server is asked when an order comes, so one
that hangs holds up nobody. What is looked up is kept for a moment, since a program may place hundreds of orders a
second. A market that says nothing, or nothing new of a symbol, gives no price of it: such an order is refused and not
guessed at, such a trade is held to none; the same goes for a price that no order can have. The account refuses, and not
this edge, so that a command which was executed before is recognised when it is sent again.
"""

import time
from collections.abc import Mapping
from typing import Final

from accounts.domain.values import PRICE_MAX
from market.live_quotes import LiveQuotes, live_quotes
from market.quotes import UNKNOWN_MARKET, is_quote_stale

PRICES_SECONDS: Final = 0.5
"""How long prices are used before it is looked for newer ones."""


class ReferencePrices:
    """Prices by symbol, in ten-thousandths, of one event loop; none before they are loaded."""

    def __init__(self) -> None:
        self._quotes: LiveQuotes | None = None
        self._prices: dict[str, int] = {}
        self._good_until = float("-inf")

    async def load(self) -> None:
        """Follow the market, if that has not begun; returns once something is known, or that nothing is."""
        quotes = live_quotes()
        if quotes is not self._quotes:
            self._quotes, self._good_until = quotes, float("-inf")
        await quotes.load()

    def __call__(self, symbol: str) -> int:
        """Return a symbol's price, 0 when none is known now."""
        return self.latest().get(symbol, 0)

    def latest(self) -> Mapping[str, int]:
        """Return the prices that are known now, of one look, by symbol."""
        if time.monotonic() >= self._good_until:
            now_us = time.time_ns() // 1_000
            sheet = UNKNOWN_MARKET if self._quotes is None else self._quotes.sheet()
            self._prices = {
                quote.symbol: quote.price
                for quote in sheet.quotes
                if quote.price <= PRICE_MAX and not is_quote_stale(quote, sheet, now_us=now_us)
            }
            self._good_until = time.monotonic() + PRICES_SECONDS
        return self._prices


reference_price: Final = ReferencePrices()
"""The prices of this process."""
