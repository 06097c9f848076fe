"""The rules that a trade has to pass, and an order as the trade that it may become: a ladder of guards, each with a
stable code and the figures that explain it.

Portfolio value is cash plus every position at the price that the account last traded it at, this trade's price
included. `price_bound` and `breach_of` are functions of integers alone, and also run compiled (see values.py).
"""

from typing import Final

import msgspec

from accounts.domain.commands import ExecuteTrade
from accounts.domain.errors import Code
from accounts.domain.state import NO_POSITION, Account, Order, Position
from accounts.domain.values import BASIS_POINTS, POSITION_MAX, SCALE, VALUE_MAX, multiply_divide, value_of

DEFAULT_MAX_POSITION_BP: Final = 1_000  # 10 % of the portfolio in one symbol after a buy.
DEFAULT_MAX_DAILY_VALUE: Final = 1_000_000 * SCALE  # Traded value per UTC day.
DEFAULT_MAX_TRADE_VALUE: Final = 100_000 * SCALE  # Value of one trade.

PASSED: Final = 0
TRADE_LIMIT: Final = 1
DAILY_LIMIT: Final = 2
FUNDS: Final = 3
SHARES: Final = 4
VALUE_LIMIT: Final = 5
POSITION_LIMIT: Final = 6
QUANTITY_LIMIT: Final = 7
TOO_SMALL: Final = 8
PRICE_BAND: Final = 9
CODES: Final = (
    None,
    Code.TRADE_LIMIT_EXCEEDED,
    Code.DAILY_LIMIT_EXCEEDED,
    Code.INSUFFICIENT_FUNDS,
    Code.INSUFFICIENT_POSITION,
    Code.VALUE_LIMIT_EXCEEDED,
    Code.POSITION_LIMIT_EXCEEDED,
    Code.QUANTITY_LIMIT_EXCEEDED,
    Code.VALUE_TOO_SMALL,
    Code.PRICE_BEYOND_BAND,
)
"""The code of each rule, by its number."""


class Breach(msgspec.Struct, frozen=True, gc=False):
    """A broken rule: its code, the limit and what the command would have made of it, both in the rule's own unit."""

    code: Code
    limit: int | None
    actual: int | None


def price_bound(price: int, market_price: int, band_bp: int) -> int:
    """Return the nearest price at which a trade may be booked: `price` itself within the band around the market's, with
    no band (0), and where the market says nothing (0).
    """
    if band_bp == 0 or market_price == 0:
        return price
    width = market_price * band_bp // BASIS_POINTS
    return min(max(price, market_price - width), market_price + width)


def breach_of(
    is_buy: bool,
    quantity: int,
    price: int,
    value: int,
    cost: int,
    fee: int,
    spendable: int,
    sellable: int,
    cash: int,
    positions_value: int,
    held: int,
    mark: int,
    day_volume: int,
    max_trade_value: int,
    max_daily_value: int,
    max_position_bp: int,
    waived: int,
) -> tuple[int, int, int]:
    """Return the first rule that buying or selling `quantity` at `price` would break, the limit and the actual figure.

    `value` is quantity x price, `cost` the cash that a buy takes or reserves without the `fee`, `spendable` and
    `sellable` what there is of cash and shares, `held` and `mark` the position before, `day_volume` the value traded so
    far that day; `waived` is a bit for each rule that is not judged (see `rules_not_stretched`). Limits measure values:
    a fee is held against cash alone.
    """
    if value == 0:
        return TOO_SMALL, 1, 0
    if value > max_trade_value and not waived & 1 << TRADE_LIMIT:
        return TRADE_LIMIT, max_trade_value, value
    traded = day_volume + value
    if traded > max_daily_value and not waived & 1 << DAILY_LIMIT:
        return DAILY_LIMIT, max_daily_value, traded
    if is_buy and cost + fee > spendable:
        return FUNDS, spendable, cost + fee
    if not is_buy and quantity > sellable:
        return SHARES, sellable, quantity
    if not is_buy and fee > spendable + value:  # The proceeds pay it first.
        return FUNDS, spendable + value, fee
    if is_buy and held + quantity > POSITION_MAX:
        return QUANTITY_LIMIT, POSITION_MAX, held + quantity
    portfolio_value = cash + positions_value - value_of(held, mark) + value_of(held, price)
    if portfolio_value > VALUE_MAX and not waived & 1 << VALUE_LIMIT:
        return VALUE_LIMIT, VALUE_MAX, portfolio_value
    if is_buy and not waived & 1 << POSITION_LIMIT:
        limit = multiply_divide(max_position_bp, portfolio_value, BASIS_POINTS)
        position_value = value_of(held + quantity, price)
        if position_value > limit:
            return POSITION_LIMIT, limit, position_value
    return PASSED, 0, 0


def trade_breach(
    account: Account, trade: ExecuteTrade, day: int, order: Order | None, freed: tuple[int, int] = (0, 0)
) -> Breach | None:
    """Return the first rule that a trade would break on a UTC day, or None when it may happen.

    What working orders reserve is not there to spend, but for a fill of `order` what it frees: cash and shares. A fill
    has the price that its order allows; that of any other trade has to be within the band around the market's, which is
    judged first: what a wrong price comes to says nothing about limits.
    """
    if order is None:
        bound = price_bound(trade.price, trade.market_price, account.price_band_bp)
        if bound != trade.price:
            return Breach(Code.PRICE_BEYOND_BAND, bound, trade.price)
    symbol, quantity = trade.symbol, trade.quantity
    position = account.positions.get(symbol, NO_POSITION)
    cash = account.cash - account.reserved_cash + freed[0]
    shares = position[0] + freed[1]
    if account.reserved_shares:
        shares -= account.reserved_shares.get(symbol, 0)
    price = trade.price
    value = value_of(quantity, price)
    fee = account.fee(quantity, value, order)
    return judged(account, position, trade.side == "BUY", quantity, price, value, value, fee, cash, shares, day)


def judged(
    account: Account,
    position: Position,
    is_buy: bool,
    quantity: int,
    price: int,
    value: int,
    cost: int,
    fee: int,
    spendable: int,
    sellable: int,
    day: int,
    waived: int = 0,
) -> Breach | None:
    """Return what `breach_of` finds for an account, by its code; None when every rule is kept."""
    rule, limit, actual = breach_of(
        is_buy,
        quantity,
        price,
        value,
        cost,
        fee,
        spendable,
        sellable,
        account.cash,
        account.positions_value,
        position[0],
        position[2],
        account.day_volume if account.day == day else 0,
        account.max_trade_value,
        account.max_daily_value,
        account.max_position_bp,
        waived,
    )
    code = CODES[rule]
    return None if code is None else Breach(code, limit, actual)


def rules_not_stretched(
    account: Account, position: Position, *, old_quantity: int, old_price: int, quantity: int, price: int
) -> int:
    """Return the rules by which an order that takes another one's place comes to no more than that one did: a bit each.

    Each rule by what it measures: the value, what the account is worth at the price, and the share of the portfolio
    (compared crosswise, so that nothing is divided). Cash and shares are not here: the old order keeps what it needs.
    """
    rules = 0
    if value_of(quantity, price) <= value_of(old_quantity, old_price):
        rules |= 1 << TRADE_LIMIT | 1 << DAILY_LIMIT
    if price <= old_price:
        rules |= 1 << VALUE_LIMIT
    held = position.quantity
    part, old_part = value_of(held + quantity, price), value_of(held + old_quantity, old_price)
    if part * portfolio_value_at(account, position, old_price) <= old_part * portfolio_value_at(
        account, position, price
    ):
        rules |= 1 << POSITION_LIMIT
    return rules


def portfolio_value_at(account: Account, position: Position, price: int) -> int:
    """Return what the account is worth with one of its positions at another price than it last traded at."""
    held, mark = position.quantity, position.mark
    return account.cash + account.positions_value - value_of(held, mark) + value_of(held, price)
