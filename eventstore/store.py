"""The facade of the event store: open it, read it, and get a writer for it.

Reading is verified and gap-checked; writing goes through `GroupCommit` alone, which decides, seals and appends. The
store does not own business types: it is opened with a codec that knows them.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from eventstore.engines.base import Engine
from eventstore.errors import ConfigurationMismatch
from eventstore.integrity.hashing import FORMAT, genesis_hash
from eventstore.reader import Reader
from eventstore.record import Batch, StoreMetadata, partition_of
from eventstore.serialization.codec import EventCodec
from eventstore.writer.decider import Decider
from eventstore.writer.group_commit import GroupCommit

S = TypeVar("S")
C = TypeVar("C")


class EventStore:
    """An open store: `EventStore.open(engine, codec=..., partition_count=16)`."""

    def __init__(self, engine: Engine, *, codec: EventCodec, metadata: StoreMetadata) -> None:
        self.engine = engine
        self.codec = codec
        self.metadata = metadata
        self._reader = Reader(engine, codec)

    @classmethod
    def open(cls, engine: Engine, *, codec: EventCodec, partition_count: int) -> "EventStore":
        """Open the store, creating it when it does not exist.

        Raises ConfigurationMismatch when it was created with another number of partitions or in another format.
        """
        metadata = engine.open(
            StoreMetadata(
                store_id=str(uuid.uuid4()),
                format=FORMAT,
                partition_count=partition_count,
                created_at=time.time_ns() // 1_000,
            )
        )
        if metadata.format != FORMAT:
            raise ConfigurationMismatch(
                f"the store has format {metadata.format} and this release reads format {FORMAT}: "
                "use the release that made it"
            )
        if metadata.partition_count != partition_count:
            raise ConfigurationMismatch(
                f"the store was created with {metadata.partition_count} partitions and the settings say "
                f"{partition_count}: set EVENT_STORE_PARTITIONS={metadata.partition_count}"
            )
        return cls(engine, codec=codec, metadata=metadata)

    @property
    def partition_count(self) -> int:
        """How many partitions the store was created with."""
        return self.metadata.partition_count

    def partition_of(self, aggregate_id: str) -> int:
        """Return the partition that holds an aggregate."""
        return partition_of(aggregate_id, self.partition_count)

    def heads(self) -> dict[int, int]:
        """Return the newest durable seq of every partition, 0 for an empty one."""
        found = self.engine.heads()
        return {partition: found.get(partition, 0) for partition in range(self.partition_count)}

    def read_batches(self, *, partition: int, after_seq: int, limit: int, with_event_ids: bool = True) -> list[Batch]:
        """Return the batches of a partition after a position, verified and in order.

        Raises FeedGap at a hole, IntegrityError for altered bytes, UnknownEventType for events of a newer release.
        """
        return self._reader.batches(
            partition=partition, after_seq=after_seq, limit=limit, with_event_ids=with_event_ids
        )

    def read_all(self, *, partition: int) -> Iterator[Batch]:
        """Yield every batch of a partition from its first, the whole chain verified."""
        return self._reader.all_batches(partition=partition, genesis=self.genesis(partition))

    def genesis(self, partition: int) -> bytes:
        """Return the hash that the first batch of a partition follows."""
        return genesis_hash(self.metadata.store_id, partition)

    def writer(
        self, decider: Decider[S, C], *, clock: Callable[[], int] = lambda: time.time_ns() // 1_000
    ) -> GroupCommit[S, C]:
        """Return a writer whose commands are decided by `decider`; `clock` gives UTC microseconds."""
        return GroupCommit(
            engine=self.engine,
            codec=self.codec,
            reader=self._reader,
            metadata=self.metadata,
            decider=decider,
            clock=clock,
        )

    def close(self) -> None:
        """Close the engine."""
        self.engine.close()

    def __enter__(self) -> "EventStore":
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()
