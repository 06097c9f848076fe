"""What a strategy sees and what it decides: quotes, a portfolio, a trade of a small slice. Immutable; money is in
integers of ten-thousandths. Strategies trade whole shares, and count the parts of shares that somebody else has bought.

A slice stays clear of every limit of the account. The platform decides what is allowed; this only keeps a well-behaved
trader from asking for what would be refused. It leaves a margin, because prices move between the look and the trade.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

BASIS_POINTS: Final = 10_000
SLICE_BP: Final = 50  # One trade is about 0.5 % of the portfolio,
DAY_SHARE_BP: Final = 20  # and at most 0.2 % of what may still be traded today, so that a day is never used up early.
MARGIN_BP: Final = 9_500  # Limits and cash are used up to 95 % only.
SINGLE_SHARE_STRETCH: Final = 4  # One share of an expensive stock may cost up to four times the slice.

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
    """Buy or sell this many whole shares at the market's price."""

    symbol: str
    side: Side
    quantity: int
    reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Do nothing this time."""

    reason: str


Decision = Trade | Hold
Quotes = Mapping[str, QuoteView]

# A strategy is given a draw from [0, 1) instead of a source of randomness, so that it stays a pure function.
Strategy = Callable[[Quotes, PortfolioView, float], Decision]


def buy(quote: QuoteView, portfolio: PortfolioView, *, reason: str, value_max: int | None = None) -> Decision:
    """Buy a slice, at most for `value_max`, or hold when a limit leaves no room for a single share."""
    room = min(
        portfolio.cash * MARGIN_BP // BASIS_POINTS,
        _position_room(quote, portfolio),
        portfolio.limits.trade_value_max * MARGIN_BP // BASIS_POINTS,
        _day_room(portfolio),
    )
    quantity = _whole_shares(quote.price, wanted=slice_value(portfolio), room=room, value_max=value_max)
    if quantity == 0:
        return Hold(f"no room to buy {quote.symbol}")
    return Trade(symbol=quote.symbol, side="BUY", quantity=quantity, reason=reason)


def sell(quote: QuoteView, portfolio: PortfolioView, *, reason: str, value_max: int | None = None) -> Decision:
    """Sell a slice of what is held, at most for `value_max`, or hold when there is nothing or no room to
    sell.
    """
    room = min(portfolio.limits.trade_value_max * MARGIN_BP // BASIS_POINTS, _day_room(portfolio))
    quantity = min(
        portfolio.whole_shares_of(quote.symbol),
        _whole_shares(quote.price, wanted=slice_value(portfolio), room=room, value_max=value_max),
    )
    if quantity == 0:
        return Hold(f"nothing to sell of {quote.symbol}")
    return Trade(symbol=quote.symbol, side="SELL", quantity=quantity, reason=reason)


def slice_value(portfolio: PortfolioView) -> int:
    """Return the value of one slice: a share of the portfolio and of what is left of the day's limit."""
    return min(
        portfolio.portfolio_value * SLICE_BP // BASIS_POINTS, _day_room(portfolio) * DAY_SHARE_BP // BASIS_POINTS
    )


def day_room_share(portfolio: PortfolioView) -> float:
    """Return how much of the day's limit is left, from 0.0 to 1.0; traders slow down as it shrinks."""
    if portfolio.limits.daily_value_max <= 0:
        return 0.0
    return _day_room(portfolio) / portfolio.limits.daily_value_max


def _day_room(portfolio: PortfolioView) -> int:
    return max(portfolio.limits.daily_value_max * MARGIN_BP // BASIS_POINTS - portfolio.day_volume, 0)


def _position_room(quote: QuoteView, portfolio: PortfolioView) -> int:
    share_bp = portfolio.limits.position_bp_max * MARGIN_BP // BASIS_POINTS
    allowed = portfolio.portfolio_value * share_bp // BASIS_POINTS
    return max(allowed - portfolio.value_of(quote), 0)


def _whole_shares(price: int, *, wanted: int, room: int, value_max: int | None) -> int:
    ceiling = room if value_max is None else min(room, value_max)
    quantity = min(wanted, ceiling) // price
    if quantity == 0 and price <= min(ceiling, wanted * SINGLE_SHARE_STRETCH):
        return 1
    return quantity
