"""Archiving and removal, in steps that can be interrupted anywhere and done again.

A file is written, read back and verified, then recorded in the store, then its manifest is put beside it. Only what is
recorded, and only after its file was read and verified once more and found equal to what the store has, is removed:
older than the retention, not under legal hold, and never a partition's newest batch.
"""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from eventstore.archive.avro import Schema, encode_file, fingerprint
from eventstore.archive.holds import hold_files, holds
from eventstore.archive.manifests import KIND, Catalogue, Manifest, Recorded, verified_file
from eventstore.archive.storage import ArchiveStorage
from eventstore.audit.signing_keys import Ed25519Signer, Verify
from eventstore.columns.codec import EventCodec
from eventstore.engines.base import Engine
from eventstore.errors import ArchiveError, IntegrityError
from eventstore.integrity.hashing import genesis_hash
from eventstore.reader import READ_BATCHES_AT_ONCE, Reader, confirmed
from eventstore.record import Document, StoredBatch, StoreMetadata

BATCHES_PER_FILE_MAX: Final = 1_000
PAYLOAD_BYTES_PER_FILE_MAX: Final = 8 * 1024 * 1024
EVENTS_PER_FILE_MAX: Final = 100_000
"""Payload bytes and events after which a file ends; its last batch may go past them.

They bound what a run holds in memory, and what reading one removed batch costs: its whole file is fetched and decoded.
"""

_HASH_DIGITS_IN_NAME: Final = 16


class Removal(NamedTuple):
    """What was done about one archive file's batches that stood in the store, in batches."""

    partition: int
    removed: int
    held: int
    young: int
    newest: int
    last_young_timestamp: int


class Preview(NamedTuple):
    """What there is to archive."""

    file_count: int
    batch_count: int
    event_count: int


class Archiver:
    """Archives one store. `now` and `retention_microseconds` say what is old enough to be removed."""

    def __init__(
        self,
        engine: Engine,
        *,
        metadata: StoreMetadata,
        codec: EventCodec,
        schema: Schema,
        storage: ArchiveStorage,
        signer: Ed25519Signer,
        verify: Verify,
        retention_microseconds: int,
        now: int,
        batches_per_file: int = BATCHES_PER_FILE_MAX,
    ) -> None:
        """`engine` is the bare one: what stands in the store itself."""
        self._engine = engine
        self._reader = Reader(engine, codec)
        self._metadata = metadata
        self._codec = codec
        self._schema = schema
        self._storage = storage
        self._signer = signer
        self._retention_microseconds = retention_microseconds
        self._now = now
        self._batches_per_file = batches_per_file
        self._catalogue = Catalogue(engine, verify=verify)

    def pending(self, *, before: int) -> int:
        """Return about how many batches there are to archive, as far as the storage can tell cheaply."""
        self._catalogue.refresh()
        found = 0
        for partition in range(self._metadata.partition_count):
            through = self._engine.seek(partition=partition, timestamp=before)
            found += max(0, through - self._catalogue.archived_through(partition))
        return found

    def preview(self, *, before: int) -> Preview:
        """Return what `archive` would do, after reading and checking all of it."""
        self._catalogue.refresh()
        partitions = range(self._metadata.partition_count)
        files = batches = events = 0
        for stretch in (found for number in partitions for found in self.stretches(number, before=before)):
            files += 1
            batches += len(stretch)
            events += sum(batch.event_count for batch in stretch)
        return Preview(files, batches, events)

    def archive(self, *, before: int) -> Iterator[Manifest]:
        """Archive every whole batch that ends before an instant; yield each file's manifest once it is recorded."""
        self._catalogue.refresh()
        self._complete()
        for partition in range(self._metadata.partition_count):
            for batches in self.stretches(partition, before=before):
                yield self._write(batches)

    def stretches(self, partition: int, *, before: int) -> Iterator[list[StoredBatch]]:
        """Yield what is to be archived of a partition, file by file; every batch checked for place, chain and hash."""
        recorded = self._catalogue.recorded(partition)
        last = recorded[-1].manifest if recorded else None
        after_seq = last.last_seq if last else 0
        previous_hash = bytes.fromhex(last.last_hash) if last else genesis_hash(self._metadata.store_id, partition)
        stretch: list[StoredBatch] = []
        size_bytes = event_count = 0
        for batch in self._reader.following(partition=partition, after_seq=after_seq, previous_hash=previous_hash):
            if batch.last_timestamp >= before:
                break
            stretch.append(batch)
            size_bytes += len(batch.payload)
            event_count += batch.event_count
            if (
                len(stretch) >= self._batches_per_file
                or size_bytes >= PAYLOAD_BYTES_PER_FILE_MAX
                or event_count >= EVENTS_PER_FILE_MAX
            ):
                yield stretch
                stretch, size_bytes, event_count = [], 0, 0
        if stretch:
            yield stretch

    def remove(self, *, before: int, dry_run: bool = False) -> Iterator[Removal]:
        """Remove archived batches that end before an instant and may go; yield what was done, file by file.

        With `dry_run` nothing is read from the archive and nothing removed.
        """
        self._catalogue.refresh()
        heads = self._engine.heads()
        for partition in range(self._metadata.partition_count):
            for recorded in self._catalogue.recorded(partition):
                standing = self._standing(recorded.manifest)
                if standing:
                    yield self._remove(recorded, standing, before=before, head=heads[partition], dry_run=dry_run)

    def _write(self, batches: Sequence[StoredBatch]) -> Manifest:
        content = encode_file(batches, schema=self._schema, codec=self._codec)
        manifest = self._manifest(batches, content).signed(self._signer)
        self._storage.put(manifest.file, content, retain_until=self._retain_until())
        if self._verified(manifest) != batches:
            raise IntegrityError(
                f"archive file {manifest.file} read back is not what was written: nothing was recorded or removed",
                partition=manifest.partition,
                seq=manifest.first_seq,
            )
        number = self._catalogue.last_number + 1
        if not self._engine.append_document(Document(KIND, number, manifest.encode())):
            raise ArchiveError("another archive run goes on at the same time: wait until it has ended and run again")
        self._storage.put(manifest.name, manifest.encode(), retain_until=self._retain_until())
        self._catalogue.refresh()
        return manifest

    def _complete(self) -> None:
        """Put what belongs beside the files and is not there: manifests that a run was interrupted before, holds."""
        present = set(self._storage.names())
        for name, body in hold_files(self._engine).items():
            if name not in present:
                self._storage.put(name, body, retain_until=self._retain_until())
        for partition in range(self._metadata.partition_count):
            for manifest, encoded in self._catalogue.recorded(partition):
                if manifest.name not in present:
                    self._storage.put(manifest.name, encoded, retain_until=self._retain_until())

    def _remove(
        self, recorded: Recorded, standing: Sequence[StoredBatch], *, before: int, head: int, dry_run: bool
    ) -> Removal:
        oldest_kept = self._now - self._retention_microseconds
        old = [batch for batch in standing if batch.last_timestamp < min(before, oldest_kept)]
        young = [batch.last_timestamp for batch in standing if batch.last_timestamp >= oldest_kept]
        candidates = [batch for batch in old if batch.seq != head]
        if candidates and not dry_run:
            self._check_archived(recorded.manifest, candidates)
        # Read as late as can be: a hold that was placed a moment ago counts.
        in_force = frozenset(holds(self._engine)) if candidates else frozenset()
        removable = [batch.seq for batch in candidates if not in_force or in_force.isdisjoint(self._aggregates(batch))]
        if not dry_run:
            for first_seq, last_seq in runs(removable):
                self._engine.forget(
                    partition=recorded.manifest.partition,
                    first_seq=first_seq,
                    last_seq=last_seq,
                    manifest_hash=recorded.hash,
                )
        return Removal(
            partition=recorded.manifest.partition,
            removed=len(removable),
            held=len(candidates) - len(removable),
            young=len(young),
            newest=len(old) - len(candidates),
            last_young_timestamp=max(young, default=0),
        )

    def _check_archived(self, manifest: Manifest, batches: Sequence[StoredBatch]) -> None:
        archived = {batch.seq: batch for batch in self._verified(manifest)}
        for batch in batches:
            if archived.get(batch.seq) != batch:
                raise IntegrityError(
                    f"the store has another batch than archive file {manifest.file}: nothing of it was removed",
                    partition=batch.partition,
                    seq=batch.seq,
                )

    def _verified(self, manifest: Manifest) -> list[StoredBatch]:
        def read(codec: EventCodec) -> list[StoredBatch]:
            return list(verified_file(manifest, self._storage.get(manifest.file), codec=codec))

        return confirmed(lambda: read(self._codec), lambda: read(self._codec.fresh()))

    def _standing(self, manifest: Manifest) -> list[StoredBatch]:
        """Return the batches of an archive file that the store itself still has."""
        found: list[StoredBatch] = []
        after_seq = manifest.first_seq - 1
        while stored := self._engine.read(
            partition=manifest.partition,
            after_seq=after_seq,
            limit=min(READ_BATCHES_AT_ONCE, manifest.last_seq - after_seq),
        ):
            found += [batch for batch in stored if batch.seq <= manifest.last_seq]
            after_seq = stored[-1].seq
            if after_seq >= manifest.last_seq:
                break
        return found

    def _aggregates(self, batch: StoredBatch) -> set[str]:
        return set(self._reader.aggregate_ids(batch))

    def _manifest(self, batches: Sequence[StoredBatch], content: bytes) -> Manifest:
        first, last = batches[0], batches[-1]
        digest = hashlib.sha256(content).hexdigest()
        place = f"{first.seq:012d}-{last.seq:012d}-{digest[:_HASH_DIGITS_IN_NAME]}"
        return Manifest(
            file=f"partition-{first.partition:03d}/{place}.avro",
            metadata=self._metadata,
            partition=first.partition,
            first_seq=first.seq,
            last_seq=last.seq,
            batch_count=len(batches),
            event_count=sum(batch.event_count for batch in batches),
            first_timestamp=first.first_timestamp,
            last_timestamp=last.last_timestamp,
            file_bytes=len(content),
            file_sha256=digest,
            schema_fingerprint=fingerprint(self._schema),
            previous_hash=first.previous_hash.hex(),
            last_hash=last.hash.hex(),
            made_at=self._now,
            key_id=self._signer.key_id,
        )

    def _retain_until(self) -> int:
        return self._now + self._retention_microseconds


def runs(seqs: Sequence[int]) -> list[tuple[int, int]]:
    """Return ascending seqs as runs (first, last) without a hole."""
    breaks = [index for index, (one, two) in enumerate(pairwise(seqs), start=1) if two != one + 1]
    edges = [0, *breaks, len(seqs)] if seqs else []
    return [(seqs[start], seqs[end - 1]) for start, end in pairwise(edges)]
