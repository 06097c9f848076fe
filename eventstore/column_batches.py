"""Batches as columns, for readers that want values and not objects: verified as any batch is, decoded as far as asked.

A `ColumnBatch` gives the columns of its commits' headers and of the events of each type, the events' ids, and, where
that is not enough, the commits themselves. It knows no type: what the columns of a type mean is its reader's business.
"""

import uuid
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np

from eventstore.event_cells import leaf_hashes
from eventstore.event_ids import fill_event_ids
from eventstore.kernels.compiling import Numbers
from eventstore.record import Commit
from eventstore.serialization.codec import EventCodec
from eventstore.serialization.packed import CommitColumns

_ID_BYTES: Final = 16
_DASHES: Final = b"-" * 4
_VERSION_PLACE: Final = 6
_VARIANT_PLACE: Final = 8


class ColumnBatch:
    """One batch: its place, and its columns."""

    def __init__(
        self, *, partition: int, seq: int, event_count: int, columns: CommitColumns, codec: EventCodec
    ) -> None:
        self.partition = partition
        self.seq = seq
        self.event_count = event_count
        self._columns = columns
        self._codec = codec
        self.has_single_events = columns.has_single_events
        """Whether every commit has one event: then event i is that of commit i."""

    def __len__(self) -> int:
        """Return how many commits there are."""
        return len(self._columns.commits)

    @property
    def tags(self) -> Sequence[str]:
        """The types of the events that there are."""
        return self._columns.events.tags

    @property
    def types(self) -> Numbers:
        """The place of each event's type in `tags`: i4[events]."""
        return self._columns.events.types

    @cached_property
    def first_versions(self) -> list[int]:
        """The version of each commit's first event."""
        versions: list[int] = self._columns.commits.first_versions.tolist()
        return versions

    @cached_property
    def aggregate_keys(self) -> list[bytes]:
        """The 16 bytes of each commit's aggregate id; raises ValueError when one is not a UUID."""
        texts = self._columns.aggregate_ids()
        joined = "".join(texts).replace("-", "")
        if len(joined) == 2 * _ID_BYTES * len(texts) and set(map(len, texts)) == {2 * _ID_BYTES + len(_DASHES)}:
            packed = bytes.fromhex(joined)
            return [packed[start : start + _ID_BYTES] for start in range(0, len(packed), _ID_BYTES)]
        return [uuid.UUID(text).bytes for text in texts]

    def is_current(self, tag: str) -> bool:
        """Tell whether events with this tag are read as they are stored."""
        return not self._codec.is_old(tag)

    def columns(self, of_type: int) -> list[list[Any]]:
        """Return the stored columns of the type at a place in `tags`; raises ValueError or UnknownEventType."""
        return self._codec.decode_columns(of_type, self._columns.events)

    def header_columns(self) -> list[list[Any]]:
        """Return the eight columns of the commits' headers, in stored order."""
        return self._columns.header_columns()

    def event_keys(self) -> list[bytes]:
        """Return the 16 bytes of the id of each event: those that `integrity.hashing.event_id` writes as text."""
        found = np.ascontiguousarray(leaf_hashes(*self._columns)[:, :_ID_BYTES])
        found[:, _VERSION_PLACE] = found[:, _VERSION_PLACE] & 0x0F | 0x80
        found[:, _VARIANT_PLACE] = found[:, _VARIANT_PLACE] & 0x3F | 0x80
        packed = found.tobytes()
        return [packed[start : start + _ID_BYTES] for start in range(0, len(packed), _ID_BYTES)]

    def commits(self) -> list[Commit[Any]]:
        """Return the commits of current events with their ids, as `EventStore.read_batches` does."""
        commits = self._codec.commits(self._columns)
        fill_event_ids(self._columns, commits)
        return commits
