"""The demo traders' strategies: pure functions of quotes, a portfolio and a draw from [0, 1) to a decision.

They are simple on purpose, to keep the demonstration moving; none is meant to make money. `STRATEGIES` has them by the
name that demo.json uses.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeVar

from tradingplatform.demo.decisions import (
    BASIS_POINTS,
    Decision,
    Hold,
    PortfolioView,
    Quotes,
    QuoteView,
    Strategy,
    buy,
    sell,
)

Candidate = TypeVar("Candidate")

# momentum
MOVE_BP_MIN: Final = 25  # A move of 0.25 % since the open is a trend.
LEADERS: Final = 5
# mean_reversion
RANGE_BP_MIN: Final = 40  # A day's range below 0.4 % of the price has no top and no bottom yet.
EDGE_BP: Final = 2_000  # The top and the bottom are the outer fifths of the range.
# rebalancer
INVESTED_BP: Final = 9_000  # 90 % of the portfolio is in stocks.
DRIFT_BP_MIN: Final = 10  # A stock may be off its target by 0.1 % of the portfolio.
# accumulator
CASH_BP_MIN: Final = 1_000  # Below 10 % of the portfolio in cash it sells instead of buying.
REST_SHARE: Final = 0.5  # It lets every other turn go by: slowly is the point.
SMALLEST: Final = 3


def pick(candidates: Sequence[Candidate], draw: float) -> Candidate:
    """Return the candidate that a draw from [0, 1) falls on; every one is as likely as the others."""
    return candidates[int(draw * len(candidates))]


def momentum(quotes: Quotes, portfolio: PortfolioView, draw: float) -> Decision:
    """Sell a slice of a holding that is falling; else buy a slice of one of the five strongest risers."""
    falling = [
        quote
        for quote in quotes.values()
        if portfolio.whole_shares_of(quote.symbol) and _move_bp(quote) <= -MOVE_BP_MIN
    ]
    if falling:
        return sell(pick(falling, draw), portfolio, reason="it falls")
    rising = sorted((quote for quote in quotes.values() if _move_bp(quote) >= MOVE_BP_MIN), key=_move_bp, reverse=True)
    if not rising:
        return Hold("nothing moves enough")
    return buy(pick(rising[:LEADERS], draw), portfolio, reason="it rises")


def _move_bp(quote: QuoteView) -> int:
    return (quote.price - quote.session_open) * BASIS_POINTS // quote.session_open


def mean_reversion(quotes: Quotes, portfolio: PortfolioView, draw: float) -> Decision:
    """Sell a slice of a holding at the top of its range; else buy a slice of a stock at the bottom."""
    ranged = [quote for quote in quotes.values() if _range_bp(quote) >= RANGE_BP_MIN]
    high = [
        quote
        for quote in ranged
        if portfolio.whole_shares_of(quote.symbol) and _place_bp(quote) >= BASIS_POINTS - EDGE_BP
    ]
    if high:
        return sell(pick(high, draw), portfolio, reason="near the day's high")
    low = [quote for quote in ranged if _place_bp(quote) <= EDGE_BP]
    if not low:
        return Hold("every price is in the middle of its range")
    return buy(pick(low, draw), portfolio, reason="near the day's low")


def _range_bp(quote: QuoteView) -> int:
    return (quote.day_high - quote.day_low) * BASIS_POINTS // quote.price


def _place_bp(quote: QuoteView) -> int:
    return (quote.price - quote.day_low) * BASIS_POINTS // (quote.day_high - quote.day_low)


def rebalancer(quotes: Quotes, portfolio: PortfolioView, draw: float) -> Decision:
    """Bring the stock that is furthest from its target a slice closer to it; the draw is not used."""
    if not quotes:
        return Hold("no quotes")
    target = portfolio.portfolio_value * INVESTED_BP // BASIS_POINTS // len(quotes)

    def excess(quote: QuoteView) -> int:
        return portfolio.value_of(quote) - target

    furthest = max(quotes.values(), key=lambda quote: abs(excess(quote)))
    drift = excess(furthest)
    if abs(drift) < portfolio.portfolio_value * DRIFT_BP_MIN // BASIS_POINTS:
        return Hold("balanced")
    if drift > 0:
        return sell(furthest, portfolio, reason="above its share", value_max=drift)
    return buy(furthest, portfolio, reason="below its share", value_max=-drift)


def accumulator(quotes: Quotes, portfolio: PortfolioView, draw: float) -> Decision:
    """Buy a slice of one of the three smallest holdings; with little cash, sell a slice of the biggest
    winner.
    """
    if draw < REST_SHARE or not quotes:
        return Hold("it rests")
    if portfolio.cash * BASIS_POINTS < portfolio.portfolio_value * CASH_BP_MIN:
        return _take_profit(quotes, portfolio)
    by_value = sorted(quotes.values(), key=portfolio.value_of)
    return buy(pick(by_value[:SMALLEST], (draw - REST_SHARE) / (1 - REST_SHARE)), portfolio, reason="little of it")


def _take_profit(quotes: Quotes, portfolio: PortfolioView) -> Decision:
    held = [quotes[symbol] for symbol in portfolio.holdings if symbol in quotes and portfolio.whole_shares_of(symbol)]

    def gain(quote: QuoteView) -> int:
        return portfolio.value_of(quote) - portfolio.holdings[quote.symbol].cost

    if not held:
        return Hold("no cash and no holdings")
    return sell(max(held, key=gain), portfolio, reason="cash is low")


STRATEGIES: Final[Mapping[str, Strategy]] = MappingProxyType(
    {
        "momentum": momentum,
        "mean_reversion": mean_reversion,
        "rebalancer": rebalancer,
        "accumulator": accumulator,
    }
)
