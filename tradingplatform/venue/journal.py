"""What the venue needs of the journal: the events of orders, partition by partition, from the first one on.

Nothing is kept between starts: what works is what the events say. A partition that cannot be read (a hole, altered
bytes, a type of a newer release) is said, and tried again after a while; the others go on.
"""

import time
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import structlog

from eventstore.columns.batches import ColumnBatch
from eventstore.errors import FeedGap, IntegrityError, UnknownEventType
from eventstore.store import EventStore
from tradingplatform.venue.working_orders import EVENT_TYPES, Recorded

log = structlog.get_logger(__name__)

BATCHES_AT_ONCE: Final = 64
UNREADABLE_SECONDS: Final = 10.0
"""How long a partition that cannot be read is left alone."""
_COMMITS_OF_A_BATCH_BITS: Final = 24
"""A position is the batch's seq and, in so many bits, the commit's place in it."""
_TAGS: Final = frozenset(str(kind.__struct_config__.tag) for kind in EVENT_TYPES)


class OrderJournal:
    """Reads on where it stopped; to be used from one thread at a time. Every method raises StoreUnavailable."""

    def __init__(self, store: EventStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._seqs = dict.fromkeys(range(store.partition_count), 0)
        self._unreadable: dict[int, float] = {}
        """When each partition that could not be read is tried again."""

    @property
    def unreadable(self) -> frozenset[int]:
        """The partitions that could not be read when it was tried last."""
        return frozenset(self._unreadable)

    def partition_of(self, account_id: str) -> int:
        """Return the partition of an account."""
        return self._store.partition_of(account_id)

    def behind(self) -> dict[int, int]:
        """Return the head of now of every partition that it has not read up to there, and that may be tried."""
        now = self._clock()
        return {
            partition: head
            for partition, head in self._store.heads().items()
            if self._seqs[partition] < head and self._unreadable.get(partition, now) <= now
        }

    def read(self, partition: int, *, to_seq: int) -> list[Recorded] | None:
        """Return the next events of a partition, in order; None when it has been read up to a batch, or cannot be."""
        if self._seqs[partition] >= to_seq:
            return None
        try:
            batches = self._store.read_column_batches(
                partition=partition, after_seq=self._seqs[partition], limit=BATCHES_AT_ONCE
            )
            found = [recorded for batch in batches for recorded in self._events_of(batch)]
        except (FeedGap, IntegrityError, UnknownEventType) as error:
            if partition not in self._unreadable:
                log.error("orders of a partition that cannot be read wait", partition=partition, reason=str(error))
            self._unreadable[partition] = self._clock() + UNREADABLE_SECONDS
            return None
        if self._unreadable.pop(partition, None) is not None:
            log.info("the partition can be read again", partition=partition)
        self._seqs[partition] = batches[-1].seq if batches else to_seq
        return found

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
                    yield Recorded(commit.aggregate_id, commit.timestamp, position, commit.command_id, event)
