"""The answer to a batch: its outcomes from rows of figures to JSON, in one loop, without an object for each.

An outcome reads as accounts/api/bulk.py says it, byte for byte: done, or refused by a rule with its code, its message
and the figures that decided. What has another form is said elsewhere and given here as JSON.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Final, TypeAlias

import msgspec
import numpy as np
from numba import from_dtype, types
from numpy.typing import NDArray

from accounts.domain.values import SCALE, SHARE
from accounts.kernels.compiling import kernel
from accounts.kernels.state import Integers
from accounts.kernels.trades import Bytes
from eventstore.kernels.texts import TEXT_BYTES, Texts

Outcomes: TypeAlias = NDArray[Any]
"""Rows of OUTCOME."""

OUTCOME: Final = np.dtype(
    [("version", "<i8"), ("limit", "<i8"), ("actual", "<i8"), ("code", "<i2"), ("is_duplicate", "?")], align=True
)
"""What became of an entry: `version` is the account's after it, `code` is DONE, SAID_ELSEWHERE or a code's number in
the CodeTable. `limit` and `actual` are those of a refusal, in the unit that its code has, or NO_FIGURE.
"""

DONE: Final = 0
SAID_ELSEWHERE: Final = -1
NO_FIGURE: Final = -(2**63)
"""A figure that is left out. One that is as low, or wider than 64 bits, is said elsewhere."""


class Unit(IntEnum):
    """What the figures of a refusal are in."""

    COUNT = 0
    """Orders or positions."""
    SHARES = 1
    """Millionths of a share."""
    MONEY = 2
    """Ten-thousandths of the account's currency."""


_UNIT_COUNT: Final = int(Unit.COUNT)
_UNIT_SHARES: Final = int(Unit.SHARES)
_MONEY_DECIMALS: Final = 4
_SHARE_DECIMALS: Final = 6

_MINUS: Final = ord("-")
_POINT: Final = ord(".")
_ZERO: Final = ord("0")
_QUOTE: Final = ord('"')
_COMMA: Final = ord(",")
_CLOSING_BRACE: Final = ord("}")
_OPENING_BRACKET: Final = ord("[")
_CLOSING_BRACKET: Final = ord("]")


def _bytes_of(text: bytes) -> Bytes:
    return np.frombuffer(text, np.uint8).copy()


_VERSION: Final = _bytes_of(b'{"version":')
_DUPLICATE: Final = _bytes_of(b',"duplicate":true')
_ORDER_ID: Final = _bytes_of(b',"orderId":"')
_LIMIT: Final = _bytes_of(b',"limit":"')
_ACTUAL: Final = _bytes_of(b',"actual":"')

_FIGURE_BYTES_MAX: Final = 21
_OUTCOME_BYTES_MAX: Final = (
    len(_VERSION) + len(_DUPLICATE) + len(_LIMIT) + len(_ACTUAL) + 3 * _FIGURE_BYTES_MAX + len('"",}')
)
"""Of an outcome with the comma behind it, without its code and message, and without an order id."""
_ORDER_ID_BYTES_MAX: Final = len(_ORDER_ID) + TEXT_BYTES + len('"')


class CodeTable:
    """The codes of refusals with their messages and the units of their figures, by numbers from 1 on."""

    def __init__(self, codes: Mapping[str, tuple[str, Unit]]) -> None:
        self.numbers: Final[Mapping[str, int]] = {code: number for number, code in enumerate(codes, 1)}
        """The number of each code, which is its place in the mapping."""
        said = [b"", *(_code_and_message(code, message) for code, (message, _) in codes.items())]
        self.text: Final[Bytes] = _bytes_of(b"".join(said))
        """What outcomes say of the codes and their messages, one behind the other."""
        self.ends: Final[Integers] = np.cumsum([len(one) for one in said], dtype=np.int64)
        """Where in `text` each is over, by number; that of DONE is empty."""
        self.units: Final[Integers] = np.array([Unit.COUNT, *(unit for _, unit in codes.values())], np.int64)


def _code_and_message(code: str, message: str) -> bytes:
    return b"," + msgspec.json.encode({"code": str(code), "message": message})[1:-1]


@kernel()
def _write(buffer: Bytes, end: int, text: Bytes, start: int, stop: int) -> int:
    """Write the part of a text from `start` to `stop`; return the place behind it, as every writer here does."""
    for place in range(start, stop):
        buffer[end + place - start] = text[place]
    return end + stop - start


@kernel()
def _write_digits(buffer: Bytes, end: int, value: Any, least: int) -> int:
    """Write an unsigned number with so many digits at least."""
    digits, rest = 1, value // np.uint64(10)
    while rest > 0:
        digits += 1
        rest //= np.uint64(10)
    digits = max(digits, least)
    for place in range(end + digits - 1, end - 1, -1):
        quotient = value // np.uint64(10)
        buffer[place] = np.uint8(value - np.uint64(10) * quotient) + np.uint8(_ZERO)
        value = quotient
    return end + digits


@kernel()
def _write_sign(buffer: Bytes, end: int, value: int) -> tuple[int, Any]:
    """Write the minus of what is negative; return the place behind it, and the magnitude as an unsigned number."""
    if value >= 0:
        return end, np.uint64(value)
    buffer[end] = _MINUS
    return end + 1, np.uint64(0) - np.uint64(value)


@kernel()
def _write_figure(buffer: Bytes, end: int, value: int, unit: int) -> int:
    """Write a figure of a refusal as what it is, with its closing quote."""
    end, magnitude = _write_sign(buffer, end, value)
    if unit == _UNIT_COUNT:
        end = _write_digits(buffer, end, magnitude, 1)
    else:
        scale = np.uint64(SHARE) if unit == _UNIT_SHARES else np.uint64(SCALE)
        whole = magnitude // scale
        fraction = magnitude - whole * scale
        end = _write_digits(buffer, end, whole, 1)
        if unit != _UNIT_SHARES or fraction > 0:
            buffer[end] = _POINT
            end = _write_digits(buffer, end + 1, fraction, _SHARE_DECIMALS if unit == _UNIT_SHARES else _MONEY_DECIMALS)
            while unit == _UNIT_SHARES and buffer[end - 1] == _ZERO:
                end -= 1
    buffer[end] = _QUOTE
    return end + 1


@kernel()
def _write_order_id(buffer: Bytes, end: int, order_id: Bytes) -> int:
    end = _write(buffer, end, _ORDER_ID, 0, _ORDER_ID.size)
    for byte in order_id:
        if byte == 0:
            break
        buffer[end] = byte
        end += 1
    buffer[end] = _QUOTE
    return end + 1


@kernel()
def _write_outcome(
    buffer: Bytes, end: int, outcome: Any, order: int, order_ids: Texts, text: Bytes, ends: Integers, units: Integers
) -> int:
    end = _write(buffer, end, _VERSION, 0, _VERSION.size)
    end, magnitude = _write_sign(buffer, end, outcome["version"])
    end = _write_digits(buffer, end, magnitude, 1)
    if outcome["is_duplicate"]:
        end = _write(buffer, end, _DUPLICATE, 0, _DUPLICATE.size)
    code = outcome["code"]
    if code == DONE and order >= 0:
        end = _write_order_id(buffer, end, order_ids[order])
    elif code != DONE:
        end = _write(buffer, end, text, ends[code - 1], ends[code])
        if outcome["limit"] != NO_FIGURE:
            end = _write(buffer, end, _LIMIT, 0, _LIMIT.size)
            end = _write_figure(buffer, end, outcome["limit"], units[code])
        if outcome["actual"] != NO_FIGURE:
            end = _write(buffer, end, _ACTUAL, 0, _ACTUAL.size)
            end = _write_figure(buffer, end, outcome["actual"], units[code])
    buffer[end] = _CLOSING_BRACE
    return end + 1


@kernel(
    types.int64(
        types.uint8[::1],
        from_dtype(OUTCOME)[::1],
        types.int64[::1],
        types.uint8[:, ::1],
        types.uint8[::1],
        types.int64[::1],
        types.int64[::1],
        types.uint8[::1],
        types.int64[::1],
    )
)
def _write_answer(
    buffer: Bytes,
    outcomes: Outcomes,
    order_of: Integers,
    order_ids: Texts,
    text: Bytes,
    ends: Integers,
    units: Integers,
    other_text: Bytes,
    other_ends: Integers,
) -> int:
    """Write the list of outcomes; return its length in bytes. There has to be room for it."""
    buffer[0] = _OPENING_BRACKET
    end, other, other_start = 1, 0, 0
    for place in range(outcomes.size):
        if place > 0:
            buffer[end] = _COMMA
            end += 1
        if outcomes[place]["code"] == SAID_ELSEWHERE:
            end = _write(buffer, end, other_text, other_start, other_ends[other])
            other_start = other_ends[other]
            other += 1
        else:
            end = _write_outcome(buffer, end, outcomes[place], order_of[place], order_ids, text, ends, units)
    buffer[end] = _CLOSING_BRACKET
    return end + 1


def answer_json(
    outcomes: Outcomes, codes: CodeTable, others: Mapping[int, bytes], orders: tuple[Integers, Texts] | None = None
) -> bytes:
    """Return the JSON list of outcomes, (n,) of OUTCOME; `others` has the JSON of each that is SAID_ELSEWHERE, by its
    place. `orders` are those of new orders: for each outcome the place of its order's id (negative for what is none),
    and the ids.
    """
    numbers = outcomes["code"].astype(np.int64)
    assert ((numbers >= SAID_ELSEWHERE) & (numbers < codes.ends.size)).all(), "every code is in the table"
    order_of, order_ids = orders or (np.full(numbers.size, -1), np.zeros((0, TEXT_BYTES), np.uint8))
    assert (order_of < len(order_ids)).all(), "every order has an id"
    said_elsewhere = [others[place] for place in np.flatnonzero(numbers == SAID_ELSEWHERE).tolist()]
    other_text = _bytes_of(b"".join(said_elsewhere))
    other_ends = np.cumsum([len(one) for one in said_elsewhere], dtype=np.int64)
    lengths = np.diff(codes.ends, prepend=0)
    capacity = len("[]") + _OUTCOME_BYTES_MAX * numbers.size + int(lengths[numbers.clip(0)].sum()) + other_text.size
    capacity += _ORDER_ID_BYTES_MAX * int(np.count_nonzero(order_of >= 0))
    buffer = np.empty(capacity, np.uint8)
    size = _write_answer(
        buffer,
        np.ascontiguousarray(outcomes),
        np.ascontiguousarray(order_of),
        np.ascontiguousarray(order_ids),
        codes.text,
        codes.ends,
        codes.units,
        other_text,
        other_ends,
    )
    assert size <= capacity, "the room was reckoned with every figure at its longest"
    return buffer[:size].tobytes()
