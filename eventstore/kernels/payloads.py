"""The plain payload of a batch, written by a kernel: the layout of `eventstore/serialization/columns.py`, to the byte.

`columns.py` says what the layout is and reads it; `columns.encode` makes the same bytes of Python objects.
"""

from typing import Final

import numpy as np

from eventstore.kernels.compiling import TABLE_SIGNATURE, Integers, Numbers, Octets, kernel
from eventstore.kernels.message_pack import (
    IDENTIFIER_BYTES,
    NIL,
    UUID_CHARACTERS,
    VALUE_BASE,
    identifier_length,
    put_array_header,
    put_binary_header,
    put_cell,
    put_entry,
    put_identifier,
    put_integer,
    put_integers,
)

NIL_CELL: Final = VALUE_BASE
EMPTY_MAP_CELL: Final = VALUE_BASE + 1
"""The first two parts of origins: no value, and metadata that says nothing."""

CORRELATION_ID: Final = 0
CAUSATION_ID: Final = 1
ACTOR: Final = 2
METADATA: Final = 3
ORIGIN_PARTS: Final = 4

COLUMN_HEADERS: Final = 12
"""How many headers a payload has at most, besides those of the types and their columns."""

_LAYOUT_VALUES: Final = 11
_UUID_BYTES: Final = 16
_TEXT_OF_UUID: Final = (0xD9, UUID_CHARACTERS)
"""What the MessagePack of a text as long as a UUID begins with."""

_RANK: Final = 0
"""Of a type: how many types appeared before it, or -1. The other columns are in the order of these ranks."""
_APPEARED: Final = 1
"""Which type it is."""
_BEGIN: Final = 2
_END: Final = 3
"""Which of the rows are of that type."""
TYPE_COLUMNS: Final = 4

_DASH: Final = ord("-")
_NO_DIGIT: Final = 0xFF
_DIGITS: Final = np.full(256, _NO_DIGIT, np.uint8)
"""By character, the value of a lower-case hexadecimal digit."""
for _value, _character in enumerate(b"0123456789abcdef"):
    _DIGITS[_character] = _value


@kernel()
def put_uuid(buffer: Octets, place: int, source: Octets, start: int) -> bool:
    """Write the 16 bytes of the 36 characters from `start` on; return whether these are a canonical UUID."""
    wrong, at = np.uint8(0), start
    for index in range(_UUID_BYTES):
        if index == 4 or index == 6 or index == 8 or index == 10:
            wrong |= np.uint8(source[at] != _DASH) << np.uint8(7)
            at += 1
        high, low = _DIGITS[source[at]], _DIGITS[source[at + 1]]
        wrong |= (high | low) & np.uint8(0xF0)
        buffer[place + index] = high << 4 | low & 0x0F
        at += 2
    return bool(wrong == 0)


@kernel()
def put_identifiers(buffer: Octets, place: int, rows: Octets) -> int:
    """Write a column of identifiers: packed when all are UUIDs, nil when there is none, else an array of texts."""
    count = rows.size // IDENTIFIER_BYTES
    if count == 0:
        buffer[place] = NIL
        return place + 1
    end = put_binary_header(buffer, place, count * _UUID_BYTES)
    for row in range(count):
        is_uuid = identifier_length(rows, row) == UUID_CHARACTERS
        if not (is_uuid and put_uuid(buffer, end, rows, row * IDENTIFIER_BYTES)):
            break
        end += _UUID_BYTES
    else:
        return end
    place = put_array_header(buffer, place, count)
    for row in range(count):
        place = put_identifier(buffer, place, rows, row)
    return place


@kernel()
def put_origin_cells(
    buffer: Octets, place: int, numbers: Numbers, cells: Integers, part: int, part_octets: Octets, part_starts: Integers
) -> int:
    """Write one part of each commit's origin as an array."""
    place = put_array_header(buffer, place, numbers.size)
    for number in numbers:
        place = put_cell(buffer, place, cells[number, part], part_octets, part_starts)
    return place


@kernel()
def put_origin_identifiers(
    buffer: Octets, place: int, numbers: Numbers, cells: Integers, part: int, part_octets: Octets, part_starts: Integers
) -> int:
    """Write a column of identifiers that origins have: as `put_identifiers`, with nil for the commits without one."""
    has_any = False
    for number in numbers:
        if cells[number, part] != NIL_CELL:
            has_any = True
            break
    if not has_any:
        buffer[place] = NIL
        return place + 1
    end = put_binary_header(buffer, place, numbers.size * _UUID_BYTES)
    for number in numbers:
        entry = cells[number, part] - VALUE_BASE
        start = part_starts[entry]
        is_uuid = part_starts[entry + 1] - start == 2 + UUID_CHARACTERS and part_octets[start] == _TEXT_OF_UUID[0]
        if not (is_uuid and put_uuid(buffer, end, part_octets, start + 2)):
            break
        end += _UUID_BYTES
    else:
        return end
    return put_origin_cells(buffer, place, numbers, cells, part, part_octets, part_starts)


@kernel()
def put_actors(
    buffer: Octets, place: int, numbers: Numbers, cells: Integers, part_octets: Octets, part_starts: Integers
) -> int:
    """Write the commits' actors: one text when all are the same, else an array."""
    for number in numbers:
        if cells[number, ACTOR] != cells[numbers[0], ACTOR]:
            return put_origin_cells(buffer, place, numbers, cells, ACTOR, part_octets, part_starts)
    if numbers.size == 0:
        return put_array_header(buffer, place, 0)
    return put_cell(buffer, place, cells[numbers[0], ACTOR], part_octets, part_starts)


@kernel()
def put_metadata(
    buffer: Octets, place: int, numbers: Numbers, cells: Integers, part_octets: Octets, part_starts: Integers
) -> int:
    """Write the commits' metadata, or nil when none says anything."""
    for number in numbers:
        if cells[number, METADATA] > EMPTY_MAP_CELL:
            return put_origin_cells(buffer, place, numbers, cells, METADATA, part_octets, part_starts)
    buffer[place] = NIL
    return place + 1


@kernel()
def put_headers(
    buffer: Octets,
    place: int,
    aggregate_ids: Octets,
    command_ids: Octets,
    first_versions: Integers,
    timestamp: int,
    origin_numbers: Numbers,
    origin_cells: Integers,
    part_octets: Octets,
    part_starts: Integers,
) -> int:
    """Write the columns of the commits' headers."""
    place = put_identifiers(buffer, place, aggregate_ids)
    place = put_integers(buffer, place, first_versions)
    place = put_array_header(buffer, place, first_versions.size)
    for commit in range(first_versions.size):
        place = put_integer(buffer, place, timestamp if commit == 0 else 0)
    place = put_identifiers(buffer, place, command_ids)
    place = put_origin_identifiers(
        buffer, place, origin_numbers, origin_cells, CORRELATION_ID, part_octets, part_starts
    )
    place = put_origin_identifiers(buffer, place, origin_numbers, origin_cells, CAUSATION_ID, part_octets, part_starts)
    place = put_actors(buffer, place, origin_numbers, origin_cells, part_octets, part_starts)
    return put_metadata(buffer, place, origin_numbers, origin_cells, part_octets, part_starts)


@kernel()
def put_types(
    buffer: Octets,
    place: int,
    cells: Integers,
    type_numbers: Numbers,
    starts: Integers,
    field_counts: Integers,
    tag_octets: Octets,
    tag_starts: Integers,
    value_octets: Octets,
    value_starts: Integers,
    types: Integers,
    rows: Integers,
) -> int:
    """Write the places of the events' types and the columns of each type, in the order in which types appear.

    `types` i8[types, TYPE_COLUMNS] and `rows` i8[events] are overwritten.
    """
    type_count = 0
    for of_type in range(field_counts.size):
        types[of_type, _RANK], types[of_type, _END] = -1, 0
    for of_type in type_numbers:
        if types[of_type, _RANK] < 0:
            types[of_type, _RANK], types[type_count, _APPEARED] = type_count, of_type
            type_count += 1
        types[types[of_type, _RANK], _END] += 1
    if type_count == 1:
        buffer[place] = NIL
        place += 1
    else:
        place = put_array_header(buffer, place, type_numbers.size)
        for of_type in type_numbers:
            place = put_integer(buffer, place, types[of_type, _RANK])

    begin = 0
    for rank in range(type_count):
        types[rank, _BEGIN] = begin
        begin += types[rank, _END]
        types[rank, _END] = types[rank, _BEGIN]
    for event in range(type_numbers.size):
        rank = types[type_numbers[event], _RANK]
        rows[types[rank, _END]] = starts[event]
        types[rank, _END] += 1

    place = put_array_header(buffer, place, type_count)
    for rank in range(type_count):
        of_type, begin, end = types[rank, _APPEARED], types[rank, _BEGIN], types[rank, _END]
        place = put_array_header(buffer, place, 2)
        place = put_entry(buffer, place, tag_octets, tag_starts, of_type)
        place = put_array_header(buffer, place, field_counts[of_type])
        for field in range(field_counts[of_type]):
            place = put_array_header(buffer, place, end - begin)
            for index in range(begin, end):
                place = put_cell(buffer, place, cells[rows[index] + field], value_octets, value_starts)
    return place


@kernel(
    f"i8(u1[::1], u1[::1], i8[::1], i8, i4[::1], i8[:,::1], {TABLE_SIGNATURE}, i8[::1], i8[::1], i4[::1], "
    f"i8[::1], i8[::1], {TABLE_SIGNATURE}, {TABLE_SIGNATURE}, i8[:,::1], i8[::1], "
    "u1[::1])"
)
def put_payload(
    aggregate_ids: Octets,
    command_ids: Octets,
    first_versions: Integers,
    timestamp: int,
    origin_numbers: Numbers,
    origin_cells: Integers,
    part_octets: Octets,
    part_starts: Integers,
    event_counts: Integers,
    cells: Integers,
    type_numbers: Numbers,
    starts: Integers,
    field_counts: Integers,
    tag_octets: Octets,
    tag_starts: Integers,
    value_octets: Octets,
    value_starts: Integers,
    types: Integers,
    rows: Integers,
    buffer: Octets,
) -> int:
    """Write the payload of n commits at the beginning of a buffer; return how many bytes it has.

    `types` i8[types, TYPE_COLUMNS] and `rows` i8[events] are overwritten.
    """
    place = put_array_header(buffer, 0, _LAYOUT_VALUES)
    place = put_headers(
        buffer,
        place,
        aggregate_ids,
        command_ids,
        first_versions,
        timestamp,
        origin_numbers,
        origin_cells,
        part_octets,
        part_starts,
    )
    if type_numbers.size == first_versions.size:
        buffer[place] = NIL
        place += 1
    else:
        place = put_integers(buffer, place, event_counts)
    return put_types(
        buffer,
        place,
        cells,
        type_numbers,
        starts,
        field_counts,
        tag_octets,
        tag_starts,
        value_octets,
        value_starts,
        types,
        rows,
    )
