"""The journal in memory: a full implementation of the port for tests and experiments. Durable only while it lives."""

import threading
from collections.abc import Sequence

from eventstore.record import StoredBatch, StoreMetadata


class MemoryEngine:
    """Keeps batches in a dictionary. One instance may be shared by several writers and threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._metadata: StoreMetadata | None = None
        self._partitions: dict[int, dict[int, StoredBatch]] = {}

    def open(self, proposed: StoreMetadata) -> StoreMetadata:
        with self._lock:
            if self._metadata is None:
                self._metadata = proposed
            return self._metadata

    def append(self, batches: Sequence[StoredBatch]) -> list[StoredBatch | None]:
        with self._lock:
            return [self._append_one(batch) for batch in batches]

    def read(self, *, partition: int, after_seq: int, limit: int) -> list[StoredBatch]:
        with self._lock:
            stored = self._partitions.get(partition, {})
            return [stored[seq] for seq in sorted(stored) if seq > after_seq][:limit]

    def heads(self) -> dict[int, int]:
        with self._lock:
            return {partition: max(stored) for partition, stored in self._partitions.items() if stored}

    def close(self) -> None:
        """Nothing is held."""

    def _append_one(self, batch: StoredBatch) -> StoredBatch | None:
        stored = self._partitions.setdefault(batch.partition, {})
        standing = stored.get(batch.seq)
        if standing is None:
            stored[batch.seq] = batch
        return standing
