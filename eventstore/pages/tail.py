"""Where the events of each aggregate stand in the part of the journal that is not in pages yet.

Follows one partition from its page position to its head, reading every batch once and keeping of it only which
aggregates it holds, and of when it is. Bounded by the snapshotter, which keeps the tail short.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from eventstore.columns.packed import CommitColumns
from eventstore.engines.base import Engine
from eventstore.errors import FeedGap
from eventstore.kernels.texts import NameTable, pack_texts
from eventstore.reader import READ_BATCHES_AT_ONCE, Reader, stretches
from eventstore.record import StoredBatch


class Tail:
    """The tail of one partition. `follow` and `seqs` are used from one thread at a time."""

    def __init__(self, *, partition: int, engine: Engine, reader: Reader) -> None:
        self._partition = partition
        self._engine = engine
        self._reader = reader
        self._position = 0
        self._through_seq = 0
        self._hash: bytes | None = None
        self._seqs: dict[str, list[int]] = defaultdict(list)
        self._timestamps: dict[int, int] = {}

    def follow(self) -> None:
        """Move on to the partition's page position and head of now."""
        self._drop_through(self._engine.page_position(partition=self._partition))
        while batches := self._reader.stored(
            partition=self._partition,
            after_seq=self._through_seq,
            previous_hash=self._hash,
            limit=READ_BATCHES_AT_ONCE,
        ):
            for batch in batches:
                for aggregate_id in set(self._reader.aggregate_ids(batch)):
                    self._seqs[aggregate_id].append(batch.seq)
                self._timestamps[batch.seq] = batch.first_timestamp
            self._through_seq, self._hash = batches[-1].seq, batches[-1].hash

    def seqs(self, aggregate_id: str, *, through_timestamp: int | None = None) -> Sequence[int]:
        """Return the batches with commits of an aggregate that begin at or before an instant (UTC microseconds), or
        all, as of the last `follow`.
        """
        found = self._seqs.get(aggregate_id, ())
        if through_timestamp is None:
            return tuple(found)
        return tuple([seq for seq in found if self._timestamps[seq] <= through_timestamp])

    def columns(self, aggregate_id: str, seqs: Sequence[int]) -> Iterator[CommitColumns]:
        """Yield the commits of an aggregate in some batches of the journal, in order, many batches at a time."""
        own = NameTable()
        own.enter(pack_texts([aggregate_id] if seqs else []))
        for start in range(0, len(seqs), READ_BATCHES_AT_ONCE):
            for batches in stretches(self._stored(seqs[start : start + READ_BATCHES_AT_ONCE])):
                columns = self._reader.columns(batches)
                yield columns.of_commits(np.flatnonzero(own.find(columns.commits.aggregate_ids) >= 0))

    def _stored(self, seqs: Sequence[int]) -> list[StoredBatch]:
        """Return batches by their seqs; those that follow one another are read together."""
        found: list[StoredBatch] = []
        while len(found) < len(seqs):
            start = end = len(found)
            while end < len(seqs) and seqs[end] - seqs[start] == end - start:
                end += 1
            after_seq = seqs[start] - 1
            found += self._reader.stored(
                partition=self._partition, after_seq=after_seq, previous_hash=None, limit=end - start
            )
            if len(found) < end:
                raise FeedGap(partition=self._partition, expected_seq=seqs[len(found)], found_seq=None)
        return found

    def _drop_through(self, position: int) -> None:
        if position == self._position:
            return
        if position > self._through_seq or position < self._position:
            self._seqs.clear()
            self._timestamps.clear()
            self._through_seq, self._hash = position, None
        else:
            kept = {name: [seq for seq in seqs if seq > position] for name, seqs in self._seqs.items()}
            self._seqs = defaultdict(list, {name: seqs for name, seqs in kept.items() if seqs})
            self._timestamps = {seq: instant for seq, instant in self._timestamps.items() if seq > position}
        self._position = position
