"""What the venue needs of the journal: the events of partitions, from the first one on, as columns.

Nothing is kept between starts: what works is what the events say. A partition that cannot be read (a hole, altered
bytes, a type of a newer release) is said, and tried again after a while; the others go on.
"""

import time
from collections.abc import Callable
from typing import Final

import numpy as np
import structlog

from eventstore.columns.batches import ColumnBatch, join
from eventstore.errors import FeedGap, IntegrityError, UnknownEventType
from eventstore.kernels.partitions import partitions_of
from eventstore.kernels.texts import Texts
from eventstore.store import EventStore
from tradingplatform.venue.matcher import Integers
from tradingplatform.venue.order_events import OrderEvents, order_events

log = structlog.get_logger(__name__)

BATCHES_AT_ONCE: Final = 16
EVENTS_AT_ONCE: Final = 50_000
"""Events that are taken in together, of all partitions; the more there are, the less does each cost."""
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

    def heads(self) -> dict[int, int]:
        """Return the newest seq of every partition, as of now."""
        return self._store.heads()

    def read(self, heads: dict[int, int]) -> OrderEvents | None:
        """Return the next events of partitions up to their heads, those of each in order; None when there are none, or
        none that can be read.
        """
        batches: list[ColumnBatch] = []
        events = 0
        for partition, head in heads.items():
            while events < EVENTS_AT_ONCE and (found := self._read(partition, head)):
                batches += found
                events += sum(batch.event_count for batch in found)
        return order_events(join(batches)) if batches else None

    def _read(self, partition: int, head: int) -> list[ColumnBatch]:
        """Return the next batches of a partition; none when it is read up to its head, or cannot be."""
        seq = self._seqs[partition]
        if seq >= head or self._unreadable.get(partition, 0.0) > self._clock():
            return []
        try:
            batches = self._store.read_column_batches(
                partition=partition, after_seq=seq, limit=min(BATCHES_AT_ONCE, head - seq)
            )
        except (FeedGap, IntegrityError, UnknownEventType) as error:
            if partition not in self._unreadable:
                log.error("orders of a partition that cannot be read wait", partition=partition, reason=str(error))
            self._unreadable[partition] = self._clock() + UNREADABLE_SECONDS
            return []
        if self._unreadable.pop(partition, None) is not None:
            log.info("the partition can be read again", partition=partition)
        self._seqs[partition] = batches[-1].seq if batches else head
        return batches
