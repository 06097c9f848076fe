"""Accumulator: buys a little of what it has least of, and takes a profit when the cash runs low."""

from typing import Final

from tradingplatform.demo.strategies.choosing import pick
from tradingplatform.demo.strategies.sizing import BASIS_POINTS, buy, sell
from tradingplatform.demo.strategies.views import Decision, Hold, PortfolioView, Quotes, QuoteView

CASH_BP_MIN: Final = 1_000  # Below 10 % of the portfolio in cash it sells instead of buying.
REST_SHARE: Final = 0.5  # It lets every other turn go by: slowly is the point.
SMALLEST: Final = 3


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
