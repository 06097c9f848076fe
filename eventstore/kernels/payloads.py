"""The packed columns of a batch, written by a kernel: `columns/packed.py` says what the layout is.

First the rows of cells become columns: a matrix for each type, in which a value has the number that it has in this
payload, the same for the same bytes. Values that have a declared shape become columns of their own beside the fields.
Then the columns are written in the order in which the application declared that they follow from one another.
"""

from typing import Any, Final

import numpy as np

from eventstore.kernels.compiling import TABLE_SIGNATURE, Integers, Numbers, Octets, kernel
from eventstore.kernels.formulas import expect, integer_token, token_size
from eventstore.kernels.identifiers import put_identifiers_packed
from eventstore.kernels.message_pack import VALUE_BASE, VALUE_LIMIT
from eventstore.kernels.octets import put_octets
from eventstore.kernels.packing import put_integers_packed, put_steps_packed, put_varint

FIELDS: Final = 0
"""Of a type in a plan: how many fields its events have."""
PARTS: Final = 1
"""How many columns the values of its shaped field become."""
SHAPED_FIELD: Final = 2
"""Which of its fields that is, or -1."""
FIRST_STEP: Final = 3
FIRST_KEY: Final = 4
"""Of its shape, in the table of keys: the header of the map with the first key, then the other keys."""
PLAN_CELLS: Final = 5

STEP_COLUMN: Final = 0
STEP_BEGIN: Final = 1
STEP_END: Final = 2
"""Which instructions say what is expected of the column."""
STEP_CELLS: Final = 3

MATRIX: Final = 0
"""Of a type in a payload: where its columns begin in the matrix. Two more follow them, not stored."""
ROWS: Final = 1
"""How many events of it there are."""
LAYOUT_CELLS: Final = 2
CONTEXT_COLUMNS: Final = 2
"""The version and the timestamp of each event."""

INTEGERS: Final = 0
VALUES: Final = 1
MIXED: Final = 2

SHAPED: Final = VALUE_BASE
"""The cell of a value that has its type's shape: its parts stand in columns of their own."""
FIRST_VALUE: Final = 1
"""The number of a payload's first value that is another one."""

_HASH_START: Final = np.uint64(0xCBF29CE484222325)
_HASH_FACTOR: Final = np.uint64(0x100000001B3)
RANGE_CELLS: Final = 2


@kernel()
def number_of(octets: Octets, start: int, size: int, ranges: Integers, slots: Numbers, counts: Integers) -> int:
    """Return the number of a value, given where its bytes are in a buffer; a new one for bytes not seen before.

    `ranges` i8[n, 2] has where each numbered value is; `slots` are a power of two of numbers, or -1; `counts[0]` is the
    next new number.
    """
    hashed = _HASH_START
    for index in range(size):
        hashed = (hashed ^ np.uint64(octets[start + index])) * _HASH_FACTOR
    slot = np.int64((hashed ^ hashed >> np.uint64(29)) & np.uint64(slots.size - 1))
    while slots[slot] >= 0:
        number = int(slots[slot])
        if ranges[number, 1] == size:
            other, index = ranges[number, 0], 0
            while index < size and octets[other + index] == octets[start + index]:
                index += 1
            if index == size:
                return number
        slot = (slot + 1) & (slots.size - 1)
    number = int(counts[0])
    counts[0] += 1
    ranges[number, 0], ranges[number, 1] = start, size
    slots[slot] = np.int32(number)
    return number


@kernel()
def _take_shape(
    octets: Octets,
    at: int,
    end: int,
    key_octets: Octets,
    key_starts: Integers,
    first_key: int,
    parts: int,
    matrix: Integers,
    place: int,
    stride: int,
    scratch: Octets,
    ranges: Integers,
    slots: Numbers,
    counts: Integers,
) -> bool:
    """Write the parts of a value into columns if it has the shape; return whether it has."""
    for is_certain in range(2):  # First look only: a value without the shape numbers none of its parts.
        place_of_part, start = place, at
        for part in range(parts):
            key_start, key_end = key_starts[first_key + part], key_starts[first_key + part + 1]
            if start + key_end - key_start > end:
                return False
            for index in range(key_end - key_start):
                if octets[start + index] != key_octets[key_start + index]:
                    return False
            start += key_end - key_start
            size = token_size(octets, start, end)
            if size == 0:
                return False
            if is_certain:
                cell = integer_token(octets, start, size, scratch)
                if cell < VALUE_LIMIT:
                    cell = VALUE_BASE + number_of(octets, start, size, ranges, slots, counts)
                matrix[place_of_part] = cell
            place_of_part += stride
            start += size
        if start != end:
            return False
    return True


@kernel(
    f"void(i8[::1], i8[::1], i8[::1], i8[::1], i4[::1], i8[::1], {TABLE_SIGNATURE}, i8[::1], i8[:,::1], i8[:,::1], "
    f"{TABLE_SIGNATURE}, i8[::1], i8[::1], i8[::1], u1[::1], i4[::1], i8[:,::1], i4[::1], i8[::1])"
)
def put_matrix(
    first_versions: Integers,
    timestamps: Integers,
    event_counts: Integers,
    cells: Integers,
    type_numbers: Numbers,
    starts: Integers,
    value_octets: Octets,
    value_starts: Integers,
    ranks: Integers,
    plan: Integers,
    layout: Integers,
    key_octets: Octets,
    key_starts: Integers,
    matrix: Integers,
    places: Integers,
    filled: Integers,
    scratch: Octets,
    numbers: Numbers,
    ranges: Integers,
    slots: Numbers,
    counts: Integers,
) -> None:
    """Write the cells of all events as columns, and the place of each event's type in the plan.

    `ranks` has that place for each type; `filled`, `numbers` (-1), `ranges`, `slots` (-1), `counts` are overwritten.
    """
    event = 0
    for commit in range(first_versions.size):
        for index in range(event_counts[commit]):
            of_type = ranks[type_numbers[event]]
            places[event] = of_type
            stride, fields, parts = layout[of_type, ROWS], plan[of_type, FIELDS], plan[of_type, PARTS]
            place = layout[of_type, MATRIX] + filled[of_type]
            filled[of_type] += 1
            of_parts = place + fields * stride
            for part in range(parts):
                matrix[of_parts + part * stride] = 0
            for field in range(fields):
                cell = cells[starts[event] + field]
                if cell < VALUE_LIMIT:
                    number = cell - VALUE_BASE
                    start, end = value_starts[number], value_starts[number + 1]
                    if field == plan[of_type, SHAPED_FIELD] and _take_shape(
                        value_octets,
                        start,
                        end,
                        key_octets,
                        key_starts,
                        plan[of_type, FIRST_KEY],
                        parts,
                        matrix,
                        of_parts,
                        stride,
                        scratch,
                        ranges,
                        slots,
                        counts,
                    ):
                        cell = SHAPED
                    else:
                        if numbers[number] < 0:
                            found = number_of(value_octets, start, end - start, ranges, slots, counts)
                            numbers[number] = np.int32(found)
                        cell = VALUE_BASE + np.int64(numbers[number])
                matrix[place + field * stride] = cell
            of_context = of_parts + parts * stride
            matrix[of_context] = first_versions[commit] + index
            matrix[of_context + stride] = timestamps[commit]
            event += 1


@kernel(f"void(u1[::1], i8[:,::1], i8, {TABLE_SIGNATURE}, i8[::1])")
def find_conditions(
    octets: Octets, ranges: Integers, count: int, wanted_octets: Octets, wanted_starts: Integers, cells: Any
) -> None:
    """Write the cell that each value of a table of conditions has among a payload's values, or no cell's at all."""
    for wanted in range(wanted_starts.size - 1):
        cells[wanted] = VALUE_LIMIT - 1
        start, size = wanted_starts[wanted], wanted_starts[wanted + 1] - wanted_starts[wanted]
        for number in range(FIRST_VALUE, count):
            if ranges[number, 1] != size:
                continue
            index = 0
            while index < size and octets[ranges[number, 0] + index] == wanted_octets[start + index]:
                index += 1
            if index == size:
                cells[wanted] = VALUE_BASE + number
                break


@kernel()
def _put_column(
    buffer: Octets, place: int, matrix: Integers, start: int, rows: int, kind: int, expected: Integers, column: Any
) -> int:
    """Write the numbers of the values, then the integers less what is expected of them."""
    if kind != INTEGERS:
        for row in range(rows):
            cell = matrix[start + row]
            if kind == VALUES:
                column[row] = cell - VALUE_BASE
            else:
                column[row] = cell - VALUE_BASE + 1 if cell < VALUE_LIMIT else 0
        place = put_integers_packed(buffer, place, column, rows)
    if kind != VALUES:
        for row in range(rows):
            cell = matrix[start + row]
            column[row] = cell - expected[row] if cell >= VALUE_LIMIT else 0
        place = put_integers_packed(buffer, place, column, rows)
    return place


@kernel()
def _put_origins(
    buffer: Octets,
    place: int,
    origin_numbers: Numbers,
    fragment_octets: Octets,
    fragment_starts: Integers,
    scratch: Integers,
) -> int:
    """Write how many origins the commits have, the number of each commit's, and the origins."""
    commits, one, two = origin_numbers.size, scratch[0], scratch[1]
    of_origins, origins, kept = scratch[2], 0, scratch[3]
    for origin in range(fragment_starts.size - 1 if commits else 0):
        of_origins[origin] = -1
    for commit in range(commits):
        origin = int(origin_numbers[commit])
        if of_origins[origin] < 0:
            of_origins[origin], kept[origins] = origins, origin
            origins += 1
        one[commit] = of_origins[origin]
    place = put_varint(buffer, place, np.uint64(origins))
    place = put_integers_packed(buffer, place, one, commits)
    for origin in range(origins):
        two[origin] = fragment_starts[kept[origin] + 1] - fragment_starts[kept[origin]]
    place = put_integers_packed(buffer, place, two, origins)
    for origin in range(origins):
        put_octets(buffer, place, fragment_octets, fragment_starts[kept[origin]], two[origin])
        place += two[origin]
    return place


@kernel()
def _put_values(
    buffer: Octets, place: int, value_octets: Octets, ranges: Integers, value_count: int, sizes: Any
) -> int:
    """Write the values of a payload."""
    for number in range(FIRST_VALUE, value_count):
        sizes[number - FIRST_VALUE] = ranges[number, 1]
    place = put_integers_packed(buffer, place, sizes, value_count - FIRST_VALUE)
    for number in range(FIRST_VALUE, value_count):
        put_octets(buffer, place, value_octets, ranges[number, 0], ranges[number, 1])
        place += ranges[number, 1]
    return place


@kernel()
def _put_types(
    buffer: Octets,
    place: int,
    plan: Integers,
    layout: Integers,
    steps: Integers,
    instructions: Integers,
    matrix: Integers,
    scratch: Integers,
) -> int:
    """Write the columns of every type."""
    one, two, kinds, conditions = scratch[0], scratch[1], scratch[2], scratch[4]
    for of_type in range(len(plan)):
        rows, columns = layout[of_type, ROWS], plan[of_type, FIELDS] + plan[of_type, PARTS]
        for column in range(columns):
            start = layout[of_type, MATRIX] + column * rows
            values = 0
            for row in range(rows):
                values += matrix[start + row] < VALUE_LIMIT
            kinds[column] = VALUES if values == rows else (MIXED if values else INTEGERS)
        place = put_integers_packed(buffer, place, kinds, columns)
        for step in range(plan[of_type, FIRST_STEP], plan[of_type, FIRST_STEP] + columns):
            column = steps[step, STEP_COLUMN]
            start = layout[of_type, MATRIX] + column * rows
            expect(
                matrix,
                layout[of_type, MATRIX],
                rows,
                rows,
                instructions,
                steps[step, STEP_BEGIN],
                steps[step, STEP_END],
                conditions,
                one,
            )
            place = _put_column(buffer, place, matrix, start, rows, kinds[column], one, two)
    return place


@kernel(
    f"i8(u1[::1], i8, u1[::1], u1[::1], i8[::1], i8[::1], i4[::1], {TABLE_SIGNATURE}, i8[::1], "
    f"u1[::1], i8[:,::1], i8, i8[:,::1], i8[:,::1], i8[:,::1], i8[:,::1], {TABLE_SIGNATURE}, i8[::1], "
    "i8[::1], i8[:,::1])"
)
def put_payload(
    buffer: Octets,
    place: int,
    aggregate_ids: Octets,
    command_ids: Octets,
    first_versions: Integers,
    timestamps: Integers,
    origin_numbers: Numbers,
    fragment_octets: Octets,
    fragment_starts: Integers,
    event_counts: Integers,
    value_octets: Octets,
    ranges: Integers,
    value_count: int,
    plan: Integers,
    layout: Integers,
    steps: Integers,
    instructions: Integers,
    condition_octets: Octets,
    condition_starts: Integers,
    matrix: Integers,
    places: Integers,
    scratch: Integers,
) -> int:
    """Write everything behind the prefix of a payload from a place on; return the place behind it.

    `scratch` i8[5, n] is long enough for whatever there is most of.
    """
    commits, one, two = first_versions.size, scratch[0], scratch[1]
    place = put_varint(buffer, place, np.uint64(commits))
    place = put_varint(buffer, place, np.uint64(places.size))
    place = put_varint(buffer, place, np.uint64(value_count - FIRST_VALUE))

    place = _put_origins(buffer, place, origin_numbers, fragment_octets, fragment_starts, scratch)
    place = _put_values(buffer, place, value_octets, ranges, value_count, one)
    place = put_identifiers_packed(buffer, place, aggregate_ids, one, two)
    place = put_identifiers_packed(buffer, place, command_ids, one, two)
    place = put_steps_packed(buffer, place, first_versions, commits, one)
    place = put_steps_packed(buffer, place, timestamps, commits, one)
    place = put_integers_packed(buffer, place, event_counts, commits)
    place = put_integers_packed(buffer, place, places, places.size)
    find_conditions(value_octets, ranges, value_count, condition_octets, condition_starts, scratch[4])
    return _put_types(buffer, place, plan, layout, steps, instructions, matrix, scratch)
