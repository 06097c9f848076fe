"""An engine whose removed batches are read from the archive, so that nobody above it knows that they were removed.

Everything is the wrapped engine's, but a hole in what that returns is filled from the archive files that the store's
own documents name. A file whose bytes are not those of its signed manifest is refused. A hole that no manifest covers
stays a hole, for the reader to stop at. The archive is not asked before there is a hole: while it cannot be reached,
everything that stands in the store itself works.
"""

import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from eventstore.archive.avro import decode_file
from eventstore.archive.manifests import Catalogue, Manifest
from eventstore.archive.storage import ArchiveStorage
from eventstore.audit.signing_keys import Verify
from eventstore.engines.base import Engine
from eventstore.errors import IntegrityError
from eventstore.record import StoredBatch

FILES_CACHED_MAX: Final = 4
"""How many decoded files are kept: readers go through one after another, a few of them at the same time."""


class ArchivedEngine:
    """Wraps an engine; `bare` is what stands in the store itself."""

    def __init__(self, bare: Engine, storage: ArchiveStorage, *, verify: Verify) -> None:
        self.bare = bare
        self._storage = storage
        self._verify = verify
        self._catalogue = Catalogue(bare, verify=verify)
        self._file = lru_cache(maxsize=FILES_CACHED_MAX)(self._read_file)
        self._lock = threading.RLock()
        self.check_exists = bare.check_exists
        self.open = bare.open
        self.problems = bare.problems
        self.close = bare.close
        self.write_lock = bare.write_lock
        self.expect_appends = bare.expect_appends
        self.append = bare.append
        self.heads = bare.heads  # A partition's newest batch is never removed.
        self.forget = bare.forget
        self.reserve_page_range = bare.reserve_page_range
        self.put_pages = bare.put_pages
        self.replace_pages = bare.replace_pages
        self.page_position = bare.page_position
        self.page_stretches = bare.page_stretches
        self.last_page = bare.last_page
        self.pages = bare.pages
        self.append_document = bare.append_document
        self.documents = bare.documents
        self.latest_document = bare.latest_document

    def reopened(self) -> "ArchivedEngine":
        return ArchivedEngine(self.bare.reopened(), self._storage, verify=self._verify)

    def read(self, *, partition: int, after_seq: int, limit: int) -> list[StoredBatch]:
        stored = self.bare.read(partition=partition, after_seq=after_seq, limit=limit)
        if stored and stored[0].seq == after_seq + 1 and stored[-1].seq == after_seq + len(stored):
            return stored
        with self._lock:
            return self._filled(stored, partition=partition, after_seq=after_seq, limit=limit)

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
            found += self._file(recorded.manifest)[start : start + end - seq]
            seq = found[-1].seq + 1
        return found[:limit]

    def _read_file(self, manifest: Manifest) -> list[StoredBatch]:
        """Return the batches of an archive file that is what its manifest says."""
        content = self._storage.get(manifest.file)
        if not manifest.matches(content):
            raise IntegrityError(
                f"archive file {manifest.file} is not what its manifest was signed for: restore it from a copy",
                partition=manifest.partition,
                seq=manifest.first_seq,
            )
        try:
            return list(decode_file(content))
        except ValueError as error:
            detail = f"archive file {manifest.file} was signed for and cannot be read ({error})"
            raise IntegrityError(detail, partition=manifest.partition, seq=manifest.first_seq) from error


def bare_engine(engine: Engine) -> Engine:
    """Return the engine that holds what stands in the store itself."""
    return engine.bare if isinstance(engine, ArchivedEngine) else engine
