"""Mean reversion: buy near the day's low, sell near the day's high."""

from typing import Final

from tradingplatform.demo.strategies.choosing import pick
from tradingplatform.demo.strategies.sizing import BASIS_POINTS, buy, sell
from tradingplatform.demo.strategies.views import Decision, Hold, PortfolioView, Quotes, QuoteView

RANGE_BP_MIN: Final = 40  # A day's range below 0.4 % of the price has no top and no bottom yet.
EDGE_BP: Final = 2_000  # The top and the bottom are the outer fifths of the range.


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
