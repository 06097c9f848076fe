"""Rows of cells, moved by a kernel: the events that a loop of the application decided, gathered in their order."""

from eventstore.kernels.compiling import Integers, kernel


@kernel("i8(i8[::1], i8[::1], i8[::1], i8[::1], i8)")
def gather_cells(cells: Integers, starts: Integers, sizes: Integers, target: Integers, place: int) -> int:
    """Copy the row of each of n events, `sizes[i]` cells from `starts[i]` on, one after the other; return the end."""
    for event in range(starts.size):
        for index in range(sizes[event]):
            target[place + index] = cells[starts[event] + index]
        place += sizes[event]
    return place
