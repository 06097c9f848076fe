"""The facade of the event store: open it, read it, and get a writer for it.

Reading is verified and gap-checked; writing goes through `GroupCommit` alone, which decides, seals and appends. The
store does not own business types: it is opened with a codec that knows them.

    with EventStore.open(SQLiteEngine(folder), codec=EventCodec([Added]), partition_count=16) as store:
        store.writer(CounterDecider()).execute([Request("a", "command 1", "me", Add(1))])
        for event in store.events("a"): ...
"""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Lock
from typing import Any, TypeVar

from eventstore.columns.batches import ColumnBatch
from eventstore.columns.codec import EventCodec
from eventstore.columns.packed import CommitColumns
from eventstore.engines.base import Engine
from eventstore.errors import ConfigurationMismatch
from eventstore.integrity.hashing import FORMAT, genesis_hash
from eventstore.pages.evolver import Evolver
from eventstore.pages.page import PageReader
from eventstore.pages.snapshotter import TAIL_EVENTS_MAX, Snapshotter
from eventstore.reader import Reader, Source, confirmed
from eventstore.record import Batch, Commit, RecordedEvent, StoreMetadata, microseconds, partition_of
from eventstore.replay import Replay, Replayed
from eventstore.streams import StateAt, Streams
from eventstore.writer.clock import WriterClock
from eventstore.writer.group_commit import GroupCommit
from eventstore.writer.limits import HELD_BYTES_MAX
from eventstore.writer.state_machine import Decider

S = TypeVar("S")
C = TypeVar("C")
T = TypeVar("T")


class EventStore:
    """An open store: `EventStore.open(engine, codec=..., partition_count=16)`."""

    def __init__(self, engine: Engine, *, codec: EventCodec, metadata: StoreMetadata) -> None:
        self.engine = engine
        self.codec = codec
        self.metadata = metadata
        self._reader = Reader(engine, codec)
        self.pages = PageReader(engine, codec)
        """The pages of every aggregate, for readers that go through a history in their own way."""
        self._streams = Streams(engine, codec, partition_count=metadata.partition_count)

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
                "use the release that made it, or begin anew: `make reset` removes what the local platform holds"
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

    def read_column_batches(self, *, partition: int, after_seq: int, limit: int) -> list[ColumnBatch]:
        """Return what `read_batches` does as columns, not decoded further than they are asked for."""
        return self._reader.column_batches(partition=partition, after_seq=after_seq, limit=limit)

    def read_columns(self, *, partition: int, after_seq: int, limit: int) -> tuple[int, CommitColumns] | None:
        """Return what some batches after a position hold, at most `limit` of them, as if they were one, and the seq of
        the last of them; None when there is none. For readers that need no batch by itself and no event's id.
        """
        return self._reader.current_columns(partition=partition, after_seq=after_seq, limit=limit)

    def read_all(self, *, partition: int) -> Iterator[Batch]:
        """Yield every batch of a partition from its first, the whole chain verified."""
        for stored in self._reader.following(partition=partition, after_seq=0, previous_hash=self.genesis(partition)):
            yield self._reader.decode(stored, with_event_ids=False)

    def events(
        self, aggregate_id: str, *, from_version: int = 1, through_version: int | None = None
    ) -> Iterator[RecordedEvent]:
        """Yield an aggregate's events by version, both ends included; raises UnknownAggregate or InvalidRange."""
        return self._streams.events(aggregate_id, from_version=from_version, through_version=through_version)

    def columns(self, aggregate_id: str, *, after_version: int = 0) -> Iterator[CommitColumns]:
        """Yield an aggregate's commits that have events past a version, in order, some of them at a time; none when it
        has none.
        """
        return self._streams.columns(aggregate_id, after_version=after_version)

    def commits(self, columns: CommitColumns) -> list[Commit[Any]]:
        """Return commits that `columns` yielded as objects, of current events; raises IntegrityError."""
        return self._streams.commits(columns)

    def state(
        self, evolver: Evolver[S], aggregate_id: str, *, version: int | None = None, at: datetime | None = None
    ) -> StateAt[S]:
        """Return an aggregate's state at a version, at an instant (events at it included), or now.

        Raises UnknownAggregate when it had no events then, InvalidRange for a version that is not reached yet.
        """
        timestamp = None if at is None else microseconds(at)
        return self._streams.state(evolver, aggregate_id, version=version, timestamp=timestamp)

    def replay(self, evolver: Evolver[S], *, partition: int, through: datetime | None = None) -> Iterator[Replayed[S]]:
        """Fold a partition's events from the first, the chain verified, through its head or an instant.

        Yields now and then how far it is; the last one yielded is the result. Raises FeedGap or IntegrityError.
        """
        genesis = self.genesis(partition)
        replay = Replay(evolver, partition=partition, genesis=genesis, reader=self._reader, codec=self.codec)
        return replay.run(through_timestamp=None if through is None else microseconds(through))

    def snapshotter(self, evolver: Evolver[S], *, tail_events_max: int = TAIL_EVENTS_MAX) -> Snapshotter[S]:
        """Return a snapshotter, which turns the journal's tail into pages."""
        return Snapshotter(
            evolver,
            engine=self.engine,
            codec=self.codec,
            store_id=self.metadata.store_id,
            partition_count=self.partition_count,
            tail_events_max=tail_events_max,
        )

    def genesis(self, partition: int) -> bytes:
        """Return the hash that the first batch of a partition follows."""
        return genesis_hash(self.metadata.store_id, partition)

    def writer(
        self,
        decider: Decider[S, C],
        *,
        clock: WriterClock | Callable[[], int] | None = None,
        held_bytes_max: int = HELD_BYTES_MAX,
    ) -> GroupCommit[S, C]:
        """Return a writer whose commands are decided by the state machines of `decider`.

        `clock` may be a function that gives UTC microseconds, to write what happened at other times: it is taken as it
        is. Otherwise it is the machine's. `held_bytes_max` is how much memory the aggregates may take that it holds.
        """
        if clock is None:
            clock = WriterClock()
        elif not isinstance(clock, WriterClock):
            clock = WriterClock(wall=clock, steady=None)
        return GroupCommit(
            engine=self.engine,
            codec=self.codec,
            reader=self._reader,
            metadata=self.metadata,
            decider=decider,
            clock=clock,
            held_bytes_max=held_bytes_max,
        )

    @contextmanager
    def second(self) -> "Iterator[EventStore]":
        """Open this store a second time for the block: it shares nothing but the storage with this one."""
        with Source(self.engine, self.codec).second() as source:
            yield EventStore(source.engine, codec=source.codec, metadata=self.metadata)

    def confirmed(self, read: "Callable[[EventStore], T]") -> T:
        """Return what `read` returns of this store, or, where it raises an alarm, of a second one; `read` must be what
        can be done twice.
        """

        def again() -> T:
            with self.second() as store:
                return read(store)

        return confirmed(lambda: read(self), again)

    def close(self) -> None:
        self.engine.close()

    def __enter__(self) -> "EventStore":
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()


# This process's store: the composition root says once how it is opened, the other apps get it here.

_lock = Lock()
_factory: Callable[[], EventStore] | None = None
_check_exists: Callable[[], None] | None = None
_store: EventStore | None = None


def set_store_factory(factory: Callable[[], EventStore], *, check_exists: Callable[[], None] | None = None) -> None:
    """Say how the store is opened; it is opened when first asked for. A store that is open already is closed.

    `check_exists` raises ConfigurationMismatch when there is no store yet, which the factory would create.
    """
    global _factory, _check_exists
    reset_store()
    _factory, _check_exists = factory, check_exists


def get_store() -> EventStore:
    """Return this process's store, opening it the first time."""
    global _store
    with _lock:
        if _store is None:
            if _factory is None:
                raise RuntimeError(
                    "no event store is configured: tradingplatform/bootstrap.py sets it when Django starts"
                )
            _store = _factory()
        return _store


def get_existing_store() -> EventStore:
    """Return this process's store for somebody who only reads; raises ConfigurationMismatch when there is none yet."""
    if _store is None and _check_exists is not None:
        _check_exists()
    return get_store()


def reset_store() -> None:
    """Close and forget the store: after a fork, and between tests."""
    global _store
    with _lock:
        if _store is not None:
            _store.close()
            _store = None
