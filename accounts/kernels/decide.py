"""The loop that decides commands one after the other and moves the state on: trades, fills, new orders and their ends.

The figures of an event come out as columns, one for each field that follows from the state; of a refusal the limit and
the actual figure. Refusals of orders and their fills, and what is rare, are somebody else's to decide: it stops there.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accounts.domain.order_terms import cash_reserved, reserve_for
from accounts.domain.orders import FILL_PASSED, NO_PRICE, OPEN_ORDERS_MAX, fill_breach_of
from accounts.domain.risk import PASSED, breach_of
from accounts.domain.trades import NO_FEE, effect_of, fits_64_bits
from accounts.domain.values import value_of
from accounts.kernels import orders as o
from accounts.kernels import state as s
from accounts.kernels.compiling import kernel
from accounts.kernels.orders import WorkingOrders
from accounts.kernels.state import Integers, State

NOT_ACTIVE: Final = 100
ACCOUNT_CLOSED: Final = 101
NOT_FOUND: Final = 102
"""What keeps a trade from being judged by the rules; below are the numbers of the rules (risk.CODES)."""

OUTCOME: Final = 0
VERSION_AFTER: Final = 1
LIMIT: Final = 2
ACTUAL: Final = 3
VALUE: Final = 2
CASH_AFTER: Final = 3
POSITION_QUANTITY: Final = 4
POSITION_COST: Final = 5
POSITION_REALIZED_PNL: Final = 6
REALIZED_PNL: Final = 7
TOTAL_REALIZED_PNL: Final = 8
TOTAL_FEES: Final = 9
POSITIONS_COST: Final = 10
PORTFOLIO_VALUE: Final = 11
TRADE_COUNT: Final = 12
DAY_VOLUME: Final = 13
DAY_TRADES: Final = 14
DAY_REALIZED_PNL: Final = 15
RESERVED_CASH: Final = 16
RESERVED_SHARES: Final = 17
"""Of a fill, a new order or the end of one: what all orders reserve after it."""
FILLED_QUANTITY: Final = 18
FILLED_VALUE: Final = 19
ORDER_QUANTITY: Final = 20
"""Of a fill or an end: its order's."""
RESERVE_PRICE: Final = 2
OUTCOME_COLUMNS: Final = 21
"""Of a refusal, the third and fourth column are its figures; of a new order, the third is its reserve price."""

TRADE: Final = -1
OTHER: Final = -2
"""In the place of a row of terms: a trade that fills no order, and what is none of these."""
KIND: Final = 0
ROW: Final = 1
CLIENT: Final = 2
ORDER_TYPE: Final = 3
TIME_IN_FORCE: Final = 4
LIMIT_PRICE: Final = 5
STOP_PRICE: Final = 6
ORDER_CELL: Final = 7
CLIENT_CELL: Final = 8
TERM_COLUMNS: Final = 9
"""What is asked of an order: a fill has its row and the cell of its id, a new order everything, an end the cell of its
reason in the place of the client's.
"""
PLACE: Final = 0
FILL: Final = 1
CANCEL: Final = 2
EXPIRE: Final = 3
REJECT: Final = 4
"""The kinds; from CANCEL on they end an order."""


@kernel()
def _execute(
    is_buy: bool,
    quantity: int,
    price: int,
    value: int,
    day: int,
    account: Integers,
    position: Integers,
    outcome: Integers,
) -> None:
    """Move an account and its position on by a trade that passed every rule, and say what it led to."""
    held, cost, mark = position[s.QUANTITY], position[s.COST], position[s.MARK]
    cash, held_after, cost_after, realized = effect_of(is_buy, quantity, value, NO_FEE, account[s.CASH], held, cost)
    if account[s.DAY] != day:
        account[s.DAY], account[s.DAY_VOLUME], account[s.DAY_TRADES], account[s.DAY_REALIZED_PNL] = day, 0, 0, 0
    account[s.VERSION] += 1
    account[s.CASH] = cash
    account[s.POSITIONS_COST] += cost_after - cost
    account[s.POSITIONS_VALUE] += value_of(held_after, price) - value_of(held, mark)
    account[s.REALIZED_PNL] += realized
    account[s.FEES] += NO_FEE
    account[s.TRADE_COUNT] += 1
    account[s.DAY_VOLUME] += value
    account[s.DAY_TRADES] += 1
    account[s.DAY_REALIZED_PNL] += realized
    position[s.QUANTITY], position[s.COST], position[s.MARK] = held_after, cost_after, price
    position[s.POSITION_REALIZED_PNL] += realized
    outcome[VERSION_AFTER] = account[s.VERSION]
    outcome[VALUE], outcome[CASH_AFTER] = value, cash
    outcome[POSITION_QUANTITY], outcome[POSITION_COST] = held_after, cost_after
    outcome[POSITION_REALIZED_PNL] = position[s.POSITION_REALIZED_PNL]
    outcome[REALIZED_PNL], outcome[TOTAL_REALIZED_PNL] = realized, account[s.REALIZED_PNL]
    outcome[TOTAL_FEES], outcome[POSITIONS_COST] = account[s.FEES], account[s.POSITIONS_COST]
    outcome[PORTFOLIO_VALUE] = cash + account[s.POSITIONS_VALUE]
    outcome[TRADE_COUNT], outcome[DAY_VOLUME] = account[s.TRADE_COUNT], account[s.DAY_VOLUME]
    outcome[DAY_TRADES], outcome[DAY_REALIZED_PNL] = account[s.DAY_TRADES], account[s.DAY_REALIZED_PNL]


@kernel()
def _freed(is_buy: bool, quantity: int, price: int, number: int, symbol: int, order: Integers) -> int:
    """Return the cash that is free once so much of an order is filled, -1 when its terms forbid the fill."""
    remaining = order[o.QUANTITY] - order[o.FILLED_QUANTITY]
    is_of_order = order[o.ACCOUNT] == number + 1 and order[o.SYMBOL] == symbol and (order[o.IS_BUY] != 0) == is_buy
    if not is_of_order or (order[o.TIME_IN_FORCE] == o.IMMEDIATE and quantity < remaining):
        return -1
    rule, _, __ = fill_breach_of(
        is_buy,
        quantity,
        price,
        remaining,
        order[o.TIME_IN_FORCE] == o.ALL_OR_NONE,
        order[o.LIMIT_PRICE],
        order[o.STOP_PRICE] if order[o.FILLED_QUANTITY] == 0 else NO_PRICE,
    )
    if rule != FILL_PASSED:
        return -1
    reserve = order[o.RESERVE_PRICE]
    return int(cash_reserved(is_buy, remaining, reserve) - cash_reserved(is_buy, remaining - quantity, reserve))


@kernel()
def _fill(
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
    outcome[VERSION_AFTER] = account[s.VERSION]
    outcome[RESERVED_CASH], outcome[RESERVED_SHARES] = account[s.RESERVED_CASH], position[s.RESERVED_SHARES]
    outcome[FILLED_QUANTITY], outcome[FILLED_VALUE] = order[o.FILLED_QUANTITY], order[o.FILLED_VALUE]
    outcome[ORDER_QUANTITY] = order[o.QUANTITY]


@kernel()
def _end(
    is_buy: bool,
    kind: int,
    number: int,
    symbol: int,
    row: int,
    order_row: int,
    accounts: Integers,
    positions: Integers,
    undo: Integers,
    counters: Integers,
    orders: Integers,
    clients: Integers,
    order_undo: Integers,
    orders_noted: Integers,
    outcome: Integers,
) -> bool:
    """End an order and set free what it reserves, and say what that led to; False, and nothing happened, if it is not
    the account's with these terms, or does not end in this way. A `row` of -1 is of no position, as a buy may have it.
    """
    account, order = accounts[number], orders[order_row]
    is_of_order = order[o.ACCOUNT] == number + 1 and order[o.SYMBOL] == symbol and (order[o.IS_BUY] != 0) == is_buy
    if not is_of_order or (row < 0 and not is_buy) or (kind == EXPIRE and order[o.TIME_IN_FORCE] == o.UNTIL_CANCELLED):
        return False
    remaining = order[o.QUANTITY] - order[o.FILLED_QUANTITY]
    s.note(number, row, accounts, positions, undo, counters)
    o.note_order(order_row, orders, order_undo, orders_noted)
    account[s.VERSION] += 1
    account[s.OPEN_ORDERS] -= 1
    account[s.RESERVED_CASH] -= cash_reserved(is_buy, remaining, order[o.RESERVE_PRICE])
    if not is_buy:
        positions[row, s.RESERVED_SHARES] -= remaining
    order[o.ACCOUNT] = 0
    clients[order[o.CLIENT]] = 0
    outcome[OUTCOME], outcome[VERSION_AFTER] = PASSED, account[s.VERSION]
    outcome[RESERVED_CASH] = account[s.RESERVED_CASH]
    outcome[RESERVED_SHARES] = positions[row, s.RESERVED_SHARES] if row >= 0 else 0
    outcome[FILLED_QUANTITY], outcome[ORDER_QUANTITY] = order[o.FILLED_QUANTITY], order[o.QUANTITY]
    return True


@kernel()
def _judge(
    is_buy: bool,
    quantity: int,
    price: int,
    value: int,
    cost: int,
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
    accounts: Integers,
    positions: Integers,
    undo: Integers,
    counters: Integers,
    orders: Integers,
    clients: Integers,
    order_undo: Integers,
    orders_noted: Integers,
    outcome: Integers,
) -> bool:
    """Let an order work if it passes every rule, and say what that led to; False, and nothing happened, if not."""
    account, position, order = accounts[number], positions[row], orders[term[ROW]]
    reserve = reserve_for(is_buy, term[ORDER_TYPE] in (o.LIMIT, o.STOP_LIMIT), price)
    if (
        account[s.OPEN_ORDERS] >= OPEN_ORDERS_MAX
        or order[o.ACCOUNT] != 0
        or clients[term[CLIENT]] != 0
        or not fits_64_bits(quantity, reserve, position[s.QUANTITY], position[s.COST])
    ):
        return False
    cash = cash_reserved(is_buy, quantity, reserve)
    rule, _, __ = _judge(is_buy, quantity, price, value_of(quantity, price), cash, 0, 0, day, account, position)
    if rule != PASSED:
        return False
    s.note(number, -1 if is_new else row, accounts, positions, undo, counters)
    o.note_order(term[ROW], orders, order_undo, orders_noted)
    account[s.VERSION] += 1
    account[s.OPEN_ORDERS] += 1
    account[s.RESERVED_CASH] += cash
    if not is_buy:
        position[s.RESERVED_SHARES] += quantity
    order[o.ACCOUNT], order[o.SYMBOL], order[o.IS_BUY], order[o.QUANTITY] = number + 1, symbol, is_buy, quantity
    order[o.ORDER_TYPE], order[o.TIME_IN_FORCE] = term[ORDER_TYPE], term[TIME_IN_FORCE]
    order[o.LIMIT_PRICE], order[o.STOP_PRICE], order[o.RESERVE_PRICE] = term[LIMIT_PRICE], term[STOP_PRICE], reserve
    order[o.FILLED_QUANTITY], order[o.FILLED_VALUE], order[o.CLIENT] = 0, 0, term[CLIENT]
    clients[term[CLIENT]] = term[ROW] + 1
    outcome[OUTCOME], outcome[VERSION_AFTER], outcome[RESERVE_PRICE] = PASSED, account[s.VERSION], reserve
    outcome[RESERVED_CASH], outcome[RESERVED_SHARES] = account[s.RESERVED_CASH], position[s.RESERVED_SHARES]
    return True


@kernel()
def _refuse(
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
    """Record that a trade was refused."""
    s.note(number, -1, accounts, positions, undo, counters)
    accounts[number, s.VERSION] += 1
    outcome[OUTCOME], outcome[VERSION_AFTER] = code, accounts[number, s.VERSION]
    outcome[LIMIT], outcome[ACTUAL] = limit, actual


@kernel(
    "i8(i8, i8[::1], i8[::1], b1[::1], i8[::1], i8[::1], i8[::1], i8[:,::1], i8, i8[:,::1], i8[:,::1], i8[::1], "
    "i8[:,::1], i8[::1], i8[:,::1], i8[::1], i8[:,::1], i8[::1], i8[:,::1])"
)
def _decide(
    first: int,
    numbers: Integers,
    symbols: Integers,
    are_buys: NDArray[np.bool_],
    quantities: Integers,
    prices: Integers,
    terms_of: Integers,
    terms: Integers,
    day: int,
    accounts: Integers,
    positions: Integers,
    buckets: Integers,
    undo: Integers,
    counters: Integers,
    orders: Integers,
    clients: Integers,
    order_undo: Integers,
    orders_noted: Integers,
    outcomes: Integers,
) -> int:
    """Decide entries from `first` on; return where it stopped: behind the last, or at what is not its to decide."""
    for entry in range(first, numbers.size):
        asked, number, outcome = terms_of[entry], numbers[entry], outcomes[entry]
        status = accounts[number, s.STATUS] if number >= 0 else s.NONE
        if asked == OTHER or (asked >= 0 and status != s.ACTIVE):
            return entry
        if status == s.NONE:
            outcome[OUTCOME] = NOT_FOUND
            continue
        if status != s.ACTIVE:
            code = ACCOUNT_CLOSED if status == s.CLOSED else NOT_ACTIVE
            _refuse(number, code, 0, 0, accounts, positions, undo, counters, outcome)
            continue
        symbol, is_buy, quantity, price = symbols[entry], are_buys[entry], quantities[entry], prices[entry]
        key = s.position_key(number, symbol)
        found = s.position_row(key, positions, buckets, counters)
        state = accounts, positions, undo, counters, orders, clients, order_undo, orders_noted
        if asked >= 0 and terms[asked, KIND] >= CANCEL:
            kind, order = terms[asked, KIND], terms[asked, ROW]
            if not _end(is_buy, kind, number, symbol, found, order, *state, outcome):
                return entry
            continue
        is_new = found < 0
        row = s.next_position(counters) if is_new else found  # Which has no figures yet.
        account, position = accounts[number], positions[row]
        if not fits_64_bits(quantity, price, position[s.QUANTITY], position[s.COST]):
            return entry
        if asked >= 0 and terms[asked, KIND] == PLACE:
            if not _place(is_buy, quantity, price, number, symbol, row, is_new, day, terms[asked], *state, outcome):
                return entry
            continue
        value, order = value_of(quantity, price), terms[asked, ROW] if asked >= 0 else -1
        freed = _freed(is_buy, quantity, price, number, symbol, orders[order]) if order >= 0 else 0
        freed_shares = quantity if order >= 0 and not is_buy else 0
        rule, limit, actual = _judge(is_buy, quantity, price, value, value, freed, freed_shares, day, account, position)
        if order >= 0 and (freed < 0 or rule != PASSED):
            return entry
        if rule != PASSED:
            _refuse(number, rule, limit, actual, accounts, positions, undo, counters, outcome)
            continue
        s.note(number, row, accounts, positions, undo, counters)
        if is_new:
            s.enter_position(number, key, accounts, positions, buckets, counters)
        outcome[OUTCOME] = PASSED
        _execute(is_buy, quantity, price, value, day, account, position, outcome)
        if order >= 0:
            o.note_order(order, orders, order_undo, orders_noted)
            _fill(quantity, value, freed, account, position, orders[order], clients, outcome)
    return numbers.size


class Asked(NamedTuple):
    """Commands side by side, an entry for each."""

    symbols: Integers
    """The number of the symbol of each entry, and its cell."""
    symbol_cells: Integers
    are_buys: NDArray[np.bool_]
    quantities: Integers
    """Millionths of a share."""
    prices: Integers
    """Ten-thousandths: a trade's, or what an order is reckoned at."""
    terms_of: Integers
    """For each entry a row of `terms` (i8[:, TERM_COLUMNS]), TRADE or OTHER."""
    terms: Integers


def decide_commands(
    state: State,
    working: WorkingOrders,
    asked: Asked,
    *,
    numbers: Integers,
    day: int,
    outcomes: Integers,
    first: int = 0,
) -> int:
    """Decide trades, fills, new orders and their ends in order, entry by entry, and move the state on; return where it
    stopped.

    `numbers` are the accounts' (-1 for one that there is not); `outcomes` has a row of OUTCOME_COLUMNS for each entry.
    It stops behind the last entry, or at one that Python has to decide, and goes on behind that: what is OTHER, what an
    order is refused, what does not fit 64 bits.
    """
    state.make_room(numbers.size - first)
    working.make_room(numbers.size - first)
    return int(
        _decide(
            first,
            numbers,
            asked.symbols,
            asked.are_buys,
            asked.quantities,
            asked.prices,
            asked.terms_of,
            asked.terms,
            day,
            state.accounts,
            state.positions,
            state.buckets,
            state.undo,
            state.counters,
            working.orders,
            working.clients,
            working.undo,
            working.noted,
            outcomes,
        )
    )
