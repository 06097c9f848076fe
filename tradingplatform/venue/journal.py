"""What the venue needs of the journal: the events of partitions, from the first one on, as columns.

Nothing is kept between starts: what works is what the events say. A partition that cannot be read (a hole, altered
bytes, a type of a newer release) is said, and tried again after a while; the others go on.
"""

import time
from collections.abc import Callable
from typing import Final

import numpy as np
import structlog

from eventstore.errors import FeedGap, IntegrityError, UnknownEventType
from eventstore.kernels.partitions import partitions_of
from eventstore.kernels.texts import Texts
from eventstore.store import EventStore
from tradingplatform.venue.matcher import Integers
from tradingplatform.venue.order_events import OrderEvents, order_events

log = structlog.get_logger(__name__)

BATCHES_AT_ONCE: Final = 256
"""Batches that are taken in together; the more there are, the less does each event cost."""
UNREADABLE_SECONDS: Final = 10.0
"""How long a partition that cannot be read is left alone."""


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

    def partitions_of(self, account_ids: Texts) -> Integers:
        """Return the partitions of accounts, given their ids as rows."""
        partitions = np.empty(len(account_ids), np.int64)
        partitions_of(account_ids, self._store.partition_count, partitions)
        return partitions

    def behind(self) -> dict[int, int]:
        """Return the head of now of every partition that it has not read up to there."""
        return {partition: head for partition, head in self._store.heads().items() if self._seqs[partition] < head}

    def read(self, partition: int, *, head: int) -> OrderEvents | None:
        """Return the next events of a partition up to its head; None when it is read up to there, or cannot be."""
        seq = self._seqs[partition]
        if seq >= head or self._unreadable.get(partition, 0.0) > self._clock():
            return None
        try:
            found = self._store.read_columns(partition=partition, after_seq=seq, limit=min(BATCHES_AT_ONCE, head - seq))
        except (FeedGap, IntegrityError, UnknownEventType) as error:
            if partition not in self._unreadable:
                log.error("orders of a partition that cannot be read wait", partition=partition, reason=str(error))
            self._unreadable[partition] = self._clock() + UNREADABLE_SECONDS
            return None
        if self._unreadable.pop(partition, None) is not None:
            log.info("the partition can be read again", partition=partition)
        if found is None:
            self._seqs[partition] = head
            return None
        self._seqs[partition], columns = found
        return order_events(columns, first_seq=seq + 1)
