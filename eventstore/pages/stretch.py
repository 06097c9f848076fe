"""A stretch of a partition's journal as columns, by aggregate: what pages are cut from.

Batches are read together, without an object for any event. A page takes the rows of its commits, which is the same as
if they had been laid out from objects, to the byte.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

import msgspec
import numpy as np

from eventstore.columns.cells import CommitRows, EventCells, Values
from eventstore.columns.packed import CommitColumns
from eventstore.idempotency.command_ids import CommandKeys
from eventstore.idempotency.remembered import Keys
from eventstore.kernels.compiling import Integers
from eventstore.kernels.rows import gather_cells
from eventstore.kernels.texts import NameTable
from eventstore.pages.page import EVENTS_PER_PAGE_MAX
from eventstore.record import StoredBatch

_encode: Final = msgspec.msgpack.Encoder().encode


class StretchColumns:
    """The commits of consecutive batches of one partition."""

    def __init__(self, batches: Sequence[StoredBatch], columns: CommitColumns) -> None:
        """`columns` are those of all of these batches."""
        self.commits, events = columns
        self.seqs: list[int] = [batch.seq for batch in batches for _ in range(batch.commit_count)]
        pairs = list(zip(events.tags, events.field_counts.tolist(), strict=True))
        self._tags = list(dict.fromkeys(pairs))  # A page names a type once, however its events were stored.
        self._types = np.array([self._tags.index(pair) for pair in pairs], np.int64)[events.types]
        self._field_counts = np.array([count for _, count in self._tags], np.int64)
        self._values, self._cells, self._starts = events.values, events.cells, events.starts
        self._first_events = np.cumsum(self.commits.event_counts) - self.commits.event_counts
        self._of_tags = lru_cache(maxsize=64)(self._tags_of)

    def keys(self, command_keys: CommandKeys) -> Keys:
        """Return the key that each command is remembered by."""
        commits = self.commits
        actors = [commits.origins.values(number)[2] for number in range(len(commits.origins))]
        of = commits.origin_numbers.astype(np.int64)
        return command_keys.of(commits.aggregate_ids, commits.command_ids, actors=actors, actors_of=of)

    def aggregates(self) -> Iterator[tuple[str, Integers]]:
        """Yield each aggregate with the places of its commits, in order."""
        table = NameTable()
        numbers = table.enter(self.commits.aggregate_ids)
        order = np.argsort(numbers, kind="stable")
        ends = np.cumsum(np.bincount(numbers, minlength=len(table)))
        for number, (start, end) in enumerate(zip(ends - np.diff(ends, prepend=0), ends, strict=True)):
            yield table.name(number), order[start:end]

    def cut(self, places: Integers) -> Iterator[Integers]:
        """Yield the places of an aggregate's commits in parts that make a page each."""
        start = events = 0
        for index, count in enumerate(self.commits.event_counts[places].tolist()):
            if events and events + count > EVENTS_PER_PAGE_MAX:
                yield places[start:index]
                start, events = index, 0
            events += count
        if events:
            yield places[start:]

    def columns(self, places: Integers) -> CommitColumns:
        """Return the commits at some places as columns of their own."""
        commits = self.commits
        own = {
            name: column if name == "origins" else np.ascontiguousarray(column[places])
            for name, column in vars(commits).items()
        }
        counts = own["event_counts"]
        firsts = np.repeat(self._first_events[places], counts)
        steps = np.arange(len(firsts)) - np.repeat(np.cumsum(counts) - counts, counts)
        events = firsts + steps
        types = self._types[events]
        order = list(dict.fromkeys(types.tolist()))
        tags, tag_values, field_counts = self._of_tags(tuple(order))
        ranks = np.zeros(len(self._tags), np.int32)
        ranks[order] = np.arange(len(order))
        cells, starts = _rows(self._cells, self._starts[events], self._field_counts[types])
        taken = EventCells.of(
            values=self._values,
            tags=tags,
            tag_values=tag_values,
            field_counts=field_counts,
            cells=cells,
            types=ranks[types],
            starts=starts,
        )
        return CommitColumns(CommitRows.of(**own), taken)

    def _tags_of(self, types: tuple[int, ...]) -> tuple[list[str], Values, Integers]:
        tags = [self._tags[number][0] for number in types]
        return tags, Values.listing([_encode(tag) for tag in tags]), self._field_counts[list(types)]


def _rows(cells: Integers, starts: Integers, sizes: Integers) -> tuple[Integers, Integers]:
    """Return rows of so many cells that begin at `starts`, one after the other, and where each begins then."""
    found = np.empty(int(sizes.sum()), np.int64)
    gather_cells(cells, np.ascontiguousarray(starts), sizes, found, 0)
    return found, np.cumsum(sizes) - sizes
