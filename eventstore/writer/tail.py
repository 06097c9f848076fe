"""The tail of a partition as its writer keeps it: the commits of aggregates that nobody has asked for yet.

Batches stay the columns that they are read as. Which commits are an aggregate's is looked up in an index over all of
them, which is made when the first aggregate is asked for.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from eventstore.columns.packed import CommitColumns
from eventstore.kernels.texts import NameTable, Texts

_PLACE_BITS: Final = 32


class Tail:
    """The commits of one partition past its pages. Not safe for threads."""

    def __init__(self) -> None:
        self._names = NameTable()
        self._batches: list[tuple[int, CommitColumns]] = []
        self._numbers: list[NDArray[np.int64]] = []
        self._index: NDArray[np.int64] = np.empty(0, np.int64)
        self._places: NDArray[np.int64] = np.empty(0, np.int64)
        self._indexed = 0

    def add(self, seq: int, columns: CommitColumns) -> None:
        """Add a batch."""
        self._batches.append((seq, columns))
        self._numbers.append(self._names.enter(columns.commits.aggregate_ids))

    def drop(self, *, through_seq: int) -> None:
        """Drop the batches through a seq, which are in pages."""
        kept = [(seq, columns) for seq, columns in self._batches if seq > through_seq]
        if len(kept) < len(self._batches):
            self._names, self._batches, self._numbers, self._indexed = NameTable(), [], [], 0
            for seq, columns in kept:
                self.add(seq, columns)

    def commits(self, aggregate_id: Texts) -> Iterator[tuple[int, CommitColumns]]:
        """Yield the commits of an aggregate, a matrix of one row, in order, by the seqs of their batches."""
        number = int(self._names.find(aggregate_id)[0])
        if number < 0:
            return
        self._bring_up_to_date()
        first, last = np.searchsorted(self._index, [number, number + 1])
        own = self._places[first:last]
        ends = np.flatnonzero(np.diff(own >> _PLACE_BITS, append=-1)) + 1
        for places in np.split(own, ends[:-1]):
            seq, columns = self._batches[int(places[0]) >> _PLACE_BITS]
            yield seq, columns.of_commits(places & ((1 << _PLACE_BITS) - 1))

    def _bring_up_to_date(self) -> None:
        """Sort all commits by aggregate; those of one stay in the order of the journal."""
        if self._indexed == len(self._batches):
            return
        numbers = np.concatenate(self._numbers)
        places = [(batch << _PLACE_BITS) + np.arange(len(own)) for batch, own in enumerate(self._numbers)]
        order = np.argsort(numbers, kind="stable")
        self._index, self._places = numbers[order], np.concatenate(places)[order]
        self._indexed = len(self._batches)
