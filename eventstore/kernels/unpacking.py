"""The packed columns of a batch, read by kernels that trust no byte: every length is checked before it is used.

What cannot have been written is DAMAGED, a place below zero; it is given on to the end.
"""

from typing import Any

from eventstore.kernels.compiling import TABLE_SIGNATURE, Integers, Octets, kernel
from eventstore.kernels.formulas import expect
from eventstore.kernels.identifiers import take_identifiers_packed
from eventstore.kernels.message_pack import INTEGER_ROOM, VALUE_BASE, VALUE_LIMIT, put_cell, put_entry
from eventstore.kernels.packing import DAMAGED, take_integers_packed, take_steps_packed
from eventstore.kernels.payloads import (
    FIELDS,
    FIRST_KEY,
    FIRST_STEP,
    FIRST_VALUE,
    INTEGERS,
    MATRIX,
    MIXED,
    PARTS,
    ROWS,
    SHAPED,
    SHAPED_FIELD,
    STEP_BEGIN,
    STEP_COLUMN,
    STEP_END,
    VALUES,
    find_conditions,
)


@kernel()
def _take_table(buffer: Octets, place: int, end: int, sizes: Integers, count: int, starts: Integers) -> int:
    """Read the sizes of entries and note where in the buffer each of them starts; return the place behind the last."""
    place = take_integers_packed(buffer, place, end, sizes, count)
    if place < 0:
        return DAMAGED
    for entry in range(count):
        if sizes[entry] < 1 or sizes[entry] > end - place:
            return DAMAGED
        starts[entry] = place
        place += sizes[entry]
    starts[count] = place
    return place


@kernel(
    "i8(u1[::1], i8, i8, i8[::1], i8[::1], i8[::1], u1[::1], u1[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8, "
    "i8[:,::1])"
)
def take_headers(
    buffer: Octets,
    place: int,
    end: int,
    origin_numbers: Integers,
    fragment_starts: Integers,
    value_starts: Integers,
    aggregate_ids: Octets,
    command_ids: Octets,
    first_versions: Integers,
    timestamps: Integers,
    event_counts: Integers,
    places: Integers,
    type_count: int,
    scratch: Integers,
) -> int:
    """Read everything before the columns of the types into arrays of the right lengths; return the place behind it.

    The starts are places in the buffer. Identifiers are rows of zeros before. `scratch` i8[2, n] is long enough.
    """
    commits, one, two = first_versions.size, scratch[0], scratch[1]
    origins = fragment_starts.size - 1
    place = take_integers_packed(buffer, place, end, origin_numbers, commits)
    place = _take_table(buffer, place, end, one, origins, fragment_starts)
    place = _take_table(buffer, place, end, one, value_starts.size - 1, value_starts) if place >= 0 else DAMAGED
    place = take_identifiers_packed(buffer, place, end, aggregate_ids, one, two)
    place = take_identifiers_packed(buffer, place, end, command_ids, one, two)
    place = take_steps_packed(buffer, place, end, first_versions, commits, one)
    place = take_steps_packed(buffer, place, end, timestamps, commits, one)
    place = take_integers_packed(buffer, place, end, event_counts, commits)
    place = take_integers_packed(buffer, place, end, places, places.size)
    if place < 0:
        return DAMAGED
    events = 0
    for commit in range(commits):
        if origin_numbers[commit] < 0 or origin_numbers[commit] >= origins:
            return DAMAGED
        if event_counts[commit] < 0 or event_counts[commit] > places.size - events:
            return DAMAGED
        events += event_counts[commit]
    if events != places.size:
        return DAMAGED
    for event in range(events):
        if places[event] < 0 or places[event] >= type_count:
            return DAMAGED
    return place


@kernel()
def _put_ranges(value_starts: Integers, ranges: Integers) -> None:
    """Write where each value starts and how many bytes it has, at its number."""
    ranges[0, 0] = ranges[0, 1] = 0
    for number in range(value_starts.size - 1):
        ranges[FIRST_VALUE + number, 0] = value_starts[number]
        ranges[FIRST_VALUE + number, 1] = value_starts[number + 1] - value_starts[number]


@kernel()
def _put_context(
    first_versions: Integers,
    timestamps: Integers,
    event_counts: Integers,
    places: Integers,
    plan: Integers,
    layout: Integers,
    filled: Integers,
    matrix: Integers,
) -> None:
    """Write the version and the timestamp of each event into the two columns behind those of its type."""
    event = 0
    for commit in range(first_versions.size):
        for index in range(event_counts[commit]):
            of_type = places[event]
            rows = layout[of_type, ROWS]
            columns = plan[of_type, FIELDS] + plan[of_type, PARTS]
            place = layout[of_type, MATRIX] + columns * rows + filled[of_type]
            filled[of_type] += 1
            matrix[place] = first_versions[commit] + index
            matrix[place + rows] = timestamps[commit]
            event += 1


@kernel()
def _take_column(
    buffer: Octets,
    place: int,
    end: int,
    matrix: Integers,
    start: int,
    rows: int,
    kind: int,
    least_value: int,
    value_count: int,
    expected: Integers,
    column: Any,
) -> int:
    """Read a column into the matrix; return the place behind it, or DAMAGED."""
    if kind != VALUES:
        for row in range(rows):
            matrix[start + row] = 0
    if kind != INTEGERS:
        place = take_integers_packed(buffer, place, end, column, rows)
        if place < 0:
            return DAMAGED
        by = 1 if kind == MIXED else 0
        for row in range(rows):
            number = column[row]
            if kind == MIXED and number == 0:
                continue
            if number < by + least_value or number >= by + value_count:
                return DAMAGED
            matrix[start + row] = VALUE_BASE + number - by
    if kind != VALUES:
        place = take_integers_packed(buffer, place, end, column, rows)
        if place < 0:
            return DAMAGED
        for row in range(rows):
            if matrix[start + row] >= VALUE_LIMIT:
                cell = column[row] + expected[row]
                if cell < VALUE_LIMIT:
                    return DAMAGED
                matrix[start + row] = cell
            elif column[row] != 0:
                return DAMAGED
    return place


@kernel()
def _room_of_shapes(plan: Integers, layout: Integers, key_starts: Integers, matrix: Integers, ranges: Integers) -> int:
    """Return how many bytes the values that have their type's shape take at most, INTEGER_ROOM more than they need."""
    room = INTEGER_ROOM
    for of_type in range(len(plan)):
        field, parts, rows = plan[of_type, SHAPED_FIELD], plan[of_type, PARTS], layout[of_type, ROWS]
        if field < 0:
            continue
        first_key, marks = plan[of_type, FIRST_KEY], layout[of_type, MATRIX] + field * rows
        of_parts = layout[of_type, MATRIX] + plan[of_type, FIELDS] * rows
        keys = key_starts[first_key + parts] - key_starts[first_key]
        for row in range(rows):
            if matrix[marks + row] != SHAPED:
                continue
            room += keys
            for part in range(parts):
                cell = matrix[of_parts + part * rows + row]
                room += INTEGER_ROOM if cell >= VALUE_LIMIT else ranges[cell - VALUE_BASE, 1]
    return room


@kernel(
    "i8(u1[::1], i8, i8, i8[::1], i8[:,::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[:,::1], i8[:,::1], i8[:,::1], "
    f"i8[:,::1], {TABLE_SIGNATURE}, i8[::1], i8[::1], i8[::1], i8[::1], i8[:,::1])"
)
def take_types(
    buffer: Octets,
    place: int,
    end: int,
    value_starts: Integers,
    ranges: Integers,
    first_versions: Integers,
    timestamps: Integers,
    event_counts: Integers,
    places: Integers,
    plan: Integers,
    layout: Integers,
    steps: Integers,
    instructions: Integers,
    condition_octets: Octets,
    condition_starts: Integers,
    key_starts: Integers,
    room: Integers,
    filled: Integers,
    matrix: Integers,
    scratch: Integers,
) -> int:
    """Read the columns of all types into the matrix; return the place behind them.

    `value_starts` says where in the buffer each value is. `room` i8[1] becomes how many bytes shaped values take at
    most. `filled` is zeros; `ranges` i8[values + 1, 2] is overwritten; `scratch` i8[4, n] is long enough.
    """
    _put_ranges(value_starts, ranges)
    conditions = scratch[3]
    _put_context(first_versions, timestamps, event_counts, places, plan, layout, filled, matrix)
    find_conditions(buffer, ranges, len(ranges), condition_octets, condition_starts, conditions)
    one, two, kinds = scratch[0], scratch[1], scratch[2]
    for of_type in range(len(plan)):
        rows, columns = layout[of_type, ROWS], plan[of_type, FIELDS] + plan[of_type, PARTS]
        place = take_integers_packed(buffer, place, end, kinds, columns)
        if place < 0:
            return DAMAGED
        for column in range(columns):
            if kinds[column] < INTEGERS or kinds[column] > MIXED:
                return DAMAGED
        for step in range(plan[of_type, FIRST_STEP], plan[of_type, FIRST_STEP] + columns):
            column = steps[step, STEP_COLUMN]
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
            place = _take_column(
                buffer,
                place,
                end,
                matrix,
                layout[of_type, MATRIX] + column * rows,
                rows,
                kinds[column],
                0 if column == plan[of_type, SHAPED_FIELD] else 1,
                len(ranges),
                one,
                two,
            )
            if place < 0:
                return DAMAGED
    room[0] = _room_of_shapes(plan, layout, key_starts, matrix, ranges)
    return place


@kernel(
    f"i8(i8[:,::1], i8[:,::1], {TABLE_SIGNATURE}, i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], {TABLE_SIGNATURE}, i8)"
)
def put_rows(
    plan: Integers,
    layout: Integers,
    key_octets: Octets,
    key_starts: Integers,
    places: Integers,
    filled: Integers,
    matrix: Integers,
    cells: Integers,
    starts: Integers,
    value_octets: Octets,
    value_starts: Integers,
    value_count: int,
) -> int:
    """Make rows of the columns, those of a type together, and where each event's row starts; put shaped values
    together again behind the first `value_count` values. Returns how many values there are then.

    `filled` is zeros. The cells of a payload number its values from FIRST_VALUE on, those of the rows from none on.
    """
    begin = 0
    for of_type in range(len(plan)):
        fields, parts, rows = plan[of_type, FIELDS], plan[of_type, PARTS], layout[of_type, ROWS]
        of_columns = layout[of_type, MATRIX]
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
        layout[of_type, MATRIX] = begin
        begin += rows * fields
    for event in range(places.size):
        of_type = places[event]
        starts[event] = layout[of_type, MATRIX] + filled[of_type] * plan[of_type, FIELDS]
        filled[of_type] += 1
    return value_count
