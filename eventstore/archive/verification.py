"""Checking an archive file against its manifest, and the manifests of a whole archive against one another."""

from collections.abc import Iterable, Iterator

from eventstore.archive.avro_file import verified_batches, writer_schema
from eventstore.archive.avro_schema import fingerprint
from eventstore.archive.errors import ArchiveError
from eventstore.archive.manifest import Manifest
from eventstore.columns.codec import EventCodec
from eventstore.errors import IntegrityError
from eventstore.integrity.hashing import FORMAT, genesis_hash
from eventstore.record import StoredBatch


def verified_file(manifest: Manifest, content: bytes, *, codec: EventCodec) -> Iterator[StoredBatch]:
    """Yield the batches of a file, each checked in every respect, and at the end that they are those of the manifest.

    Raises IntegrityError naming partition and seq.
    """
    if not manifest.matches(content):
        raise _refused(manifest, "is not what its manifest was signed for")
    batch_count = event_count = 0
    first: StoredBatch | None = None
    last: StoredBatch | None = None
    try:
        for batch in verified_batches(content, codec=codec, previous_hash=bytes.fromhex(manifest.previous_hash)):
            first = first or batch
            last = batch
            batch_count += 1
            event_count += batch.event_count
            yield batch
        schema_fingerprint = fingerprint(writer_schema(content))
    except ValueError as error:
        raise _refused(manifest, f"cannot be read ({error})") from error
    if first is None or last is None:
        raise _refused(manifest, "is empty")
    found = (first.partition, first.seq, first.first_timestamp, last.seq, last.last_timestamp, last.hash.hex())
    named = (
        *(manifest.partition, manifest.first_seq, manifest.first_timestamp),
        *(manifest.last_seq, manifest.last_timestamp, manifest.last_hash),
    )
    counted = (batch_count, event_count, schema_fingerprint)
    if found != named or counted != (manifest.batch_count, manifest.event_count, manifest.schema_fingerprint):
        raise _refused(manifest, "does not hold what its manifest says")


def _refused(manifest: Manifest, detail: str) -> IntegrityError:
    return IntegrityError(
        f"archive file {manifest.file} {detail}: restore it from a copy",
        partition=manifest.partition,
        seq=manifest.first_seq,
    )


def whole_archive(manifests: Iterable[Manifest]) -> dict[int, list[Manifest]]:
    """Return the manifests of one store by partition and in order, checked to follow one another from seq 1 on.

    Raises ArchiveError when some are missing, overlap, or are of another store or format.
    """
    ordered = sorted(manifests, key=lambda manifest: (manifest.partition, manifest.first_seq))
    if not ordered:
        raise ArchiveError("no manifest is there: an archive has a .json file beside every .avro file")
    metadata = ordered[0].metadata
    if metadata.format != FORMAT:
        raise ArchiveError(
            f"the archive has format {metadata.format} and this release reads format {FORMAT}: use the release that "
            "made it"
        )
    partitions: dict[int, list[Manifest]] = {}
    for manifest in ordered:
        if manifest.metadata != metadata:
            raise ArchiveError(
                f"{manifest.name} is of store {manifest.metadata.store_id} and {ordered[0].name} of "
                f"{metadata.store_id}: give a folder with the archive of one store"
            )
        before = partitions.setdefault(manifest.partition, [])
        seq = before[-1].last_seq + 1 if before else 1
        previous_hash = before[-1].last_hash if before else genesis_hash(metadata.store_id, manifest.partition).hex()
        if manifest.first_seq != seq or manifest.previous_hash != previous_hash:
            raise ArchiveError(
                f"partition {manifest.partition}: seq {seq} should come next and {manifest.name} begins with "
                f"{manifest.first_seq}: files are missing, doubled or of another history"
            )
        before.append(manifest)
    return partitions
