"""Rows of cells, made and moved by kernels: columns of payloads that become the rows of their events, and the events
that a loop of the application decided, gathered in their order.
"""

from typing import Final

from eventstore.kernels.compiling import TABLE_SIGNATURE, Integers, Numbers, Octets, kernel
from eventstore.kernels.message_pack import INTEGER_ROOM, VALUE_BASE, VALUE_LIMIT, put_cell, put_entry
from eventstore.kernels.octets import put_octets
from eventstore.kernels.payloads import FIELDS, FIRST_KEY, FIRST_VALUE, MATRIX, PARTS, ROWS, SHAPED, SHAPED_FIELD

NO_SUCH_TYPE: Final = -1
NO_SUCH_ROW: Final = -2
"""What `gather_events` returns for events that are not what they say."""


@kernel("i8(i8[::1], i8[:,::1], i8[:,::1], i8[::1], i8[::1], i8[:,::1])")
def room_of_shapes(
    types: Integers, layout: Integers, plan: Integers, key_starts: Integers, matrix: Integers, ranges: Integers
) -> int:
    """Return how many bytes the values that have their type's shape take at most, INTEGER_ROOM more than they need."""
    room = INTEGER_ROOM
    for index in range(types.size):
        of_type, rows = types[index], layout[index, ROWS]
        field, parts, begin = plan[of_type, SHAPED_FIELD], plan[of_type, PARTS], layout[index, MATRIX]
        if field < 0:
            continue
        first_key, of_parts = plan[of_type, FIRST_KEY], begin + plan[of_type, FIELDS] * rows
        keys = key_starts[first_key + parts] - key_starts[first_key]
        for row in range(rows):
            if matrix[begin + field * rows + row] != SHAPED:
                continue
            room += keys
            for part in range(parts):
                cell = matrix[of_parts + part * rows + row]
                room += INTEGER_ROOM if cell >= VALUE_LIMIT else ranges[cell - VALUE_BASE, 1]
    return room


@kernel(f"void(u1[::1], i8[:,::1], i8, {TABLE_SIGNATURE})")
def put_table(buffer: Octets, ranges: Integers, first: int, octets: Octets, starts: Integers) -> None:
    """Copy the entries of a buffer from number `first` on, one after the other, and write where each starts."""
    place = starts[0] = 0
    for number in range(first, len(ranges)):
        put_octets(octets, place, buffer, ranges[number, 0], ranges[number, 1])
        place += ranges[number, 1]
        starts[number - first + 1] = place


@kernel(
    f"i8(i8[::1], i8[:,::1], i8[:,::1], {TABLE_SIGNATURE}, i4[::1], i8[:,::1], i8[::1], i8[::1], i8[::1], "
    f"{TABLE_SIGNATURE}, i8)"
)
def put_rows(
    types: Integers,
    layout: Integers,
    plan: Integers,
    key_octets: Octets,
    key_starts: Integers,
    event_types: Numbers,
    begins: Integers,
    matrix: Integers,
    cells: Integers,
    starts: Integers,
    value_octets: Octets,
    value_starts: Integers,
    value_count: int,
) -> int:
    """Make rows of the columns of all payloads, those of a type together, and where each event's row starts; put shaped
    values together again behind the first `value_count` values. Returns how many values there are then.

    `begins` i8[2, n] has where the rows of each type of the plan begin, twice. The cells of the matrix number
    values from FIRST_VALUE on, those of the rows from none on.
    """
    for index in range(types.size):
        of_type, rows, of_columns = types[index], layout[index, ROWS], layout[index, MATRIX]
        fields, parts, begin = plan[of_type, FIELDS], plan[of_type, PARTS], begins[0, of_type]
        for field in range(fields):
            for row in range(rows):
                cell = matrix[of_columns + field * rows + row]
                if cell == SHAPED:
                    place = value_starts[value_count]
                    for part in range(parts):
                        of_part = matrix[of_columns + (fields + part) * rows + row]
                        place = put_entry(value_octets, place, key_octets, key_starts, plan[of_type, FIRST_KEY] + part)
                        if of_part < VALUE_LIMIT:
                            of_part -= FIRST_VALUE
                        place = put_cell(value_octets, place, of_part, value_octets, value_starts)
                    cell = VALUE_BASE + value_count
                    value_count += 1
                    value_starts[value_count] = place
                elif cell < VALUE_LIMIT:
                    cell -= FIRST_VALUE
                cells[begin + row * fields + field] = cell
        begins[0, of_type] = begin + rows * fields
    for event in range(event_types.size):
        of_type = event_types[event]
        starts[event] = begins[1, of_type]
        begins[1, of_type] += plan[of_type, FIELDS]
    return value_count


@kernel("i8(i8[::1], i8[::1], i8[::1], i8[::1], i8)")
def gather_cells(cells: Integers, starts: Integers, sizes: Integers, target: Integers, place: int) -> int:
    """Copy the row of each of n events, `sizes[i]` cells from `starts[i]` on, one after the other; return the end."""
    for event in range(starts.size):
        for index in range(sizes[event]):
            target[place + index] = cells[starts[event] + index]
        place += sizes[event]
    return place


@kernel("i8(i8[::1], i8[::1], i4[::1], i8[::1], i8[::1], i4[::1], i8[::1], i4[::1], i8, i8)")
def gather_events(
    cells: Integers,
    starts: Integers,
    types: Numbers,
    field_counts: Integers,
    target: Integers,
    numbers: Numbers,
    target_starts: Integers,
    target_types: Numbers,
    event: int,
    place: int,
) -> int:
    """Copy the rows of n events, of the type `types[i]` and from `starts[i]` on, to `place` and on, as the events
    `event` and on, whose types get other numbers. Return the end, or what is wrong with an event; the target has room
    for the longest row of each.
    """
    for row in range(starts.size):
        if not 0 <= types[row] < field_counts.size:
            return NO_SUCH_TYPE
        start, size = starts[row], field_counts[types[row]]
        if start < 0 or start + size > cells.size:
            return NO_SUCH_ROW
        for index in range(size):
            target[place + index] = cells[start + index]
        target_starts[event + row], target_types[event + row] = place, numbers[types[row]]
        place += size
    return place
