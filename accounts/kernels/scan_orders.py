"""The scanner of batches of orders: a JSON list of new orders becomes rows of figures in one loop, as trades do
(scan.py, which has the rules).

Plain is an object whose members are each named once and without escapes: a lower-case canonical UUID, a known symbol, a
side, a whole or decimal quantity, a type, a time in force or none, decimal prices that go with them, a client order id
or none; quantity and prices in the steps of the symbol. What is null is as if it were left out. Every other entry is
left to the factories.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numba import from_dtype, types
from numpy.typing import NDArray

from accounts.domain.order_terms import TERMS_PASSED, terms_breach_of
from accounts.kernels import orders as o
from accounts.kernels.compiling import kernel
from accounts.kernels.lexing import (
    CLOSING_BRACE,
    CLOSING_BRACKET,
    COMMA,
    NULL,
    OPENING_BRACE,
    OPENING_BRACKET,
    QUOTE,
    behind_colon,
    behind_space,
    behind_value,
    copy_account_id,
    copy_command_id,
    octets,
    padded,
    price_at,
    quantity_at,
    side_at,
    starts_with,
)
from accounts.kernels.scan import room_for
from accounts.kernels.state import Integers
from accounts.kernels.symbols import LOT, PRICE_INCREMENT, SymbolTable, Words, named_symbols, symbol_at
from accounts.kernels.trades import NOT_OTHER, TRADE, Bytes, Trades

_ACCOUNT_ID: Final = 0
_CLIENT_ORDER_ID: Final = 1
_SYMBOL: Final = 2
_SIDE: Final = 3
_QUANTITY: Final = 4
_TYPE: Final = 5
_TIME_IN_FORCE: Final = 6
_LIMIT_PRICE: Final = 7
_STOP_PRICE: Final = 8
_FIELDS: Final = 9
_REQUIRED: Final = 1 << _ACCOUNT_ID | 1 << _SYMBOL | 1 << _SIDE | 1 << _QUANTITY | 1 << _TYPE
_OPTIONAL: Final = 1 << _CLIENT_ORDER_ID | 1 << _TIME_IN_FORCE | 1 << _LIMIT_PRICE | 1 << _STOP_PRICE

_ACCOUNT_ID_NAME: Final = octets('accountId"')
_CLIENT_ORDER_ID_NAME: Final = octets('clientOrderId"')
_SYMBOL_NAME: Final = octets('symbol"')
_SIDE_NAME: Final = octets('side"')
_QUANTITY_NAME: Final = octets('quantity"')
_TYPE_NAME: Final = octets('type"')
_TIME_IN_FORCE_NAME: Final = octets('timeInForce"')
_LIMIT_PRICE_NAME: Final = octets('limitPrice"')
_STOP_PRICE_NAME: Final = octets('stopPrice"')

_MARKET_TEXT: Final = octets('MARKET"')
_LIMIT_TEXT: Final = octets('LIMIT"')
_STOP_TEXT: Final = octets('STOP"')
_STOP_LIMIT_TEXT: Final = octets('STOP_LIMIT"')
_DAY_TEXT: Final = octets('DAY"')
_GTC_TEXT: Final = octets('GTC"')
_IOC_TEXT: Final = octets('IOC"')
_FOK_TEXT: Final = octets('FOK"')

ORDER_TYPE: Final = 0
TIME_IN_FORCE: Final = 1
LIMIT_PRICE: Final = 2
STOP_PRICE: Final = 3
TERM_COLUMNS: Final = 4


@kernel()
def _type_at(buffer: Bytes, at: int) -> tuple[int, int]:
    """Return the number of an order type and the place behind its quote, which is -1 for what is none."""
    if starts_with(buffer, at, _LIMIT_TEXT):
        return o.LIMIT, at + _LIMIT_TEXT.size
    if starts_with(buffer, at, _MARKET_TEXT):
        return o.MARKET, at + _MARKET_TEXT.size
    if starts_with(buffer, at, _STOP_TEXT):
        return o.STOP, at + _STOP_TEXT.size
    return o.STOP_LIMIT, at + _STOP_LIMIT_TEXT.size if starts_with(buffer, at, _STOP_LIMIT_TEXT) else -1


@kernel()
def _time_in_force_at(buffer: Bytes, at: int) -> tuple[int, int]:
    """Return the number of a time in force and the place behind its quote, which is -1 for what is none."""
    if starts_with(buffer, at, _DAY_TEXT):
        return o.DAY, at + _DAY_TEXT.size
    if starts_with(buffer, at, _GTC_TEXT):
        return o.UNTIL_CANCELLED, at + _GTC_TEXT.size
    if starts_with(buffer, at, _IOC_TEXT):
        return o.IMMEDIATE, at + _IOC_TEXT.size
    return o.ALL_OR_NONE, at + _FOK_TEXT.size if starts_with(buffer, at, _FOK_TEXT) else -1


@kernel()
def _field_at(buffer: Bytes, at: int) -> tuple[int, int]:
    """Return the field whose name starts at a place, and the place behind the name's quote, which is -1 for others."""
    first = buffer[at]
    if first == _ACCOUNT_ID_NAME[0] and starts_with(buffer, at, _ACCOUNT_ID_NAME):
        return _ACCOUNT_ID, at + _ACCOUNT_ID_NAME.size
    if first == _CLIENT_ORDER_ID_NAME[0] and starts_with(buffer, at, _CLIENT_ORDER_ID_NAME):
        return _CLIENT_ORDER_ID, at + _CLIENT_ORDER_ID_NAME.size
    if first == _QUANTITY_NAME[0] and starts_with(buffer, at, _QUANTITY_NAME):
        return _QUANTITY, at + _QUANTITY_NAME.size
    if first == _LIMIT_PRICE_NAME[0] and starts_with(buffer, at, _LIMIT_PRICE_NAME):
        return _LIMIT_PRICE, at + _LIMIT_PRICE_NAME.size
    if first == _TYPE_NAME[0] and starts_with(buffer, at, _TYPE_NAME):
        return _TYPE, at + _TYPE_NAME.size
    if first == _TYPE_NAME[0] and starts_with(buffer, at, _TIME_IN_FORCE_NAME):
        return _TIME_IN_FORCE, at + _TIME_IN_FORCE_NAME.size
    if starts_with(buffer, at, _SIDE_NAME):
        return _SIDE, at + _SIDE_NAME.size
    if starts_with(buffer, at, _SYMBOL_NAME):
        return _SYMBOL, at + _SYMBOL_NAME.size
    if starts_with(buffer, at, _STOP_PRICE_NAME):
        return _STOP_PRICE, at + _STOP_PRICE_NAME.size
    return _FIELDS, -1


@kernel()
def _take_member(
    field: int,
    buffer: Bytes,
    at: int,
    row: int,
    words: Words,
    numbers: NDArray[np.int32],
    account_ids: Bytes,
    client_order_ids: Bytes,
    trades: Trades,
    terms: Integers,
) -> int:
    """Take a member's value into its row; return the place behind the value, -1 for one that is not plainly right."""
    trade = trades[row]
    if field == _QUANTITY:
        trade["quantity"], end = quantity_at(buffer, at)
        return end
    if _OPTIONAL & 1 << field and starts_with(buffer, at, NULL):
        return at + NULL.size
    if buffer[at] != QUOTE:
        return -1
    at += 1
    if field == _ACCOUNT_ID:
        return copy_account_id(buffer, at, account_ids, row)
    if field == _CLIENT_ORDER_ID:
        return copy_command_id(buffer, at, client_order_ids, row)
    if field == _SYMBOL:
        trade["symbol"], end = symbol_at(buffer, at, words, numbers)
    elif field == _SIDE:
        trade["is_buy"], end = side_at(buffer, at)
    elif field == _TYPE:
        terms[row, ORDER_TYPE], end = _type_at(buffer, at)
    elif field == _TIME_IN_FORCE:
        terms[row, TIME_IN_FORCE], end = _time_in_force_at(buffer, at)
    elif field == _LIMIT_PRICE:
        terms[row, LIMIT_PRICE], end = price_at(buffer, at)
    else:
        terms[row, STOP_PRICE], end = price_at(buffer, at)
    return end


@kernel()
def _are_terms(is_buy: bool, term: Integers) -> bool:
    """Tell whether the prices and the time in force of an order go with its type."""
    has_limit = term[ORDER_TYPE] in (o.LIMIT, o.STOP_LIMIT)
    has_stop = term[ORDER_TYPE] in (o.STOP, o.STOP_LIMIT)
    is_immediate = term[TIME_IN_FORCE] in (o.IMMEDIATE, o.ALL_OR_NONE)
    wrong = terms_breach_of(is_buy, has_limit, has_stop, is_immediate, term[LIMIT_PRICE], term[STOP_PRICE], False)
    return bool(wrong == TERMS_PASSED)


@kernel()
def _is_in_steps(trade: Any, term: Integers, steps: Integers) -> bool:
    """Tell whether the quantity and the prices of an order are multiples of what those of the symbol are."""
    lot, increment = steps[trade["symbol"], LOT], steps[trade["symbol"], PRICE_INCREMENT]
    return bool(
        trade["quantity"] % lot == 0 and term[LIMIT_PRICE] % increment == 0 and term[STOP_PRICE] % increment == 0
    )


@kernel()
def _take_entry(
    buffer: Bytes,
    at: int,
    row: int,
    words: Words,
    numbers: NDArray[np.int32],
    steps: Integers,
    account_ids: Bytes,
    client_order_ids: Bytes,
    trades: Trades,
    terms: Integers,
) -> int:
    """Take an entry into its row; return the place behind the entry, -1 for one that is not plainly right."""
    if buffer[at] != OPENING_BRACE:
        return -1
    at = behind_space(buffer, at + 1)
    seen = 0
    terms[row, TIME_IN_FORCE] = o.DAY
    while buffer[at] == QUOTE:
        field, at = _field_at(buffer, at + 1)
        if at < 0 or seen & 1 << field:
            return -1
        seen |= 1 << field
        at = behind_colon(buffer, at)
        if at >= 0:
            at = _take_member(field, buffer, at, row, words, numbers, account_ids, client_order_ids, trades, terms)
        if at < 0:
            return -1
        at = behind_space(buffer, at)
        if buffer[at] == CLOSING_BRACE:
            if seen & _REQUIRED != _REQUIRED or not _are_terms(trades[row]["is_buy"], terms[row]):
                return -1
            return at + 1 if _is_in_steps(trades[row], terms[row], steps) else -1
        if buffer[at] != COMMA:
            return -1
        at = behind_space(buffer, at + 1)
    return -1


@kernel()
def _clear(row: int, account_ids: Bytes, client_order_ids: Bytes, trades: Trades, terms: Integers) -> None:
    """Leave nothing of an entry that was begun and is not plain."""
    account_ids[row, :] = 0
    client_order_ids[row, :] = 0
    terms[row, :] = 0
    trade = trades[row]
    trade["quantity"], trade["symbol"], trade["is_buy"] = 0, 0, False


@kernel(
    types.int64(
        types.uint8[::1],
        types.int64,
        types.uint64[::1],
        types.int32[::1],
        types.int64[:, ::1],
        types.uint8[:, ::1],
        types.uint8[:, ::1],
        from_dtype(TRADE)[::1],
        types.boolean[::1],
        types.int64[:, ::1],
        types.int64[:, ::1],
    )
)
def _scan_orders(
    buffer: Bytes,
    size: int,
    words: Words,
    numbers: NDArray[np.int32],
    steps: Integers,
    account_ids: Bytes,
    client_order_ids: Bytes,
    trades: Trades,
    is_plain: NDArray[np.bool_],
    spans: Integers,
    terms: Integers,
) -> int:
    """Take a list of orders apart, into rows of zeros; return how many there are, -1 for what is no list of so many."""
    at = behind_space(buffer, 0)
    if buffer[at] != OPENING_BRACKET:
        return -1
    at = behind_space(buffer, at + 1)
    row = 0
    if buffer[at] == CLOSING_BRACKET:
        return 0 if behind_space(buffer, at + 1) == size else -1
    while row < is_plain.size:
        end = _take_entry(buffer, at, row, words, numbers, steps, account_ids, client_order_ids, trades, terms)
        is_plain[row] = end >= 0
        if end < 0:
            _clear(row, account_ids, client_order_ids, trades, terms)
            end = behind_value(buffer, at, size)
            if end < 0:
                return -1
        trade, term = trades[row], terms[row]
        trade["other"], trade["order"] = NOT_OTHER, row
        trade["price"] = term[LIMIT_PRICE] if term[LIMIT_PRICE] != 0 else term[STOP_PRICE]
        spans[row, 0], spans[row, 1] = at, end
        row += 1
        at = behind_space(buffer, end)
        if buffer[at] == CLOSING_BRACKET:
            return row if behind_space(buffer, at + 1) == size else -1
        if buffer[at] != COMMA:
            return -1
        at = behind_space(buffer, at + 1)
    return -1


class ScannedOrders(NamedTuple):
    """The entries of a batch, side by side. Of an entry that is not plain, the span alone says something."""

    account_ids: Bytes
    """(n, TEXT_BYTES), ASCII padded with zero bytes."""
    client_order_ids: Bytes
    """(n, TEXT_BYTES), ASCII padded with zero bytes; nothing but zeros where none was given."""
    trades: Trades
    """(n,) of TRADE, each with NOT_OTHER and the place of its entry as the number of its order; their symbols are
    places in `symbols`. The price is the limit, else the stop; 0 for a market order.
    """
    is_plain: NDArray[np.bool_]
    """(n,); False for an entry that is to be judged from its span."""
    spans: Integers
    """(n, 2): where the entry starts and where it is over, in bytes of the text."""
    terms: Integers
    """(n, TERM_COLUMNS): the type and the time in force by their numbers (orders.py), the limit price and the stop
    price, 0 where there is none.
    """
    symbols: list[str]
    """Those that the orders name."""


def scan_orders(raw: bytes | memoryview, symbols: SymbolTable, limit: int) -> ScannedOrders | None:
    """Take a JSON list of at most `limit` new orders apart.

    None for what is no such list, or is too long: whoever decodes it as a whole says what is wrong with it.
    """
    buffer, rows = padded(raw), room_for(len(raw), limit)
    account_ids, client_order_ids, trades, is_plain, spans = rows
    terms = np.zeros((len(trades), TERM_COLUMNS), np.int64)
    count = _scan_orders(buffer, len(raw), symbols.words, symbols.numbers, symbols.steps, *rows, terms)
    if count < 0:
        return None
    trades, is_plain = trades[:count], is_plain[:count]
    return ScannedOrders(
        account_ids=account_ids[:count],
        client_order_ids=client_order_ids[:count],
        trades=trades,
        is_plain=is_plain,
        spans=spans[:count],
        terms=terms[:count],
        symbols=named_symbols(trades["symbol"], is_plain, symbols),
    )
