"""Quotes and portfolios to test strategies with; prices and values in whole dollars."""

from decimal import Decimal

from tradingplatform.demo.decisions import Holding, Limits, PortfolioView, QuoteView

DOLLAR = 10_000


def quote(symbol, price, *, session_open=None, day_high=None, day_low=None):
    return QuoteView(
        symbol=symbol,
        price=int(price * DOLLAR),
        session_open=int((session_open or price) * DOLLAR),
        day_high=int((day_high or price) * DOLLAR),
        day_low=int((day_low or price) * DOLLAR),
    )


def quotes(*each):
    return {one.symbol: one for one in each}


def portfolio(*, cash=100_000, value=100_000, day_volume=0, holdings=None, **limits):
    return PortfolioView(
        cash=cash * DOLLAR,
        portfolio_value=value * DOLLAR,
        day_volume=day_volume * DOLLAR,
        limits=Limits(
            position_bp_max=limits.get("position_bp_max", 1_000),
            daily_value_max=limits.get("daily_value_max", 1_000_000) * DOLLAR,
            trade_value_max=limits.get("trade_value_max", 100_000) * DOLLAR,
        ),
        holdings={
            symbol: Holding(quantity=Decimal(quantity), cost=cost * DOLLAR)
            for symbol, (quantity, cost) in (holdings or {}).items()
        },
    )
