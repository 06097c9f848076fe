"""MessagePack written by kernels, byte for byte as msgspec writes it: every value in the smallest form that it has.

Each function writes at a place of a buffer and returns the place behind what it wrote. Whoever calls it has made room:
`INTEGER_ROOM` bytes for an integer, `HEADER_ROOM` for a header.

A *cell* is an integer, or the number of a value whose bytes are in a table: the cells from VALUE_BASE up to VALUE_LIMIT
are such numbers, everything from VALUE_LIMIT on is the integer itself.
"""

from typing import Final

from eventstore.kernels.compiling import TABLE_SIGNATURE, Integers, Octets, Table, kernel

VALUE_BASE: Final = -(2**63)
VALUE_LIMIT: Final = VALUE_BASE + 2**31

INTEGER_ROOM: Final = 9
HEADER_ROOM: Final = 5
IDENTIFIER_BYTES: Final = 64
"""Of a row that holds an identifier: ASCII, zeros behind it."""
IDENTIFIER_ROOM: Final = HEADER_ROOM + IDENTIFIER_BYTES
NIL: Final = 0xC0

_UUID_CHARACTERS: Final = 36


@kernel()
def put_big_endian(buffer: Octets, place: int, value: int, size: int) -> int:
    """Write the lowest `size` bytes of an integer, the highest of them first."""
    for index in range(size):
        buffer[place + index] = (value >> (8 * (size - 1 - index))) & 0xFF
    return place + size


@kernel("i8(u1[::1], i8, i8)")
def put_integer(buffer: Octets, place: int, value: int) -> int:
    """Write an integer."""
    if value >= 0:
        if value < 1 << 7:
            buffer[place] = value
            return place + 1
        if value < 1 << 8:
            buffer[place] = 0xCC
            return put_big_endian(buffer, place + 1, value, 1)
        if value < 1 << 16:
            buffer[place] = 0xCD
            return put_big_endian(buffer, place + 1, value, 2)
        if value < 1 << 32:
            buffer[place] = 0xCE
            return put_big_endian(buffer, place + 1, value, 4)
        buffer[place] = 0xCF
        return put_big_endian(buffer, place + 1, value, 8)
    if value >= -(1 << 5):
        buffer[place] = value & 0xFF
        return place + 1
    if value >= -(1 << 7):
        buffer[place] = 0xD0
        return put_big_endian(buffer, place + 1, value, 1)
    if value >= -(1 << 15):
        buffer[place] = 0xD1
        return put_big_endian(buffer, place + 1, value, 2)
    if value >= -(1 << 31):
        buffer[place] = 0xD2
        return put_big_endian(buffer, place + 1, value, 4)
    buffer[place] = 0xD3
    return put_big_endian(buffer, place + 1, value, 8)


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
def put_binary_header(buffer: Octets, place: int, size: int) -> int:
    """Write what a byte string of `size` bytes begins with."""
    if size < 1 << 8:
        buffer[place] = 0xC4
        return put_big_endian(buffer, place + 1, size, 1)
    if size < 1 << 16:
        buffer[place] = 0xC5
        return put_big_endian(buffer, place + 1, size, 2)
    buffer[place] = 0xC6
    return put_big_endian(buffer, place + 1, size, 4)


@kernel()
def put_octets(buffer: Octets, place: int, source: Octets, start: int, end: int) -> int:
    """Copy the bytes from `start` up to `end` of another buffer, or of the same one further ahead."""
    for index in range(end - start):
        buffer[place + index] = source[start + index]
    return place + end - start


@kernel()
def put_entry(buffer: Octets, place: int, table: Table, number: int) -> int:
    """Copy an entry of a table."""
    octets, starts = table
    return put_octets(buffer, place, octets, starts[number], starts[number + 1])


@kernel(f"i8(u1[::1], i8, i8, {TABLE_SIGNATURE})")
def put_cell(buffer: Octets, place: int, cell: int, values: Table) -> int:
    """Write what a cell means: its integer, or the value that it numbers."""
    if cell >= VALUE_LIMIT:
        return put_integer(buffer, place, cell)
    return put_entry(buffer, place, values, cell - VALUE_BASE)


@kernel()
def identifier_length(row: Octets) -> int:
    """Return how many characters an identifier has that zeros follow up to the end of its row."""
    if row[_UUID_CHARACTERS - 1] != 0 and row[_UUID_CHARACTERS] == 0:
        return _UUID_CHARACTERS
    length = 0
    while length < row.size and row[length] != 0:
        length += 1
    return length


@kernel("i8(u1[::1], i8, u1[::1])")
def put_identifier(buffer: Octets, place: int, row: Octets) -> int:
    """Write the text of an identifier's row."""
    length = identifier_length(row)
    if length < 1 << 5:
        buffer[place] = 0xA0 | length
        place += 1
    else:
        buffer[place], buffer[place + 1] = 0xD9, length
        place += 2
    return put_octets(buffer, place, row, 0, length)


@kernel("i8(u1[::1], i8, i8[::1])")
def put_integers(buffer: Octets, place: int, values: Integers) -> int:
    """Write an array of integers."""
    place = put_array_header(buffer, place, values.size)
    for value in values:
        place = put_integer(buffer, place, value)
    return place
