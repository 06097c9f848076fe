"""Manifests: what an archive file holds, in signed JSON beside it and, the same bytes, in a document of the store.

The signature covers every other field, in the order and form in which they are written. `metadata` is what the store
was created with, so that a store restored from the archive has the same chain from its first hash on.

The `Catalogue` is what the store's own documents record; `whole_archive` what a folder of files holds. Both take
manifests only if they follow one another without a hole.
"""

import bisect
import hashlib
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

from eventstore.archive.avro import fingerprint, verified_batches, writer_schema
from eventstore.audit.signing_keys import Ed25519Signer, Verify
from eventstore.columns.codec import EventCodec
from eventstore.engines.base import Documents
from eventstore.errors import ArchiveError, IntegrityError
from eventstore.integrity.hashing import FORMAT, genesis_hash
from eventstore.record import StoredBatch, StoreMetadata

KIND: Final = "archive"
"""The kind of the documents that record manifests."""

_DOMAIN: Final = b"eventstore archive manifest 1\n"
"""What the signed bytes begin with, so that no other signature of the same key can pass for a manifest's."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One archive file. Hashes and the signature are in hexadecimal, instants in UTC microseconds."""

    file: str
    metadata: StoreMetadata
    partition: int
    first_seq: int
    last_seq: int
    batch_count: int
    event_count: int
    first_timestamp: int
    last_timestamp: int
    file_bytes: int
    file_sha256: str
    schema_fingerprint: str
    previous_hash: str
    last_hash: str
    made_at: int
    key_id: str
    signature: str = ""

    @property
    def name(self) -> str:
        """The name of the manifest's own file."""
        return f"{self.file.removesuffix('.avro')}.json"

    def encode(self) -> bytes:
        """Return the manifest as it is stored and recorded."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    def signed_bytes(self) -> bytes:
        """Return what the signature covers."""
        return _DOMAIN + msgspec.structs.replace(self, signature="").encode()

    def signed(self, signer: Ed25519Signer) -> "Manifest":
        """Return the manifest with a signature."""
        named = msgspec.structs.replace(self, key_id=signer.key_id)
        return msgspec.structs.replace(named, signature=signer.sign(named.signed_bytes()).hex())

    def matches(self, content: bytes) -> bool:
        """Return whether these are the bytes of the archive file."""
        return len(content) == self.file_bytes and hashlib.sha256(content).hexdigest() == self.file_sha256


def decode_manifest(encoded: bytes, *, verify: Verify, where: str) -> Manifest:
    """Return a manifest whose signature holds; raises ArchiveError naming `where` it was found."""
    try:
        manifest = msgspec.json.decode(encoded, type=Manifest)
        signature = bytes.fromhex(manifest.signature)
        bytes.fromhex(manifest.previous_hash + manifest.last_hash)
    except (msgspec.DecodeError, ValueError) as error:
        raise ArchiveError(f"{where} is not a manifest ({error}): restore it from a copy of the archive") from error
    if not verify(manifest.key_id, manifest.signed_bytes(), signature):
        raise ArchiveError(
            f"{where}: the signature by key {manifest.key_id} does not hold: the manifest was altered, or the public "
            f"key is not known here (put {manifest.key_id}.pub beside the other keys)"
        )
    return manifest


def manifest_hash(encoded: bytes) -> bytes:
    """Return the hash under which removals name a manifest."""
    return hashlib.sha256(encoded).digest()


class Recorded(NamedTuple):
    """A manifest of the catalogue."""

    manifest: Manifest
    encoded: bytes

    @property
    def hash(self) -> bytes:
        """The hash under which removals name it."""
        return manifest_hash(self.encoded)


class Catalogue:
    """The recorded manifests, every signature checked. `refresh` takes in what was recorded since."""

    def __init__(self, documents: Documents, *, verify: Verify) -> None:
        self._documents = documents
        self._verify = verify
        self._partitions: dict[int, list[Recorded]] = {}
        self.last_number = 0

    def refresh(self) -> None:
        """Take in new documents; raises ArchiveError for one that is no manifest or does not follow the others."""
        for document in self._documents.documents(kind=KIND, after=self.last_number):
            where = f"archive document {document.number}"
            manifest = decode_manifest(document.body, verify=self._verify, where=where)
            if document.number != self.last_number + 1 or manifest.first_seq != self.archived_through(
                manifest.partition
            ) + 1:  # fmt: skip
                raise ArchiveError(
                    f"{where} (partition {manifest.partition}, seq {manifest.first_seq}) does not follow the ones "
                    "before it: documents were removed or added by hand"
                )
            self._partitions.setdefault(manifest.partition, []).append(Recorded(manifest, document.body))
            self.last_number = document.number

    def recorded(self, partition: int) -> list[Recorded]:
        """Return a partition's manifests, in order."""
        return self._partitions.get(partition, [])

    def archived_through(self, partition: int) -> int:
        """Return the last archived seq of a partition, 0 for none."""
        found = self._partitions.get(partition)
        return found[-1].manifest.last_seq if found else 0

    def covering(self, partition: int, seq: int) -> Recorded | None:
        """Return the manifest of the file that holds a batch."""
        found = self._partitions.get(partition, [])
        place = bisect.bisect_left(found, seq, key=lambda recorded: recorded.manifest.last_seq)
        return found[place] if seq > 0 and place < len(found) else None


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
