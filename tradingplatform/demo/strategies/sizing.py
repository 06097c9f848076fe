"""How much to trade: a small slice at a time that stays clear of every limit of the account.

The platform decides what is allowed; this only keeps a well-behaved trader from asking for what would be
refused. It leaves a margin, because prices move between the look and the trade.
"""

from typing import Final

from tradingplatform.demo.strategies.views import Decision, Hold, PortfolioView, QuoteView, Trade

BASIS_POINTS: Final = 10_000
SLICE_BP: Final = 50  # One trade is about 0.5 % of the portfolio,
DAY_SHARE_BP: Final = 20  # and at most 0.2 % of what may still be traded today, so that a day is never used up early.
MARGIN_BP: Final = 9_500  # Limits and cash are used up to 95 % only.
SINGLE_SHARE_STRETCH: Final = 4  # One share of an expensive stock may cost up to four times the slice.


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
    return Trade(symbol=quote.symbol, side="BUY", quantity=quantity, price=quote.price, reason=reason)


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
    return Trade(symbol=quote.symbol, side="SELL", quantity=quantity, price=quote.price, reason=reason)


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
