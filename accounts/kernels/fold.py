"""The loop that applies events that happened to state: what `accounts.domain.trades.traded` does to one account.

Events are fat, so nothing is reckoned: each trade gives its account and its position the figures that it led to, and a
refusal nothing but its version. It stops at any other event, which is for the domain itself to apply.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from accounts.domain.events import TradeExecuted
from accounts.kernels import state as s
from accounts.kernels.compiling import kernel
from accounts.kernels.state import Integers, State
from eventstore.event_cells import EventCells
from eventstore.kernels.message_pack import VALUE_BASE

_FIELDS: Final = {name: place for place, name in enumerate(TradeExecuted.__struct_fields__)}
SYMBOL: Final = _FIELDS["symbol"]
_PRICE: Final = _FIELDS["price"]
_CASH_AFTER: Final = _FIELDS["cash_after"]
_POSITION_QUANTITY: Final = _FIELDS["position_quantity"]
_POSITION_COST: Final = _FIELDS["position_cost"]
_POSITION_REALIZED_PNL: Final = _FIELDS["position_realized_pnl"]
_TOTAL_REALIZED_PNL: Final = _FIELDS["total_realized_pnl"]
_POSITIONS_COST: Final = _FIELDS["positions_cost"]
_PORTFOLIO_VALUE: Final = _FIELDS["portfolio_value"]
_TRADE_COUNT: Final = _FIELDS["trade_count"]
_DAY: Final = _FIELDS["day"]
_DAY_VOLUME: Final = _FIELDS["day_volume"]
_DAY_TRADES: Final = _FIELDS["day_trades"]
_DAY_REALIZED_PNL: Final = _FIELDS["day_realized_pnl"]

NO_TYPE: Final = -1
"""Stands for a type that a batch has no events of."""


@kernel(
    "i8(i8, i8[::1], i8[::1], i4[::1], i8[::1], i8[::1], i8, i8, i8[::1], i8[:,::1], i8[:,::1], i8[::1], i8[::1])",
)
def _apply_events(
    first: int,
    numbers: Integers,
    versions: Integers,
    types: NDArray[np.int32],
    starts: Integers,
    cells: Integers,
    trade_type: int,
    refusal_type: int,
    symbols_of_values: Integers,
    accounts: Integers,
    positions: Integers,
    index: Integers,
    counters: Integers,
) -> int:
    """Apply events from `first` on; return where it stopped."""
    for event in range(first, numbers.size):
        number = numbers[event]
        account = accounts[number]
        of_type = types[event]
        is_trade = of_type == trade_type
        if account[s.VERSION] + 1 != versions[event] or not (is_trade or of_type == refusal_type):
            return event
        account[s.VERSION] = versions[event]
        if not is_trade:
            continue
        at = starts[event]
        account[s.CASH] = cells[at + _CASH_AFTER]
        account[s.POSITIONS_COST] = cells[at + _POSITIONS_COST]
        account[s.POSITIONS_VALUE] = cells[at + _PORTFOLIO_VALUE] - cells[at + _CASH_AFTER]
        account[s.REALIZED_PNL] = cells[at + _TOTAL_REALIZED_PNL]
        account[s.TRADE_COUNT] = cells[at + _TRADE_COUNT]
        account[s.DAY] = cells[at + _DAY]
        account[s.DAY_VOLUME] = cells[at + _DAY_VOLUME]
        account[s.DAY_TRADES] = cells[at + _DAY_TRADES]
        account[s.DAY_REALIZED_PNL] = cells[at + _DAY_REALIZED_PNL]
        key = s.position_key(number, symbols_of_values[cells[at + SYMBOL] - VALUE_BASE])
        cell = s.position_place(index, positions, key)
        row = index[cell]
        if row < 0:
            row = s.enter_position(number, key, cell, accounts, positions, index, counters)
        positions[row, s.QUANTITY] = cells[at + _POSITION_QUANTITY]
        positions[row, s.COST] = cells[at + _POSITION_COST]
        positions[row, s.MARK] = cells[at + _PRICE]
        positions[row, s.POSITION_REALIZED_PNL] = cells[at + _POSITION_REALIZED_PNL]
    return int(numbers.size)


def apply_events(
    state: State,
    events: EventCells,
    *,
    numbers: Integers,
    versions: Integers,
    trade_type: int,
    refusal_type: int,
    symbols_of_values: Integers,
    first: int,
) -> int:
    """Apply events in the order in which they happened; return where it stopped.

    That is behind the last, at an event of another type, or at one whose version is not the next of its account.
    Event i happened to the account `numbers[i]` and made it version `versions[i]`. `symbols_of_values` has the symbol's
    number for each value that is one. What is applied cannot be taken back: nothing that was noted may be waiting to be
    kept.
    """
    state.make_room(numbers.size - first)
    return int(
        _apply_events(
            first,
            numbers,
            versions,
            events.types,
            events.starts,
            events.cells,
            trade_type,
            refusal_type,
            symbols_of_values,
            state.accounts,
            state.positions,
            state.index,
            state.counters,
        )
    )
