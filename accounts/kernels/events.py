"""The loop that writes what was decided as cells of events: TradeExecuted, with OrderFilled where it filled an order,
OrderPlaced, with OrderReplaced before it where it replaces one, what ended an order, or the CommandRefused of a trade
or a new order with its arguments (see eventstore/columns/cells.py).

The order of the cells is that of the fields of the classes in accounts/domain/events.py.
"""

from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from accounts.domain.commands import ExecuteTrade, PlaceOrder
from accounts.domain.events import (
    CommandRefused,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderPlaced,
    OrderRejected,
    OrderReplaced,
    TradeExecuted,
)
from accounts.domain.order_terms import NO_PRICE
from accounts.domain.risk import CODES, PASSED
from accounts.kernels import columns as c
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
    *(OrderReplaced, OrderCancelled, OrderExpired, OrderRejected),
)
TAGS: Final = tuple([str(of_type.__struct_config__.tag) for of_type in _TYPES])
FIELD_COUNTS: Final = tuple([len(of_type.__struct_fields__) for of_type in _TYPES])
_TRADE_FIELDS: Final = FIELD_COUNTS[0]
_REFUSAL_FIELDS: Final = FIELD_COUNTS[1]
_PLACED_FIELDS: Final = FIELD_COUNTS[2]
_FILLED_FIELDS: Final = FIELD_COUNTS[3]
_REPLACED_FIELDS: Final = FIELD_COUNTS[4]
_ENDED_FIELDS: Final = FIELD_COUNTS[5]
_CELLS_MAX: Final = max(_TRADE_FIELDS + _FILLED_FIELDS, _REFUSAL_FIELDS, _REPLACED_FIELDS + _PLACED_FIELDS)
"""Of the events of one command."""
_EXECUTED: Final = 0
_REFUSED: Final = 1
_PLACED: Final = 2
_FILLED: Final = 3
_REPLACED: Final = 4
_CANCELLED: Final = 5
"""The others that end an order follow in the order of their kinds (columns.py)."""

OUTCOME_CODES: Final = {
    **{rule: code.value for rule, code in enumerate(CODES) if code is not None},
    c.NOT_ACTIVE: "ACCOUNT_NOT_ACTIVE",
    c.ACCOUNT_CLOSED: "ACCOUNT_CLOSED",
}
"""The code of each outcome that a refusal records, by its number."""

_STATUSES: Final = ("PARTIALLY_FILLED", "FILLED")
CONSTANTS: Final = (
    *(None, "SELL", "BUY", ExecuteTrade.__name__, PlaceOrder.__name__),
    *(*ORDER_TYPES, *TIMES_IN_FORCE, *_STATUSES, "SIMPLE"),
    *OUTCOME_CODES.values(),
)
"""What the events are made of besides figures, symbols and ids."""

_NIL: Final = 0
_SELL: Final = 1
_BUY: Final = 2
_TRADE: Final = 3
_PLACE: Final = 4
_FIRST_TYPE: Final = 5
_FIRST_TIME: Final = _FIRST_TYPE + len(ORDER_TYPES)
_PARTIALLY_FILLED: Final = _FIRST_TIME + len(TIMES_IN_FORCE)
_SIMPLE: Final = _PARTIALLY_FILLED + len(_STATUSES)
_FIRST_CODE: Final = _SIMPLE + 1
"""Where each stands; from here on the codes."""


def _octets(*parts: bytes) -> Octets:
    return np.frombuffer(bytearray(b"".join(parts)), np.uint8)


_MAP_OF_A_TRADE: Final = _octets(b"\x86")
_MAP_OF_AN_ORDER: Final = _octets(b"\x8a")
_SYMBOL_NAME: Final = _octets(_encode("symbol"))
_SIDE_NAME: Final = _octets(_encode("side"))
_QUANTITY_NAME: Final = _octets(_encode("quantity"))
_PRICE_NAME: Final = _octets(_encode("price"))
_NO_ORDER: Final = _octets(_encode("order_id"), _encode(None))
_MARKET_NAME: Final = _octets(_encode("market_price"))
_ORDER_NAME: Final = _octets(_encode("order_id"))
_CLIENT_NAME: Final = _octets(_encode("client_order_id"))
_TYPE_NAME: Final = _octets(_encode("order_type"))
_TIME_NAME: Final = _octets(_encode("time_in_force"))
_LIMIT_NAME: Final = _octets(_encode("limit_price"))
_STOP_NAME: Final = _octets(_encode("stop_price"))
_REFERENCE_NAME: Final = _octets(_encode("reference_price"))
_NONE: Final = _octets(_encode(None))
_TRADE_ROOM: Final = 128
_ORDER_ROOM: Final = 320
"""Bytes that the arguments of a refused trade, and of a refused order, take at most, less its symbol."""


@kernel()
def _put_all(buffer: Octets, place: int, text: Octets) -> int:
    put_octets(buffer, place, text, 0, text.size)
    return int(place + text.size)


@kernel()
def _put_arguments_of_trade(
    buffer: Octets,
    place: int,
    symbol: int,
    side: int,
    quantity: int,
    price: int,
    market_price: int,
    value_octets: Octets,
    value_starts: Integers,
) -> int:
    """Write the arguments of a trade as a map of their names, as CommandRefused records them."""
    place = _put_all(buffer, _put_all(buffer, place, _MAP_OF_A_TRADE), _SYMBOL_NAME)
    place = put_entry(buffer, place, value_octets, value_starts, symbol - VALUE_BASE)
    place = _put_all(buffer, place, _SIDE_NAME)
    place = put_entry(buffer, place, value_octets, value_starts, side - VALUE_BASE)
    place = _put_all(buffer, place, _QUANTITY_NAME)
    place = put_integer(buffer, place, quantity)
    place = _put_all(buffer, place, _PRICE_NAME)
    place = put_integer(buffer, place, price)
    place = _put_all(buffer, _put_all(buffer, place, _NO_ORDER), _MARKET_NAME)
    return int(put_integer(buffer, place, market_price))


@kernel()
def _put_price(buffer: Octets, place: int, price: int) -> int:
    return _put_all(buffer, place, _NONE) if price == NO_PRICE else int(put_integer(buffer, place, price))


@kernel()
def _put_arguments_of_order(
    buffer: Octets,
    place: int,
    symbol: int,
    side: int,
    quantity: int,
    price: int,
    term: Integers,
    constants: Integers,
    value_octets: Octets,
    value_starts: Integers,
) -> int:
    """Write the arguments of a new order in the same way."""
    order_type, time_in_force = (
        constants[_FIRST_TYPE + term[c.ORDER_TYPE]],
        constants[_FIRST_TIME + term[c.TIME_IN_FORCE]],
    )
    place = _put_all(buffer, _put_all(buffer, place, _MAP_OF_AN_ORDER), _ORDER_NAME)
    place = put_entry(buffer, place, value_octets, value_starts, term[c.ORDER_CELL] - VALUE_BASE)
    place = _put_all(buffer, place, _CLIENT_NAME)
    place = put_entry(buffer, place, value_octets, value_starts, term[c.CLIENT_CELL] - VALUE_BASE)
    place = _put_all(buffer, place, _SYMBOL_NAME)
    place = put_entry(buffer, place, value_octets, value_starts, symbol - VALUE_BASE)
    place = _put_all(buffer, place, _SIDE_NAME)
    place = put_entry(buffer, place, value_octets, value_starts, side - VALUE_BASE)
    place = _put_all(buffer, place, _QUANTITY_NAME)
    place = put_integer(buffer, place, quantity)
    place = _put_all(buffer, place, _TYPE_NAME)
    place = put_entry(buffer, place, value_octets, value_starts, order_type - VALUE_BASE)
    place = _put_all(buffer, place, _TIME_NAME)
    place = put_entry(buffer, place, value_octets, value_starts, time_in_force - VALUE_BASE)
    place = _put_price(buffer, _put_all(buffer, place, _LIMIT_NAME), term[c.LIMIT_PRICE])
    place = _put_price(buffer, _put_all(buffer, place, _STOP_NAME), term[c.STOP_PRICE])
    has_own = term[c.LIMIT_PRICE] != NO_PRICE or term[c.STOP_PRICE] != NO_PRICE
    return int(put_integer(buffer, _put_all(buffer, place, _REFERENCE_NAME), 0 if has_own else price))


@kernel()
def _put_refused(
    cells: Integers,
    at: int,
    rule: int,
    is_order: bool,
    argument: int,
    outcome: Integers,
    constants: Integers,
    places_of_codes: Integers,
) -> int:
    """Write a CommandRefused whose arguments are a value with this cell; return where it ends."""
    has_figures = rule < c.NOT_ACTIVE
    cells[at] = constants[_PLACE if is_order else _TRADE]
    cells[at + 1] = constants[_FIRST_CODE + places_of_codes[rule]]
    cells[at + 2] = outcome[c.LIMIT] if has_figures else constants[_NIL]
    cells[at + 3] = outcome[c.ACTUAL] if has_figures else constants[_NIL]
    cells[at + 4] = argument
    return at + _REFUSAL_FIELDS


@kernel()
def _put_executed(
    cells: Integers,
    at: int,
    symbol: int,
    side: int,
    quantity: int,
    price: int,
    order: int,
    day: int,
    outcome: Integers,
) -> int:
    """Write a TradeExecuted; return where it ends."""
    cells[at], cells[at + 1], cells[at + 2], cells[at + 3], cells[at + 4] = symbol, side, quantity, price, order
    for field in range(c.VALUE, c.TRADE_COUNT + 1):
        cells[at + 5 + field - c.VALUE] = outcome[field]
    cells[at + 17], cells[at + 18], cells[at + 19] = day, outcome[c.DAY_VOLUME], outcome[c.DAY_TRADES]
    cells[at + 20] = outcome[c.DAY_REALIZED_PNL]
    return at + _TRADE_FIELDS


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
    """Write an OrderPlaced, one that replaces another one included; return where it ends."""
    nil, is_replacement = constants[_NIL], term[c.KIND] == c.REPLACE
    terms = outcome[c.NEW_TERMS : c.NEW_TERMS + 4] if is_replacement else term[c.ORDER_TYPE : c.ORDER_TYPE + 4]
    order_type, time_in_force, limit_price, stop_price = terms[0], terms[1], terms[2], terms[3]
    cells[at] = term[c.NEW_ORDER_CELL if is_replacement else c.ORDER_CELL]
    quantity = outcome[c.ORDER_QUANTITY] if is_replacement else quantity
    cells[at + 1], cells[at + 2], cells[at + 3], cells[at + 4] = term[c.CLIENT_CELL], symbol, side, quantity
    cells[at + 5], cells[at + 6] = constants[_FIRST_TYPE + order_type], constants[_FIRST_TIME + time_in_force]
    cells[at + 7] = limit_price if limit_price != NO_PRICE else nil
    cells[at + 8] = stop_price if stop_price != NO_PRICE else nil
    cells[at + 9], cells[at + 10] = outcome[c.RESERVE_PRICE], term[c.ORDER_CELL] if is_replacement else nil
    cells[at + 11], cells[at + 12] = outcome[c.FILLED_QUANTITY], outcome[c.FILLED_VALUE]
    cells[at + 13], cells[at + 14] = outcome[c.RESERVED_CASH], outcome[c.RESERVED_SHARES]
    for field in range(15, _PLACED_FIELDS):  # No expiry, trail, trigger or links.
        cells[at + field] = nil
    cells[at + 19] = constants[_SIMPLE]
    return at + _PLACED_FIELDS


@kernel()
def _put_replaced(cells: Integers, at: int, symbol: int, side: int, term: Integers, outcome: Integers) -> int:
    """Write an OrderReplaced; return where it ends."""
    cells[at], cells[at + 1], cells[at + 2], cells[at + 3] = term[c.ORDER_CELL], term[c.NEW_ORDER_CELL], symbol, side
    cells[at + 4], cells[at + 5] = outcome[c.OLD_QUANTITY], outcome[c.FILLED_QUANTITY]
    cells[at + 6], cells[at + 7] = outcome[c.CASH_BETWEEN], outcome[c.SHARES_BETWEEN]
    cells[at + 8] = term[c.GIVEN_CELL]
    return at + _REPLACED_FIELDS


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
    is_filled = outcome[c.FILLED_QUANTITY] == outcome[c.ORDER_QUANTITY]
    cells[at], cells[at + 1], cells[at + 2], cells[at + 3] = order, symbol, side, outcome[c.ORDER_QUANTITY]
    cells[at + 4] = constants[_PARTIALLY_FILLED + (1 if is_filled else 0)]
    cells[at + 5], cells[at + 6] = quantity, price
    cells[at + 7], cells[at + 8] = outcome[c.FILLED_QUANTITY], outcome[c.FILLED_VALUE]
    cells[at + 9], cells[at + 10] = outcome[c.RESERVED_CASH], outcome[c.RESERVED_SHARES]
    return at + _FILLED_FIELDS


@kernel()
def _put_ended(cells: Integers, at: int, symbol: int, side: int, term: Integers, outcome: Integers) -> int:
    """Write what ended an order; return where it ends."""
    cells[at], cells[at + 1], cells[at + 2], cells[at + 3] = term[c.ORDER_CELL], symbol, side, outcome[c.ORDER_QUANTITY]
    cells[at + 4], cells[at + 5] = outcome[c.FILLED_QUANTITY], term[c.CLIENT_CELL]
    cells[at + 6], cells[at + 7] = outcome[c.RESERVED_CASH], outcome[c.RESERVED_SHARES]
    return at + _ENDED_FIELDS


@kernel(
    "i8(i8, i8, b1[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[:,::1], i8, i8[:,::1], i8[::1], i8[::1], i8[::1], i8, "
    f"{TABLE_SIGNATURE}, i8[::1], i4[::1], i8[::1], i8[::1], u1[::1], i8[::1])"
)
def _put_events(
    first: int,
    stop: int,
    are_buys: NDArray[np.bool_],
    quantities: Integers,
    prices: Integers,
    market_prices: Integers,
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
        rule = outcome[c.OUTCOME]
        if rule == c.NOT_FOUND:
            continue
        entries[count], starts[count] = entry, at
        side, asked, symbol = constants[_BUY if are_buys[entry] else _SELL], terms_of[entry], symbol_cells[entry]
        if asked >= 0 and terms[asked, c.KIND] >= c.CANCEL:
            types[count] = _CANCELLED + terms[asked, c.KIND] - c.CANCEL
            at = _put_ended(cells, at, symbol, side, terms[asked], outcome)
        elif asked >= 0 and terms[asked, c.KIND] != c.FILL and rule == PASSED:
            if terms[asked, c.KIND] == c.REPLACE:
                types[count] = _REPLACED
                at = _put_replaced(cells, at, symbol, side, terms[asked], outcome)
                count += 1
                entries[count], starts[count] = entry, at
            types[count] = _PLACED
            at = _put_placed(cells, at, symbol, side, quantities[entry], terms[asked], outcome, constants)
        elif rule == PASSED:
            types[count] = _EXECUTED
            order = constants[_NIL] if asked < 0 else terms[asked, c.ORDER_CELL]
            quantity, price = quantities[entry], prices[entry]
            at = _put_executed(cells, at, symbol, side, quantity, price, order, day, outcome)
            if asked >= 0:
                count += 1
                entries[count], starts[count], types[count] = entry, at, _FILLED
                at = _put_filled(cells, at, symbol, side, quantity, price, order, outcome, constants)
        else:
            types[count], argument = _REFUSED, first_argument + refused
            at = _put_refused(cells, at, rule, asked >= 0, argument, outcome, constants, places_of_codes)
            figures, values = (symbol, side, quantities[entry], prices[entry]), (value_octets, value_starts)
            if asked < 0:
                end = _put_arguments_of_trade(arguments, end, *figures, market_prices[entry], *values)
            else:
                end = _put_arguments_of_order(arguments, end, *figures, terms[asked], constants, *values)
            ends[refused] = end
            refused += 1
        count += 1
    return count


_PLACES_OF_CODES: Final = np.zeros(c.NOT_FOUND + 1, np.int64)
for _place, _outcome in enumerate(OUTCOME_CODES):
    _PLACES_OF_CODES[_outcome] = _place


def add_events(
    events: EventCells,
    asked: c.Asked,
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
    has_orders = bool((asked.terms[:, c.KIND] == c.PLACE).any())
    room = (_ORDER_ROOM if has_orders else _TRADE_ROOM) + HEADER_ROOM + widest_symbol
    arguments, ends = np.empty(count * room, np.uint8), np.empty(count, np.int64)
    found = _put_events(
        first,
        stop,
        asked.are_buys,
        asked.quantities,
        asked.prices,
        asked.market_prices,
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
