"""A stretch of a partition's journal as columns, by aggregate: what pages are cut from.

Batches are put together as they were read, without an object for any event. A page takes the rows of its commits, which
is the same as if they had been laid out from objects, to the byte.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import msgspec
import numpy as np

from eventstore.event_cells import VALUE_BASE, VALUE_LIMIT, CommitRows, EventCells, Origins, Values
from eventstore.idempotency.command_ids import CommandKeys
from eventstore.idempotency.recent import Keys
from eventstore.kernels.compiling import Integers
from eventstore.kernels.rows import gather_cells
from eventstore.kernels.texts import NameTable
from eventstore.pages.page import EVENTS_PER_PAGE_MAX
from eventstore.serialization.packed import CommitColumns

_encode: Final = msgspec.msgpack.Encoder().encode


class StretchColumns:
    """The commits of consecutive batches of one partition; add the batches, then ask."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self._origins = Origins()
        self._values = Values()
        self._tags: dict[str, tuple[int, int]] = {}
        self._commits: list[CommitRows] = []
        self._parts: list[tuple[Integers, Integers, Integers]] = []
        self._of_tags = lru_cache(maxsize=64)(self._tags_of)

    def add(self, seq: int, columns: CommitColumns) -> None:
        """Add the next batch."""
        commits, events = columns
        origins = [self._origins.number(*commits.origins.values(number)) for number in range(len(commits.origins))]
        self._commits.append(
            CommitRows.of(**{**vars(commits), "origin_numbers": np.array(origins, np.int32)[commits.origin_numbers]})
        )
        own = events.values
        numbers = np.array([self._values.number(own.encoded(VALUE_BASE + k)) for k in range(own.count)], np.int64)
        cells, starts = _rows(events.cells, events.starts, events.field_counts[events.types])
        is_value = cells < VALUE_LIMIT
        cells[is_value] = numbers[cells[is_value] - VALUE_BASE]
        tags = [
            self._tags.setdefault(tag, (len(self._tags), count))[0]
            for tag, count in zip(events.tags, events.field_counts.tolist(), strict=True)
        ]
        self._parts.append((cells, np.array(tags, np.int64)[events.types], starts))
        self.seqs += [seq] * len(commits)

    def finish(self) -> None:
        """Put the batches together; nothing is added after this."""
        names = ("aggregate_ids", "command_ids", "first_versions", "timestamps", "origin_numbers", "event_counts")
        together = {name: np.concatenate([getattr(part, name) for part in self._commits]) for name in names}
        self.commits = CommitRows.of(**together, origins=self._origins)
        sizes = np.cumsum([0, *[len(cells) for cells, _, _ in self._parts]])
        self._cells = np.concatenate([cells for cells, _, _ in self._parts])
        self._types = np.concatenate([types for _, types, _ in self._parts])
        self._starts = np.concatenate([starts + at for (_, _, starts), at in zip(self._parts, sizes, strict=False)])
        self._field_counts = np.array([count for _, count in self._tags.values()], np.int64)
        self._first_events = np.cumsum(self.commits.event_counts) - self.commits.event_counts
        self._parts.clear()
        self._commits.clear()

    def keys(self, command_keys: CommandKeys) -> Keys:
        """Return the key that each command is remembered by."""
        commits = self.commits
        actors = [self._origins.values(number)[2] for number in range(len(self._origins))]
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
        used, first_places = np.unique(types, return_index=True)
        order = used[np.argsort(first_places)]
        tags, tag_values, field_counts = self._of_tags(tuple(order.tolist()))
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
        tags, tag_values = [list(self._tags)[number] for number in types], Values()
        for tag in tags:
            tag_values.number(_encode(tag))
        return tags, tag_values, self._field_counts[list(types)]


def _rows(cells: Integers, starts: Integers, sizes: Integers) -> tuple[Integers, Integers]:
    """Return rows of so many cells that begin at `starts`, one after the other, and where each begins then."""
    found = np.empty(int(sizes.sum()), np.int64)
    gather_cells(cells, np.ascontiguousarray(starts), sizes, found, 0)
    return found, np.cumsum(sizes) - sizes
