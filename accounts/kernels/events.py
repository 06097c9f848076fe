"""The loop that writes what decided trades led to as cells of events: TradeExecuted, or CommandRefused with its
arguments (see eventstore/event_cells.py).

The order of the cells is that of the fields of the classes in accounts/domain/events.py.
"""

from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from accounts.domain.commands import ExecuteTrade
from accounts.domain.events import CommandRefused, TradeExecuted
from accounts.domain.risk import CODES, PASSED
from accounts.domain.trades import NO_FEE
from accounts.kernels import decide as d
from accounts.kernels.compiling import kernel
from accounts.kernels.state import Integers
from eventstore.event_cells import EventCells
from eventstore.kernels.compiling import TABLE_SIGNATURE, Octets
from eventstore.kernels.message_pack import HEADER_ROOM, VALUE_BASE, put_entry, put_integer
from eventstore.kernels.octets import put_octets

_encode: Final[Callable[[object], bytes]] = msgspec.msgpack.Encoder().encode

TAGS: Final = (str(TradeExecuted.__struct_config__.tag), str(CommandRefused.__struct_config__.tag))
FIELD_COUNTS: Final = (len(TradeExecuted.__struct_fields__), len(CommandRefused.__struct_fields__))
_TRADE_FIELDS: Final = FIELD_COUNTS[0]
_REFUSAL_FIELDS: Final = FIELD_COUNTS[1]
_EXECUTED: Final = 0
_REFUSED: Final = 1

OUTCOME_CODES: Final = {
    **{rule: code.value for rule, code in enumerate(CODES) if code is not None},
    d.NOT_ACTIVE: "ACCOUNT_NOT_ACTIVE",
    d.ACCOUNT_CLOSED: "ACCOUNT_CLOSED",
}
"""The code of each outcome that a refusal records, by its number."""

CONSTANTS: Final = (None, "SELL", "BUY", ExecuteTrade.__name__, *OUTCOME_CODES.values())
"""What the events of trades are made of besides figures and symbols."""

_NIL: Final = 0
_SELL: Final = 1
_BUY: Final = 2
_COMMAND: Final = 3
_FIRST_CODE: Final = 4
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


@kernel(
    "i8(i8, i8, b1[::1], i8[::1], i8[::1], i8, i8[:,::1], i8[::1], i8[::1], i8[::1], i8, "
    f"{TABLE_SIGNATURE}, i8[::1], i4[::1], i8[::1], i8[::1], u1[::1], i8[::1])"
)
def _put_events(
    first: int,
    stop: int,
    are_buys: NDArray[np.bool_],
    quantities: Integers,
    prices: Integers,
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
        side = constants[_BUY if are_buys[entry] else _SELL]
        if rule == PASSED:
            types[count] = _EXECUTED
            cells[at], cells[at + 1] = symbol_cells[entry], side
            cells[at + 2], cells[at + 3] = quantities[entry], prices[entry]
            cells[at + 4], cells[at + 5], cells[at + 6] = constants[_NIL], outcome[d.VALUE], NO_FEE
            for field in range(d.CASH_AFTER, d.TRADE_COUNT + 1):
                cells[at + 7 + field - d.CASH_AFTER] = outcome[field]
            cells[at + 17], cells[at + 18] = day, outcome[d.DAY_VOLUME]
            cells[at + 19], cells[at + 20] = outcome[d.DAY_TRADES], outcome[d.DAY_REALIZED_PNL]
            at += _TRADE_FIELDS
        else:
            types[count] = _REFUSED
            has_figures = rule < d.NOT_ACTIVE
            cells[at], cells[at + 1] = constants[_COMMAND], constants[_FIRST_CODE + places_of_codes[rule]]
            cells[at + 2] = outcome[d.LIMIT] if has_figures else constants[_NIL]
            cells[at + 3] = outcome[d.ACTUAL] if has_figures else constants[_NIL]
            cells[at + 4] = first_argument + refused
            at += _REFUSAL_FIELDS
            symbol, quantity, price = symbol_cells[entry], quantities[entry], prices[entry]
            end = _put_arguments(arguments, end, symbol, side, quantity, price, value_octets, value_starts)
            ends[refused] = end
            refused += 1
        count += 1
    return count


_PLACES_OF_CODES: Final = np.zeros(d.NOT_FOUND + 1, np.int64)
for _place, _outcome in enumerate(OUTCOME_CODES):
    _PLACES_OF_CODES[_outcome] = _place


def add_trade_events(
    events: EventCells,
    *,
    first: int,
    stop: int,
    symbol_cells: Integers,
    widest_symbol: int,
    constants: Integers,
    are_buys: NDArray[np.bool_],
    quantities: Integers,
    prices: Integers,
    day: int,
    outcomes: Integers,
) -> Integers:
    """Add the events of the decided entries `first` up to `stop`; return which entries have one, in order.

    `symbol_cells` are the cells of the entries' symbols, which have so many bytes at most, `constants` those of
    CONSTANTS; the rest is what `decide_trades` was given.
    """
    values, count = events.values, stop - first
    cells = np.empty(count * max(FIELD_COUNTS), np.int64)
    types, starts, entries = np.empty(count, np.int32), np.empty(count, np.int64), np.empty(count, np.int64)
    room = _ARGUMENTS_ROOM + HEADER_ROOM + widest_symbol
    arguments, ends = np.empty(count * room, np.uint8), np.empty(count, np.int64)
    found = _put_events(
        first,
        stop,
        are_buys,
        quantities,
        prices,
        day,
        outcomes,
        symbol_cells,
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
