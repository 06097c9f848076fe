"""The rules that a trade has to pass, and an order as the trade that it may become: a ladder of guards, each with a
stable code and the figures that explain it.

Portfolio value is cash plus every position at the price that the account last traded it at, this trade's price
included. All arithmetic is exact: the share of a position is compared by multiplying, never by dividing.
"""

from typing import Final

import msgspec

from accounts.domain.commands import ExecuteTrade
from accounts.domain.errors import Code
from accounts.domain.events import Side
from accounts.domain.state import NO_POSITION, Account, Order, Position
from accounts.domain.values import BASIS_POINTS, SCALE, VALUE_MAX

NO_CODES: Final[frozenset[Code]] = frozenset()

DEFAULT_MAX_POSITION_BP: Final = 1_000  # 10 % of the portfolio in one symbol after a buy.
DEFAULT_MAX_DAILY_VALUE: Final = 1_000_000 * SCALE  # Traded value per UTC day.
DEFAULT_MAX_TRADE_VALUE: Final = 100_000 * SCALE  # Value of one trade.


class Breach(msgspec.Struct, frozen=True, gc=False):
    """A broken rule: its code, the limit and what the command would have made of it, both in the rule's own unit."""

    code: Code
    limit: int | None
    actual: int | None


def trade_breach(account: Account, trade: ExecuteTrade, day: int, order: Order | None) -> Breach | None:
    """Return the first rule that a trade would break on a UTC day, or None when it may happen.

    What working orders reserve is not there to spend, but for a fill of `order` what these shares of it kept.
    """
    symbol, quantity = trade.symbol, trade.quantity
    position = account.positions.get(symbol, NO_POSITION)
    cash = account.cash - account.reserved_cash
    shares = position[0]
    if account.reserved_shares:
        shares -= account.reserved_shares.get(symbol, 0)
    if order is not None:
        cash += order.reserved_cash(quantity)
        shares += order.reserved_shares(quantity)
    price = trade.price
    return breach_of(account, position, trade.side, quantity, price, quantity * price, cash, shares, day)


def breach_of(
    account: Account,
    position: Position,
    side: Side,
    quantity: int,
    price: int,
    cost: int,
    cash: int,
    shares: int,
    day: int,
    not_judged: frozenset[Code] = NO_CODES,
) -> Breach | None:
    """Return the first rule that buying or selling `quantity` at `price` would break on a UTC day.

    `cost` is the cash that a buy takes or reserves, `cash` and `shares` what there is to spend and to sell;
    `not_judged` are the limits that hold for what is there already (see `limits_not_stretched`).
    """
    value = quantity * price
    if value > account.max_trade_value and Code.TRADE_LIMIT_EXCEEDED not in not_judged:
        return Breach(Code.TRADE_LIMIT_EXCEEDED, account.max_trade_value, value)
    traded = account.day_volume + value if account.day == day else value
    if traded > account.max_daily_value and Code.DAILY_LIMIT_EXCEEDED not in not_judged:
        return Breach(Code.DAILY_LIMIT_EXCEEDED, account.max_daily_value, traded)
    is_buy = side == "BUY"
    if is_buy and cost > cash:
        return Breach(Code.INSUFFICIENT_FUNDS, cash, cost)
    if not is_buy and quantity > shares:
        return Breach(Code.INSUFFICIENT_POSITION, shares, quantity)
    held = position[0]
    portfolio_value = portfolio_value_at(account, position, price)
    if portfolio_value > VALUE_MAX and Code.VALUE_LIMIT_EXCEEDED not in not_judged:
        return Breach(Code.VALUE_LIMIT_EXCEEDED, VALUE_MAX, portfolio_value)
    if not is_buy or Code.POSITION_LIMIT_EXCEEDED in not_judged:
        return None
    position_value = (held + quantity) * price
    if position_value * BASIS_POINTS > account.max_position_bp * portfolio_value:
        return Breach(
            Code.POSITION_LIMIT_EXCEEDED, account.max_position_bp * portfolio_value // BASIS_POINTS, position_value
        )
    return None


def limits_not_stretched(
    account: Account, position: Position, *, old_quantity: int, old_price: int, quantity: int, price: int
) -> frozenset[Code]:
    """Return the limits by which an order that takes another one's place comes to no more than that one did.

    Each limit by what it measures: the value, what the account is worth at the price, and the share of the portfolio
    (compared crosswise, so that nothing is divided). Cash and shares are not here: the old order keeps what it needs.
    """
    codes = set()
    if quantity * price <= old_quantity * old_price:
        codes |= {Code.TRADE_LIMIT_EXCEEDED, Code.DAILY_LIMIT_EXCEEDED}
    if price <= old_price:
        codes.add(Code.VALUE_LIMIT_EXCEEDED)
    held = position.quantity
    part, old_part = (held + quantity) * price, (held + old_quantity) * old_price
    if part * portfolio_value_at(account, position, old_price) <= old_part * portfolio_value_at(
        account, position, price
    ):
        codes.add(Code.POSITION_LIMIT_EXCEEDED)
    return frozenset(codes)


def portfolio_value_at(account: Account, position: Position, price: int) -> int:
    """Return what the account is worth with one of its positions at another price than it last traded at."""
    return account.cash + account.positions_value + position[0] * (price - position[2])
