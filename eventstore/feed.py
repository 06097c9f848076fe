"""Reading across aggregates: everything past a vector of positions, and the events of some types in a span of time.

Partitions are read in parallel, each a stretch ahead of what is being worked on. Within a partition the order is that
of the journal and a hole stops the reader; between partitions there is no order but time.
"""

import heapq
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from eventstore.engines.base import Engine
from eventstore.errors import InvalidRange
from eventstore.reader import READ_BATCHES_AT_ONCE, Reader
from eventstore.record import Batch, RecordedEvent, StoredBatch, event_type_name, recorded_events
from eventstore.serialization.codec import EventCodec

THREADS_MAX: Final = 4


class Feed:
    """The partitions of one store."""

    def __init__(self, *, engine: Engine, reader: Reader, codec: EventCodec, partition_count: int) -> None:
        self._engine = engine
        self._reader = reader
        self._codec = codec
        self._partitions = range(partition_count)

    def after(self, positions: Mapping[int, int], *, with_event_ids: bool = True) -> Iterator[Batch]:
        """Yield every batch past the positions (partition to seq), up to the heads of now; partitions take turns.

        Raises InvalidRange for a partition that does not exist, FeedGap at a hole.
        """
        unknown = [partition for partition in positions if partition not in self._partitions]
        if unknown:
            raise InvalidRange(f"the store has partitions 0 to {len(self._partitions) - 1}, found {unknown[0]}")
        with ThreadPoolExecutor(THREADS_MAX, "feed") as threads:

            def read(partition: int, after_seq: int) -> "Future[list[Batch]]":
                return threads.submit(
                    self._reader.batches,
                    partition=partition,
                    after_seq=after_seq,
                    limit=READ_BATCHES_AT_ONCE,
                    with_event_ids=with_event_ids,
                )

            pending = {partition: read(partition, seq) for partition, seq in positions.items()}
            while pending:
                for partition, future in list(pending.items()):
                    batches = future.result()
                    if batches:
                        pending[partition] = read(partition, batches[-1].seq)
                    else:
                        del pending[partition]
                    yield from batches

    def of_types(self, types: Collection[str], *, start: int, end: int) -> Iterator[RecordedEvent]:
        """Yield the events of these types ("TradeExecuted") with start <= timestamp < end (UTC microseconds), by time.

        Raises InvalidRange for a range that is none and for a type that the store does not know.
        """
        if end < start:
            raise InvalidRange(f"a time range ends where it begins or later: found {start} to {end} (UTC microseconds)")
        known = set(map(event_type_name, self._codec.event_types.values()))
        unknown = sorted(set(types) - known)
        if unknown:
            raise InvalidRange(f"{unknown[0]!r} is no event type of this store: they are {', '.join(sorted(known))}")
        partitions = [self._of_types(partition, frozenset(types), start, end) for partition in self._partitions]
        yield from heapq.merge(*partitions, key=lambda event: event.timestamp)

    def _of_types(self, partition: int, types: frozenset[str], start: int, end: int) -> Iterator[RecordedEvent]:
        after_seq = self._engine.seek(partition=partition, timestamp=start)
        while batches := self._reader.stored(
            partition=partition, after_seq=after_seq, previous_hash=None, limit=READ_BATCHES_AT_ONCE
        ):
            for stored in batches:
                if stored.first_timestamp >= end:
                    return
                if stored.last_timestamp >= start and self._holds(stored, types):
                    for commit in self._reader.decode(stored, with_event_ids=True).commits:
                        if start <= commit.timestamp < end:
                            yield from [e for e in recorded_events(commit) if e.event_type in types]
            after_seq = batches[-1].seq

    def _holds(self, stored: StoredBatch, types: frozenset[str]) -> bool:
        """Tell, from the head of the columns alone, whether a batch may hold such events (upcasting may rename)."""
        tags = self._reader.columns(stored).events.tags
        return any(tag.partition("@")[0] in types or self._codec.is_old(tag) for tag in tags)
