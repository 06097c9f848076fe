"""What a strategy sees and what it answers: quotes, a portfolio, a decision. Immutable; money is in integers of
ten-thousandths. Strategies trade whole shares, and count the parts of shares that somebody else has bought.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Side = Literal["BUY", "SELL"]


@dataclass(frozen=True, slots=True)
class QuoteView:
    """One instrument's prices."""

    symbol: str
    price: int
    session_open: int
    day_high: int
    day_low: int


@dataclass(frozen=True, slots=True)
class Holding:
    """One open position: shares, and what they cost in all."""

    quantity: Decimal
    cost: int


@dataclass(frozen=True, slots=True)
class Limits:
    """The account's risk limits; the share of one position in basis points of the portfolio's value."""

    position_bp_max: int
    daily_value_max: int
    trade_value_max: int


@dataclass(frozen=True, slots=True)
class PortfolioView:
    """An account as its owner sees it; `day_volume` is what it has traded today (UTC)."""

    cash: int
    portfolio_value: int
    day_volume: int
    limits: Limits
    holdings: Mapping[str, Holding]

    def value_of(self, quote: QuoteView) -> int:
        """Return what the shares of a symbol are worth at its quote, rounded up; 0 when none are held."""
        holding = self.holdings.get(quote.symbol)
        return math.ceil(holding.quantity * quote.price) if holding else 0

    def whole_shares_of(self, symbol: str) -> int:
        """Return the whole shares held of a symbol, 0 when none."""
        holding = self.holdings.get(symbol)
        return int(holding.quantity) if holding else 0


@dataclass(frozen=True, slots=True)
class Trade:
    """Buy or sell this many whole shares at this price."""

    symbol: str
    side: Side
    quantity: int
    price: int
    reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Do nothing this time."""

    reason: str


Decision = Trade | Hold
Quotes = Mapping[str, QuoteView]

# A strategy is given a draw from [0, 1) instead of a source of randomness, so that it stays a pure function.
Strategy = Callable[[Quotes, PortfolioView, float], Decision]
