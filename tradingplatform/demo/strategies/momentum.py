"""Momentum: sell what has fallen since the open, buy what has risen most."""

from typing import Final

from tradingplatform.demo.strategies.choosing import pick
from tradingplatform.demo.strategies.sizing import BASIS_POINTS, buy, sell
from tradingplatform.demo.strategies.views import Decision, Hold, PortfolioView, Quotes, QuoteView

MOVE_BP_MIN: Final = 25  # A move of 0.25 % since the open is a trend.
LEADERS: Final = 5


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
