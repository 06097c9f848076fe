"""What the venue needs of the journal: the events of orders, partition by partition, from the first one on.

Nothing is kept between starts: what works is what the events say. A partition that cannot be read (a hole, altered
bytes, a type of a newer release) is passed over and said; the others go on.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import structlog

from eventstore.columns.batches import ColumnBatch
from eventstore.errors import FeedGap, IntegrityError, UnknownEventType
from eventstore.store import EventStore
from tradingplatform.venue.working_orders import EVENT_TYPES, Recorded

log = structlog.get_logger(__name__)

BATCHES_AT_ONCE: Final = 256
_COMMITS_OF_A_BATCH_BITS: Final = 24
"""A position is the batch's seq and, in so many bits, the commit's place in it."""
_TAGS: Final = frozenset(str(kind.__struct_config__.tag) for kind in EVENT_TYPES)


class OrderJournal:
    """Reads on where it stopped; to be used from one thread."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._seqs = dict.fromkeys(range(store.partition_count), 0)
        self._unreadable: set[int] = set()

    def read(self) -> Iterator[Recorded]:
        """Yield the events that were recorded since, through the heads of now; those of an account in their order.

        Raises StoreUnavailable.
        """
        for partition, head in self._store.heads().items():
            if self._seqs[partition] < head and partition not in self._unreadable:
                yield from self._read(partition, head)

    def _read(self, partition: int, head: int) -> Iterator[Recorded]:
        while self._seqs[partition] < head:
            try:
                batches = self._store.read_column_batches(
                    partition=partition, after_seq=self._seqs[partition], limit=BATCHES_AT_ONCE
                )
                found = [recorded for batch in batches for recorded in self._events_of(batch)]
            except (FeedGap, IntegrityError, UnknownEventType) as error:
                self._unreadable.add(partition)
                log.error("orders of this partition wait: it cannot be read", partition=partition, reason=str(error))
                return
            if not batches:
                return
            self._seqs[partition] = batches[-1].seq
            yield from found

    def _events_of(self, batch: ColumnBatch) -> Iterator[Recorded]:
        commits, events = batch.columns
        wanted = [number for number, tag in enumerate(events.tags) if tag in _TAGS]
        if not wanted:
            return
        commit_of = np.repeat(np.arange(len(commits)), commits.event_counts)
        places = np.unique(commit_of[np.isin(events.types, wanted)])
        for place, commit in zip(places.tolist(), self._store.commits(batch.columns.of_commits(places)), strict=True):
            position = batch.seq << _COMMITS_OF_A_BATCH_BITS | place
            for event in commit.events:
                if isinstance(event, EVENT_TYPES):
                    yield Recorded(commit.aggregate_id, commit.timestamp, position, event)
