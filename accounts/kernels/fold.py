"""The loop that applies events that happened to state: what `accounts.domain.account.evolve` does to one account.

Events are fat, so nothing is reckoned: each gives its account the figures that it led to, a trade its position as well,
and a refusal nothing but the version. It stops at events of orders, which are for the domain itself to apply.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from accounts.domain.events import (
    AccountClosed,
    AccountFrozen,
    AccountOpened,
    AccountUnfrozen,
    CashDeposited,
    CashWithdrawn,
    CommandRefused,
    Event,
    RiskLimitsChanged,
    TradeExecuted,
)
from accounts.kernels import state as s
from accounts.kernels.compiling import kernel
from accounts.kernels.state import Integers, State
from eventstore.columns.cells import EventCells
from eventstore.kernels.message_pack import VALUE_BASE, VALUE_LIMIT

_FIELDS: Final = {name: place for place, name in enumerate(TradeExecuted.__struct_fields__)}
SYMBOL: Final = _FIELDS["symbol"]
_PRICE: Final = _FIELDS["price"]
_CASH_AFTER: Final = _FIELDS["cash_after"]
_POSITION_QUANTITY: Final = _FIELDS["position_quantity"]
_POSITION_COST: Final = _FIELDS["position_cost"]
_POSITION_REALIZED_PNL: Final = _FIELDS["position_realized_pnl"]
_PORTFOLIO_VALUE: Final = _FIELDS["portfolio_value"]

LEAVES: Final[dict[type[Event], dict[int, str | int]]] = {
    TradeExecuted: {
        s.CASH: "cash_after",
        s.POSITIONS_COST: "positions_cost",
        s.REALIZED_PNL: "total_realized_pnl",
        s.FEES: "total_fees",
        s.TRADE_COUNT: "trade_count",
        s.DAY: "day",
        s.DAY_VOLUME: "day_volume",
        s.DAY_TRADES: "day_trades",
        s.DAY_REALIZED_PNL: "day_realized_pnl",
    },
    CommandRefused: {},
    AccountOpened: {
        s.STATUS: s.ACTIVE,
        s.CURRENCY: "currency",
        s.MAX_POSITION_BP: "max_position_bp",
        s.MAX_DAILY_VALUE: "max_daily_value",
        s.MAX_TRADE_VALUE: "max_trade_value",
    },
    CashDeposited: {s.CASH: "cash_after", s.DEPOSITED: "deposited_total"},
    CashWithdrawn: {s.CASH: "cash_after", s.WITHDRAWN: "withdrawn_total"},
    AccountFrozen: {s.STATUS: s.FROZEN},
    AccountUnfrozen: {s.STATUS: s.ACTIVE},
    AccountClosed: {s.STATUS: s.CLOSED},
    RiskLimitsChanged: {
        s.MAX_POSITION_BP: "max_position_bp",
        s.MAX_DAILY_VALUE: "max_daily_value",
        s.MAX_TRADE_VALUE: "max_trade_value",
    },
}
"""What an event leaves in the columns of its account: a field of it, or a constant."""

NOT_HERE: Final = -2
"""The kind of types that the domain itself applies."""


def _moves() -> tuple[dict[str, int], Integers, Integers]:
    """Return the kind of each type by its tag, where the moves of each kind start, and the moves: a column and the
    place of a field, or -1 less a constant.
    """
    kinds: dict[str, int] = {}
    starts, moves = [0], []
    for kind, (of_type, leaves) in enumerate(LEAVES.items()):
        kinds[str(of_type.__struct_config__.tag)] = kind
        fields = of_type.__struct_fields__
        for column, source in leaves.items():
            moves.append((column, -1 - source if isinstance(source, int) else fields.index(source)))
        starts.append(len(moves))
    return kinds, np.array(starts, np.int64), np.array(moves, np.int64)


KINDS, _STARTS, _MOVES = _moves()
_TRADE: Final = KINDS[str(TradeExecuted.__struct_config__.tag)]


@kernel(
    "i8(i8, i8[::1], i8[::1], i4[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[:,::1], i8[:,::1], i8[::1], i8[::1])",
)
def _apply_events(
    first: int,
    numbers: Integers,
    versions: Integers,
    types: NDArray[np.int32],
    starts: Integers,
    cells: Integers,
    kinds: Integers,
    numbers_of_values: Integers,
    accounts: Integers,
    positions: Integers,
    buckets: Integers,
    counters: Integers,
) -> int:
    """Apply events from `first` on; return where it stopped."""
    for event in range(first, numbers.size):
        number, at, kind = numbers[event], starts[event], kinds[types[event]]
        if number < 0:
            continue
        account = accounts[number]
        if account[s.VERSION] + 1 != versions[event] or kind == NOT_HERE:
            return event
        account[s.VERSION] = versions[event]
        for move in range(_STARTS[kind], _STARTS[kind + 1]):
            field = _MOVES[move, 1]
            value = cells[at + field] if field >= 0 else -1 - field
            if value < VALUE_LIMIT:
                value = numbers_of_values[value - VALUE_BASE]
            account[_MOVES[move, 0]] = value
        if kind != _TRADE:
            continue
        account[s.POSITIONS_VALUE] = cells[at + _PORTFOLIO_VALUE] - cells[at + _CASH_AFTER]
        key = s.position_key(number, numbers_of_values[cells[at + SYMBOL] - VALUE_BASE])
        row = s.position_row(key, positions, buckets, counters)
        if row < 0:
            row = s.enter_position(number, key, accounts, positions, buckets, counters)
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
    kinds: Integers,
    numbers_of_values: Integers,
    first: int,
) -> int:
    """Apply events in the order in which they happened; return where it stopped.

    That is behind the last, at an event of a type that is NOT_HERE, or at one whose version is not the next of its
    account. Event i happened to the account `numbers[i]` (-1 for one that is not here) and made it version
    `versions[i]`. `kinds` has the kind of each type of event, `numbers_of_values` the number of the symbol or currency
    for each value that is one. What is applied cannot be taken back: nothing that was noted may be waiting to be kept.
    """
    state.make_room_for_positions(numbers.size - first)
    return int(
        _apply_events(
            first,
            numbers,
            versions,
            events.types,
            events.starts,
            events.cells,
            kinds,
            numbers_of_values,
            state.accounts,
            state.positions,
            state.buckets,
            state.counters,
        )
    )
