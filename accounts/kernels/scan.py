"""The scanner of batches: it takes a JSON list of trades apart in one loop, without an object for each entry.

An entry that is plainly right becomes a row of figures. Every other one, whatever is wrong or merely rare about it, is
left as a span of bytes, which the factories judge alone (accounts/api/parsing/batches.py): the scanner knows no error
messages. Plain is an object whose members are each named once and without escapes: a lower-case canonical UUID, a known
symbol, a side, a whole or decimal quantity and a decimal price within their limits and in the steps of the symbol, a
command id or none, no order.

The list is split with certainty or not at all. What stands between the entries is checked here; what is malformed
inside one that is not plain is found when its span is decoded. So a document whose list is split, and whose spans that
are not plain are valid JSON, is itself valid and has these entries.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numba import from_dtype, types
from numpy.typing import NDArray

from accounts.domain.values import PRICE_MAX, QUANTITY_MAX, SHARE
from accounts.kernels.compiling import kernel
from accounts.kernels.state import Integers
from accounts.kernels.symbols import SymbolTable, Words, is_in_steps, named_symbols, symbol_at
from accounts.kernels.trades import NOT_OTHER, TRADE, Bytes, Trades
from eventstore.kernels.texts import TEXT_BYTES

PADDING: Final = 64
"""Zero bytes behind the text, so that looking ahead by an identifier needs no test: a zero byte matches nothing."""

_ACCOUNT_ID: Final = 0
_COMMAND_ID: Final = 1
_ORDER_ID: Final = 2
_SYMBOL: Final = 3
_SIDE: Final = 4
_QUANTITY: Final = 5
_PRICE: Final = 6
_FIELDS: Final = 7
_REQUIRED: Final = 1 << _ACCOUNT_ID | 1 << _SYMBOL | 1 << _SIDE | 1 << _QUANTITY | 1 << _PRICE


def _ascii(text: str) -> Bytes:
    return np.frombuffer(text.encode("ascii"), np.uint8).copy()


_ACCOUNT_ID_NAME: Final = _ascii('accountId"')
_COMMAND_ID_NAME: Final = _ascii('commandId"')
_ORDER_ID_NAME: Final = _ascii('orderId"')
_SYMBOL_NAME: Final = _ascii('symbol"')
_SIDE_NAME: Final = _ascii('side"')
_QUANTITY_NAME: Final = _ascii('quantity"')
_PRICE_NAME: Final = _ascii('price"')
_BUY: Final = _ascii('BUY"')
_SELL: Final = _ascii('SELL"')
_NULL: Final = _ascii("null")

_QUOTE: Final = ord('"')
_BACKSLASH: Final = ord("\\")
_COMMA: Final = ord(",")
_COLON: Final = ord(":")
_POINT: Final = ord(".")
_ZERO: Final = ord("0")
_OPENING_BRACE: Final = ord("{")
_CLOSING_BRACE: Final = ord("}")
_OPENING_BRACKET: Final = ord("[")
_CLOSING_BRACKET: Final = ord("]")
_IS_PLAIN: Final = np.array([0x21 <= byte <= 0x7E and byte not in (_QUOTE, _BACKSLASH) for byte in range(256)])
"""Of each byte whether it is a visible ASCII character that a text holds as it is."""

_UUID_BYTES: Final = 36
_UUID_FORM: Final = np.array([2 if place in (8, 13, 18, 23) else 1 for place in range(_UUID_BYTES)], np.uint8)
"""What stands at each place of a canonical UUID: 1 for a digit, 2 for a hyphen."""
_UUID_KINDS: Final = np.zeros(256, np.uint8)
"""What each byte is in a canonical UUID, in the same numbers; 0 for what has no place there."""
_UUID_KINDS[_ascii("0123456789abcdef")] = 1
_UUID_KINDS[ord("-")] = 2

_WHOLE_DIGITS_MAX: Final = 12
_SHARES_DIGITS_MAX: Final = 10
_SHARES_MAX: Final = QUANTITY_MAX // SHARE
_QUANTITY_DECIMALS: Final = 6
_PRICE_DECIMALS: Final = 4


@kernel()
def _starts_with(buffer: Bytes, at: int, text: Bytes) -> bool:
    for place in range(text.size):  # noqa: SIM110
        if buffer[at + place] != text[place]:
            return False
    return True


@kernel()
def _is_space(byte: int) -> bool:
    return byte == 0x20 or byte == 0x0A or byte == 0x0D or byte == 0x09


@kernel()
def _behind_space(buffer: Bytes, at: int) -> int:
    while _is_space(buffer[at]):
        at += 1
    return at


@kernel()
def _behind_text(buffer: Bytes, at: int, size: int) -> int:
    """Return the place behind the text whose opening quote is at `at`, -1 when it has no end."""
    at += 1
    while at < size:
        byte = buffer[at]
        if byte == _QUOTE:
            return at + 1
        at += 2 if byte == _BACKSLASH else 1
    return -1


@kernel()
def _behind_nest(buffer: Bytes, at: int, size: int) -> int:
    """Return the place behind the object or list that opens at `at`, -1 when it has no end."""
    depth = 0
    while at < size:
        byte = buffer[at]
        if byte == _QUOTE:
            at = _behind_text(buffer, at, size)
            if at < 0:
                return -1
            continue
        at += 1
        if byte in (_OPENING_BRACE, _OPENING_BRACKET):
            depth += 1
        elif byte in (_CLOSING_BRACE, _CLOSING_BRACKET):
            depth -= 1
            if depth == 0:
                return at
    return -1


@kernel()
def _behind_value(buffer: Bytes, at: int, size: int) -> int:
    """Return the place behind any value, -1 when there is none; whoever decodes it says whether it is valid inside."""
    first, byte = at, buffer[at]
    if byte == _QUOTE:
        return _behind_text(buffer, at, size)
    if byte in (_OPENING_BRACE, _OPENING_BRACKET):
        return _behind_nest(buffer, at, size)
    while at < size:
        byte = buffer[at]
        if _is_space(byte) or byte in (_COMMA, _CLOSING_BRACKET):
            break
        at += 1
    return at if at > first else -1


@kernel()
def _copy_account_id(buffer: Bytes, at: int, account_ids: Bytes, row: int) -> int:
    """Copy a canonical UUID with its quote behind it; return the place behind that, -1 for anything else."""
    source, target = buffer[at : at + _UUID_BYTES], account_ids[row]  # Places from 0 on are twice as fast.
    is_wrong = False
    for place in range(_UUID_BYTES):
        byte = source[place]
        target[place] = byte
        is_wrong |= _UUID_KINDS[byte] != _UUID_FORM[place]
    return -1 if is_wrong or buffer[at + _UUID_BYTES] != _QUOTE else at + _UUID_BYTES + 1


@kernel()
def _copy_command_id(buffer: Bytes, at: int, command_ids: Bytes, row: int) -> int:
    """Copy a command id with its quote behind it; return the place behind that, -1 for what is none."""
    source, target = buffer[at : at + TEXT_BYTES], command_ids[row]
    length = TEXT_BYTES
    for place in range(TEXT_BYTES):
        byte = source[place]
        if _IS_PLAIN[byte]:
            target[place] = byte
        else:
            length = place
            break
    return at + length + 1 if length > 0 and buffer[at + length] == _QUOTE else -1


@kernel()
def _digits_at(buffer: Bytes, at: int, value: Any, digits_max: int) -> tuple[Any, int]:
    """Return `value` with the digits from a place on behind it, and the place behind them; so many at most."""
    end = at
    while end - at < digits_max:
        digit = np.int64(buffer[end]) - _ZERO
        if digit < 0 or digit > 9:
            break
        value = 10 * value + digit
        end += 1
    return value, end


@kernel()
def _decimal_at(buffer: Bytes, at: int, decimals_max: int, value_max: int) -> tuple[int, int]:
    """Return a decimal of 1 to `value_max` smallest units and the place behind its quote, which is -1 for others."""
    value, end = _digits_at(buffer, at, 0, _WHOLE_DIGITS_MAX)
    decimals = 0
    if end == at:
        return 0, -1
    if buffer[end] == _POINT:
        point = end
        value, end = _digits_at(buffer, point + 1, value, decimals_max)
        decimals = end - point - 1
        if decimals == 0:
            return 0, -1
    for _ in range(decimals_max - decimals):
        value *= 10
    return value, end + 1 if buffer[end] == _QUOTE and 1 <= value <= value_max else -1


@kernel()
def _quantity_at(buffer: Bytes, at: int) -> tuple[int, int]:
    """Return a quantity in millionths of a share and the place behind it, which is -1 for what is none."""
    if buffer[at] == _QUOTE:
        return _decimal_at(buffer, at + 1, _QUANTITY_DECIMALS, QUANTITY_MAX)
    shares, end = _digits_at(buffer, at, 0, _SHARES_DIGITS_MAX)
    is_whole = buffer[at] != _ZERO and 1 <= shares <= _SHARES_MAX
    return shares * SHARE, end if is_whole else -1


@kernel()
def _field_at(buffer: Bytes, at: int) -> tuple[int, int]:
    """Return the field whose name starts at a place, and the place behind the name's quote, which is -1 for others."""
    first = buffer[at]
    if first == _ACCOUNT_ID_NAME[0] and _starts_with(buffer, at, _ACCOUNT_ID_NAME):
        return _ACCOUNT_ID, at + _ACCOUNT_ID_NAME.size
    if first == _COMMAND_ID_NAME[0] and _starts_with(buffer, at, _COMMAND_ID_NAME):
        return _COMMAND_ID, at + _COMMAND_ID_NAME.size
    if first == _ORDER_ID_NAME[0] and _starts_with(buffer, at, _ORDER_ID_NAME):
        return _ORDER_ID, at + _ORDER_ID_NAME.size
    if first == _QUANTITY_NAME[0] and _starts_with(buffer, at, _QUANTITY_NAME):
        return _QUANTITY, at + _QUANTITY_NAME.size
    if first == _PRICE_NAME[0] and _starts_with(buffer, at, _PRICE_NAME):
        return _PRICE, at + _PRICE_NAME.size
    if _starts_with(buffer, at, _SIDE_NAME):
        return _SIDE, at + _SIDE_NAME.size
    if _starts_with(buffer, at, _SYMBOL_NAME):
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
        trade["quantity"], end = _quantity_at(buffer, at)
        return end
    if field in (_COMMAND_ID, _ORDER_ID) and _starts_with(buffer, at, _NULL):
        return at + _NULL.size
    if buffer[at] != _QUOTE or field == _ORDER_ID:
        return -1
    at += 1
    if field == _ACCOUNT_ID:
        return _copy_account_id(buffer, at, account_ids, row)
    if field == _COMMAND_ID:
        return _copy_command_id(buffer, at, command_ids, row)
    if field == _SYMBOL:
        trade["symbol"], end = symbol_at(buffer, at, words, numbers)
        return end
    if field == _PRICE:
        trade["price"], end = _decimal_at(buffer, at, _PRICE_DECIMALS, PRICE_MAX)
        return end
    trade["is_buy"] = _starts_with(buffer, at, _BUY)
    if trade["is_buy"]:
        return at + _BUY.size
    return at + _SELL.size if _starts_with(buffer, at, _SELL) else -1


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
    if buffer[at] != _OPENING_BRACE:
        return -1
    at = _behind_space(buffer, at + 1)
    seen = 0
    while buffer[at] == _QUOTE:
        field, at = _field_at(buffer, at + 1)
        if at < 0 or seen & 1 << field:
            return -1
        seen |= 1 << field
        at = _behind_space(buffer, at)
        if buffer[at] != _COLON:
            return -1
        at = _behind_space(buffer, at + 1)
        at = _take_member(field, buffer, at, row, words, numbers, account_ids, command_ids, trades)
        if at < 0:
            return -1
        at = _behind_space(buffer, at)
        if buffer[at] == _CLOSING_BRACE:
            return at + 1 if seen & _REQUIRED == _REQUIRED and is_in_steps(trades[row], steps) else -1
        if buffer[at] != _COMMA:
            return -1
        at = _behind_space(buffer, at + 1)
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
    at = _behind_space(buffer, 0)
    if buffer[at] != _OPENING_BRACKET:
        return -1
    at = _behind_space(buffer, at + 1)
    row = 0
    if buffer[at] == _CLOSING_BRACKET:
        return 0 if _behind_space(buffer, at + 1) == size else -1
    while row < is_plain.size:
        end = _take_entry(buffer, at, row, words, numbers, steps, account_ids, command_ids, trades)
        trades[row]["other"] = NOT_OTHER
        is_plain[row] = end >= 0
        if end < 0:
            _clear(row, account_ids, command_ids, trades)
            end = _behind_value(buffer, at, size)
            if end < 0:
                return -1
        spans[row, 0], spans[row, 1] = at, end
        row += 1
        at = _behind_space(buffer, end)
        if buffer[at] == _CLOSING_BRACKET:
            return row if _behind_space(buffer, at + 1) == size else -1
        if buffer[at] != _COMMA:
            return -1
        at = _behind_space(buffer, at + 1)
    return -1


class ScannedTrades(NamedTuple):
    """The entries of a batch, side by side. Of an entry that is not plain, the span alone says something."""

    account_ids: Bytes
    """(n, TEXT_BYTES), ASCII padded with zero bytes."""
    command_ids: Bytes
    """(n, TEXT_BYTES), ASCII padded with zero bytes; nothing but zeros where none was given."""
    trades: Trades
    """(n,) of TRADE, each with NOT_OTHER; their symbols are places in `symbols`."""
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
    text = np.frombuffer(raw, np.uint8)
    buffer = np.empty(text.size + PADDING, np.uint8)
    buffer[: text.size] = text
    buffer[text.size :] = 0
    room = min(limit, text.size // 2)  # An entry and what stands before it are two bytes at least.
    account_ids = np.zeros((room, TEXT_BYTES), np.uint8)
    command_ids = np.zeros((room, TEXT_BYTES), np.uint8)
    trades, is_plain, spans = np.zeros(room, TRADE), np.zeros(room, np.bool_), np.zeros((room, 2), np.int64)
    count = _scan_trades(
        buffer,
        text.size,
        symbols.words,
        symbols.numbers,
        symbols.steps,
        account_ids,
        command_ids,
        trades,
        is_plain,
        spans,
    )
    if count < 0:
        return None
    trades = trades[:count]
    named = named_symbols(trades["symbol"], is_plain[:count], symbols)
    return ScannedTrades(account_ids[:count], command_ids[:count], trades, is_plain[:count], spans[:count], named)
