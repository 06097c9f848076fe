"""What a strategy sees and what it answers: quotes, a portfolio, a decision. Immutable, integers in
ten-thousandths.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
    """One open position: whole shares, and what they cost in all."""

    quantity: int
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

    def quantity_of(self, symbol: str) -> int:
        """Return the shares held of a symbol, 0 when none."""
        holding = self.holdings.get(symbol)
        return holding.quantity if holding else 0


@dataclass(frozen=True, slots=True)
class Trade:
    """Buy or sell this many shares at this price."""

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
