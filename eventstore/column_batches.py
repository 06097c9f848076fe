"""Batches as columns, for readers that want values and not objects: verified as any batch is, decoded as far as asked.

A `ColumnBatch` gives the columns of its commits' headers and of the events of each type, the events' ids, and, where
that is not enough, the commits themselves. It knows no type: what the columns of a type mean is its reader's business.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from hashlib import sha256
from itertools import repeat
from typing import Any, Final

import numpy as np

from eventstore.event_ids import fill_event_ids
from eventstore.integrity.hashing import LEAF
from eventstore.record import Commit
from eventstore.serialization.codec import EventCodec
from eventstore.serialization.columns import Layout, TypeColumns, take_apart
from eventstore.serialization.identifiers import UUID_BYTES, unpack

_FIRST_PLACE: Final = (0).to_bytes(4, "big")
_ID_BITS: Final = np.frombuffer(bytes.fromhex("0" * 12 + "8" + "000" + "8" + "0" * 15), np.uint8)
_HASH_BITS: Final = np.frombuffer(bytes.fromhex("f" * 12 + "0" + "fff" + "3" + "f" * 15), np.uint8)
"""Of the first 128 bits of a hash, those that an id takes; the others say that it is a UUID version 8."""


class ColumnBatch:
    """One batch: its place, and its columns."""

    def __init__(self, *, partition: int, seq: int, event_count: int, plain: bytes, codec: EventCodec) -> None:
        self.partition = partition
        self.seq = seq
        self.event_count = event_count
        self._plain = plain
        self._codec = codec
        self.layout: Layout = take_apart(plain)

    @property
    def has_single_events(self) -> bool:
        """Whether every commit has one event: then event i is that of commit i."""
        return self.layout.event_counts is None

    @cached_property
    def aggregate_keys(self) -> list[bytes]:
        """The 16 bytes of each commit's aggregate id; raises ValueError when one is not a UUID."""
        packed, count = self.layout.aggregate_ids, self.layout.commit_count
        if not isinstance(packed, bytes):
            return [uuid.UUID(text).bytes for text in packed or [] if text is not None]
        if len(packed) != count * UUID_BYTES:
            raise ValueError(f"a column of identifiers holds {len(packed)} bytes where {count} identifiers belong")
        return [packed[start : start + UUID_BYTES] for start in range(0, len(packed), UUID_BYTES)]

    def is_current(self, tag: str) -> bool:
        """Tell whether events with this tag are read as they are stored."""
        return not self._codec.is_old(tag)

    def columns(self, of_type: TypeColumns) -> list[list[Any]]:
        """Return the stored columns of a type; raises ValueError or UnknownEventType."""
        return self._codec.decode_columns(of_type)

    def header_columns(self) -> list[Sequence[Any]]:
        """Return the eight columns of the commits' headers, in stored order."""
        layout, count = self.layout, self.layout.commit_count
        return [
            self._codec.known_identifiers.unpack(layout.aggregate_ids, count=count),
            layout.first_versions,
            layout.timestamp_list(),
            unpack(layout.command_ids, count=count),
            unpack(layout.correlation_ids, count=count),
            unpack(layout.causation_ids, count=count),
            layout.actor_list(),
            layout.metadata or [None] * count,
        ]

    def event_keys(self, headers: Iterable[tuple[Any, ...]], events: Iterable[tuple[Any, ...]]) -> list[bytes]:
        """Return the 16 bytes of the ids of single events, given the headers of their commits, and their tags and
        stored values.

        The same ids as `event_ids.py` makes from a payload's bytes: the values are encoded as they were by the writer.
        """
        encode = self._codec.encode_value
        of_headers, of_events = list(map(encode, headers)), list(map(encode, events))
        if len(of_headers) != len(of_events):
            raise ValueError(f"{len(of_events)} events have {len(of_headers)} headers: each has one")
        parts = zip(repeat(LEAF), of_headers, repeat(_FIRST_PLACE), of_events)
        digests = b"".join([hashed.digest() for hashed in map(sha256, map(b"".join, parts))])
        found = np.frombuffer(digests, np.uint8).reshape(-1, sha256().digest_size)[:, :UUID_BYTES]
        ids = (found & _HASH_BITS | _ID_BITS).tobytes()
        return [ids[start : start + UUID_BYTES] for start in range(0, len(ids), UUID_BYTES)]

    def commits(self) -> list[Commit[Any]]:
        """Return the commits of current events with their ids, as `EventStore.read_batches` does."""
        commits = self._codec.decode(self._plain)
        fill_event_ids(self._plain, commits)
        return commits


def tagged(tag: str, columns: Sequence[Sequence[Any]]) -> Iterator[tuple[Any, ...]]:
    """Yield events of one type as tuples of their tag and stored values, which is the form that hashes cover."""
    return zip(repeat(tag), *columns)
