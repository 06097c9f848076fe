"""Corporate actions and marks: what a split, a dividend, a change of symbol and the close of a session make of an
account. Pure, like the rest.

The company does not ask: these are the venue's commands, no user has them, and an account that is frozen takes them as
any other does. What cannot be done is not recorded (CommandInvalid), so that the same command can be sent again once
what was in the way is gone: POSITION_NOT_HELD when the account has no such shares and nothing is to be done,
SYMBOL_HAS_ORDERS when orders in the symbol work, whose quantities and prices would be of other shares.

A split leaves what the position cost, and divides its mark; the cash for a fraction takes the fraction's part of the
cost along and realizes the difference, as a sale does. A dividend is income of its own: cash, and no realized P&L. A
change of symbol moves shares and their cost; what the old symbol realized stays with it.
"""

from typing import Final

from accounts.domain import commands as c
from accounts.domain import events as e
from accounts.domain.errors import Code, CommandInvalid
from accounts.domain.state import NO_POSITION, Account, Position
from accounts.domain.values import (
    DIVIDEND_SCALE,
    POSITION_MAX,
    SCALE,
    SHARE,
    VALUE_MAX,
    format_amount,
    format_quantity,
    multiply_divide,
    round_half_even,
    value_of,
)

_DIVIDEND_UNITS: Final = SHARE * DIVIDEND_SCALE // SCALE
"""A quantity times an amount per share, divided by it, is money in ten-thousandths."""


# Events on the state.


def split(account: Account, event: e.SharesSplit) -> None:
    """There are other shares in the place of the old ones."""
    account.positions[event.symbol] = Position(
        event.position_quantity, event.position_cost, event.mark, event.position_realized_pnl
    )
    account.cash = event.cash_after
    account.positions_cost = event.positions_cost
    account.positions_value = event.portfolio_value - event.cash_after
    account.realized_pnl = event.total_realized_pnl
    account.day = event.day
    account.day_volume = event.day_volume
    account.day_trades = event.day_trades
    account.day_realized_pnl = event.day_realized_pnl


def dividend_paid(account: Account, event: e.DividendPaid) -> None:
    """A dividend came in."""
    account.cash = event.cash_after
    account.dividends = event.total_dividends
    if event.day_dividends:  # One that comes to nothing begins no day.
        account.dividend_day = event.day
        account.day_dividends = event.day_dividends


def symbol_changed(account: Account, event: e.SymbolChanged) -> None:
    """Shares have another symbol."""
    account.positions[event.symbol] = Position(0, 0, event.mark, event.old_realized_pnl)
    account.positions[event.new_symbol] = Position(
        event.position_quantity, event.position_cost, event.mark, event.position_realized_pnl
    )
    account.positions_value = event.portfolio_value - account.cash


def marked(account: Account, event: e.PositionsMarked) -> None:
    """Positions are worth what a session closed at."""
    for symbol, price in event.prices.items():
        quantity, cost, _, realized_pnl = account.positions.get(symbol, NO_POSITION)
        account.positions[symbol] = Position(quantity, cost, price, realized_pnl)
    account.positions_value = event.portfolio_value - event.cash_after
    account.marked_session = event.session


# Commands, and what they lead to.


def apply_split(account: Account, command: c.ApplySplit, day: int) -> tuple[e.SharesSplit]:
    """Return the event of a split: the whole lots of new shares, and cash for the rest of them."""
    held, cost, mark, position_realized = _held(account, command.symbol)
    _refuse_with_orders(account, command.symbol)
    numerator, denominator = command.numerator, command.denominator
    new = held * numerator  # New shares, times the denominator.
    lot = command.lot_size if command.price else 1
    quantity_after = new // (denominator * lot) * lot
    _check_quantity(quantity_after)
    rest = new - quantity_after * denominator
    amount = round_half_even(rest, command.price, denominator * SHARE)
    removed = _cost_of_fraction(command, cost, rest, new, quantity_after)
    realized = amount - removed
    mark_after = round_half_even(mark, denominator, numerator)
    positions_value = account.positions_value - value_of(held, mark) + value_of(quantity_after, mark_after)
    cash_after = account.cash + amount
    _check_value(cash_after + positions_value, mark_after)
    is_same_day = account.day == day
    split = e.SharesSplit(
        action_id=command.action_id,
        symbol=command.symbol,
        numerator=numerator,
        denominator=denominator,
        lot_size=command.lot_size,
        price=command.price,
        quantity=held,
        amount=amount,
        cash_after=cash_after,
        position_quantity=quantity_after,
        position_cost=cost - removed,
        position_realized_pnl=position_realized + realized,
        mark=mark_after,
        realized_pnl=realized,
        total_realized_pnl=account.realized_pnl + realized,
        positions_cost=account.positions_cost - removed,
        portfolio_value=cash_after + positions_value,
        day=day,
        day_volume=account.day_volume if is_same_day else 0,
        day_trades=account.day_trades if is_same_day else 0,
        day_realized_pnl=(account.day_realized_pnl if is_same_day else 0) + realized,
    )
    return (split,)


def _cost_of_fraction(command: c.ApplySplit, cost: int, rest: int, new: int, kept: int) -> int:
    """Return the part of a position's cost that leaves it with `rest` of `new` shares; all of it when none is kept."""
    if kept == 0:
        return cost
    if command.price == 0:  # What is less than a millionth of a share takes nothing along.
        return 0
    return multiply_divide(cost, rest, new)


def pay_dividend(account: Account, command: c.PayDividend, day: int) -> tuple[e.DividendPaid]:
    """Return the event of a dividend."""
    held = _held(account, command.symbol).quantity
    amount = round_half_even(held, command.amount_per_share, _DIVIDEND_UNITS)
    portfolio_value = account.portfolio_value + amount
    _check_value(portfolio_value, account.dividends + amount)
    paid = e.DividendPaid(
        action_id=command.action_id,
        symbol=command.symbol,
        amount_per_share=command.amount_per_share,
        quantity=held,
        amount=amount,
        cash_after=account.cash + amount,
        portfolio_value=portfolio_value,
        total_dividends=account.dividends + amount,
        day=day,
        day_dividends=(account.day_dividends if account.dividend_day == day else 0) + amount,
    )
    return (paid,)


def change_symbol(account: Account, command: c.ChangeSymbol) -> tuple[e.SymbolChanged]:
    """Return the event of a change of symbol; shares that there are of the new one stay, and keep their mark."""
    if command.new_symbol == command.symbol:
        raise CommandInvalid(
            Code.INVALID_ENTRY, f"the new symbol is another one than the old one, found {command.symbol}"
        )
    old, new = _held(account, command.symbol), account.positions.get(command.new_symbol, NO_POSITION)
    _refuse_with_orders(account, command.symbol)
    quantity_after = new.quantity + old.quantity
    _check_quantity(quantity_after)
    mark = new.mark if new.quantity else old.mark
    positions_value = (
        account.positions_value
        - value_of(old.quantity, old.mark)
        - value_of(new.quantity, new.mark)
        + value_of(quantity_after, mark)
    )
    _check_value(account.cash + positions_value)
    changed = e.SymbolChanged(
        action_id=command.action_id,
        symbol=command.symbol,
        new_symbol=command.new_symbol,
        quantity=old.quantity,
        cost=old.cost,
        old_realized_pnl=old.realized_pnl,
        position_quantity=quantity_after,
        position_cost=new.cost + old.cost,
        position_realized_pnl=new.realized_pnl,
        mark=mark,
        portfolio_value=account.cash + positions_value,
    )
    return (changed,)


def mark_positions(account: Account, command: c.MarkPositions) -> tuple[e.PositionsMarked]:
    """Return the event of the close of a session, with the prices of what is held."""
    if command.session <= account.marked_session:
        raise CommandInvalid(
            Code.SESSION_ALREADY_MARKED,
            f"positions were marked for session {account.marked_session}, found session {command.session}: "
            "there is nothing to do",
        )
    prices: dict[str, int] = {}
    positions_value = account.positions_value
    for symbol, price in command.prices.items():
        quantity, _, mark, _ = account.positions.get(symbol, NO_POSITION)
        if quantity:
            prices[symbol] = price
            positions_value += value_of(quantity, price) - value_of(quantity, mark)
    if not prices:
        raise CommandInvalid(Code.POSITION_NOT_HELD, "the account holds no shares that there is a price for")
    portfolio_value = account.cash + positions_value
    _check_value(portfolio_value)
    return (e.PositionsMarked(command.session, command.marked_at, prices, account.cash, portfolio_value),)


def _held(account: Account, symbol: str) -> Position:
    position = account.positions.get(symbol, NO_POSITION)
    if position.quantity == 0:
        raise CommandInvalid(Code.POSITION_NOT_HELD, f"the account holds no shares of {symbol}: there is nothing to do")
    return position


def _refuse_with_orders(account: Account, symbol: str) -> None:
    count = sum(order.symbol == symbol for order in account.orders.values())
    if count:
        raise CommandInvalid(
            Code.SYMBOL_HAS_ORDERS,
            f"{count} orders in {symbol} work, whose shares would be other ones: cancel them, then send this again",
        )


def _check_quantity(quantity: int) -> None:
    if quantity > POSITION_MAX:
        raise CommandInvalid(
            Code.QUANTITY_LIMIT_EXCEEDED,
            f"a position is at most {format_quantity(POSITION_MAX)} shares, this makes it {format_quantity(quantity)}",
        )


def _check_value(*values: int) -> None:
    highest = max(values)
    if highest > VALUE_MAX:
        raise CommandInvalid(
            Code.VALUE_LIMIT_EXCEEDED,
            f"an account comes to at most {format_amount(VALUE_MAX)}, this makes it {format_amount(highest)}",
        )
