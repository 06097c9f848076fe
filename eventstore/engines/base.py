"""The port that every engine implements: the journal, its pages, and numbered documents beside it.

An engine stores sealed records as they are. It does not hash, decode or order: that is the writer's and the
reader's work. What it does promise:

- `append` writes a batch only if nothing stands at its (partition, seq), decided by the storage itself and atomically,
  whichever processes or machines compete; it returns only after the data are durable;
- `read` returns batches in order of seq exactly as stored, holes and damage included;
- batches and documents are only ever added; `forget` is the one guarded way to remove anything;
- a page stands until the same events' page replaces it, so whoever has seen a page position finds pages up to it.

Driver errors are translated here (`raise ... from`): StoreUnavailable when nothing was written, OutcomeUnknown when
that cannot be known.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeAlias

from eventstore.errors import EventStoreError
from eventstore.record import Document, StoredBatch, StoredPage, StoreMetadata, Stretch

AppendOutcome: TypeAlias = StoredBatch | EventStoreError | None
"""None: it is durable. A batch: that one stands in its place. An error: what this batch alone met, others apart."""


class Journal(Protocol):
    """Batches by (partition, seq)."""

    def write_lock(self) -> AbstractContextManager[None]:
        """Return a block during which other writers wait, where the storage can make them; elsewhere it does nothing.

        For a writer that has lost a race and would lose the next one too. Who appends a seq never depends on it.
        """

    def expect_appends(self) -> None:
        """Make ready for many appends, where the storage is quicker for that. Nothing that is stored changes."""

    def append(self, batches: Sequence[StoredBatch]) -> list[AppendOutcome]:
        """Write batches of different partitions, each on its own condition; return an outcome for each.

        Raises when none of them was written, or that cannot be known of any.
        """

    def read(self, *, partition: int, after_seq: int, limit: int) -> list[StoredBatch]:
        """Return batches with a seq above `after_seq`, in order: at least one if there is any, at most `limit`."""

    def heads(self) -> dict[int, int]:
        """Return the highest seq of every partition that has a batch."""

    def seek(self, *, partition: int, timestamp: int) -> int:
        """Return a seq (0 for none) after which every event at or past `timestamp` (UTC microseconds) stands.

        As near to the first such event as the storage can tell cheaply; batches after it may still be earlier.
        """

    def forget(self, *, partition: int, first_seq: int, last_seq: int, manifest_hash: bytes) -> None:
        """Remove batches that were archived, as the manifest with this hash proves; never a partition's newest batch.

        Idempotent, and the only way to remove anything. The storage may take its time; `read` does not return them
        any more.
        """


class Pages(Protocol):
    """Pages by (aggregate_id, first_version), and how far the journal has been turned into them."""

    def reserve_page_range(self, *, partition: int, after_seq: int, through_seq: int) -> int:
        """Return where the stretch of the journal ends that is to become pages after `after_seq`: `through_seq`, or
        what was claimed before it, if pages of that may have been written already. `put_pages` takes no other end.
        """

    def put_pages(self, pages: Sequence[StoredPage], *, partition: int, stretch: Stretch) -> bool:
        """Add the pages of a stretch of the journal; False, and nothing else is changed, when the partition's page
        position is not where the stretch begins any more. A crash in between leaves only pages that the next try
        writes again, the same bytes.
        """

    def replace_pages(self, pages: Sequence[StoredPage], *, partition: int, stretch: Stretch) -> None:
        """Write the pages of a stretch that is in pages already over those, under the same keys, and its version. At
        every moment each of the pages is there, the old one or the new one.
        """

    def page_position(self, *, partition: int) -> int:
        """Return the seq up to which a partition's events are in pages, 0 when none are."""

    def page_stretches(self, *, partition: int) -> list[Stretch]:
        """Return all stretches that became pages, in order; the last one ends at the partition's page position."""

    def last_page(
        self, aggregate_id: str, *, version: int | None = None, timestamp: int | None = None
    ) -> StoredPage | None:
        """Return the last page that begins at or before a version, or at or before an instant, or at all."""

    def pages(self, aggregate_id: str, *, after_version: int, limit: int) -> list[StoredPage]:
        """Return pages whose last version is above `after_version`, in order, at most `limit`."""


class Documents(Protocol):
    """Small records beside the journal, only ever added."""

    def append_document(self, document: Document) -> bool:
        """Write a document if its (kind, number) is free; False when it is taken. Durable when True is returned."""

    def documents(self, *, kind: str, after: int = 0) -> list[Document]:
        """Return the documents of a kind whose number is above `after`, in order."""

    def latest_document(self, *, kind: str) -> Document | None:
        """Return the document of a kind with the highest number, None when there is none."""


class Engine(Journal, Pages, Documents, Protocol):
    """Storage of one store."""

    def check_exists(self) -> None:
        """Raise ConfigurationMismatch when there is no store yet, which `open` would create."""

    def open(self, proposed: StoreMetadata) -> StoreMetadata:
        """Open the store, creating it with the proposed metadata when it does not exist; return what it was made
        with.
        """

    def reopened(self) -> "Engine":
        """Return an engine on the same open storage that shares no connection and no cache with this one, for a second
        reading. Whoever asks for it closes it.
        """

    def problems(self) -> list[str]:
        """Return what the storage itself finds wrong with its structure (a damaged tree can hide rows from any read);
        nothing when all is well, or where the storage looks after that on its own.
        """

    def close(self) -> None:
        """Release what the engine holds; durable data are not touched."""
