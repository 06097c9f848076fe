"""What happens to orders in kernels: they are placed, filled, replaced and ended by the rules of the domain."""

from typing import TypeAlias

from accounts.domain.fees import fee_fits_64_bits, fee_of
from accounts.domain.order_terms import (
    NO_PRICE,
    TERMS_PASSED,
    cash_reserved,
    market_price_of,
    reserve_for,
    terms_breach_of,
)
from accounts.domain.orders import FILL_PASSED, OPEN_ORDERS_MAX, fill_breach_of
from accounts.domain.risk import PASSED, breach_of
from accounts.domain.trades import fits_64_bits
from accounts.domain.values import value_of
from accounts.kernels import columns as c
from accounts.kernels import orders as o
from accounts.kernels import state as s
from accounts.kernels.compiling import kernel
from accounts.kernels.state import Integers

Arrays: TypeAlias = tuple[Integers, Integers, Integers, Integers, Integers, Integers, Integers, Integers]
"""Accounts, positions and what was noted of them, the counters of the state; orders, who has the client order ids, what
was noted of orders, and how much.
"""


@kernel()
def _is_of(order: Integers, number: int, symbol: int, is_buy: bool) -> bool:
    """Tell whether a row is an account's working order for a symbol on a side."""
    return bool(order[o.ACCOUNT] == number + 1 and order[o.SYMBOL] == symbol and (order[o.IS_BUY] != 0) == is_buy)


@kernel()
def freed_by(is_buy: bool, quantity: int, price: int, number: int, symbol: int, order: Integers) -> int:
    """Return the cash that is free once so much of an order is filled, -1 when its terms forbid the fill."""
    remaining = order[o.QUANTITY] - order[o.FILLED_QUANTITY]
    is_of_order = _is_of(order, number, symbol, is_buy)
    is_cut = order[o.TIME_IN_FORCE] == o.IMMEDIATE and quantity < remaining
    if not is_of_order or is_cut or order[o.LINKS] != 0:
        return -1
    rule, _, __ = fill_breach_of(
        is_buy,
        quantity,
        price,
        remaining,
        order[o.TIME_IN_FORCE] == o.ALL_OR_NONE,
        order[o.LIMIT_PRICE],
        order[o.STOP_PRICE] if order[o.FILLED_QUANTITY] == 0 and order[o.TRIGGER_PRICE] == 0 else NO_PRICE,
    )
    if rule != FILL_PASSED:
        return -1
    reserve = order[o.RESERVE_PRICE]
    return int(cash_reserved(is_buy, remaining, reserve) - cash_reserved(is_buy, remaining - quantity, reserve))


@kernel()
def fee_for(quantity: int, value: int, account: Integers, row: int, orders: Integers) -> int:
    """Return what buying or selling so much for this value costs an account, as more of the order in a row, or by
    itself for a row of -1; -1 when that does not fit 64 bits.
    """
    per_order, per_share = account[s.FEE_PER_ORDER], account[s.FEE_PER_SHARE]
    basis_points, minimum = account[s.FEE_BASIS_POINTS], account[s.FEE_MINIMUM]
    if per_order | per_share | basis_points | minimum == 0:
        return 0
    filled_quantity = orders[row, o.FILLED_QUANTITY] if row >= 0 else 0
    filled_value = orders[row, o.FILLED_VALUE] if row >= 0 else 0
    if not fee_fits_64_bits(
        per_order, per_share, basis_points, minimum, filled_quantity + quantity, filled_value + value
    ):
        return -1
    fee = fee_of(per_order, per_share, basis_points, minimum, quantity, value, filled_quantity, filled_value)
    return int(fee)


@kernel()
def fill(
    quantity: int,
    value: int,
    freed: int,
    account: Integers,
    position: Integers,
    order: Integers,
    clients: Integers,
    outcome: Integers,
) -> None:
    """Move an order on by a trade that filled it, and say what it led to; the trade itself is executed already."""
    order[o.FILLED_QUANTITY] += quantity
    order[o.FILLED_VALUE] += value
    account[s.VERSION] += 1
    account[s.RESERVED_CASH] -= freed
    if order[o.IS_BUY] == 0:
        position[s.RESERVED_SHARES] -= quantity
    if order[o.FILLED_QUANTITY] == order[o.QUANTITY]:
        order[o.ACCOUNT] = 0
        clients[order[o.CLIENT]] = 0
        account[s.OPEN_ORDERS] -= 1
    outcome[c.VERSION_AFTER] = account[s.VERSION]
    outcome[c.RESERVED_CASH], outcome[c.RESERVED_SHARES] = account[s.RESERVED_CASH], position[s.RESERVED_SHARES]
    outcome[c.FILLED_QUANTITY], outcome[c.FILLED_VALUE] = order[o.FILLED_QUANTITY], order[o.FILLED_VALUE]
    outcome[c.ORDER_QUANTITY] = order[o.QUANTITY]


@kernel()
def end(is_buy: bool, number: int, symbol: int, row: int, term: Integers, arrays: Arrays, outcome: Integers) -> bool:
    """End an order and set free what it reserves, and say what that led to; False, and nothing happened, if it is not
    the account's with these terms, or does not end in this way. A `row` of -1 is of no position, as a buy may have it.
    """
    accounts, positions, undo, counters, orders, clients, order_undo, orders_noted = arrays
    account, order = accounts[number], orders[term[c.ROW]]
    is_kept = term[c.KIND] == c.EXPIRE and order[o.TIME_IN_FORCE] == o.UNTIL_CANCELLED
    is_ended = _is_of(order, number, symbol, is_buy) and not is_kept and order[o.LINKS] == 0
    if not is_ended or (row < 0 and not is_buy):
        return False
    remaining = order[o.QUANTITY] - order[o.FILLED_QUANTITY]
    s.note(number, row, accounts, positions, undo, counters)
    o.note_order(term[c.ROW], orders, order_undo, orders_noted)
    account[s.VERSION] += 1
    account[s.OPEN_ORDERS] -= 1
    account[s.RESERVED_CASH] -= cash_reserved(is_buy, remaining, order[o.RESERVE_PRICE])
    if not is_buy:
        positions[row, s.RESERVED_SHARES] -= remaining
    order[o.ACCOUNT] = 0
    clients[order[o.CLIENT]] = 0
    outcome[c.OUTCOME], outcome[c.VERSION_AFTER] = PASSED, account[s.VERSION]
    outcome[c.RESERVED_CASH] = account[s.RESERVED_CASH]
    outcome[c.RESERVED_SHARES] = positions[row, s.RESERVED_SHARES] if row >= 0 else 0
    outcome[c.FILLED_QUANTITY], outcome[c.ORDER_QUANTITY] = order[o.FILLED_QUANTITY], order[o.QUANTITY]
    return True


@kernel()
def judge(
    is_buy: bool,
    quantity: int,
    price: int,
    value: int,
    cost: int,
    fee: int,
    freed_cash: int,
    freed_shares: int,
    day: int,
    account: Integers,
    position: Integers,
) -> tuple[int, int, int]:
    """Return the first rule that a trade, or an order as the trade that it may become, would break; and its figures."""
    held = position[s.QUANTITY]
    return breach_of(
        is_buy,
        quantity,
        price,
        value,
        cost,
        fee,
        account[s.CASH] - account[s.RESERVED_CASH] + freed_cash,
        held - position[s.RESERVED_SHARES] + freed_shares,
        account[s.CASH],
        account[s.POSITIONS_VALUE],
        held,
        position[s.MARK],
        account[s.DAY_VOLUME] if account[s.DAY] == day else 0,
        account[s.MAX_TRADE_VALUE],
        account[s.MAX_DAILY_VALUE],
        account[s.MAX_POSITION_BP],
        0,
    )


@kernel()
def refuse(
    number: int,
    code: int,
    limit: int,
    actual: int,
    accounts: Integers,
    positions: Integers,
    undo: Integers,
    counters: Integers,
    outcome: Integers,
) -> None:
    """Record that a trade or a new order was refused."""
    s.note(number, -1, accounts, positions, undo, counters)
    accounts[number, s.VERSION] += 1
    outcome[c.OUTCOME], outcome[c.VERSION_AFTER] = code, accounts[number, s.VERSION]
    outcome[c.LIMIT], outcome[c.ACTUAL] = limit, actual


@kernel()
def _place(
    is_buy: bool,
    quantity: int,
    price: int,
    number: int,
    symbol: int,
    row: int,
    is_new: bool,
    day: int,
    term: Integers,
    arrays: Arrays,
    outcome: Integers,
) -> bool:
    """Let an order work, or refuse it if it breaks a rule, and say what that led to; False, and nothing happened, if
    its ids are taken, it is one too many or does not fit 64 bits.
    """
    accounts, positions, undo, counters, orders, clients, order_undo, orders_noted = arrays
    account, position, order = accounts[number], positions[row], orders[term[c.ROW]]
    reserve = reserve_for(is_buy, term[c.ORDER_TYPE] in (o.LIMIT, o.STOP_LIMIT), price)
    if (
        account[s.OPEN_ORDERS] >= OPEN_ORDERS_MAX
        or order[o.ACCOUNT] != 0
        or clients[term[c.CLIENT]] != 0
        or not fits_64_bits(quantity, reserve, position[s.QUANTITY], position[s.COST])
    ):
        return False
    cash, value = cash_reserved(is_buy, quantity, reserve), value_of(quantity, price)
    fee = fee_for(quantity, value, account, -1, orders)
    if fee < 0:
        return False
    rule, limit, actual = judge(is_buy, quantity, price, value, cash, fee, 0, 0, day, account, position)
    if rule != PASSED:
        refuse(number, rule, limit, actual, accounts, positions, undo, counters, outcome)
        return True
    s.note(number, -1 if is_new else row, accounts, positions, undo, counters)
    o.note_order(term[c.ROW], orders, order_undo, orders_noted)
    account[s.VERSION] += 1
    account[s.OPEN_ORDERS] += 1
    account[s.RESERVED_CASH] += cash
    if not is_buy:
        position[s.RESERVED_SHARES] += quantity
    order[o.ACCOUNT], order[o.SYMBOL], order[o.IS_BUY], order[o.QUANTITY] = number + 1, symbol, is_buy, quantity
    order[o.ORDER_TYPE], order[o.TIME_IN_FORCE] = term[c.ORDER_TYPE], term[c.TIME_IN_FORCE]
    order[o.LIMIT_PRICE], order[o.STOP_PRICE], order[o.RESERVE_PRICE] = term[c.LIMIT_PRICE], term[c.STOP_PRICE], reserve
    order[o.FILLED_QUANTITY], order[o.FILLED_VALUE], order[o.CLIENT] = 0, 0, term[c.CLIENT]
    order[o.EXPIRES_AT], order[o.TRAIL], order[o.TRIGGER_PRICE], order[o.LINKS] = 0, 0, 0, 0
    clients[term[c.CLIENT]] = term[c.ROW] + 1
    outcome[c.OUTCOME], outcome[c.VERSION_AFTER], outcome[c.RESERVE_PRICE] = PASSED, account[s.VERSION], reserve
    outcome[c.RESERVED_CASH], outcome[c.RESERVED_SHARES] = account[s.RESERVED_CASH], position[s.RESERVED_SHARES]
    return True


@kernel()
def _may_become(old: Integers, quantity: int, time_in_force: int, limit_price: int, stop_price: int) -> bool:
    """Tell whether an order may have these terms instead of its own, of which at least one is another."""
    has_limit = old[o.ORDER_TYPE] in (o.LIMIT, o.STOP_LIMIT)
    has_stop = old[o.ORDER_TYPE] in (o.STOP, o.STOP_LIMIT)
    is_triggered = not has_stop or old[o.FILLED_QUANTITY] > 0
    is_stop_changed = stop_price != old[o.STOP_PRICE]
    is_changed = is_stop_changed or limit_price != old[o.LIMIT_PRICE] or time_in_force != old[o.TIME_IN_FORCE]
    if not (is_changed or quantity != old[o.QUANTITY]) or (is_triggered and is_stop_changed):
        return False
    is_immediate = time_in_force in (o.IMMEDIATE, o.ALL_OR_NONE)
    is_buy = old[o.IS_BUY] != 0
    wrong = terms_breach_of(is_buy, has_limit, has_stop, is_immediate, limit_price, stop_price, is_triggered)
    return bool(wrong == TERMS_PASSED)


@kernel()
def _replace(
    is_buy: bool,
    quantity: int,
    number: int,
    symbol: int,
    row: int,
    is_new: bool,
    day: int,
    term: Integers,
    arrays: Arrays,
    outcome: Integers,
) -> bool:
    """Let an order work in the place of another one if it passes every rule by itself, and say what that led to; False,
    and nothing happened, if not: then it may pass as one that stretches no rule (risk.rules_not_stretched).
    """
    accounts, positions, undo, counters, orders, clients, order_undo, orders_noted = arrays
    account, position, old, new = accounts[number], positions[row], orders[term[c.ROW]], orders[term[c.NEW_ROW]]
    if (
        not _is_of(old, number, symbol, is_buy)
        or old[o.EXPIRES_AT] | old[o.TRAIL] | old[o.TRIGGER_PRICE] | old[o.LINKS] != 0
        or (is_new and not is_buy)
        or new[o.ACCOUNT] != 0
        or clients[term[c.CLIENT]] != 0
    ):
        return False
    order_type, filled, old_quantity = old[o.ORDER_TYPE], old[o.FILLED_QUANTITY], old[o.QUANTITY]
    total = quantity if quantity != 0 else old_quantity
    time_in_force = term[c.TIME_IN_FORCE] if term[c.TIME_IN_FORCE] != c.KEPT else old[o.TIME_IN_FORCE]
    limit_price = term[c.LIMIT_PRICE] if term[c.LIMIT_PRICE] != NO_PRICE else old[o.LIMIT_PRICE]
    stop_price = term[c.STOP_PRICE] if term[c.STOP_PRICE] != NO_PRICE else old[o.STOP_PRICE]
    if total <= filled or not _may_become(old, total, time_in_force, limit_price, stop_price):
        return False
    has_limit, has_stop = order_type in (o.LIMIT, o.STOP_LIMIT), order_type in (o.STOP, o.STOP_LIMIT)
    price, reserve = market_price_of(is_buy, old[o.RESERVE_PRICE]), old[o.RESERVE_PRICE]
    if has_limit or has_stop:
        price = limit_price if has_limit else stop_price
        reserve = reserve_for(is_buy, has_limit, price)
    remaining, old_remaining = total - filled, old_quantity - filled
    if not fits_64_bits(remaining, reserve, position[s.QUANTITY], position[s.COST]):
        return False
    cash, freed = cash_reserved(is_buy, remaining, reserve), cash_reserved(is_buy, old_remaining, old[o.RESERVE_PRICE])
    freed_shares = 0 if is_buy else old_remaining
    value = value_of(remaining, price)
    fee = fee_for(remaining, value, account, term[c.ROW], orders)
    rule, _, __ = judge(is_buy, remaining, price, value, cash, fee, freed, freed_shares, day, account, position)
    if fee < 0 or rule != PASSED:
        return False
    s.note(number, -1 if is_new else row, accounts, positions, undo, counters)
    o.note_order(term[c.ROW], orders, order_undo, orders_noted)
    o.note_order(term[c.NEW_ROW], orders, order_undo, orders_noted)
    account[s.VERSION] += 2
    outcome[c.CASH_BETWEEN] = account[s.RESERVED_CASH] - freed
    outcome[c.SHARES_BETWEEN] = position[s.RESERVED_SHARES] - freed_shares
    account[s.RESERVED_CASH] += cash - freed
    if not is_buy:
        position[s.RESERVED_SHARES] += remaining - old_remaining
    for column in range(o.ORDER_COLUMNS):
        new[column] = old[column]
    old[o.ACCOUNT] = 0
    clients[old[o.CLIENT]] = 0
    new[o.QUANTITY], new[o.TIME_IN_FORCE], new[o.CLIENT] = total, time_in_force, term[c.CLIENT]
    new[o.LIMIT_PRICE], new[o.STOP_PRICE], new[o.RESERVE_PRICE] = limit_price, stop_price, reserve
    clients[term[c.CLIENT]] = term[c.NEW_ROW] + 1
    outcome[c.OUTCOME], outcome[c.VERSION_AFTER], outcome[c.RESERVE_PRICE] = PASSED, account[s.VERSION], reserve
    outcome[c.OLD_QUANTITY], outcome[c.ORDER_QUANTITY] = old_quantity, total
    outcome[c.NEW_TERMS], outcome[c.NEW_TERMS + 1] = order_type, time_in_force
    outcome[c.NEW_TERMS + 2], outcome[c.NEW_TERMS + 3] = limit_price, stop_price
    outcome[c.FILLED_QUANTITY], outcome[c.FILLED_VALUE] = filled, new[o.FILLED_VALUE]
    outcome[c.RESERVED_CASH], outcome[c.RESERVED_SHARES] = account[s.RESERVED_CASH], position[s.RESERVED_SHARES]
    return True


@kernel()
def works(
    is_buy: bool,
    quantity: int,
    price: int,
    number: int,
    symbol: int,
    row: int,
    is_new: bool,
    day: int,
    term: Integers,
    arrays: Arrays,
    outcome: Integers,
) -> bool:
    """Let a new order work, by itself or in the place of another one, or refuse one by itself; False, and nothing
    happened, for what the domain has to say.
    """
    if term[c.KIND] == c.REPLACE:
        return _replace(is_buy, quantity, number, symbol, row, is_new, day, term, arrays, outcome)
    return _place(is_buy, quantity, price, number, symbol, row, is_new, day, term, arrays, outcome)
