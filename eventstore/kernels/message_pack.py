"""MessagePack written by kernels, byte for byte as msgspec writes it: every value in the smallest form that it has.

Each function writes at a place of a buffer and returns the place behind what it wrote. Whoever calls it has made room:
`INTEGER_ROOM` bytes for an integer, `HEADER_ROOM` for a header.

A *cell* is an integer, or the number of a value whose bytes are in a table: the cells from VALUE_BASE up to VALUE_LIMIT
are such numbers, everything from VALUE_LIMIT on is the integer itself.
"""

from typing import Final

import numpy as np

from eventstore.kernels.compiling import TABLE_SIGNATURE, Integers, Octets, kernel
from eventstore.kernels.octets import WORD_BYTES, put_octets, put_word
from eventstore.kernels.texts import TEXT_BYTES

VALUE_BASE: Final = -(2**63)
VALUE_LIMIT: Final = VALUE_BASE + 2**31

INTEGER_ROOM: Final = 9
HEADER_ROOM: Final = 5
IDENTIFIER_ROOM: Final = HEADER_ROOM + TEXT_BYTES

UUID_CHARACTERS: Final = 36
_OF_ONE_BYTE: Final = np.uint64(0xFF)
_OF_TWO_BYTES: Final = np.uint64(0xFFFF)
_OF_FOUR_BYTES: Final = np.uint64(0xFFFF_FFFF)


@kernel()
def put_big_endian(buffer: Octets, place: int, value: int, size: int) -> int:
    """Write the lowest `size` bytes of an integer, the highest of them first."""
    for index in range(size):
        buffer[place + index] = (value >> (8 * (size - 1 - index))) & 0xFF
    return place + size


@kernel("i8(u1[::1], i8, i8)")
def put_integer(buffer: Octets, place: int, value: int) -> int:
    """Write an integer; whatever its size, INTEGER_ROOM bytes are written to."""
    if -(1 << 5) <= value < 1 << 7:
        buffer[place] = value & 0xFF
        return place + 1
    if value >= 0:
        kind, width = 0xCC, np.uint64(value)
    else:
        kind, width = 0xD0, np.uint64(~value) << np.uint64(1)  # A bit more, for the sign.
    doublings = int(width > _OF_ONE_BYTE) + int(width > _OF_TWO_BYTES) + int(width > _OF_FOUR_BYTES)
    size = 1 << doublings
    buffer[place] = kind + doublings
    put_word(buffer, place + 1, value << (8 * (WORD_BYTES - size)))
    return place + 1 + size


@kernel()
def put_array_header(buffer: Octets, place: int, count: int) -> int:
    """Write what an array of `count` values begins with."""
    if count < 1 << 4:
        buffer[place] = 0x90 | count
        return place + 1
    if count < 1 << 16:
        buffer[place] = 0xDC
        return put_big_endian(buffer, place + 1, count, 2)
    buffer[place] = 0xDD
    return put_big_endian(buffer, place + 1, count, 4)


@kernel()
def put_entry(buffer: Octets, place: int, octets: Octets, starts: Integers, number: int) -> int:
    """Copy an entry of a table."""
    size = int(starts[number + 1] - starts[number])
    put_octets(buffer, place, octets, starts[number], size)
    return place + size


@kernel(f"i8(u1[::1], i8, i8, {TABLE_SIGNATURE})")
def put_cell(buffer: Octets, place: int, cell: int, value_octets: Octets, value_starts: Integers) -> int:
    """Write what a cell means: its integer, or the value that it numbers."""
    if cell >= VALUE_LIMIT:
        return put_integer(buffer, place, cell)
    return put_entry(buffer, place, value_octets, value_starts, cell - VALUE_BASE)


@kernel()
def identifier_length(rows: Octets, row: int) -> int:
    """Return how many characters an identifier has that zeros follow up to the end of its row."""
    start, length = row * TEXT_BYTES, 0
    if rows[start + UUID_CHARACTERS - 1] != 0 and rows[start + UUID_CHARACTERS] == 0:
        return UUID_CHARACTERS
    while length < TEXT_BYTES and rows[start + length] != 0:
        length += 1
    return length


@kernel("i8(u1[::1], i8, u1[::1], i8)")
def put_identifier(buffer: Octets, place: int, rows: Octets, row: int) -> int:
    """Write the text of a row's identifier; whatever its length, IDENTIFIER_ROOM bytes may be written to."""
    length = identifier_length(rows, row)
    if length < 1 << 5:
        buffer[place] = 0xA0 | length
        place += 1
    else:
        buffer[place], buffer[place + 1] = 0xD9, length
        place += 2
    put_octets(buffer, place, rows, row * TEXT_BYTES, TEXT_BYTES)  # A size that the compiler knows is copied at once.
    return place + length
