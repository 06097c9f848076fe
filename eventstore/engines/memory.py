"""The store in memory: a full implementation of the port for tests and experiments. Durable only while it lives."""

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from eventstore.engines.base import AppendOutcome
from eventstore.errors import ConfigurationMismatch
from eventstore.record import Document, StoredBatch, StoredPage, StoreMetadata, Stretch


class MemoryEngine:
    """Keeps records in dictionaries. One instance may be shared by several writers and threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._metadata: StoreMetadata | None = None
        self._partitions: dict[int, dict[int, StoredBatch]] = {}
        self._pages: dict[str, dict[int, StoredPage]] = {}
        self._stretches: dict[int, list[Stretch]] = {}
        self._documents: dict[str, dict[int, Document]] = {}

    def check_exists(self) -> None:
        if self._metadata is None:
            raise ConfigurationMismatch("there is no event store in this memory yet")

    def open(self, proposed: StoreMetadata) -> StoreMetadata:
        with self._lock:
            if self._metadata is None:
                self._metadata = proposed
            return self._metadata

    def reopened(self) -> "MemoryEngine":
        return self

    def write_lock(self) -> AbstractContextManager[None]:
        return nullcontext()

    def expect_appends(self) -> None:
        """Nothing would be quicker for it."""

    def append(self, batches: Sequence[StoredBatch]) -> list[AppendOutcome]:
        with self._lock:
            return [self._append_one(batch) for batch in batches]

    def read(self, *, partition: int, after_seq: int, limit: int) -> list[StoredBatch]:
        with self._lock:
            stored = self._partitions.get(partition, {})
            return [stored[seq] for seq in sorted(stored) if seq > after_seq][:limit]

    def heads(self) -> dict[int, int]:
        with self._lock:
            return {partition: max(stored) for partition, stored in self._partitions.items() if stored}

    def seek(self, *, partition: int, timestamp: int) -> int:
        with self._lock:
            stored = self._partitions.get(partition, {})
            return max((seq for seq, batch in stored.items() if batch.last_timestamp < timestamp), default=0)

    def forget(self, *, partition: int, first_seq: int, last_seq: int, manifest_hash: bytes) -> None:
        with self._lock:
            stored = self._partitions.get(partition, {})
            for seq in [seq for seq in stored if first_seq <= seq <= last_seq and seq < max(stored)]:
                del stored[seq]

    def reserve_page_range(self, *, partition: int, after_seq: int, through_seq: int) -> int:
        return through_seq  # Pages and position are written in one step.

    def put_pages(self, pages: Sequence[StoredPage], *, partition: int, stretch: Stretch) -> bool:
        with self._lock:
            if self.page_position(partition=partition) != stretch.after_seq:
                return False
            self._write(pages)
            self._stretches.setdefault(partition, []).append(stretch)
            return True

    def replace_pages(self, pages: Sequence[StoredPage], *, partition: int, stretch: Stretch) -> None:
        with self._lock:
            self._write(pages)
            stretches = self._stretches[partition]
            place = next(n for n, each in enumerate(stretches) if each.through_seq == stretch.through_seq)
            stretches[place] = stretch

    def page_position(self, *, partition: int) -> int:
        with self._lock:
            stretches = self._stretches.get(partition)
            return stretches[-1].through_seq if stretches else 0

    def page_stretches(self, *, partition: int) -> list[Stretch]:
        with self._lock:
            return list(self._stretches.get(partition, ()))

    def last_page(
        self, aggregate_id: str, *, version: int | None = None, timestamp: int | None = None
    ) -> StoredPage | None:
        with self._lock:
            candidates = [
                page
                for page in self._pages.get(aggregate_id, {}).values()
                if (version is None or page.first_version <= version)
                and (timestamp is None or page.first_timestamp <= timestamp)
            ]
            return max(candidates, key=lambda page: page.first_version, default=None)

    def pages(self, aggregate_id: str, *, after_version: int, limit: int) -> list[StoredPage]:
        with self._lock:
            stored = self._pages.get(aggregate_id, {})
            return [stored[first] for first in sorted(stored) if stored[first].last_version > after_version][:limit]

    def append_document(self, document: Document) -> bool:
        with self._lock:
            return self._documents.setdefault(document.kind, {}).setdefault(document.number, document) is document

    def documents(self, *, kind: str, after: int = 0) -> list[Document]:
        with self._lock:
            stored = self._documents.get(kind, {})
            return [stored[number] for number in sorted(stored) if number > after]

    def latest_document(self, *, kind: str) -> Document | None:
        with self._lock:
            stored = self._documents.get(kind, {})
            return stored[max(stored)] if stored else None

    def problems(self) -> list[str]:
        return []

    def close(self) -> None:
        """Nothing is held."""

    def _write(self, pages: Sequence[StoredPage]) -> None:
        for page in pages:
            self._pages.setdefault(page.aggregate_id, {})[page.first_version] = page

    def _append_one(self, batch: StoredBatch) -> StoredBatch | None:
        stored = self._partitions.setdefault(batch.partition, {})
        standing = stored.get(batch.seq)
        if standing is None:
            stored[batch.seq] = batch
        return standing
