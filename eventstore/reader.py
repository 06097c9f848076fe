"""Reading the journal: every batch checked for its place, its chain and its hash before anything is decoded.

A reader that meets a hole stops before it (FeedGap); one that meets altered bytes says where (IntegrityError). Neither
is ever skipped.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from eventstore.column_batches import ColumnBatch
from eventstore.engines.base import Engine
from eventstore.errors import EventStoreError, FeedGap, IntegrityError, UnknownEventType
from eventstore.event_ids import fill_event_ids
from eventstore.integrity.hashing import batch_hash, payload_hash
from eventstore.record import Batch, StoredBatch
from eventstore.serialization.codec import EventCodec

READ_BATCHES_AT_ONCE: Final = 64


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


class Reader:
    """Reads verified batches of one store through an engine and a codec."""

    def __init__(self, engine: Engine, codec: EventCodec) -> None:
        self._engine = engine
        self._codec = codec

    def stored(
        self, *, partition: int, after_seq: int, previous_hash: bytes | None, limit: int
    ) -> Sequence[StoredBatch]:
        """Return checked batches after a position, still encoded."""
        batches = self._engine.read(partition=partition, after_seq=after_seq, limit=limit)
        for seq, batch in enumerate(batches, start=after_seq + 1):
            check(batch, partition=partition, seq=seq, previous_hash=previous_hash)
            previous_hash = batch.hash
        return batches

    def batches(
        self,
        *,
        partition: int,
        after_seq: int,
        limit: int,
        with_event_ids: bool,
        previous_hash: bytes | None = None,
        as_stored: bool = False,
    ) -> list[Batch]:
        """Return checked and decoded batches after a position, at most `limit` of them.

        With `as_stored`, events of old schema versions are left what they are.
        """
        stored = self.stored(partition=partition, after_seq=after_seq, previous_hash=previous_hash, limit=limit)
        return [self.decode(batch, with_event_ids=with_event_ids, as_stored=as_stored) for batch in stored]

    def column_batches(self, *, partition: int, after_seq: int, limit: int) -> list[ColumnBatch]:
        """Return checked batches after a position as columns, at most `limit` of them."""
        stored = self.stored(partition=partition, after_seq=after_seq, previous_hash=None, limit=limit)
        return [self._as_columns(batch) for batch in stored]

    def _as_columns(self, stored: StoredBatch) -> ColumnBatch:
        try:
            return ColumnBatch(
                partition=stored.partition,
                seq=stored.seq,
                event_count=stored.event_count,
                plain=self._codec.decompress(stored.payload),
                codec=self._codec,
            )
        except ValueError as error:
            raise IntegrityError(str(error), partition=stored.partition, seq=stored.seq) from error

    def all_batches(self, *, partition: int, genesis: bytes, with_event_ids: bool = False) -> Iterator[Batch]:
        """Yield every batch of a partition from the first, chain included."""
        after_seq, previous_hash = 0, genesis
        while True:
            batches = self.batches(
                partition=partition,
                after_seq=after_seq,
                limit=READ_BATCHES_AT_ONCE,
                with_event_ids=with_event_ids,
                previous_hash=previous_hash,
            )
            if not batches:
                return
            yield from batches
            after_seq, previous_hash = batches[-1].seq, batches[-1].hash

    def decode(self, stored: StoredBatch, *, with_event_ids: bool, as_stored: bool = False) -> Batch:
        """Decode a checked batch into commits of events."""
        try:
            plain = self._codec.decompress(stored.payload)
            commits = self._codec.decode(plain, as_stored=as_stored)
            if with_event_ids:
                fill_event_ids(plain, commits)
        except UnknownEventType as error:
            raise _placed(error, stored) from error
        except ValueError as error:
            raise IntegrityError(str(error), partition=stored.partition, seq=stored.seq) from error
        return Batch(
            partition=stored.partition,
            seq=stored.seq,
            hash=stored.hash,
            event_count=stored.event_count,
            last_timestamp=stored.last_timestamp,
            commits=commits,
        )


def _placed(error: UnknownEventType, stored: StoredBatch) -> EventStoreError:
    return UnknownEventType(f"partition {stored.partition}, seq {stored.seq}: {error}")
