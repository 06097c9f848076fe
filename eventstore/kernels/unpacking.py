"""The packed columns of batches, read by kernels that trust no byte: every length is checked before it is used.

Several payloads are read at once, one after the other: their commits and events become one stretch of columns, in which
equal values have one number. What cannot have been written is DAMAGED, a place below zero; it is given on to the end.
"""

from typing import Any, Final

import numpy as np

from eventstore.kernels.compiling import Integers, Numbers, Octets, kernel
from eventstore.kernels.formulas import expect
from eventstore.kernels.identifiers import take_identifiers_packed
from eventstore.kernels.message_pack import VALUE_BASE, VALUE_LIMIT
from eventstore.kernels.packing import DAMAGED, take_integers_packed, take_steps_packed, take_varint
from eventstore.kernels.payloads import (
    CONTEXT_COLUMNS,
    FIELDS,
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
    number_of,
)
from eventstore.kernels.texts import TEXT_BYTES

COMMITS: Final = 0
EVENTS: Final = 1
VALUE_COUNT: Final = 2
ORIGINS: Final = 3
COUNT_CELLS: Final = 4
"""What a payload counts."""

SOUND: Final = 0
"""Of a payload; otherwise it is DAMAGED, or what there is too much of: the number that was found."""


@kernel("i8(u1[::1], i8[::1], i8[::1], i8, i8[:,::1])")
def take_counts(buffer: Octets, places: Integers, ends: Integers, count_max: int, counts: Integers) -> int:
    """Read the counts of each payload, which begin at its place and move that behind them; return whether all are
    SOUND.
    """
    for payload in range(ends.size):
        place, end = places[payload], ends[payload]
        size = end - place
        for column in range(COUNT_CELLS):
            place, count = take_varint(buffer, place, end)
            if place < 0:
                return DAMAGED
            if count > np.uint64(count_max):
                return int(min(count, np.uint64(2**62)))
            counts[payload, column] = np.int64(count)
        if max(counts[payload, VALUE_COUNT], counts[payload, ORIGINS]) > size:
            return DAMAGED
        places[payload] = place
    return SOUND


@kernel()
def _take_table(
    buffer: Octets,
    place: int,
    end: int,
    sizes: Integers,
    count: int,
    ranges: Integers,
    slots: Numbers,
    distinct: Integers,
    numbers: Any,
) -> int:
    """Read entries and give each its number, the same for the same bytes; return the place behind the last."""
    place = take_integers_packed(buffer, place, end, sizes, count)
    if place < 0:
        return DAMAGED
    for entry in range(count):
        if sizes[entry] < 1 or sizes[entry] > end - place:
            return DAMAGED
        numbers[entry] = number_of(buffer, place, sizes[entry], ranges, slots, distinct)
        place += sizes[entry]
    return place


@kernel()
def _take_headers_of_one(
    buffer: Octets,
    place: int,
    end: int,
    counts: Integers,
    types: Integers,
    aggregate_ids: Octets,
    command_ids: Octets,
    first_versions: Integers,
    timestamps: Integers,
    event_counts: Integers,
    origin_numbers: Numbers,
    event_types: Numbers,
    value_numbers: Integers,
    value_ranges: Integers,
    value_slots: Numbers,
    origin_ranges: Integers,
    origin_slots: Numbers,
    distinct_values: Integers,
    distinct_origins: Integers,
    scratch: Integers,
) -> int:
    """Read everything of a payload before the columns of its types; return the place behind it."""
    commits, events, origins = counts[COMMITS], counts[EVENTS], counts[ORIGINS]
    one, two, three = scratch[0], scratch[1], scratch[2]
    place = take_integers_packed(buffer, place, end, three, commits)
    if place < 0:
        return DAMAGED
    for commit in range(commits):
        if three[commit] < 0 or three[commit] >= origins:
            return DAMAGED
    place = _take_table(buffer, place, end, one, origins, origin_ranges, origin_slots, distinct_origins, two)
    if place < 0:
        return DAMAGED
    for commit in range(commits):
        origin_numbers[commit] = np.int32(two[three[commit]])
    values = counts[VALUE_COUNT]
    place = _take_table(buffer, place, end, one, values, value_ranges, value_slots, distinct_values, value_numbers)
    if place < 0:
        return DAMAGED
    place = take_identifiers_packed(buffer, place, end, aggregate_ids, one, two)
    place = take_identifiers_packed(buffer, place, end, command_ids, one, two)
    place = take_steps_packed(buffer, place, end, first_versions, commits, one)
    place = take_steps_packed(buffer, place, end, timestamps, commits, one)
    place = take_integers_packed(buffer, place, end, event_counts, commits)
    place = take_integers_packed(buffer, place, end, three, events)
    if place < 0:
        return DAMAGED
    found = 0
    for commit in range(commits):
        if event_counts[commit] < 0 or event_counts[commit] > events - found:
            return DAMAGED
        found += event_counts[commit]
    if found != events:
        return DAMAGED
    for event in range(events):
        if three[event] < 0 or three[event] >= types.size:
            return DAMAGED
        event_types[event] = np.int32(types[three[event]])
    return place


@kernel(
    "i8(u1[::1], i8[::1], i8[::1], i8[:,::1], i8[::1], i8[::1], u1[::1], u1[::1], i8[::1], i8[::1], i8[::1], i4[::1], "
    "i4[::1], i8[::1], i8[:,::1], i4[::1], i8[:,::1], i4[::1], i8[:,::1], i8[:,::1])"
)
def take_headers(
    buffer: Octets,
    places: Integers,
    ends: Integers,
    counts: Integers,
    types: Integers,
    type_starts: Integers,
    aggregate_ids: Octets,
    command_ids: Octets,
    first_versions: Integers,
    timestamps: Integers,
    event_counts: Integers,
    origin_numbers: Numbers,
    event_types: Numbers,
    value_numbers: Integers,
    value_ranges: Integers,
    value_slots: Numbers,
    origin_ranges: Integers,
    origin_slots: Numbers,
    distinct: Integers,
    scratch: Integers,
) -> int:
    """Read the headers of all payloads into arrays of the right lengths; move each place behind them.

    `types` has, from `type_starts[payload]` on, the place in the plan of each type of a payload. Identifiers are rows
    of zeros before, slots are -1; `distinct` i8[2, 1] counts values (from FIRST_VALUE on) and origins. `scratch`
    i8[3, n] is long enough for each payload. Returns whether all are SOUND.
    """
    commit, event, value = 0, 0, 0
    for payload in range(ends.size):
        commits = commit + counts[payload, COMMITS]
        events = event + counts[payload, EVENTS]
        values = value + counts[payload, VALUE_COUNT]
        place = _take_headers_of_one(
            buffer,
            places[payload],
            ends[payload],
            counts[payload],
            types[type_starts[payload] : type_starts[payload + 1]],
            aggregate_ids[commit * TEXT_BYTES : commits * TEXT_BYTES],
            command_ids[commit * TEXT_BYTES : commits * TEXT_BYTES],
            first_versions[commit:commits],
            timestamps[commit:commits],
            event_counts[commit:commits],
            origin_numbers[commit:commits],
            event_types[event:events],
            value_numbers[value:values],
            value_ranges,
            value_slots,
            origin_ranges,
            origin_slots,
            distinct[0],
            distinct[1],
            scratch,
        )
        if place < 0:
            return DAMAGED
        places[payload] = place
        commit, event, value = commits, events, values
    return SOUND


@kernel("i8(i8[:,::1], i8[::1], i8[::1], i4[::1], i8[:,::1], i8, i8[:,::1], i8[::1])")
def lay_out(
    counts: Integers,
    types: Integers,
    type_starts: Integers,
    event_types: Numbers,
    plan: Integers,
    cells_max: int,
    layout: Integers,
    rows_of_types: Integers,
) -> int:
    """Write where in the matrix the columns of each type of each payload begin and how many rows they have, and how
    many events of each type of the plan there are; return how many cells the matrix has, or below zero how many cells
    a payload has that has more than it may.
    """
    event, cells = 0, 0
    for payload in range(len(counts)):
        first, last = type_starts[payload], type_starts[payload + 1]
        for index in range(first, last):
            rows_of_types[types[index]] = 0
        for _ in range(counts[payload, EVENTS]):
            rows_of_types[event_types[event]] += 1
            event += 1
        begin = cells
        for index in range(first, last):
            of_type = types[index]
            layout[index, MATRIX], layout[index, ROWS] = cells, rows_of_types[of_type]
            cells += (plan[of_type, FIELDS] + plan[of_type, PARTS] + CONTEXT_COLUMNS) * rows_of_types[of_type]
        if cells - begin > cells_max:
            return begin - cells
    for of_type in range(rows_of_types.size):
        rows_of_types[of_type] = 0
    for index in range(len(layout)):
        rows_of_types[types[index]] += layout[index, ROWS]
    return cells


@kernel()
def _put_context(
    first_versions: Integers,
    timestamps: Integers,
    event_counts: Integers,
    event_types: Numbers,
    contexts: Integers,
    matrix: Integers,
) -> None:
    """Write the version and the timestamp of each event into the two columns behind those of its type.

    `contexts` has for each type of the plan where its next row is, and how many rows its columns have.
    """
    event = 0
    for commit in range(first_versions.size):
        for index in range(event_counts[commit]):
            of_type = event_types[event]
            place = contexts[of_type, MATRIX]
            contexts[of_type, MATRIX] += 1
            matrix[place] = first_versions[commit] + index
            matrix[place + contexts[of_type, ROWS]] = timestamps[commit]
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
    value_numbers: Integers,
    expected: Integers,
    column: Any,
) -> int:
    """Read a column into the matrix; return the place behind it, or DAMAGED.

    `value_numbers` has the numbers of the payload's values in the table of all of them; `least_value` is 0 where a
    column may have SHAPED cells, else FIRST_VALUE.
    """
    if kind == INTEGERS:
        place = take_integers_packed(buffer, place, end, matrix[start : start + rows], rows)
        least = VALUE_LIMIT
        for row in range(rows if place >= 0 else 0):
            matrix[start + row] += expected[row]
            least = min(least, matrix[start + row])
        return DAMAGED if least < VALUE_LIMIT else place

    place = take_integers_packed(buffer, place, end, column, rows)
    if place < 0:
        return DAMAGED
    by = 1 if kind == MIXED else 0
    for row in range(rows):
        number = column[row] - by
        if number < 0 and kind == MIXED:
            matrix[start + row] = 0
            if number < -1:
                return DAMAGED
            continue
        if number < least_value or number > value_numbers.size:
            return DAMAGED
        matrix[start + row] = VALUE_BASE + value_numbers[number - FIRST_VALUE] if number >= FIRST_VALUE else SHAPED
    if kind == VALUES:
        return place

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
def _take_types_of_one(
    buffer: Octets,
    place: int,
    end: int,
    types: Integers,
    layout: Integers,
    value_numbers: Integers,
    plan: Integers,
    steps: Integers,
    instructions: Integers,
    conditions: Integers,
    matrix: Integers,
    scratch: Integers,
) -> int:
    """Read the columns of all types of a payload; return the place behind them."""
    one, two, kinds = scratch[0], scratch[1], scratch[2]
    for index in range(types.size):
        of_type, begin, rows = types[index], layout[index, MATRIX], layout[index, ROWS]
        columns = plan[of_type, FIELDS] + plan[of_type, PARTS]
        place = take_integers_packed(buffer, place, end, kinds, columns)
        if place < 0:
            return DAMAGED
        for column in range(columns):
            if kinds[column] < INTEGERS or kinds[column] > MIXED:
                return DAMAGED
        for step in range(plan[of_type, FIRST_STEP], plan[of_type, FIRST_STEP] + columns):
            column = steps[step, STEP_COLUMN]
            expect(
                matrix, begin, rows, rows, instructions, steps[step, STEP_BEGIN], steps[step, STEP_END], conditions, one
            )
            place = _take_column(
                buffer,
                place,
                end,
                matrix,
                begin + column * rows,
                rows,
                kinds[column],
                0 if column == plan[of_type, SHAPED_FIELD] else FIRST_VALUE,
                value_numbers,
                one,
                two,
            )
            if place < 0:
                return DAMAGED
    return place


@kernel(
    "i8(u1[::1], i8[::1], i8[::1], i8[:,::1], i8[::1], i8[::1], i8[:,::1], i8[::1], i8[::1], i8[::1], i8[::1], "
    "i4[::1], i8[:,::1], i8[:,::1], i8[:,::1], i8[::1], i8[:,::1], i8[::1], i8[:,::1])"
)
def take_types(
    buffer: Octets,
    places: Integers,
    ends: Integers,
    counts: Integers,
    types: Integers,
    type_starts: Integers,
    layout: Integers,
    value_numbers: Integers,
    first_versions: Integers,
    timestamps: Integers,
    event_counts: Integers,
    event_types: Numbers,
    plan: Integers,
    steps: Integers,
    instructions: Integers,
    conditions: Integers,
    contexts: Integers,
    matrix: Integers,
    scratch: Integers,
) -> int:
    """Read the columns of all types of all payloads into the matrix; return whether all are SOUND, to their ends.

    `conditions` has the cells of the plan's conditions. `contexts` i8[types of the plan, 2] is overwritten; `scratch`
    i8[3, n] is long enough for each payload.
    """
    commit, event, value = 0, 0, 0
    for payload in range(ends.size):
        commits = commit + counts[payload, COMMITS]
        events = event + counts[payload, EVENTS]
        values = value + counts[payload, VALUE_COUNT]
        first, last = type_starts[payload], type_starts[payload + 1]
        for index in range(first, last):
            of_type, rows = types[index], layout[index, ROWS]
            of_fields = (plan[of_type, FIELDS] + plan[of_type, PARTS]) * rows
            contexts[of_type, MATRIX], contexts[of_type, ROWS] = layout[index, MATRIX] + of_fields, rows
        _put_context(
            first_versions[commit:commits],
            timestamps[commit:commits],
            event_counts[commit:commits],
            event_types[event:events],
            contexts,
            matrix,
        )
        place = _take_types_of_one(
            buffer,
            places[payload],
            ends[payload],
            types[first:last],
            layout[first:last],
            value_numbers[value:values],
            plan,
            steps,
            instructions,
            conditions,
            matrix,
            scratch,
        )
        if place != ends[payload]:
            return DAMAGED
        commit, event, value = commits, events, values
    return SOUND
