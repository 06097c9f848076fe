"""The scanner of batches: it takes a JSON list of trades apart in one loop, without an object for each entry. That of
orders (scan_orders.py) goes by the same rules.

An entry that is plainly right becomes a row of figures. Every other one, whatever is wrong or merely rare about it, is
left as a span of bytes, which the factories judge alone (accounts/api/parsing/batches.py): the scanner knows no error
messages. Plain is an object whose members are each named once and without escapes: a lower-case canonical UUID, a known
symbol, a side, a whole or decimal quantity and a decimal price within their limits and in the steps of the symbol, a
command id or none, no order.

The list is split with certainty or not at all. What stands between the entries is checked here; what is malformed
inside one that is not plain is found when its span is decoded. So a document whose list is split, and whose spans that
are not plain are valid JSON, is itself valid and has these entries.
"""

from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numba import from_dtype, types
from numpy.typing import NDArray

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
from accounts.kernels.state import Integers
from accounts.kernels.symbols import SymbolTable, Words, is_in_steps, named_symbols, symbol_at
from accounts.kernels.trades import NOT_ORDER, NOT_OTHER, TRADE, Bytes, Trades
from eventstore.kernels.texts import TEXT_BYTES

Rows: TypeAlias = tuple[Bytes, Bytes, Trades, NDArray[np.bool_], Integers]
"""The columns of ScannedTrades that a kernel writes."""

_ACCOUNT_ID: Final = 0
_COMMAND_ID: Final = 1
_ORDER_ID: Final = 2
_SYMBOL: Final = 3
_SIDE: Final = 4
_QUANTITY: Final = 5
_PRICE: Final = 6
_FIELDS: Final = 7
_REQUIRED: Final = 1 << _ACCOUNT_ID | 1 << _SYMBOL | 1 << _SIDE | 1 << _QUANTITY | 1 << _PRICE

_ACCOUNT_ID_NAME: Final = octets('accountId"')
_COMMAND_ID_NAME: Final = octets('commandId"')
_ORDER_ID_NAME: Final = octets('orderId"')
_SYMBOL_NAME: Final = octets('symbol"')
_SIDE_NAME: Final = octets('side"')
_QUANTITY_NAME: Final = octets('quantity"')
_PRICE_NAME: Final = octets('price"')


@kernel()
def _field_at(buffer: Bytes, at: int) -> tuple[int, int]:
    """Return the field whose name starts at a place, and the place behind the name's quote, which is -1 for others."""
    first = buffer[at]
    if first == _ACCOUNT_ID_NAME[0] and starts_with(buffer, at, _ACCOUNT_ID_NAME):
        return _ACCOUNT_ID, at + _ACCOUNT_ID_NAME.size
    if first == _COMMAND_ID_NAME[0] and starts_with(buffer, at, _COMMAND_ID_NAME):
        return _COMMAND_ID, at + _COMMAND_ID_NAME.size
    if first == _ORDER_ID_NAME[0] and starts_with(buffer, at, _ORDER_ID_NAME):
        return _ORDER_ID, at + _ORDER_ID_NAME.size
    if first == _QUANTITY_NAME[0] and starts_with(buffer, at, _QUANTITY_NAME):
        return _QUANTITY, at + _QUANTITY_NAME.size
    if first == _PRICE_NAME[0] and starts_with(buffer, at, _PRICE_NAME):
        return _PRICE, at + _PRICE_NAME.size
    if starts_with(buffer, at, _SIDE_NAME):
        return _SIDE, at + _SIDE_NAME.size
    if starts_with(buffer, at, _SYMBOL_NAME):
        return _SYMBOL, at + _SYMBOL_NAME.size
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
    command_ids: Bytes,
    trades: Trades,
) -> int:
    """Take a member's value into its row; return the place behind the value, -1 for one that is not plainly right."""
    trade = trades[row]
    if field == _QUANTITY:
        trade["quantity"], end = quantity_at(buffer, at)
        return end
    if field in (_COMMAND_ID, _ORDER_ID) and starts_with(buffer, at, NULL):
        return at + NULL.size
    if buffer[at] != QUOTE or field == _ORDER_ID:
        return -1
    at += 1
    if field == _ACCOUNT_ID:
        return copy_account_id(buffer, at, account_ids, row)
    if field == _COMMAND_ID:
        return copy_command_id(buffer, at, command_ids, row)
    if field == _SYMBOL:
        trade["symbol"], end = symbol_at(buffer, at, words, numbers)
        return end
    if field == _PRICE:
        trade["price"], end = price_at(buffer, at)
        return end
    trade["is_buy"], end = side_at(buffer, at)
    return end


@kernel()
def _take_entry(
    buffer: Bytes,
    at: int,
    row: int,
    words: Words,
    numbers: NDArray[np.int32],
    steps: Integers,
    account_ids: Bytes,
    command_ids: Bytes,
    trades: Trades,
) -> int:
    """Take an entry into its row; return the place behind the entry, -1 for one that is not plainly right."""
    if buffer[at] != OPENING_BRACE:
        return -1
    at = behind_space(buffer, at + 1)
    seen = 0
    while buffer[at] == QUOTE:
        field, at = _field_at(buffer, at + 1)
        if at < 0 or seen & 1 << field:
            return -1
        seen |= 1 << field
        at = behind_colon(buffer, at)
        if at >= 0:
            at = _take_member(field, buffer, at, row, words, numbers, account_ids, command_ids, trades)
        if at < 0:
            return -1
        at = behind_space(buffer, at)
        if buffer[at] == CLOSING_BRACE:
            return at + 1 if seen & _REQUIRED == _REQUIRED and is_in_steps(trades[row], steps) else -1
        if buffer[at] != COMMA:
            return -1
        at = behind_space(buffer, at + 1)
    return -1


@kernel()
def _clear(row: int, account_ids: Bytes, command_ids: Bytes, trades: Trades) -> None:
    """Leave nothing of an entry that was begun and is not plain."""
    account_ids[row, :] = 0
    command_ids[row, :] = 0
    trade = trades[row]
    trade["quantity"], trade["price"], trade["symbol"], trade["is_buy"] = 0, 0, 0, False


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
    )
)
def _scan_trades(
    buffer: Bytes,
    size: int,
    words: Words,
    numbers: NDArray[np.int32],
    steps: Integers,
    account_ids: Bytes,
    command_ids: Bytes,
    trades: Trades,
    is_plain: NDArray[np.bool_],
    spans: Integers,
) -> int:
    """Take a list of trades apart, into rows of zeros; return how many there are, -1 for what is no list of so many."""
    at = behind_space(buffer, 0)
    if buffer[at] != OPENING_BRACKET:
        return -1
    at = behind_space(buffer, at + 1)
    row = 0
    if buffer[at] == CLOSING_BRACKET:
        return 0 if behind_space(buffer, at + 1) == size else -1
    while row < is_plain.size:
        end = _take_entry(buffer, at, row, words, numbers, steps, account_ids, command_ids, trades)
        trades[row]["other"], trades[row]["order"] = NOT_OTHER, NOT_ORDER
        is_plain[row] = end >= 0
        if end < 0:
            _clear(row, account_ids, command_ids, trades)
            end = behind_value(buffer, at, size)
            if end < 0:
                return -1
        spans[row, 0], spans[row, 1] = at, end
        row += 1
        at = behind_space(buffer, end)
        if buffer[at] == CLOSING_BRACKET:
            return row if behind_space(buffer, at + 1) == size else -1
        if buffer[at] != COMMA:
            return -1
        at = behind_space(buffer, at + 1)
    return -1


class ScannedTrades(NamedTuple):
    """The entries of a batch, side by side. Of an entry that is not plain, the span alone says something."""

    account_ids: Bytes
    """(n, TEXT_BYTES), ASCII padded with zero bytes."""
    command_ids: Bytes
    """(n, TEXT_BYTES), ASCII padded with zero bytes; nothing but zeros where none was given."""
    trades: Trades
    """(n,) of TRADE, each with NOT_OTHER and NOT_ORDER; their symbols are places in `symbols`."""
    is_plain: NDArray[np.bool_]
    """(n,); False for an entry that is to be judged from its span."""
    spans: Integers
    """(n, 2): where the entry starts and where it is over, in bytes of the text."""
    symbols: list[str]
    """Those that the trades name: a batch carries no others, however many there are."""


def scan_trades(raw: bytes | memoryview, symbols: SymbolTable, limit: int) -> ScannedTrades | None:
    """Take a JSON list of at most `limit` trades apart.

    None for what is no such list, or is too long: whoever decodes it as a whole says what is wrong with it.
    """
    buffer, rows = padded(raw), room_for(len(raw), limit)
    count = _scan_trades(buffer, len(raw), symbols.words, symbols.numbers, symbols.steps, *rows)
    if count < 0:
        return None
    account_ids, command_ids, trades, is_plain, spans = rows
    trades, is_plain = trades[:count], is_plain[:count]
    named = named_symbols(trades["symbol"], is_plain, symbols)
    return ScannedTrades(account_ids[:count], command_ids[:count], trades, is_plain, spans[:count], named)


def room_for(size: int, limit: int) -> Rows:
    """Return rows of zeros for at most `limit` entries of a text of so many bytes."""
    room = min(limit, size // 2)  # An entry and what stands before it are two bytes at least.
    return (
        np.zeros((room, TEXT_BYTES), np.uint8),
        np.zeros((room, TEXT_BYTES), np.uint8),
        np.zeros(room, TRADE),
        np.zeros(room, np.bool_),
        np.zeros((room, 2), np.int64),
    )
