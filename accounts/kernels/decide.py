"""The loop that decides commands one after the other and moves the state on: trades, fills, new orders, those that
replace them, and their ends.

The figures of an event come out as columns, one for each field that follows from the state; of a refusal the limit and
the actual figure. Refusals of fills, replacements and ends, and what is rare, are somebody else's to decide: it stops
there.
"""

import numpy as np
from numpy.typing import NDArray

from accounts.domain.risk import PASSED, PRICE_BAND, price_bound
from accounts.domain.trades import effect_of, fits_64_bits
from accounts.domain.values import BASIS_POINTS, value_of
from accounts.kernels import columns as c
from accounts.kernels import orders as o
from accounts.kernels import state as s
from accounts.kernels.compiling import kernel
from accounts.kernels.decide_orders import Arrays, end, fee_for, fill, freed_by, judge, refuse, works
from accounts.kernels.orders import WorkingOrders
from accounts.kernels.state import Integers, State


@kernel()
def _execute(
    is_buy: bool,
    quantity: int,
    price: int,
    value: int,
    fee: int,
    day: int,
    account: Integers,
    position: Integers,
    outcome: Integers,
) -> None:
    """Move an account and its position on by a trade that passed every rule, and say what it led to."""
    held, cost, mark = position[s.QUANTITY], position[s.COST], position[s.MARK]
    cash, held_after, cost_after, realized = effect_of(is_buy, quantity, value, fee, account[s.CASH], held, cost)
    if account[s.DAY] != day:
        account[s.DAY], account[s.DAY_VOLUME], account[s.DAY_TRADES], account[s.DAY_REALIZED_PNL] = day, 0, 0, 0
    account[s.VERSION] += 1
    account[s.CASH] = cash
    account[s.POSITIONS_COST] += cost_after - cost
    account[s.POSITIONS_VALUE] += value_of(held_after, price) - value_of(held, mark)
    account[s.REALIZED_PNL] += realized
    account[s.FEES] += fee
    account[s.TRADE_COUNT] += 1
    account[s.DAY_VOLUME] += value
    account[s.DAY_TRADES] += 1
    account[s.DAY_REALIZED_PNL] += realized
    position[s.QUANTITY], position[s.COST], position[s.MARK] = held_after, cost_after, price
    position[s.POSITION_REALIZED_PNL] += realized
    outcome[c.VERSION_AFTER] = account[s.VERSION]
    outcome[c.VALUE], outcome[c.FEE], outcome[c.CASH_AFTER] = value, fee, cash
    outcome[c.POSITION_QUANTITY], outcome[c.POSITION_COST] = held_after, cost_after
    outcome[c.POSITION_REALIZED_PNL] = position[s.POSITION_REALIZED_PNL]
    outcome[c.REALIZED_PNL], outcome[c.TOTAL_REALIZED_PNL] = realized, account[s.REALIZED_PNL]
    outcome[c.TOTAL_FEES], outcome[c.POSITIONS_COST] = account[s.FEES], account[s.POSITIONS_COST]
    outcome[c.PORTFOLIO_VALUE] = cash + account[s.POSITIONS_VALUE]
    outcome[c.TRADE_COUNT], outcome[c.DAY_VOLUME] = account[s.TRADE_COUNT], account[s.DAY_VOLUME]
    outcome[c.DAY_TRADES], outcome[c.DAY_REALIZED_PNL] = account[s.DAY_TRADES], account[s.DAY_REALIZED_PNL]


@kernel()
def _trade(
    is_buy: bool,
    quantity: int,
    price: int,
    market_price: int,
    number: int,
    symbol: int,
    row: int,
    is_new: bool,
    day: int,
    order: int,
    arrays: Arrays,
    buckets: Integers,
    outcome: Integers,
) -> bool:
    """Execute a trade, which fills the order in a row or, for -1, none, or refuse one that fills none, and say what
    that led to; False, and nothing happened, if a fill is refused or it does not fit 64 bits.
    """
    accounts, positions, undo, counters, orders, clients, order_undo, orders_noted = arrays
    account, position = accounts[number], positions[row]
    band = account[s.PRICE_BAND_BP]
    if not fits_64_bits(quantity, price, position[s.QUANTITY], position[s.COST]) or band > BASIS_POINTS:
        return False
    bound = price_bound(price, market_price, band) if order < 0 else price
    if bound != price:
        refuse(number, PRICE_BAND, bound, price, accounts, positions, undo, counters, outcome)
        return True
    value = value_of(quantity, price)
    fee = fee_for(quantity, value, account, order, orders)
    freed = freed_by(is_buy, quantity, price, number, symbol, orders[order]) if order >= 0 else 0
    freed_shares = quantity if order >= 0 and not is_buy else 0
    rule, limit, actual = judge(is_buy, quantity, price, value, value, fee, freed, freed_shares, day, account, position)
    if fee < 0 or (order >= 0 and (freed < 0 or rule != PASSED)):
        return False
    if rule != PASSED:
        refuse(number, rule, limit, actual, accounts, positions, undo, counters, outcome)
        return True
    s.note(number, row, accounts, positions, undo, counters)
    if is_new:
        s.enter_position(number, s.position_key(number, symbol), accounts, positions, buckets, counters)
    outcome[c.OUTCOME] = PASSED
    _execute(is_buy, quantity, price, value, fee, day, account, position, outcome)
    if order >= 0:
        o.note_order(order, orders, order_undo, orders_noted)
        fill(quantity, value, freed, account, position, orders[order], clients, outcome)
    return True


@kernel(
    "i8(i8, i8[::1], i8[::1], b1[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[:,::1], i8, i8[:,::1], i8[:,::1], "
    "i8[::1], i8[:,::1], i8[::1], i8[:,::1], i8[::1], i8[:,::1], i8[::1], i8[:,::1])"
)
def _decide(
    first: int,
    numbers: Integers,
    symbols: Integers,
    are_buys: NDArray[np.bool_],
    quantities: Integers,
    prices: Integers,
    market_prices: Integers,
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
        if asked == c.OTHER or (asked >= 0 and status != s.ACTIVE and terms[asked, c.KIND] != c.PLACE):
            return entry
        if status == s.NONE:
            outcome[c.OUTCOME] = c.NOT_FOUND
            continue
        if status != s.ACTIVE:
            code = c.ACCOUNT_CLOSED if status == s.CLOSED else c.NOT_ACTIVE
            refuse(number, code, 0, 0, accounts, positions, undo, counters, outcome)
            continue
        symbol, is_buy, quantity, price = symbols[entry], are_buys[entry], quantities[entry], prices[entry]
        found = s.position_row(s.position_key(number, symbol), positions, buckets, counters)
        arrays = accounts, positions, undo, counters, orders, clients, order_undo, orders_noted
        if asked >= 0 and terms[asked, c.KIND] >= c.CANCEL:
            if not end(is_buy, number, symbol, found, terms[asked], arrays, outcome):
                return entry
            continue
        is_new = found < 0
        row = s.next_position(counters) if is_new else found  # Which has no figures yet.
        if asked >= 0 and terms[asked, c.KIND] in (c.PLACE, c.REPLACE):
            term = terms[asked]
            if not works(is_buy, quantity, price, number, symbol, row, is_new, day, term, arrays, outcome):
                return entry
            continue
        order, market = terms[asked, c.ROW] if asked >= 0 else -1, market_prices[entry]
        of_trade = number, symbol, row, is_new, day, order
        if not _trade(is_buy, quantity, price, market, *of_trade, arrays, buckets, outcome):
            return entry
    return numbers.size


def decide_commands(
    state: State,
    working: WorkingOrders,
    asked: c.Asked,
    *,
    numbers: Integers,
    day: int,
    outcomes: Integers,
    first: int = 0,
) -> int:
    """Decide trades, fills, new orders, those that replace them and their ends in order, entry by entry, and move the
    state on; return where it stopped.

    `numbers` are the accounts' (-1 for one that there is not); `outcomes` has a row of OUTCOME_COLUMNS for each entry.
    It stops behind the last entry, or at one that Python has to decide, and goes on behind that: what is OTHER, what a
    working order is refused, a new one with an id that is taken or one too many, what does not fit 64 bits.
    """
    state.make_room(numbers.size - first)
    working.make_room(2 * (numbers.size - first))
    return int(
        _decide(
            first,
            numbers,
            asked.symbols,
            asked.are_buys,
            asked.quantities,
            asked.prices,
            asked.market_prices,
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
