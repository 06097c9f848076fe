"""Reading the journal: every batch checked for its place, its chain and its hash before anything is decoded.

A reader that meets a hole stops before it (FeedGap); one that meets altered bytes says where (IntegrityError). Neither
is ever skipped, and neither is raised before a second reading, over new connections and with a new codec, has found the
same: one reading can be wrong where nothing was altered (a bit of memory, a cable, a fault of our own). Nothing is
repaired or passed over: when the second reading is sound it is the answer, and the log says that the first was not.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeVar

import structlog

from eventstore.columns.batches import ColumnBatch, as_current, take_apart
from eventstore.columns.cells import leaf_hashes
from eventstore.columns.codec import EncodedCommit, EventCodec
from eventstore.columns.packed import CommitColumns
from eventstore.engines.base import Engine
from eventstore.errors import EventStoreError, FeedGap, IntegrityError, UnknownEventType
from eventstore.integrity.hashing import batch_hash, event_id, payload_hash
from eventstore.record import Batch, Commit, StoredBatch

T = TypeVar("T")

ALARMS: Final = (FeedGap, IntegrityError)

READ_BATCHES_AT_ONCE: Final = 64
EVENTS_TOGETHER_MAX: Final = 32_768
"""Events of batches that are taken apart together; a batch with more of them is taken apart alone."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """What stored bytes are read with. Two sources share nothing but the storage."""

    engine: Engine
    codec: EventCodec

    def read(self, read: "Callable[[Source], T]") -> T:
        """Return what `read` returns from this source, or, where it raises an alarm, from a second one.

        `read` must be what can be done twice. Raises the alarm of the second reading.
        """
        return confirmed(lambda: read(self), lambda: self._again(read))

    def _again(self, read: "Callable[[Source], T]") -> T:
        with self.second() as source:
            return read(source)

    @contextmanager
    def second(self) -> "Iterator[Source]":
        """Open a second source for the block."""
        engine = self.engine.reopened()
        try:
            yield Source(engine, self.codec.fresh())
        finally:
            engine.close()


def confirmed(read: Callable[[], T], read_again: Callable[[], T]) -> T:
    """Return what one reading returns, or, where it raises an alarm, an independent second one."""
    try:
        return read()
    except ALARMS as alarm:
        found = read_again()
        say_unconfirmed(alarm)
        return found


def say_unconfirmed(alarm: object) -> None:
    """Tell the log of an alarm that a second reading does not share."""
    log.warning("eventstore.alarm_not_confirmed", alarm=str(alarm), consequence="the second reading counts")


def check(batch: StoredBatch, *, partition: int, seq: int, previous_hash: bytes | None) -> None:
    """Check that a stored batch stands where it belongs and is what was written; raises FeedGap or IntegrityError.

    `previous_hash` is the hash of the batch before it, or None when the reader starts here and does not know it.
    """
    if batch.partition != partition or batch.seq != seq:
        raise FeedGap(partition=partition, expected_seq=seq, found_seq=batch.seq)
    if previous_hash is not None and batch.previous_hash != previous_hash:
        raise IntegrityError("does not follow the batch before it (chain broken)", partition=partition, seq=seq)
    if payload_hash(batch.payload) != batch.payload_hash:
        raise IntegrityError("the payload is not what was written", partition=partition, seq=seq)
    if batch_hash(batch) != batch.hash:
        raise IntegrityError("the header is not what was written", partition=partition, seq=seq)


def stretches(batches: Sequence[StoredBatch]) -> Iterator[Sequence[StoredBatch]]:
    """Cut batches into stretches to take apart together: of at most EVENTS_TOGETHER_MAX events, or of one batch."""
    start = events = 0
    for place, batch in enumerate(batches):
        if place > start and events + batch.event_count > EVENTS_TOGETHER_MAX:
            yield batches[start:place]
            start, events = place, 0
        events += batch.event_count
    if batches:
        yield batches[start:]


class Reader:
    """Reads verified batches of one store through an engine and a codec. May be used from several threads."""

    def __init__(self, engine: Engine, codec: EventCodec) -> None:
        self._source = Source(engine, codec)

    def stored(
        self, *, partition: int, after_seq: int, previous_hash: bytes | None, limit: int
    ) -> Sequence[StoredBatch]:
        """Return checked batches after a position, still encoded."""
        return self._source.read(
            lambda source: _stored(
                source, partition=partition, after_seq=after_seq, previous_hash=previous_hash, limit=limit
            )
        )

    def following(self, *, partition: int, after_seq: int, previous_hash: bytes | None) -> Iterator[StoredBatch]:
        """Yield every checked batch after a position, still encoded."""
        while batches := self.stored(
            partition=partition, after_seq=after_seq, previous_hash=previous_hash, limit=READ_BATCHES_AT_ONCE
        ):
            yield from batches
            after_seq, previous_hash = batches[-1].seq, batches[-1].hash

    def batches(self, *, partition: int, after_seq: int, limit: int, with_event_ids: bool) -> list[Batch]:
        """Return checked and decoded batches after a position, at most `limit` of them."""
        stored = self.stored(partition=partition, after_seq=after_seq, previous_hash=None, limit=limit)
        return [self.decode(batch, with_event_ids=with_event_ids) for batch in stored]

    def column_batches(self, *, partition: int, after_seq: int, limit: int) -> list[ColumnBatch]:
        """Return checked batches after a position as columns, at most `limit` of them."""
        stored = self.stored(partition=partition, after_seq=after_seq, previous_hash=None, limit=limit)
        return [self._opened(batch, _as_columns) for batch in stored]

    def current_columns(self, *, partition: int, after_seq: int, limit: int) -> tuple[int, CommitColumns] | None:
        """Return the seq of the last of some checked batches after a position, at most `limit`, and what they hold as
        if they were one batch, in current schema versions; None when there is none.
        """
        stored = self.stored(partition=partition, after_seq=after_seq, previous_hash=None, limit=limit)
        for batches in stretches(stored):
            return batches[-1].seq, as_current(self.columns(batches), self._source.codec)
        return None

    def decode(self, stored: StoredBatch, *, with_event_ids: bool) -> Batch:
        """Decode a checked batch into commits of events."""

        def commits(batch: StoredBatch, codec: EventCodec) -> list[Commit[Any]]:
            columns = _columns(batch, codec)
            found = codec.commits(columns)
            if with_event_ids:
                fill_event_ids(columns, found)
            return found

        return Batch(
            partition=stored.partition,
            seq=stored.seq,
            hash=stored.hash,
            event_count=stored.event_count,
            last_timestamp=stored.last_timestamp,
            commits=self._opened(stored, commits),
        )

    def columns(self, batches: Sequence[StoredBatch]) -> CommitColumns:
        """Return the columns of checked batches, which stand in their order, as if they were one batch."""

        def read(source: Source) -> CommitColumns:
            found = batches if source is self._source else [_same(source, batch) for batch in batches]
            try:
                return source.codec.unpack_together([source.codec.decompress(batch.payload) for batch in found])
            except (UnknownEventType, ValueError):
                for batch in found:  # Which one it is, one at a time says.
                    _take(batch, source.codec, _columns)
                raise

        return self._source.read(read)

    def aggregate_ids(self, stored: StoredBatch) -> list[str]:
        """Return the aggregate of every commit of a checked batch."""
        return self._opened(stored, lambda batch, codec: _columns(batch, codec).aggregate_ids())

    def identities(self, stored: StoredBatch) -> list[tuple[str, str, str]]:
        """Return the aggregate, the actor and the command id of every commit of a checked batch."""

        def identities(batch: StoredBatch, codec: EventCodec) -> list[tuple[str, str, str]]:
            columns = _columns(batch, codec)
            return list(zip(columns.aggregate_ids(), columns.actors(), columns.command_ids(), strict=True))

        return self._opened(stored, identities)

    def raw_commits(self, stored: StoredBatch) -> list[EncodedCommit]:
        """Return the exact bytes of the commits of a checked batch."""
        return self._opened(stored, lambda batch, codec: codec.raw_commits(codec.decompress(batch.payload)))

    def _opened(self, stored: StoredBatch, take: Callable[[StoredBatch, EventCodec], T]) -> T:
        """Return what is taken from a checked batch; raises IntegrityError when it cannot be, twice."""

        def read(source: Source) -> T:
            batch = stored if source is self._source else _same(source, stored)
            return _take(batch, source.codec, take)

        return self._source.read(read)


def _stored(
    source: Source, *, partition: int, after_seq: int, previous_hash: bytes | None, limit: int
) -> Sequence[StoredBatch]:
    batches = source.engine.read(partition=partition, after_seq=after_seq, limit=limit)
    for seq, batch in enumerate(batches, start=after_seq + 1):
        check(batch, partition=partition, seq=seq, previous_hash=previous_hash)
        previous_hash = batch.hash
    return batches


def _same(source: Source, stored: StoredBatch) -> StoredBatch:
    """Read a batch anew."""
    found = _stored(
        source, partition=stored.partition, after_seq=stored.seq - 1, previous_hash=stored.previous_hash, limit=1
    )
    if not found:
        raise FeedGap(partition=stored.partition, expected_seq=stored.seq, found_seq=None)
    return found[0]


def _take(batch: StoredBatch, codec: EventCodec, take: Callable[[StoredBatch, EventCodec], T]) -> T:
    """Return what is taken from a batch; raises IntegrityError or UnknownEventType, with the place of the batch."""
    try:
        return take(batch, codec)
    except UnknownEventType as error:
        raise _placed(error, batch) from error
    except ValueError as error:
        raise IntegrityError(str(error), partition=batch.partition, seq=batch.seq) from error


def _as_columns(batch: StoredBatch, codec: EventCodec) -> ColumnBatch:
    return take_apart(batch, _columns(batch, codec), codec)


def _columns(batch: StoredBatch, codec: EventCodec) -> CommitColumns:
    return codec.unpack(codec.decompress(batch.payload))


def _placed(error: UnknownEventType, stored: StoredBatch) -> EventStoreError:
    return UnknownEventType(f"partition {stored.partition}, seq {stored.seq}: {error}")


def fill_event_ids(columns: CommitColumns, commits: Sequence[Commit[Any]]) -> None:
    """Give the commits that a payload was decoded to the ids of their events."""
    ids = iter([event_id(leaf.tobytes()) for leaf in leaf_hashes(*columns)])
    for commit in commits:
        commit.event_ids = tuple(islice(ids, len(commit.events)))
