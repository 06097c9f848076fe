"""The rules that a trade has to pass: a ladder of guards, each with a stable code and the figures that explain it.

Portfolio value is cash plus every position at the price that the account last traded it at, this trade's price
included. All arithmetic is exact: the share of a position is compared by multiplying, never by dividing.
"""

from typing import Final, NamedTuple

from accounts.domain.commands import ExecuteTrade
from accounts.domain.errors import Code
from accounts.domain.state import NO_POSITION, Account, Position
from accounts.domain.values import BASIS_POINTS, SCALE, VALUE_MAX

DEFAULT_MAX_POSITION_BP: Final = 1_000  # 10 % of the portfolio in one symbol after a buy.
DEFAULT_MAX_DAILY_VALUE: Final = 1_000_000 * SCALE  # Traded value per UTC day.
DEFAULT_MAX_TRADE_VALUE: Final = 100_000 * SCALE  # Value of one trade.


class Breach(NamedTuple):
    """A broken rule: its code, the limit and what the command would have made of it, both in the rule's own unit."""

    code: Code
    limit: int | None
    actual: int | None


def trade_breach(account: Account, trade: ExecuteTrade, day: int) -> Breach | None:
    """Return the first rule that a trade would break on a UTC day, or None when it may happen."""
    value = trade.quantity * trade.price
    if value > account.max_trade_value:
        return Breach(Code.TRADE_LIMIT_EXCEEDED, account.max_trade_value, value)
    traded = account.day_volume if account.day == day else 0
    if traded + value > account.max_daily_value:
        return Breach(Code.DAILY_LIMIT_EXCEEDED, account.max_daily_value, traded + value)
    position = account.positions.get(trade.symbol, NO_POSITION)
    is_buy = trade.side == "BUY"
    if is_buy and value > account.cash:
        return Breach(Code.INSUFFICIENT_FUNDS, account.cash, value)
    if not is_buy and trade.quantity > position.quantity:
        return Breach(Code.INSUFFICIENT_POSITION, position.quantity, trade.quantity)
    return _value_breach(account, position, trade)


def _value_breach(account: Account, position: Position, trade: ExecuteTrade) -> Breach | None:
    """Check what the trade's price makes of the position and the portfolio."""
    portfolio_value = account.portfolio_value + position.quantity * (trade.price - position.mark)
    if portfolio_value > VALUE_MAX:
        return Breach(Code.VALUE_LIMIT_EXCEEDED, VALUE_MAX, portfolio_value)
    if trade.side == "SELL":
        return None
    position_value = (position.quantity + trade.quantity) * trade.price
    if position_value * BASIS_POINTS > account.max_position_bp * portfolio_value:
        return Breach(
            Code.POSITION_LIMIT_EXCEEDED, account.max_position_bp * portfolio_value // BASIS_POINTS, position_value
        )
    return None
