"""The loop that decides trades one after the other and moves the state on.

The figures of an event come out as columns, one for each field that follows from the state; of a refusal the limit and
the actual figure. Working orders are not its business: a trade that fills one is somebody else's to decide.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from accounts.domain.risk import PASSED, breach_of
from accounts.domain.trades import NO_FEE, effect_of, fits_64_bits
from accounts.domain.values import value_of
from accounts.kernels import state as s
from accounts.kernels.compiling import kernel
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
OUTCOME_COLUMNS: Final = 16
"""Of a refusal, the third and fourth column are its figures."""


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


@kernel(
    "i8(i8, i8[::1], i8[::1], b1[::1], i8[::1], i8[::1], b1[::1], i8, i8[:,::1], i8[:,::1], i8[::1], i8[:,::1], "
    "i8[::1], i8[:,::1])"
)
def _decide_trades(
    first: int,
    numbers: Integers,
    symbols: Integers,
    are_buys: NDArray[np.bool_],
    quantities: Integers,
    prices: Integers,
    are_others: NDArray[np.bool_],
    day: int,
    accounts: Integers,
    positions: Integers,
    index: Integers,
    undo: Integers,
    counters: Integers,
    outcomes: Integers,
) -> int:
    """Decide trades from `first` on; return where it stopped: behind the last, at what is none or is too wide."""
    for entry in range(first, numbers.size):
        if are_others[entry]:
            return entry
        outcome, number = outcomes[entry], numbers[entry]
        if number < 0 or accounts[number, s.STATUS] == s.NONE:
            outcome[OUTCOME] = NOT_FOUND
            continue
        account = accounts[number]
        if account[s.STATUS] != s.ACTIVE:
            s.note(number, -1, accounts, positions, undo, counters)
            account[s.VERSION] += 1
            outcome[VERSION_AFTER] = account[s.VERSION]
            outcome[OUTCOME] = ACCOUNT_CLOSED if account[s.STATUS] == s.CLOSED else NOT_ACTIVE
            continue
        key = s.position_key(number, symbols[entry])
        cell = s.position_place(index, positions, key)
        is_new = index[cell] < 0
        row = counters[s.POSITION_COUNT] if is_new else index[cell]  # Beyond the last one there are rows of zeros.
        position = positions[row]
        is_buy, quantity, price = are_buys[entry], quantities[entry], prices[entry]
        held, cost = position[s.QUANTITY], position[s.COST]
        if not fits_64_bits(quantity, price, held, cost):
            return entry
        value = value_of(quantity, price)
        rule, limit, actual = breach_of(
            is_buy,
            quantity,
            price,
            value,
            value,
            account[s.CASH] - account[s.RESERVED_CASH],
            held - position[s.RESERVED_SHARES],
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
        outcome[OUTCOME] = rule
        if rule != PASSED:
            s.note(number, -1, accounts, positions, undo, counters)
            account[s.VERSION] += 1
            outcome[VERSION_AFTER], outcome[LIMIT], outcome[ACTUAL] = account[s.VERSION], limit, actual
            continue
        s.note(number, row, accounts, positions, undo, counters)
        if is_new:
            s.enter_position(number, key, cell, accounts, positions, index, counters)
        _execute(is_buy, quantity, price, value, day, account, position, outcome)
    return numbers.size


def decide_trades(
    state: State,
    *,
    numbers: Integers,
    symbols: Integers,
    are_buys: NDArray[np.bool_],
    quantities: Integers,
    prices: Integers,
    are_others: NDArray[np.bool_],
    day: int,
    outcomes: Integers,
    first: int = 0,
) -> int:
    """Decide trades in order, entry by entry, and move the state on; return where it stopped.

    `numbers` are the accounts' (-1 for one that there is not), `quantities` in millionths of a share, `prices` in
    ten-thousandths, `are_others` says of each entry whether it is something else than a trade, `outcomes` has a row of
    OUTCOME_COLUMNS for each. It stops behind the last entry, or at one that is no trade, or whose figures do not fit
    64 bits: Python decides that one, and this goes on behind it.
    """
    state.make_room(numbers.size - first)
    return int(
        _decide_trades(
            first,
            numbers,
            symbols,
            are_buys,
            quantities,
            prices,
            are_others,
            day,
            state.accounts,
            state.positions,
            state.index,
            state.undo,
            state.counters,
            outcomes,
        )
    )
