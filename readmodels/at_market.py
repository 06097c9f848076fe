"""What an account and its positions are worth at the market's prices. The account itself goes by the price that it last
traded a symbol at, or was last marked at (`last_price`): its rules are judged by that, and it is what is recorded.

Pure: positions and quotes in, rows out, of the shapes in shapes.py. The page makes the same sums from the quotes that
it has (frontend/src/core/valuation.ts); readmodels/tests/rule_cases.py holds both to the same figures.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from accounts.domain.values import value_of
from market.quotes import Quote, QuoteSheet, is_quote_stale
from readmodels.projections.rows import Row

SOURCES: Final = ("market", "last price")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def position_at_market(position: Row, quote: Quote | None, sheet: QuoteSheet, *, now_us: int) -> Row:
    """Return a position with what it is worth at a quote, or at the account's own price without one, as `at_market`."""
    quantity, cost = position["quantity"], position["cost"]
    price = position["last_price"] if quote is None else quote.price
    value, close = value_of(quantity, price), None if quote is None else quote.previous_close
    found: dict[str, Any] = {
        "price": price,
        "price_at": None if quote is None else _instant(quote.at_us),
        "source": SOURCES[quote is None],
        "is_stale": quote is not None and is_quote_stale(quote, sheet, now_us=now_us),
        "market_value": value,
        "unrealized_pnl": value - cost,
        "day_change": None if close is None else value - value_of(quantity, close),
    }
    return {**position, "at_market": found}


def positions_at_market(
    positions: Sequence[Row], quotes: Mapping[str, Quote], sheet: QuoteSheet, *, now_us: int
) -> list[Row]:
    """Return positions with what each is worth, as `at_market`."""
    return [
        position_at_market(position, quotes.get(position["symbol"]), sheet, now_us=now_us) for position in positions
    ]


def account_at_market(*, cash: int, reserved_cash: int, positions: Sequence[Row], sheet: QuoteSheet) -> Row:
    """Return what an account is worth with positions that are valued (`positions_at_market`)."""
    valued = [position["at_market"] for position in positions]
    value = sum(each["market_value"] for each in valued)
    return {
        "quoted_at": _instant(sheet.made_at_us) if sheet.made_at_us else None,
        "is_stale": any(each["is_stale"] for each in valued),
        "is_complete": all(each["source"] == SOURCES[0] for each in valued),
        "buying_power": cash - reserved_cash,
        "positions_value": value,
        "equity": cash + value,
        "unrealized_pnl": sum(each["unrealized_pnl"] for each in valued),
        "day_change": sum(each["day_change"] or 0 for each in valued),
    }


def _instant(at_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at_us)
