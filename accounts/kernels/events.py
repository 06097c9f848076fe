"""The loop that writes what was decided as cells of events: TradeExecuted, with OrderFilled where it filled an order,
OrderPlaced, what ended an order, or the CommandRefused of a trade with its arguments (see eventstore/columns/cells.py).

The order of the cells is that of the fields of the classes in accounts/domain/events.py.
"""

from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from accounts.domain.commands import ExecuteTrade
from accounts.domain.events import (
    CommandRefused,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderPlaced,
    OrderRejected,
    TradeExecuted,
)
from accounts.domain.risk import CODES, PASSED
from accounts.domain.trades import NO_FEE
from accounts.kernels import decide as d
from accounts.kernels.compiling import kernel
from accounts.kernels.orders import ORDER_TYPES, TIMES_IN_FORCE
from accounts.kernels.state import Integers
from eventstore.columns.cells import EventCells
from eventstore.kernels.compiling import TABLE_SIGNATURE, Octets
from eventstore.kernels.message_pack import HEADER_ROOM, VALUE_BASE, put_entry, put_integer
from eventstore.kernels.octets import put_octets

_encode: Final[Callable[[object], bytes]] = msgspec.msgpack.Encoder().encode

_TYPES: Final = (
    *(TradeExecuted, CommandRefused, OrderPlaced, OrderFilled),
    *(OrderCancelled, OrderExpired, OrderRejected),
)
TAGS: Final = tuple([str(of_type.__struct_config__.tag) for of_type in _TYPES])
FIELD_COUNTS: Final = tuple([len(of_type.__struct_fields__) for of_type in _TYPES])
_TRADE_FIELDS: Final = FIELD_COUNTS[0]
_REFUSAL_FIELDS: Final = FIELD_COUNTS[1]
_PLACED_FIELDS: Final = FIELD_COUNTS[2]
_FILLED_FIELDS: Final = FIELD_COUNTS[3]
_ENDED_FIELDS: Final = FIELD_COUNTS[4]
_CELLS_MAX: Final = max(_TRADE_FIELDS + _FILLED_FIELDS, _REFUSAL_FIELDS, _PLACED_FIELDS)
"""Of the events of one command."""
_EXECUTED: Final = 0
_REFUSED: Final = 1
_PLACED: Final = 2
_FILLED: Final = 3
_CANCELLED: Final = 4
"""The others that end an order follow in the order of their kinds (decide.py)."""

OUTCOME_CODES: Final = {
    **{rule: code.value for rule, code in enumerate(CODES) if code is not None},
    d.NOT_ACTIVE: "ACCOUNT_NOT_ACTIVE",
    d.ACCOUNT_CLOSED: "ACCOUNT_CLOSED",
}
"""The code of each outcome that a refusal records, by its number."""

_STATUSES: Final = ("PARTIALLY_FILLED", "FILLED")
CONSTANTS: Final = (
    *(None, "SELL", "BUY", ExecuteTrade.__name__),
    *(*ORDER_TYPES, *TIMES_IN_FORCE, *_STATUSES),
    *OUTCOME_CODES.values(),
)
"""What the events are made of besides figures, symbols and ids."""

_NIL: Final = 0
_SELL: Final = 1
_BUY: Final = 2
_COMMAND: Final = 3
_FIRST_TYPE: Final = 4
_FIRST_TIME: Final = _FIRST_TYPE + len(ORDER_TYPES)
_PARTIALLY_FILLED: Final = _FIRST_TIME + len(TIMES_IN_FORCE)
_FIRST_CODE: Final = _PARTIALLY_FILLED + len(_STATUSES)
"""Where each stands; from here on the codes."""


def _octets(*parts: bytes) -> Octets:
    return np.frombuffer(bytearray(b"".join(parts)), np.uint8)


_SYMBOL_NAME: Final = _octets(b"\x85", _encode("symbol"))
_SIDE_NAME: Final = _octets(_encode("side"))
_QUANTITY_NAME: Final = _octets(_encode("quantity"))
_PRICE_NAME: Final = _octets(_encode("price"))
_ORDER_NAME: Final = _octets(_encode("order_id"), _encode(None))
_ARGUMENTS_ROOM: Final = 96
"""Bytes that the arguments of a refused trade take at most, less its symbol."""


@kernel()
def _put_all(buffer: Octets, place: int, text: Octets) -> int:
    put_octets(buffer, place, text, 0, text.size)
    return int(place + text.size)


@kernel()
def _put_arguments(
    buffer: Octets,
    place: int,
    symbol: int,
    side: int,
    quantity: int,
    price: int,
    value_octets: Octets,
    value_starts: Integers,
) -> int:
    """Write the arguments of a trade as a map of their names, as CommandRefused records them."""
    place = _put_all(buffer, place, _SYMBOL_NAME)
    place = put_entry(buffer, place, value_octets, value_starts, symbol - VALUE_BASE)
    place = _put_all(buffer, place, _SIDE_NAME)
    place = put_entry(buffer, place, value_octets, value_starts, side - VALUE_BASE)
    place = _put_all(buffer, place, _QUANTITY_NAME)
    place = put_integer(buffer, place, quantity)
    place = _put_all(buffer, place, _PRICE_NAME)
    place = put_integer(buffer, place, price)
    return _put_all(buffer, place, _ORDER_NAME)


@kernel()
def _put_placed(
    cells: Integers,
    at: int,
    symbol: int,
    side: int,
    quantity: int,
    term: Integers,
    outcome: Integers,
    constants: Integers,
) -> int:
    """Write an OrderPlaced that replaces none; return where it ends."""
    nil = constants[_NIL]
    cells[at], cells[at + 1], cells[at + 2], cells[at + 3] = term[d.ORDER_CELL], term[d.CLIENT_CELL], symbol, side
    cells[at + 4], cells[at + 5] = quantity, constants[_FIRST_TYPE + term[d.ORDER_TYPE]]
    cells[at + 6] = constants[_FIRST_TIME + term[d.TIME_IN_FORCE]]
    cells[at + 7] = term[d.LIMIT_PRICE] if term[d.LIMIT_PRICE] != 0 else nil
    cells[at + 8] = term[d.STOP_PRICE] if term[d.STOP_PRICE] != 0 else nil
    cells[at + 9], cells[at + 10], cells[at + 11], cells[at + 12] = outcome[d.RESERVE_PRICE], nil, 0, 0
    cells[at + 13], cells[at + 14] = outcome[d.RESERVED_CASH], outcome[d.RESERVED_SHARES]
    return at + _PLACED_FIELDS


@kernel()
def _put_filled(
    cells: Integers,
    at: int,
    symbol: int,
    side: int,
    quantity: int,
    price: int,
    order: int,
    outcome: Integers,
    constants: Integers,
) -> int:
    """Write an OrderFilled; return where it ends."""
    is_filled = outcome[d.FILLED_QUANTITY] == outcome[d.ORDER_QUANTITY]
    cells[at], cells[at + 1], cells[at + 2], cells[at + 3] = order, symbol, side, outcome[d.ORDER_QUANTITY]
    cells[at + 4] = constants[_PARTIALLY_FILLED + (1 if is_filled else 0)]
    cells[at + 5], cells[at + 6] = quantity, price
    cells[at + 7], cells[at + 8] = outcome[d.FILLED_QUANTITY], outcome[d.FILLED_VALUE]
    cells[at + 9], cells[at + 10] = outcome[d.RESERVED_CASH], outcome[d.RESERVED_SHARES]
    return at + _FILLED_FIELDS


@kernel()
def _put_ended(cells: Integers, at: int, symbol: int, side: int, term: Integers, outcome: Integers) -> int:
    """Write what ended an order; return where it ends."""
    cells[at], cells[at + 1], cells[at + 2], cells[at + 3] = term[d.ORDER_CELL], symbol, side, outcome[d.ORDER_QUANTITY]
    cells[at + 4], cells[at + 5] = outcome[d.FILLED_QUANTITY], term[d.CLIENT_CELL]
    cells[at + 6], cells[at + 7] = outcome[d.RESERVED_CASH], outcome[d.RESERVED_SHARES]
    return at + _ENDED_FIELDS


@kernel(
    "i8(i8, i8, b1[::1], i8[::1], i8[::1], i8[::1], i8[:,::1], i8, i8[:,::1], i8[::1], i8[::1], i8[::1], i8, "
    f"{TABLE_SIGNATURE}, i8[::1], i4[::1], i8[::1], i8[::1], u1[::1], i8[::1])"
)
def _put_events(
    first: int,
    stop: int,
    are_buys: NDArray[np.bool_],
    quantities: Integers,
    prices: Integers,
    terms_of: Integers,
    terms: Integers,
    day: int,
    outcomes: Integers,
    symbol_cells: Integers,
    constants: Integers,
    places_of_codes: Integers,
    first_argument: int,
    value_octets: Octets,
    value_starts: Integers,
    cells: Integers,
    types: NDArray[np.int32],
    starts: Integers,
    entries: Integers,
    arguments: Octets,
    ends: Integers,
) -> int:
    """Write the events of entries `first` up to `stop`; return how many there are."""
    count, at, refused, end = 0, 0, 0, 0
    for entry in range(first, stop):
        outcome = outcomes[entry]
        rule = outcome[d.OUTCOME]
        if rule == d.NOT_FOUND:
            continue
        entries[count], starts[count] = entry, at
        side, asked, symbol = constants[_BUY if are_buys[entry] else _SELL], terms_of[entry], symbol_cells[entry]
        if asked >= 0 and terms[asked, d.KIND] >= d.CANCEL:
            types[count] = _CANCELLED + terms[asked, d.KIND] - d.CANCEL
            at = _put_ended(cells, at, symbol, side, terms[asked], outcome)
        elif asked >= 0 and terms[asked, d.KIND] == d.PLACE:
            types[count] = _PLACED
            at = _put_placed(cells, at, symbol, side, quantities[entry], terms[asked], outcome, constants)
        elif rule == PASSED:
            types[count] = _EXECUTED
            cells[at], cells[at + 1], cells[at + 2] = symbol, side, quantities[entry]
            cells[at + 3] = prices[entry]
            cells[at + 4] = constants[_NIL] if asked < 0 else terms[asked, d.ORDER_CELL]
            cells[at + 5], cells[at + 6] = outcome[d.VALUE], NO_FEE
            for field in range(d.CASH_AFTER, d.TRADE_COUNT + 1):
                cells[at + 7 + field - d.CASH_AFTER] = outcome[field]
            cells[at + 17], cells[at + 18], cells[at + 19] = day, outcome[d.DAY_VOLUME], outcome[d.DAY_TRADES]
            cells[at + 20] = outcome[d.DAY_REALIZED_PNL]
            at += _TRADE_FIELDS
            if asked >= 0:
                count += 1
                entries[count], starts[count], types[count] = entry, at, _FILLED
                quantity, price = quantities[entry], prices[entry]
                at = _put_filled(
                    cells, at, symbol, side, quantity, price, terms[asked, d.ORDER_CELL], outcome, constants
                )
        else:
            types[count] = _REFUSED
            has_figures = rule < d.NOT_ACTIVE
            cells[at], cells[at + 1] = constants[_COMMAND], constants[_FIRST_CODE + places_of_codes[rule]]
            cells[at + 2] = outcome[d.LIMIT] if has_figures else constants[_NIL]
            cells[at + 3] = outcome[d.ACTUAL] if has_figures else constants[_NIL]
            cells[at + 4] = first_argument + refused
            at += _REFUSAL_FIELDS
            quantity, price = quantities[entry], prices[entry]
            end = _put_arguments(arguments, end, symbol, side, quantity, price, value_octets, value_starts)
            ends[refused] = end
            refused += 1
        count += 1
    return count


_PLACES_OF_CODES: Final = np.zeros(d.NOT_FOUND + 1, np.int64)
for _place, _outcome in enumerate(OUTCOME_CODES):
    _PLACES_OF_CODES[_outcome] = _place


def add_events(
    events: EventCells,
    asked: d.Asked,
    *,
    first: int,
    stop: int,
    widest_symbol: int,
    constants: Integers,
    day: int,
    outcomes: Integers,
) -> Integers:
    """Add the events of the decided entries `first` up to `stop`; return the entry of each, in order.

    No symbol has more than `widest_symbol` bytes; `constants` are the cells of CONSTANTS; the rest is what
    `decide_commands` was given.
    """
    values, count = events.values, stop - first
    cells = np.empty(count * _CELLS_MAX, np.int64)
    types, starts, entries = np.empty(2 * count, np.int32), np.empty(2 * count, np.int64), np.empty(2 * count, np.int64)
    room = _ARGUMENTS_ROOM + HEADER_ROOM + widest_symbol
    arguments, ends = np.empty(count * room, np.uint8), np.empty(count, np.int64)
    found = _put_events(
        first,
        stop,
        asked.are_buys,
        asked.quantities,
        asked.prices,
        asked.terms_of,
        asked.terms,
        day,
        outcomes,
        asked.symbol_cells,
        constants,
        _PLACES_OF_CODES,
        VALUE_BASE + values.count,
        *values.table,
        cells,
        types,
        starts,
        entries,
        arguments,
        ends,
    )
    refused = int(np.count_nonzero(types[:found] == _REFUSED))
    values.append_many(arguments, ends[:refused])
    events.add_mixed(TAGS, FIELD_COUNTS, types[:found], cells, starts[:found])
    return entries[:found]
