"""Columns of integers as bits: written by one kernel, read by another, which trusts no byte that it reads.

A column is a byte that says its form, then what the form needs:

    ALL_ZERO                 nothing else
    0                        every value is the base, which follows
    1 to 64                  base, then each value less the base in so many bits
    64 + w, w from 1 to 62   scale, base, then each value / scale - base in w bits
    plus SPARSE              bits that say which values are not zero stand before; only these are written

The base is a zigzag varint, the scale a varint. Bits fill bytes from the lowest on. Whatever reads returns a place
below zero (DAMAGED) once a byte would lie behind the end; then it has read nothing there. A buffer that is read has
PADDING bytes behind its end, so that words can be read whole.
"""

from typing import Any, Final

import numpy as np

from eventstore.kernels.compiling import Integers, Octets, kernel
from eventstore.kernels.octets import get_low_word, put_low_word

DAMAGED: Final = -1
PADDING: Final = 16
COLUMN_ROOM: Final = 48
"""Bytes that a column may take besides nine for each value."""
VALUE_ROOM: Final = 9

ALL_ZERO: Final = 127
SPARSE: Final = 128
_SCALED: Final = 64
_SCALED_WIDTH_MAX: Final = 62
_BITS: Final = 64
_VARINT_BITS_MAX: Final = 63
_WORD_WIDTH_MAX: Final = 57
"""Bits that one word holds wherever in its first byte they begin."""
_LEAST: Final = -(2**63)


@kernel()
def put_varint(buffer: Octets, place: int, value: Any) -> int:
    """Write an unsigned word, seven bits a byte, the lowest first."""
    rest = np.uint64(value)
    while rest >= np.uint64(128):
        buffer[place] = np.uint8(rest & np.uint64(127)) | np.uint8(128)
        rest >>= np.uint64(7)
        place += 1
    buffer[place] = np.uint8(rest)
    return place + 1


@kernel()
def put_zigzag(buffer: Octets, place: int, value: Any) -> int:
    """Write a signed word as a varint."""
    return put_varint(buffer, place, (np.uint64(value) << np.uint64(1)) ^ np.uint64(value >> 63))


@kernel()
def take_varint(buffer: Octets, place: int, end: int) -> tuple[int, Any]:
    """Return the place behind a varint, or DAMAGED, and its value."""
    value, shift = np.uint64(0), 0
    while 0 <= place < end and shift <= _VARINT_BITS_MAX:
        byte = np.uint64(buffer[place])
        value |= (byte & np.uint64(127)) << np.uint64(shift)
        place += 1
        if byte < np.uint64(128):
            return place, value
        shift += 7
    return DAMAGED, np.uint64(0)


@kernel()
def take_zigzag(buffer: Octets, place: int, end: int) -> tuple[int, Any]:
    """Return the place behind a signed varint, or DAMAGED, and its value."""
    place, word = take_varint(buffer, place, end)
    return place, np.int64(word >> np.uint64(1)) ^ -np.int64(word & np.uint64(1))


@kernel()
def width_of(span: Any) -> int:
    """Return how many bits an unsigned word needs."""
    width, rest = 0, np.uint64(span)
    while rest >= np.uint64(256):
        rest >>= np.uint64(8)
        width += 8
    while rest != np.uint64(0):
        rest >>= np.uint64(1)
        width += 1
    return width


@kernel()
def _magnitude(value: int) -> Any:
    return np.uint64(value) if value >= 0 else np.uint64(0) - np.uint64(value)


@kernel("u8(i8[::1], i8)")
def common_divisor(values: Integers, count: int) -> Any:
    """Return what divides every value, 1 when nothing else does."""
    found = np.uint64(0)
    for index in range(count):
        rest = _magnitude(values[index])
        while rest != np.uint64(0):
            found, rest = rest, (found % rest if found != np.uint64(0) else np.uint64(0))
        if found == np.uint64(1) or found >= np.uint64(1) << np.uint64(62):
            return np.uint64(1)
    return found


@kernel("i8(u1[::1], i8, i8[::1], i8, i8, i8, i8, u1)")
def _put_bits(
    buffer: Octets, place: int, values: Integers, count: int, scale: Any, base: Any, width: Any, is_sparse: Any
) -> int:
    """Write values in `width` bits each; zeros are left out of a sparse column."""
    held, bits, low = np.uint64(0), 0, np.uint64(base)
    for index in range(count):
        value = values[index]
        if is_sparse and value == 0:
            continue
        word = np.uint64(value if scale == 1 else value // scale) - low
        held |= word << np.uint64(bits)
        bits += width
        if bits >= _BITS:
            put_low_word(buffer, place, np.int64(held))  # type: ignore[arg-type]
            place += 8
            bits -= _BITS
            held = word >> np.uint64(width - bits) if bits > 0 else np.uint64(0)
    if bits > 0:
        put_low_word(buffer, place, np.int64(held))  # type: ignore[arg-type]
        place += (bits + 7) // 8
    return place


@kernel("i8(u1[::1], i8, i8[::1], i8)")
def put_integers_packed(buffer: Octets, place: int, values: Integers, count: int) -> int:
    """Write a column of the first `count` values in its smallest form."""
    if count == 0:
        return place
    low = high = values[0]
    zeros, other_low, other_high = 0, np.int64(2**63 - 1), np.int64(_LEAST)
    for index in range(count):
        value = values[index]
        low, high = min(low, value), max(high, value)
        if value == 0:
            zeros += 1
        else:
            other_low, other_high = min(other_low, value), max(other_high, value)
    if low == high:
        buffer[place] = ALL_ZERO if low == 0 else 0
        return place + 1 if low == 0 else put_zigzag(buffer, place + 1, low)

    scale = np.int64(1)
    if low != _LEAST and width_of(np.uint64(high) - np.uint64(low)) <= _SCALED_WIDTH_MAX:
        scale = np.int64(common_divisor(values, count))
    if scale > 1:
        low, high, other_low, other_high = low // scale, high // scale, other_low // scale, other_high // scale
    width = width_of(np.uint64(high) - np.uint64(low))
    others_width = width_of(np.uint64(other_high) - np.uint64(other_low))
    is_sparse = zeros > 0 and count + (count - zeros) * others_width + 8 < count * width
    written, base, top = (count - zeros, other_low, other_high) if is_sparse else (count, low, high)
    width = others_width if is_sparse else width
    if base > 0 and (width_of(np.uint64(top)) - width) * written < 7 * (width_of(np.uint64(base)) // 7):
        base, width = np.int64(0), width_of(np.uint64(top))
    is_scaled = scale > 1 and 1 <= width <= _SCALED_WIDTH_MAX
    if scale > 1 and not is_scaled:  # Only what is one value besides zeros: its scale would tell nothing.
        base, scale = base * scale, np.int64(1)

    buffer[place] = width + (_SCALED if is_scaled else 0) + (SPARSE if is_sparse else 0)
    place += 1
    if is_scaled:
        place = put_varint(buffer, place, np.uint64(scale))
    place = put_zigzag(buffer, place, base)
    if is_sparse:
        for start in range(0, count, 8):
            byte = 0
            for index in range(start, min(start + 8, count)):
                byte |= int(values[index] != 0) << (index - start)
            buffer[place] = byte
            place += 1
    if width == 0:
        return place
    return _put_bits(buffer, place, values, count, scale, base, width, np.uint8(is_sparse))


@kernel()
def _bits_at(buffer: Octets, place: int, bit: Any, width: Any, mask: Any) -> Any:
    """Return `width` bits that begin `bit` bits behind a place."""
    at, shift = place + (bit >> 3), bit & 7
    word = np.uint64(get_low_word(buffer, at)) >> np.uint64(shift)
    if width > _WORD_WIDTH_MAX and shift > 0:
        word |= np.uint64(buffer[at + 8]) << np.uint64(_BITS - shift)
    return word & mask


@kernel("i8(u1[::1], i8, i8, i8[::1], i8)")
def take_integers_packed(buffer: Octets, place: int, end: int, values: Integers, count: int) -> int:
    """Read a column of `count` values; return the place behind it, or DAMAGED."""
    if count == 0 or place < 0:
        return place
    if place >= end:
        return DAMAGED
    form = int(buffer[place])
    place += 1
    if form == ALL_ZERO:
        for index in range(count):
            values[index] = 0
        return place
    is_sparse, form = form >= SPARSE, form & (SPARSE - 1)
    if form == ALL_ZERO:
        return DAMAGED
    scale, width = np.uint64(1), form
    if form > _SCALED:
        place, scale = take_varint(buffer, place, end)
        width = form - _SCALED
    place, base = take_zigzag(buffer, place, end)
    if place < 0:
        return DAMAGED
    low, mask = np.uint64(base), np.uint64(0)
    if width > 0:
        mask = ~np.uint64(0) >> np.uint64(_BITS - width)
    if not is_sparse:
        if width * count > 8 * (end - place):
            return DAMAGED
        if width == 0:
            for index in range(count):
                values[index] = base
            return place
        for index in range(count):
            values[index] = np.int64((_bits_at(buffer, place, index * width, width, mask) + low) * scale)
        return place + (width * count + 7) // 8

    marks = place
    place += (count + 7) // 8
    if place > end:
        return DAMAGED
    others: Any = np.int64(0)
    for index in range(count):
        others += np.int64(buffer[marks + (index >> 3)] >> np.uint8(index & 7) & np.uint8(1))
    if others * width > 8 * (end - place):
        return DAMAGED
    bit: Any = np.int64(0)
    for index in range(count):  # Without a branch: which values are zero cannot be foreseen.
        mark = np.int64(buffer[marks + (index >> 3)] >> np.uint8(index & 7) & np.uint8(1))
        value = np.int64((_bits_at(buffer, place, bit, width, mask) + low) * scale)
        values[index] = value & -mark
        bit += width & -mark
    return place + (int(bit) + 7) // 8


@kernel("i8(u1[::1], i8, i8[::1], i8, i8[::1])")
def put_steps_packed(buffer: Octets, place: int, values: Integers, count: int, scratch: Integers) -> int:
    """Write a column as it is, or its first value and the steps from each to the next, whichever is less."""
    if count < 2:
        buffer[place] = 0
        return put_integers_packed(buffer, place + 1, values, count)
    low = high = values[0]
    least = most = values[1] - values[0]
    for index in range(1, count):
        step = values[index] - values[index - 1]
        scratch[index - 1] = step
        low, high = min(low, values[index]), max(high, values[index])
        least, most = min(least, step), max(most, step)
    if width_of(np.uint64(most) - np.uint64(least)) < width_of(np.uint64(high) - np.uint64(low)):
        buffer[place] = 1
        place = put_zigzag(buffer, place + 1, values[0])
        return put_integers_packed(buffer, place, scratch, count - 1)
    buffer[place] = 0
    return put_integers_packed(buffer, place + 1, values, count)


@kernel("i8(u1[::1], i8, i8, i8[::1], i8, i8[::1])")
def take_steps_packed(buffer: Octets, place: int, end: int, values: Integers, count: int, scratch: Integers) -> int:
    """Read a column that `put_steps_packed` wrote; return the place behind it, or DAMAGED."""
    if place < 0 or place >= end or buffer[place] > 1:
        return DAMAGED
    if buffer[place] == 0:
        return take_integers_packed(buffer, place + 1, end, values, count)
    if count < 2:
        return DAMAGED
    place, first = take_zigzag(buffer, place + 1, end)
    place = take_integers_packed(buffer, place, end, scratch, count - 1)
    if place < 0:
        return DAMAGED
    values[0] = first
    for index in range(1, count):
        values[index] = values[index - 1] + scratch[index - 1]
    return place
