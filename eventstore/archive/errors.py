"""What can go wrong with the archive, beyond what can go wrong with any store."""

from eventstore.errors import EventStoreError, StoreUnavailable


class ArchiveError(EventStoreError):
    """An archive operation cannot be done, or not be finished; the message says what was done and what to do."""


class ArchiveUnavailable(ArchiveError, StoreUnavailable):
    """The place of the archive files did not take the write or did not answer the read. Try again later."""


class NotInArchive(ArchiveError):
    """The archive has no file of that name."""
