"""Rows of cells, moved by a kernel: the events that a loop of the application decided, gathered in their order."""

from typing import Final

from eventstore.kernels.compiling import Integers, Numbers, kernel

NO_SUCH_TYPE: Final = -1
NO_SUCH_ROW: Final = -2
"""What `gather_events` returns for events that are not what they say."""


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
