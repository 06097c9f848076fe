"""The loop that applies trades that happened to state: what `accounts.domain.trades.traded` does to one account.

Events are fat, so nothing is reckoned: each trade gives its account and its position the figures that it led to.
"""

from accounts.kernels import decide as d
from accounts.kernels import state as s
from accounts.kernels.compiling import kernel
from accounts.kernels.state import Integers, State


@kernel(
    "void(i8[::1], i8[::1], i8[::1], i8[::1], i8[:,::1], i8[:,::1], i8[:,::1], i8[::1], i8[::1])",
)
def _apply_trades(
    numbers: Integers,
    symbols: Integers,
    prices: Integers,
    days: Integers,
    figures: Integers,
    accounts: Integers,
    positions: Integers,
    index: Integers,
    counters: Integers,
) -> None:
    for entry in range(numbers.size):
        number, trade = numbers[entry], figures[entry]
        account = accounts[number]
        account[s.VERSION] = trade[d.VERSION_AFTER]
        account[s.CASH] = trade[d.CASH_AFTER]
        account[s.POSITIONS_COST] = trade[d.POSITIONS_COST]
        account[s.POSITIONS_VALUE] = trade[d.PORTFOLIO_VALUE] - trade[d.CASH_AFTER]
        account[s.REALIZED_PNL] = trade[d.TOTAL_REALIZED_PNL]
        account[s.TRADE_COUNT] = trade[d.TRADE_COUNT]
        account[s.DAY] = days[entry]
        account[s.DAY_VOLUME] = trade[d.DAY_VOLUME]
        account[s.DAY_TRADES] = trade[d.DAY_TRADES]
        account[s.DAY_REALIZED_PNL] = trade[d.DAY_REALIZED_PNL]
        key = s.position_key(number, symbols[entry])
        cell = s.position_place(index, positions, key)
        row = index[cell]
        if row < 0:
            row = s.enter_position(number, key, cell, accounts, positions, index, counters)
        positions[row, s.QUANTITY] = trade[d.POSITION_QUANTITY]
        positions[row, s.COST] = trade[d.POSITION_COST]
        positions[row, s.MARK] = prices[entry]
        positions[row, s.POSITION_REALIZED_PNL] = trade[d.POSITION_REALIZED_PNL]


def apply_trades(
    state: State, *, numbers: Integers, symbols: Integers, prices: Integers, days: Integers, figures: Integers
) -> None:
    """Apply trades in the order in which they happened; `figures` are in the columns of `decide_trades`' outcomes.

    What is applied cannot be taken back: nothing that was noted may be waiting to be kept.
    """
    state.make_room(numbers.size)
    _apply_trades(numbers, symbols, prices, days, figures, state.accounts, state.positions, state.index, state.counters)
