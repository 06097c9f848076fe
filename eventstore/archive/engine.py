"""An engine whose removed batches are read from the archive, so that nobody above it knows that they were removed.

Everything is delegated to the engine that it wraps, but a hole in what that returns is filled from the archive files
that the store's own documents name. A file whose bytes are not those of its signed manifest is refused. A hole that no
manifest covers stays a hole, for the reader to stop at. The archive is not asked before there is a hole: while it
cannot be reached, everything that stands in the store itself works.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Final

from eventstore.archive.avro_file import decode_file
from eventstore.archive.catalogue import Catalogue, Recorded
from eventstore.archive.signing import Verify
from eventstore.archive.storage import ArchiveStorage
from eventstore.engines.base import AppendOutcome, Engine
from eventstore.errors import IntegrityError
from eventstore.record import Document, StoredBatch, StoredPage, StoreMetadata, Stretch

FILES_CACHED_MAX: Final = 4
"""How many decoded files are kept: readers go through one after another, a few of them at the same time."""


class ArchivedEngine:
    """Wraps an engine; `bare` is what stands in the store itself."""

    def __init__(self, bare: Engine, storage: ArchiveStorage, *, verify: Verify) -> None:
        self.bare = bare
        self._storage = storage
        self._verify = verify
        self._catalogue = Catalogue(bare, verify=verify)
        self._files: OrderedDict[str, list[StoredBatch]] = OrderedDict()
        self._lock = threading.RLock()

    def check_exists(self) -> None:
        self.bare.check_exists()

    def open(self, proposed: StoreMetadata) -> StoreMetadata:
        return self.bare.open(proposed)

    def reopened(self) -> "ArchivedEngine":
        return ArchivedEngine(self.bare.reopened(), self._storage, verify=self._verify)

    def problems(self) -> list[str]:
        return self.bare.problems()

    def close(self) -> None:
        self.bare.close()

    def turn(self) -> AbstractContextManager[None]:
        return self.bare.turn()

    def expect_appends(self) -> None:
        self.bare.expect_appends()

    def append(self, batches: Sequence[StoredBatch]) -> list[AppendOutcome]:
        return self.bare.append(batches)

    def read(self, *, partition: int, after_seq: int, limit: int) -> list[StoredBatch]:
        stored = self.bare.read(partition=partition, after_seq=after_seq, limit=limit)
        if stored and stored[0].seq == after_seq + 1 and stored[-1].seq == after_seq + len(stored):
            return stored
        with self._lock:
            return self._filled(stored, partition=partition, after_seq=after_seq, limit=limit)

    def heads(self) -> dict[int, int]:
        return self.bare.heads()  # A partition's newest batch is never removed.

    def seek(self, *, partition: int, timestamp: int) -> int:
        """As near as a file: what is inside one is not looked at, and timestamps never decrease in a partition."""
        with self._lock:
            self._catalogue.refresh()
            archived = [
                recorded.manifest.last_seq
                for recorded in self._catalogue.recorded(partition)
                if recorded.manifest.last_timestamp < timestamp
            ]
        return max(self.bare.seek(partition=partition, timestamp=timestamp), archived[-1] if archived else 0)

    def forget(self, *, partition: int, first_seq: int, last_seq: int, manifest_hash: bytes) -> None:
        self.bare.forget(partition=partition, first_seq=first_seq, last_seq=last_seq, manifest_hash=manifest_hash)

    def claim_stretch(self, *, partition: int, after_seq: int, through_seq: int) -> int:
        return self.bare.claim_stretch(partition=partition, after_seq=after_seq, through_seq=through_seq)

    def put_pages(self, pages: Sequence[StoredPage], *, partition: int, stretch: Stretch) -> bool:
        return self.bare.put_pages(pages, partition=partition, stretch=stretch)

    def replace_pages(self, pages: Sequence[StoredPage], *, partition: int, stretch: Stretch) -> None:
        self.bare.replace_pages(pages, partition=partition, stretch=stretch)

    def page_position(self, *, partition: int) -> int:
        return self.bare.page_position(partition=partition)

    def page_stretches(self, *, partition: int) -> list[Stretch]:
        return self.bare.page_stretches(partition=partition)

    def last_page(
        self, aggregate_id: str, *, version: int | None = None, timestamp: int | None = None
    ) -> StoredPage | None:
        return self.bare.last_page(aggregate_id, version=version, timestamp=timestamp)

    def pages(self, aggregate_id: str, *, after_version: int, limit: int) -> list[StoredPage]:
        return self.bare.pages(aggregate_id, after_version=after_version, limit=limit)

    def append_document(self, document: Document) -> bool:
        return self.bare.append_document(document)

    def documents(self, *, kind: str, after: int = 0) -> list[Document]:
        return self.bare.documents(kind=kind, after=after)

    def latest_document(self, *, kind: str) -> Document | None:
        return self.bare.latest_document(kind=kind)

    def _filled(
        self, stored: Sequence[StoredBatch], *, partition: int, after_seq: int, limit: int
    ) -> list[StoredBatch]:
        """Return what is stored, the holes before and between filled where a manifest covers them."""
        found: list[StoredBatch] = []
        for batch in stored:
            expected_seq = (found[-1].seq if found else after_seq) + 1
            if expected_seq < batch.seq:
                found += self._archived(partition, expected_seq, batch.seq, limit - len(found))
            found.append(batch)
            if len(found) >= limit:
                break
        return found[:limit]

    def _archived(self, partition: int, seq: int, end: int, limit: int) -> list[StoredBatch]:
        """Return the archived batches from `seq` to before `end`, up to the first that no manifest covers."""
        if self._catalogue.covering(partition, end - 1) is None:
            self._catalogue.refresh()
        found: list[StoredBatch] = []
        while len(found) < limit and seq < end:
            recorded = self._catalogue.covering(partition, seq)
            if recorded is None:
                break
            start = seq - recorded.manifest.first_seq
            found += self._file(recorded, seq)[start : start + end - seq]
            seq = found[-1].seq + 1
        return found[:limit]

    def _file(self, recorded: Recorded, seq: int) -> list[StoredBatch]:
        """Return the batches of an archive file that is what its manifest says."""
        manifest = recorded.manifest
        if manifest.file in self._files:
            self._files.move_to_end(manifest.file)
            return self._files[manifest.file]
        content = self._storage.get(manifest.file)
        if not manifest.matches(content):
            raise IntegrityError(
                f"archive file {manifest.file} is not what its manifest was signed for: restore it from a copy",
                partition=manifest.partition,
                seq=seq,
            )
        try:
            batches = list(decode_file(content))
        except ValueError as error:
            detail = f"archive file {manifest.file} was signed for and cannot be read ({error})"
            raise IntegrityError(detail, partition=manifest.partition, seq=seq) from error
        self._files[manifest.file] = batches
        if len(self._files) > FILES_CACHED_MAX:
            self._files.popitem(last=False)
        return batches


def bare_engine(engine: Engine) -> Engine:
    """Return the engine that holds what stands in the store itself."""
    return engine.bare if isinstance(engine, ArchivedEngine) else engine
