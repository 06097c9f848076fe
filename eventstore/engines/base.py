"""The port that every engine implements: conditional append, range read, heads, metadata.

An engine stores sealed batches as they are. It does not hash, decode, order or retry: that is the writer's and the
reader's work. What it does promise:

- `append` writes a batch only if nothing stands at its (partition, seq), decided by the storage itself and atomically,
  whichever processes or machines compete; it returns only after the data are durable;
- `read` returns batches in order of seq exactly as stored, holes and damage included.

Driver errors are translated here (`raise ... from`): StoreUnavailable when nothing was written, OutcomeUnknown when
that cannot be known.
"""

from collections.abc import Sequence
from typing import Protocol

from eventstore.record import StoredBatch, StoreMetadata


class Engine(Protocol):
    """Storage of one journal."""

    def open(self, proposed: StoreMetadata) -> StoreMetadata:
        """Open the store, creating it with the proposed metadata when it does not exist; return what it was made
        with.
        """

    def append(self, batches: Sequence[StoredBatch]) -> list[StoredBatch | None]:
        """Write batches of different partitions, each on its own condition.

        Returns for each batch None when it is durable, or the batch that already stands in its place.
        """

    def read(self, *, partition: int, after_seq: int, limit: int) -> list[StoredBatch]:
        """Return at most `limit` batches with a seq above `after_seq`, in order."""

    def heads(self) -> dict[int, int]:
        """Return the highest seq of every partition that has a batch."""

    def close(self) -> None:
        """Release what the engine holds; durable data are not touched."""
