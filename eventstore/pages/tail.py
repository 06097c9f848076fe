"""Where the events of each aggregate stand in the part of the journal that is not in pages yet.

Follows one partition from its page position to its head, reading every batch once and keeping of it only which
aggregates it holds. Bounded by the snapshotter, which keeps the tail short.
"""

from collections import defaultdict
from typing import Any

from eventstore.engines.base import Engine
from eventstore.reader import READ_BATCHES_AT_ONCE, Reader
from eventstore.record import Commit


class Tail:
    """The tail of one partition. Used from one thread at a time."""

    def __init__(self, *, partition: int, engine: Engine, reader: Reader) -> None:
        self._partition = partition
        self._engine = engine
        self._reader = reader
        self._position = 0
        self._through_seq = 0
        self._hash: bytes | None = None
        self._seqs: dict[str, list[int]] = defaultdict(list)

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
            self._through_seq, self._hash = batches[-1].seq, batches[-1].hash

    def commits(self, aggregate_id: str, *, with_event_ids: bool) -> list[Commit[Any]]:
        """Return the aggregate's commits in the tail as of the last `follow`, in order."""
        found: list[Commit[Any]] = []
        for seq in self._seqs.get(aggregate_id, ()):
            for batch in self._reader.batches(
                partition=self._partition, after_seq=seq - 1, limit=1, with_event_ids=with_event_ids
            ):
                found += [commit for commit in batch.commits if commit.aggregate_id == aggregate_id]
        return found

    def _drop_through(self, position: int) -> None:
        if position == self._position:
            return
        if position > self._through_seq or position < self._position:
            self._seqs.clear()
            self._through_seq, self._hash = position, None
        else:
            kept = {name: [seq for seq in seqs if seq > position] for name, seqs in self._seqs.items()}
            self._seqs = defaultdict(list, {name: seqs for name, seqs in kept.items() if seqs})
        self._position = position
