"""Rebalancer: the same value of every stock, with a little cash left over."""

from typing import Final

from tradingplatform.demo.strategies.sizing import BASIS_POINTS, buy, sell
from tradingplatform.demo.strategies.views import Decision, Hold, PortfolioView, Quotes, QuoteView

INVESTED_BP: Final = 9_000  # 90 % of the portfolio is in stocks.
DRIFT_BP_MIN: Final = 10  # A stock may be off its target by 0.1 % of the portfolio.


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
