"""The layout of a payload: the commits of a batch as columns, the events of each type as columns of their own.

Values of one field lie side by side, so that they compress to a fraction and a reader decodes only what it needs. The
layout is MessagePack arrays, in this order:

    aggregate_ids    16 bytes for each commit when all are UUIDs, else an array of texts (see identifiers.py)
    first_versions   [integer, ...]
    timestamps       [the first one, then the difference to the one before, ...]
    command_ids      as aggregate_ids
    correlation_ids  as aggregate_ids, or nil when no commit has one
    causation_ids    the same
    actors           [text, ...], or one text when all are the same
    metadata         [map or nil, ...], or nil when no commit has any
    event_counts     [events of each commit], or nil when each has one
    type_places      [place of each event's type in `types`], or nil when all are of the first
    types            [["Name@version", [column, ...]], ...]: a column for each field of the event

What the hashes cover is not this layout but each event's own MessagePack array, which is made from the columns again
(`raw_commits`): an event's hash does not depend on the company that it was written in.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate, chain
from operator import sub
from typing import Any, Final, NamedTuple

import msgspec

from eventstore.serialization.identifiers import PackedIdentifiers, pack, unpack

HEADER_FIELDS: Final = 8
"""Values of a commit's header (see record.CommitHeader)."""

_encode = msgspec.msgpack.Encoder().encode


class EncodedCommit(NamedTuple):
    """A commit's exact bytes, as the hashes cover them: its header as an array of eight, and each event."""

    header: bytes
    events: Sequence[bytes]


class TypeColumns(msgspec.Struct, array_like=True):
    """The events of one type, their columns still encoded."""

    tag: str
    columns: list[msgspec.Raw]


class Layout(msgspec.Struct, array_like=True):
    """A payload taken apart into its columns; see the head of the module."""

    aggregate_ids: PackedIdentifiers
    first_versions: list[int]
    timestamps: list[int]
    command_ids: PackedIdentifiers
    correlation_ids: PackedIdentifiers
    causation_ids: PackedIdentifiers
    actors: list[str] | str
    metadata: list[dict[str, str] | None] | None
    event_counts: list[int] | None
    type_places: list[int] | None
    types: list[TypeColumns]

    @property
    def commit_count(self) -> int:
        """How many commits the payload holds."""
        return len(self.first_versions)

    @property
    def event_count(self) -> int:
        """How many events the payload holds."""
        return self.commit_count if self.event_counts is None else sum(self.event_counts)

    def actor_list(self) -> list[str]:
        """Return the actor of every commit."""
        return [self.actors] * self.commit_count if isinstance(self.actors, str) else self.actors

    def timestamp_list(self) -> list[int]:
        """Return the timestamp of every commit."""
        return list(accumulate(self.timestamps))

    def in_order(self, by_type: Sequence[Sequence[Any]]) -> list[Any]:
        """Return the events of all types in the order in which they happened; raises ValueError if one is missing."""
        if self.type_places is None:
            events = list(by_type[0]) if by_type else []
        else:
            streams = [iter(of_type) for of_type in by_type]
            events = [next(streams[place], None) for place in self.type_places]
        if len(events) != self.event_count or sum(map(len, by_type)) != len(events) or None in events:
            raise ValueError(f"the columns hold {sum(map(len, by_type))} events where {self.event_count} belong")
        return events


_decoder: Final = msgspec.msgpack.Decoder(Layout)
_raw_columns: Final = msgspec.msgpack.Decoder(list[msgspec.Raw])


def encode(headers: Sequence[tuple[Any, ...]], event_groups: Sequence[Sequence[Any]]) -> bytes:
    """Lay commits out in columns: the eight values of each one's header, in stored order, and its current events."""
    columns = list(zip(*headers, strict=True)) or [()] * HEADER_FIELDS
    aggregate_ids, first_versions, timestamps, command_ids, correlation_ids, causation_ids, actors, metadata = columns
    events = list(chain.from_iterable(event_groups))
    classes: list[type[msgspec.Struct]] = list(dict.fromkeys(map(type, events)))
    places = {cls: place for place, cls in enumerate(classes)}
    return _encode(
        [
            pack(aggregate_ids),
            first_versions,
            [*timestamps[:1], *map(sub, timestamps[1:], timestamps)],
            pack(command_ids),
            pack(correlation_ids),
            pack(causation_ids),
            _one_if_all_the_same(actors),
            metadata if any(metadata) else None,
            None if len(events) == len(headers) else list(map(len, event_groups)),
            None if len(classes) == 1 else [places[type(event)] for event in events],
            [[cls.__struct_config__.tag, _columns(cls, events, len(classes) == 1)] for cls in classes],
        ]
    )


def take_apart(plain: bytes) -> Layout:
    """Return the columns of a payload; raises ValueError when they are not."""
    try:
        layout = _decoder.decode(plain)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise ValueError(f"the payload is not a list of commits ({error})") from error
    count = layout.commit_count
    lengths = {len(layout.timestamps), len(layout.actor_list()), len(layout.metadata or [None] * count)}
    lengths.add(len(layout.event_counts or [1] * count))
    if lengths != {count} or (layout.type_places is not None and not _are_places(layout)):
        raise ValueError("the payload's columns are not of one length")
    return layout


def raw_commits(plain: bytes) -> list[EncodedCommit]:
    """Make the exact bytes of every commit from the columns, no type known; raises ValueError."""
    layout = take_apart(plain)
    try:
        events = layout.in_order([_raw_events(columns, layout) for columns in layout.types])
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ValueError(f"a column cannot be read ({error})") from error
    stream = iter(events)
    return [
        EncodedCommit(_encode(header), [next(stream) for _ in range(count)])
        for header, count in zip(headers(layout), layout.event_counts or [1] * layout.commit_count, strict=True)
    ]


def headers(layout: Layout) -> Iterator[tuple[Any, ...]]:
    """Yield the eight values of every commit's header, in stored order."""
    count = layout.commit_count
    return zip(
        unpack(layout.aggregate_ids, count=count),
        layout.first_versions,
        layout.timestamp_list(),
        unpack(layout.command_ids, count=count),
        unpack(layout.correlation_ids, count=count),
        unpack(layout.causation_ids, count=count),
        layout.actor_list(),
        layout.metadata or [None] * count,
        strict=True,
    )


def event_at(plain: bytes, offset: int) -> int:
    """Return the index of the event, in order, whose value holds a byte of the payload; 0 if it is in no column."""
    layout = take_apart(plain)
    end = 0
    for place, of_type in enumerate(layout.types):
        for column in of_type.columns:
            start = plain.index(bytes(column), end)
            end = start + len(bytes(column))
            if start <= offset < end:
                sizes = [len(bytes(value)) for value in _raw_columns.decode(column)]
                prefix = end - start - sum(sizes)
                row = sum(upto <= offset - start for upto in accumulate(sizes, initial=prefix)) - 1
                return _event_of_row(layout, place, max(row, 0))
    return 0


def _event_of_row(layout: Layout, place: int, row: int) -> int:
    if layout.type_places is None:
        return row
    rows = [index for index, of_event in enumerate(layout.type_places) if of_event == place]
    return rows[min(row, len(rows) - 1)]


def _raw_events(of_type: TypeColumns, layout: Layout) -> list[bytes]:
    tag = _encode(of_type.tag)
    prefix = _encode([None] * (len(of_type.columns) + 1))[: -(len(of_type.columns) + 1)] + tag
    if not of_type.columns:
        return [prefix] * rows(of_type, layout)
    columns = [[bytes(value) for value in _raw_columns.decode(column)] for column in of_type.columns]
    return [prefix + b"".join(row) for row in zip(*columns, strict=True)]


def rows(of_type: TypeColumns, layout: Layout) -> int:
    """Return how many events of one type there are."""
    if layout.type_places is None:
        return layout.event_count
    return layout.type_places.count(layout.types.index(of_type))


def _columns(cls: type[msgspec.Struct], events: Sequence[msgspec.Struct], is_only_type: bool) -> list[Any]:
    of_type = events if is_only_type else [event for event in events if type(event) is cls]
    return list(zip(*map(msgspec.structs.astuple, of_type), strict=True))


def _one_if_all_the_same(texts: Sequence[str]) -> Sequence[str] | str:
    return texts[0] if texts and texts.count(texts[0]) == len(texts) else texts


def _are_places(layout: Layout) -> bool:
    places = layout.type_places or []
    lowest, highest = min(places, default=0), max(places, default=0)
    return len(places) == layout.event_count and 0 <= lowest <= highest < len(layout.types)
