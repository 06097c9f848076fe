"""Trades: what one leads to, by average cost, and what it makes of the account; one by one, or many at once."""

from typing import Final

from accounts.domain.commands import ExecuteTrade
from accounts.domain.events import TradeExecuted
from accounts.domain.state import NO_POSITION, Account, Order, Position
from accounts.domain.values import cost_removed, value_of

VALUE_FITS: Final = 4e24
"""A quantity times a price below it, divided by SHARE, is below 2**62."""
PRODUCT_FITS: Final = 5e33
"""Below 2**112, see values.multiply_divide."""


def effect_of(
    is_buy: bool, quantity: int, value: int, fee: int, cash: int, held: int, cost: int
) -> tuple[int, int, int, int]:
    """Return the cash, the shares, their cost and the realized P&L that a trade of this value leads to.

    A function of integers alone, which also runs compiled (see values.py). Average cost: a sale takes its part along.
    """
    if is_buy:
        return cash - value - fee, held + quantity, cost + value + fee, 0
    removed = cost_removed(cost, held, quantity)
    return cash + value - fee, held - quantity, cost - removed, value - fee - removed


def fits_64_bits(quantity: int, price: int, held: int, cost: int) -> bool:
    """Tell whether all that a trade leads to is exact on 64 bits (see values.multiply_divide)."""
    return (float(held) + float(quantity)) * float(price) < VALUE_FITS and float(cost) * float(quantity) < PRODUCT_FITS


def executed(account: Account, trade: ExecuteTrade, day: int, order: Order | None) -> TradeExecuted:
    """Return the event of a trade that passed every rule: its fee, average cost, realized P&L and the day's figures.

    `order` is the one that it fills, if any, as it was before.

    Its fields are given by their places, not by their names: three times as fast, and trades are what there is most of.
    """
    symbol, side, quantity, price = trade.symbol, trade.side, trade.quantity, trade.price
    held, cost, mark, position_realized = account.positions.get(symbol, NO_POSITION)
    value = value_of(quantity, price)
    fee = account.fee(quantity, value, order)
    cash_after, quantity_after, cost_after, realized = effect_of(
        side == "BUY", quantity, value, fee, account.cash, held, cost
    )
    positions_value = account.positions_value - value_of(held, mark) + value_of(quantity_after, price)
    if account.day == day:
        day_volume = account.day_volume + value
        day_trades = account.day_trades + 1
        day_realized = account.day_realized_pnl + realized
    else:
        day_volume, day_trades, day_realized = value, 1, realized
    return TradeExecuted(
        symbol,
        side,
        quantity,
        price,
        trade.order_id,
        value,
        fee,
        cash_after,
        quantity_after,
        cost_after,
        position_realized + realized,
        realized,
        account.realized_pnl + realized,
        account.fees + fee,
        account.positions_cost + cost_after - cost,
        cash_after + positions_value,
        account.trade_count + 1,
        day,
        day_volume,
        day_trades,
        day_realized,
    )


def traded(account: Account, event: TradeExecuted) -> None:
    """Shares changed hands."""
    cash_after = event.cash_after
    account.positions[event.symbol] = _new_tuple(
        Position, (event.position_quantity, event.position_cost, event.price, event.position_realized_pnl)
    )
    account.cash = cash_after
    account.positions_cost = event.positions_cost
    account.positions_value = event.portfolio_value - cash_after
    account.realized_pnl = event.total_realized_pnl
    account.fees = event.total_fees
    account.trade_count = event.trade_count
    account.day = event.day
    account.day_volume = event.day_volume
    account.day_trades = event.day_trades
    account.day_realized_pnl = event.day_realized_pnl


_new_tuple: Final = tuple.__new__
