"""Batches as columns, for readers that want arrays and not objects: verified as any batch is, and joined into one.

`EventColumns` are the events of any number of batches side by side: headers as arrays, fields as cells, values and
origins numbered once for all of them. It knows no type: what the fields of a type mean is its reader's business.
"""

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from eventstore.columns.cells import VALUE_BASE, VALUE_LIMIT, CommitRows, EventCells, Origins, Values, leaf_hashes
from eventstore.columns.codec import EventCodec
from eventstore.columns.packed import CommitColumns
from eventstore.kernels.compiling import Integers, Octets
from eventstore.kernels.rows import gather_events
from eventstore.kernels.texts import TEXT_BYTES, NameTable, TextTooLong, text_of, texts_of
from eventstore.record import StoredBatch

_ID_BYTES: Final = 16
_UUID_CHARACTERS: Final = 36
_DASHES: Final = 4
_VERSION_PLACE: Final = 6
_VARIANT_PLACE: Final = 8
_WIDE_TEXT: Final = 0xD9
"""Before a text of 32 to 255 bytes MessagePack puts this and its length; before a shorter one one byte."""

_encode: Final = msgspec.msgpack.Encoder().encode


class ColumnBatch(NamedTuple):
    """One batch of the journal, taken apart: its events in their current schema versions, and their ids u1[n, 16]."""

    partition: int
    seq: int
    event_count: int
    columns: CommitColumns
    ids: Octets
    codec: EventCodec


class EventColumns:
    """Events in the order of their commits: of c commits and n events.

    `partitions` and `seqs` i8[c] say which batch a commit is from; `ids` u1[n, 16] are the bytes of the events' ids.
    """

    def __init__(
        self, columns: CommitColumns, *, partitions: Integers, seqs: Integers, ids: Octets, codec: EventCodec
    ) -> None:
        self.commits, self.cells = columns
        self.partitions = partitions
        self.seqs = seqs
        self.ids = ids
        self._codec = codec

    def __len__(self) -> int:
        return len(self.cells)

    @cached_property
    def commit_of(self) -> Integers:
        """The place of each event's commit: i8[n]."""
        return np.repeat(np.arange(len(self.commits)), self.commits.event_counts)

    @cached_property
    def versions(self) -> Integers:
        """The version of each event: i8[n]."""
        counts = self.commits.event_counts
        first_events = np.cumsum(counts) - counts
        versions: Integers = (self.commits.first_versions - first_events)[self.commit_of] + np.arange(len(self))
        return versions

    @cached_property
    def _aggregates(self) -> tuple[Octets, Integers]:
        names = NameTable()
        numbers = names.enter(self.commits.aggregate_ids)
        keys = _uuid_octets(texts_of(names.names()))
        halves = np.ascontiguousarray(keys).view(">u8").astype(np.uint64)
        order = np.lexsort((halves[:, 1], halves[:, 0]))
        ranks = np.empty(len(order), np.int64)
        ranks[order] = np.arange(len(order))
        return keys[order], ranks[numbers]

    @property
    def aggregate_keys(self) -> Octets:
        """The bytes of each aggregate's id, once, in their order: u1[aggregates, 16]; raises ValueError when one is no
        UUID.
        """
        return self._aggregates[0]

    @property
    def aggregate_numbers(self) -> Integers:
        """The place of each commit's aggregate in `aggregate_keys`: i8[c]."""
        return self._aggregates[1]

    def of_commits(self, places: Integers) -> "EventColumns":
        """Return the events of some commits, given their places in order: i8[:]."""
        is_chosen = np.zeros(len(self.commits), bool)
        is_chosen[places] = True
        return EventColumns(
            CommitColumns(self.commits, self.cells).of_commits(places),
            partitions=self.partitions[places],
            seqs=self.seqs[places],
            ids=self.ids[is_chosen[self.commit_of]],
            codec=self._codec,
        )

    def are_of(self, tag: str) -> NDArray[np.bool_]:
        """Tell which events are of a type: b1[n]."""
        if tag not in self.cells.tags:
            return np.zeros(len(self), bool)
        found: NDArray[np.bool_] = self.cells.types == self.cells.tags.index(tag)
        return found

    def event(self, place: int) -> Any:
        """Return an event as an object."""
        return self.cells.event(place, self._codec)

    def command_id(self, commit: int) -> str:
        """Return the command of a commit."""
        return text_of(self.commits.command_ids[commit])


def take_apart(batch: StoredBatch, columns: CommitColumns, codec: EventCodec) -> ColumnBatch:
    """Return a batch, given its columns as they are stored; raises ValueError when it is not what was written,
    UnknownEventType when this process does not know a type.
    """
    return ColumnBatch(
        partition=batch.partition,
        seq=batch.seq,
        event_count=batch.event_count,
        columns=as_current(columns, codec),
        ids=_event_ids(leaf_hashes(*columns)),
        codec=codec,
    )


def join(batches: Sequence[ColumnBatch]) -> EventColumns:
    """Return the events of some batches, at least one."""
    commits, events = zip(*[batch.columns for batch in batches], strict=True)
    counts = list(map(len, commits))
    return EventColumns(
        CommitColumns(_joined_rows(commits), _joined_cells(events)),
        partitions=np.repeat(np.array([batch.partition for batch in batches]), counts),
        seqs=np.repeat(np.array([batch.seq for batch in batches]), counts),
        ids=np.concatenate([batch.ids for batch in batches]),
        codec=batches[0].codec,
    )


def text_lengths(events: EventCells, cells: Integers) -> Integers:
    """Return how many bytes the texts have that cells of events name: i8[n]."""
    begins, ends = _texts_at(events, cells)
    return ends - begins


def text_rows(events: EventCells, cells: Integers) -> Octets:
    """Return the texts that cells of events name as rows of bytes: u1[n, TEXT_BYTES]; raises TextTooLong."""
    begins, ends = _texts_at(events, cells)
    lengths = ends - begins
    if lengths.max(initial=0) > TEXT_BYTES:
        raise TextTooLong(f"an identifier has at most {TEXT_BYTES} bytes, found one of {lengths.max()}")
    octets, places = events.values.bytes, np.arange(TEXT_BYTES)
    rows: Octets = octets[np.minimum(begins[:, None] + places, len(octets) - 1)]
    rows[places >= lengths[:, None]] = 0
    return rows


def _texts_at(events: EventCells, cells: Integers) -> tuple[Integers, Integers]:
    """Return where the texts of cells begin and end in the table of values, behind what MessagePack puts before them; a
    text of more than 255 bytes counts what is before it, too.
    """
    values, numbers = events.values, cells - VALUE_BASE
    starts, ends = values.starts[numbers], values.starts[numbers + 1]
    return starts + 1 + (values.bytes[starts] == _WIDE_TEXT), ends


def as_current(columns: CommitColumns, codec: EventCodec) -> CommitColumns:
    """Return columns as they are, or made anew of objects where a type has another schema version by now."""
    stored = columns.events
    types = zip(stored.tags, stored.field_counts.tolist(), strict=True)
    if all(codec.is_current(tag, field_count) for tag, field_count in types):
        return columns
    events = EventCells()
    for commit in codec.commits(columns):
        for event in commit.events:
            events.add(event)
    return CommitColumns(columns.commits, events)


def _joined_rows(parts: Sequence[CommitRows]) -> CommitRows:
    fragments = Values()
    numbers = [_numbers_in(fragments, part.origins.fragments)[part.origin_numbers] - VALUE_BASE for part in parts]
    return CommitRows.of(
        aggregate_ids=np.concatenate([part.aggregate_ids for part in parts]),
        command_ids=np.concatenate([part.command_ids for part in parts]),
        first_versions=np.concatenate([part.first_versions for part in parts]),
        timestamps=np.concatenate([part.timestamps for part in parts]),
        origins=Origins(fragments),
        origin_numbers=np.concatenate(numbers).astype(np.int32),
        event_counts=np.concatenate([part.event_counts for part in parts]),
    )


def _joined_cells(parts: Sequence[EventCells]) -> EventCells:
    values = Values()
    field_counts: dict[str, int] = {}
    for part in parts:
        field_counts.update(zip(part.tags, part.field_counts.tolist(), strict=True))
    tags = list(field_counts)
    count = sum(map(len, parts))
    cells = np.empty(count * max(field_counts.values()), np.int64)
    types, starts = np.empty(count, np.int32), np.empty(count, np.int64)
    first_event = end = 0
    for part in parts:
        numbers, of_tags = _numbers_in(values, part.values), np.array([tags.index(tag) for tag in part.tags], np.int32)
        start, of_part = end, (part.cells, part.starts, part.types, part.field_counts)
        end = gather_events(*of_part, cells, of_tags, starts, types, first_event, start)
        own = cells[start:end]
        is_value = own < VALUE_LIMIT
        own[is_value] = numbers[own[is_value] - VALUE_BASE]
        first_event += len(part)
    tag_values = Values()
    for tag in tags:
        tag_values.number(_encode(tag))
    return EventCells.of(
        values=values,
        tags=tags,
        tag_values=tag_values,
        field_counts=np.array(list(field_counts.values()), np.int64),
        cells=cells[:end],
        types=types,
        starts=starts,
    )


def _numbers_in(table: Values, part: Values) -> Integers:
    """Return the cell in a table of each value of another one, after adding those that were not there."""
    bounds = part.starts[: part.count + 1].tolist()
    octets = part.bytes[: bounds[-1]].tobytes()
    return np.array(table.numbers([octets[start:end] for start, end in pairwise(bounds)]), np.int64)


def _event_ids(leaves: Octets) -> Octets:
    """Return the bytes of the id of each event: those that `integrity.hashing.event_id` writes as text."""
    ids = leaves[:, :_ID_BYTES].copy()
    ids[:, _VERSION_PLACE] = ids[:, _VERSION_PLACE] & 0x0F | 0x80
    ids[:, _VARIANT_PLACE] = ids[:, _VARIANT_PLACE] & 0x3F | 0x80
    return ids


def _uuid_octets(texts: Sequence[str]) -> Octets:
    """Return the bytes of UUIDs: u1[n, 16]; raises ValueError."""
    digits = "".join(texts).replace("-", "")
    if len(digits) != (_UUID_CHARACTERS - _DASHES) * len(texts) or set(map(len, texts)) - {_UUID_CHARACTERS}:
        raise ValueError("an aggregate's id is no UUID: only such can be columns")
    return np.frombuffer(bytes.fromhex(digits), np.uint8).reshape(len(texts), _ID_BYTES)
