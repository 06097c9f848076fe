"""The newest commands of a partition: their keys, each with the seq of its batch, in the order in which they came.

An open-addressed table finds an entry by its key. Entries that share a key stand in one chain, and the latest ones can
be taken back.
"""

from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eventstore.kernels.compiling import kernel
from eventstore.kernels.texts import mixed

Keys: TypeAlias = NDArray[np.uint64]

SEQ_BITS: Final = 24
"""Bits of the seq below a key in an entry: those that tell a run's batches apart."""

_LEAST_ENTRIES: Final = 1_024


@kernel("void(i4[::1], u8[::1], i8, i8, b1[::1])")
def _insert(table: Any, entries: Keys, first: int, count: int, were_there: Any) -> None:
    """Put entries `first` and on into the table; note for each whether its key was there already."""
    mask = np.int64(table.size - 1)
    for entry in range(first, first + count):
        key = entries[entry] >> np.uint64(SEQ_BITS)
        cell = np.int64(mixed(key) & np.uint64(mask))
        was_there = False
        while table[cell] >= 0:
            was_there |= entries[table[cell]] >> np.uint64(SEQ_BITS) == key
            cell = (cell + 1) & mask
        table[cell] = entry
        were_there[entry - first] = was_there


@kernel("i8(i4[::1], u8[::1], u8, u8[::1])")
def _find(table: Any, entries: Keys, key: Any, found: Keys) -> int:
    """Write the entries with a key; return how many there are, whether they found room or not."""
    mask = np.int64(table.size - 1)
    cell, count = np.int64(mixed(key) & np.uint64(mask)), 0
    while table[cell] >= 0:
        entry = entries[table[cell]]
        if entry >> np.uint64(SEQ_BITS) == key:
            if count < found.size:
                found[count] = entry
            count += 1
        cell = (cell + 1) & mask
    return count


class RecentCommands:
    """The commands that are in no run yet. Not safe for threads."""

    def __init__(self) -> None:
        self._entries: Keys = np.zeros(_LEAST_ENTRIES, np.uint64)
        self._table = np.full(4 * _LEAST_ENTRIES, -1, np.int32)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def entries(self) -> Keys:
        """Each entry's key above the lower bits of its seq, in the order in which they came."""
        return self._entries[: self._count]

    def add(self, keys: Keys, *, seq: int) -> NDArray[np.bool_]:
        """Add the commands of a batch; return for each whether its key was there before, this batch included."""
        first, count = self._count, len(keys)
        self._make_room(first + count)
        self._entries[first : first + count] = keys << np.uint64(SEQ_BITS) | np.uint64(seq & ((1 << SEQ_BITS) - 1))
        were_there = np.empty(count, np.bool_)
        _insert(self._table, self._entries, first, count, were_there)
        self._count = first + count
        return were_there

    def take_back(self, count: int) -> None:
        """Forget all but the first `count` entries."""
        if count < self._count:
            self._count = count
            self._fill()

    def find(self, key: int) -> Keys:
        """Return the entries with a key."""
        found: Keys = np.empty(4, np.uint64)
        while (count := _find(self._table, self._entries, np.uint64(key), found)) > len(found):
            found = np.empty(count, np.uint64)
        return found[:count]

    def _make_room(self, count: int) -> None:
        if count > len(self._entries):
            larger: Keys = np.zeros(1 << (count - 1).bit_length(), np.uint64)
            larger[: self._count] = self.entries
            self._entries, self._table = larger, np.full(4 * len(larger), -1, np.int32)
            self._fill()

    def _fill(self) -> None:
        self._table[:] = -1
        _insert(self._table, self._entries, 0, self._count, np.empty(self._count, np.bool_))
