"""Filling an empty store: from the archive alone, or from another store up to an instant.

Everything is verified while it is written, through the port that every writer uses, and the new store has the identity
of the old one, so that its hashes hold. Nothing is repaired: whatever fails leaves a store that is to be discarded.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import NamedTuple

from eventstore.archive.holds import FOLDER as HOLDS_FOLDER
from eventstore.archive.holds import KIND as HOLD
from eventstore.archive.manifests import Manifest, decode_manifest, verified_file, whole_archive
from eventstore.archive.storage import ArchiveStorage
from eventstore.audit.signing_keys import Verify
from eventstore.columns.codec import EventCodec
from eventstore.engines.base import Engine
from eventstore.errors import ArchiveError
from eventstore.integrity.hashing import genesis_hash
from eventstore.reader import Reader
from eventstore.record import Document, StoredBatch, StoreMetadata


class LeftOut(NamedTuple):
    """The events of one batch that are not past the instant, and were left out with the batch that is."""

    partition: int
    seq: int
    event_count: int
    first_timestamp: int
    last_timestamp: int


def read_manifests(storage: ArchiveStorage, *, verify: Verify) -> dict[int, list[Manifest]]:
    """Return the manifests of an archive by partition, signatures and continuity checked; raises ArchiveError."""
    names = [name for name in storage.names() if name.startswith("partition-") and name.endswith(".json")]
    return whole_archive(decode_manifest(storage.get(name), verify=verify, where=name) for name in names)


def import_archive(
    partitions: Mapping[int, Sequence[Manifest]], *, storage: ArchiveStorage, engine: Engine, codec: EventCodec
) -> Iterator[list[StoredBatch]]:
    """Write a whole archive into an empty store; yield the batches as they become durable.

    Raises ArchiveError when the store is not empty, IntegrityError for a file that is not what was archived.
    """
    open_empty(engine, next(iter(partitions.values()))[0].metadata)
    kept = [name for name in storage.names() if name.startswith(f"{HOLDS_FOLDER}/")]
    _copy_holds(engine, [Document(HOLD, number, storage.get(name)) for number, name in enumerate(kept, start=1)])
    yield from _write(engine, [_archived(manifests, storage, codec) for manifests in partitions.values()])
    expected = {partition: manifests[-1].last_seq for partition, manifests in partitions.items()}
    if (found := engine.heads()) != expected:
        raise ArchiveError(f"the new store ends at {found} and the archive at {expected}")


def restore(
    source: Engine, *, metadata: StoreMetadata, codec: EventCodec, target: Engine, to: int, left_out: list[LeftOut]
) -> Iterator[list[StoredBatch]]:
    """Write every batch that ends at or before an instant into an empty store; yield them as they become durable.

    `left_out` is filled with what a batch that straddles the instant held up to it: such a batch cannot be cut.
    """
    open_empty(target, metadata)
    _copy_holds(target, source.documents(kind=HOLD))
    reader = Reader(source, codec)
    partitions = range(metadata.partition_count)
    yield from _write(target, [_until(reader, metadata, number, to, left_out) for number in partitions])


def open_empty(engine: Engine, metadata: StoreMetadata) -> None:
    """Create a store with this metadata; raises ArchiveError when there is one that holds anything."""
    found = engine.open(metadata)
    if found != metadata:
        raise ArchiveError(
            f"there is a store already, {found.store_id}: name a place where there is none (EVENT_STORE_PATH)"
        )
    if heads := engine.heads():
        raise ArchiveError(f"the store is not empty, it has batches in {len(heads)} partitions: nothing was written")


def _copy_holds(engine: Engine, documents: Sequence[Document]) -> None:
    for document in documents:
        if not engine.append_document(document):
            raise ArchiveError(f"the new store has a legal hold number {document.number} already")


def _write(engine: Engine, streams: Sequence[Iterator[StoredBatch]]) -> Iterator[list[StoredBatch]]:
    """Append batch by batch, those of all partitions together, as one durable write each time."""
    for row in zip_longest(*streams):
        batches = [batch for batch in row if batch is not None]
        for batch, standing in zip(batches, engine.append(batches), strict=True):
            if standing is not None:
                raise ArchiveError(
                    f"somebody else writes to the new store (partition {batch.partition}, seq {batch.seq})"
                )
        yield batches


def _archived(manifests: Sequence[Manifest], storage: ArchiveStorage, codec: EventCodec) -> Iterator[StoredBatch]:
    for manifest in manifests:
        yield from verified_file(manifest, storage.get(manifest.file), codec=codec)


def _until(
    reader: Reader, metadata: StoreMetadata, partition: int, to: int, left_out: list[LeftOut]
) -> Iterator[StoredBatch]:
    genesis = genesis_hash(metadata.store_id, partition)
    for batch in reader.following(partition=partition, after_seq=0, previous_hash=genesis):
        if batch.last_timestamp > to:
            left_out += _not_past(reader, batch, to)
            return
        yield batch


def _not_past(reader: Reader, batch: StoredBatch, to: int) -> list[LeftOut]:
    commits = [commit for commit in reader.decode(batch, with_event_ids=False).commits if commit.timestamp <= to]
    if not commits:
        return []
    count = sum(len(commit.events) for commit in commits)
    return [LeftOut(batch.partition, batch.seq, count, commits[0].timestamp, commits[-1].timestamp)]
