"""Verification of a whole store: every partition from its first batch to its head, reading through the engine alone."""

from collections.abc import Generator, Iterator
from typing import Final

from eventstore.errors import EventStoreError, IntegrityError
from eventstore.integrity.verifier import Finding, PartitionVerifier
from eventstore.record import StoredBatch
from eventstore.store import EventStore

BATCHES_AT_ONCE: Final = 64


def verify_partition(store: EventStore, partition: int) -> Iterator[tuple[int, list[Finding]]]:
    """Verify a partition; yield, batch by batch, how many sound events it held and what is wrong."""
    verifier = PartitionVerifier(partition=partition, genesis=store.genesis(partition), payload_format=store.codec)
    while True:
        after_seq = verifier.next_seq - 1
        try:
            batches = store.engine.read(partition=partition, after_seq=after_seq, limit=BATCHES_AT_ONCE)
        except EventStoreError:
            batches = yield from _one_by_one(store, verifier, after_seq)
        if not batches:
            return
        for batch in batches:
            findings = list(verifier.verify(batch))
            yield (0 if findings else batch.event_count), findings


def _one_by_one(
    store: EventStore, verifier: PartitionVerifier, after_seq: int
) -> Generator[tuple[int, list[Finding]], None, list[StoredBatch]]:
    """Read up to the damage that a longer read stumbled over, and report it; nothing after it can be reached."""
    try:
        return store.engine.read(partition=verifier.partition, after_seq=after_seq, limit=1)
    except IntegrityError as error:
        seq = error.seq if error.seq is not None else after_seq + 1
        finding = Finding(verifier.partition, seq, error.aggregate_id, error.version, error.detail)
    except EventStoreError as error:
        finding = Finding(verifier.partition, after_seq + 1, None, None, str(error))
    yield 0, [finding]
    return []
