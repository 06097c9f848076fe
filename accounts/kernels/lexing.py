"""The lexing of batches in JSON: what stands at a place of the text, and the place behind it, -1 for anything else.

The scanners of trades and of orders (scan.py, scan_orders.py) are made of these. They know no field and no message.
"""

from typing import Any, Final

import numpy as np

from accounts.domain.values import PRICE_MAX, QUANTITY_MAX, SHARE
from accounts.kernels.compiling import kernel
from accounts.kernels.trades import Bytes
from eventstore.kernels.texts import TEXT_BYTES

PADDING: Final = 64
"""Zero bytes behind the text, so that looking ahead by an identifier needs no test: a zero byte matches nothing."""


def padded(raw: bytes | memoryview) -> Bytes:
    """Return a text with its PADDING."""
    buffer = np.empty(len(raw) + PADDING, np.uint8)
    buffer[: len(raw)], buffer[len(raw) :] = np.frombuffer(raw, np.uint8), 0
    return buffer


def octets(text: str) -> Bytes:
    """Return an ASCII text as kernels compare it."""
    return np.frombuffer(text.encode("ascii"), np.uint8).copy()


NULL: Final = octets("null")
_BUY: Final = octets('BUY"')
_SELL: Final = octets('SELL"')

QUOTE: Final = ord('"')
_BACKSLASH: Final = ord("\\")
COMMA: Final = ord(",")
_COLON: Final = ord(":")
_POINT: Final = ord(".")
_ZERO: Final = ord("0")
OPENING_BRACE: Final = ord("{")
CLOSING_BRACE: Final = ord("}")
OPENING_BRACKET: Final = ord("[")
CLOSING_BRACKET: Final = ord("]")
IS_PLAIN: Final = np.array([0x21 <= byte <= 0x7E and byte not in (QUOTE, _BACKSLASH) for byte in range(256)])
"""Of each byte whether it is a visible ASCII character that a text holds as it is."""

_UUID_BYTES: Final = 36
_UUID_FORM: Final = np.array([2 if place in (8, 13, 18, 23) else 1 for place in range(_UUID_BYTES)], np.uint8)
"""What stands at each place of a canonical UUID: 1 for a digit, 2 for a hyphen."""
_UUID_KINDS: Final = np.zeros(256, np.uint8)
"""What each byte is in a canonical UUID, in the same numbers; 0 for what has no place there."""
_UUID_KINDS[octets("0123456789abcdef")] = 1
_UUID_KINDS[ord("-")] = 2

_WHOLE_DIGITS_MAX: Final = 12
_SHARES_DIGITS_MAX: Final = 10
_SHARES_MAX: Final = QUANTITY_MAX // SHARE
_QUANTITY_DECIMALS: Final = 6
_PRICE_DECIMALS: Final = 4


@kernel()
def starts_with(buffer: Bytes, at: int, text: Bytes) -> bool:
    for place in range(text.size):  # noqa: SIM110
        if buffer[at + place] != text[place]:
            return False
    return True


@kernel()
def _is_space(byte: int) -> bool:
    return byte == 0x20 or byte == 0x0A or byte == 0x0D or byte == 0x09


@kernel()
def behind_space(buffer: Bytes, at: int) -> int:
    while _is_space(buffer[at]):
        at += 1
    return at


@kernel()
def _behind_text(buffer: Bytes, at: int, size: int) -> int:
    """Return the place behind the text whose opening quote is at `at`, -1 when it has no end."""
    at += 1
    while at < size:
        byte = buffer[at]
        if byte == QUOTE:
            return at + 1
        at += 2 if byte == _BACKSLASH else 1
    return -1


@kernel()
def _behind_nest(buffer: Bytes, at: int, size: int) -> int:
    """Return the place behind the object or list that opens at `at`, -1 when it has no end."""
    depth = 0
    while at < size:
        byte = buffer[at]
        if byte == QUOTE:
            at = _behind_text(buffer, at, size)
            if at < 0:
                return -1
            continue
        at += 1
        if byte in (OPENING_BRACE, OPENING_BRACKET):
            depth += 1
        elif byte in (CLOSING_BRACE, CLOSING_BRACKET):
            depth -= 1
            if depth == 0:
                return at
    return -1


@kernel()
def behind_value(buffer: Bytes, at: int, size: int) -> int:
    """Return the place behind any value, -1 when there is none; whoever decodes it says whether it is valid inside."""
    first, byte = at, buffer[at]
    if byte == QUOTE:
        return _behind_text(buffer, at, size)
    if byte in (OPENING_BRACE, OPENING_BRACKET):
        return _behind_nest(buffer, at, size)
    while at < size:
        byte = buffer[at]
        if _is_space(byte) or byte in (COMMA, CLOSING_BRACKET):
            break
        at += 1
    return at if at > first else -1


@kernel()
def copy_account_id(buffer: Bytes, at: int, account_ids: Bytes, row: int) -> int:
    """Copy a canonical UUID with its quote behind it; return the place behind that, -1 for anything else."""
    source, target = buffer[at : at + _UUID_BYTES], account_ids[row]  # Places from 0 on are twice as fast.
    is_wrong = False
    for place in range(_UUID_BYTES):
        byte = source[place]
        target[place] = byte
        is_wrong |= _UUID_KINDS[byte] != _UUID_FORM[place]
    return -1 if is_wrong or buffer[at + _UUID_BYTES] != QUOTE else at + _UUID_BYTES + 1


@kernel()
def copy_command_id(buffer: Bytes, at: int, command_ids: Bytes, row: int) -> int:
    """Copy a command id with its quote behind it; return the place behind that, -1 for what is none."""
    source, target = buffer[at : at + TEXT_BYTES], command_ids[row]
    length = TEXT_BYTES
    for place in range(TEXT_BYTES):
        byte = source[place]
        if IS_PLAIN[byte]:
            target[place] = byte
        else:
            length = place
            break
    return at + length + 1 if length > 0 and buffer[at + length] == QUOTE else -1


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
    return value, end + 1 if buffer[end] == QUOTE and 1 <= value <= value_max else -1


@kernel()
def quantity_at(buffer: Bytes, at: int) -> tuple[int, int]:
    """Return a quantity in millionths of a share and the place behind it, which is -1 for what is none."""
    if buffer[at] == QUOTE:
        return _decimal_at(buffer, at + 1, _QUANTITY_DECIMALS, QUANTITY_MAX)
    shares, end = _digits_at(buffer, at, 0, _SHARES_DIGITS_MAX)
    is_whole = buffer[at] != _ZERO and 1 <= shares <= _SHARES_MAX
    return shares * SHARE, end if is_whole else -1


@kernel()
def price_at(buffer: Bytes, at: int) -> tuple[int, int]:
    """Return a price in ten-thousandths and the place behind its quote, which is -1 for what is none."""
    return _decimal_at(buffer, at, _PRICE_DECIMALS, PRICE_MAX)


@kernel()
def side_at(buffer: Bytes, at: int) -> tuple[bool, int]:
    """Return whether a side is that of a buy, and the place behind its quote, which is -1 for what is none."""
    if starts_with(buffer, at, _BUY):
        return True, at + _BUY.size
    return False, at + _SELL.size if starts_with(buffer, at, _SELL) else -1


@kernel()
def behind_colon(buffer: Bytes, at: int) -> int:
    """Return where the value of a member starts whose name is over at `at`, -1 where no colon follows."""
    at = behind_space(buffer, at)
    return behind_space(buffer, at + 1) if buffer[at] == _COLON else -1
