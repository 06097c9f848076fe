"""What can go wrong with the event store and its archive, one class per thing that a caller can do about it."""


class EventStoreError(Exception):
    """Base of every error of this package."""


class ConfigurationMismatch(EventStoreError):
    """The store on disk was made with other settings than the ones it is opened with; nothing was read or written."""


class StoreUnavailable(EventStoreError):
    """The storage did not take the write or did not answer the read; nothing was written. Try again later."""


class ClockUntrusted(EventStoreError):
    """The machine's clock was moved, or is behind the newest event; nothing was written. Try again when it is right."""


class OutcomeUnknown(EventStoreError):
    """A write was sent and the answer was lost: it may or may not be durable. Ask again with the same command id."""


class ConflictLimitReached(EventStoreError):
    """Other writers won every one of the bounded number of tries; nothing was written. Try again."""


class CommandIdReused(EventStoreError):
    """The sender used this command id for something else; nothing was written. A new command needs a new id."""

    def __init__(self, command_id: str) -> None:
        super().__init__(
            f"the command id {command_id!r} was used for another command: a retry repeats all of its arguments, "
            "a new command has a new id"
        )


class CommandIdExpired(EventStoreError):
    """The id says that it is older than what is remembered, so whether it was executed cannot be known; nothing was
    written.
    """

    def __init__(self, command_id: str) -> None:
        super().__init__(
            f"the command id {command_id!r} carries a time from before the commands that are remembered, so it "
            "may have been executed: look at what became of it, and send a new command with a new id"
        )


class UnknownAggregate(EventStoreError):
    """The aggregate has no events (at the version or instant that was asked for)."""

    def __init__(self, aggregate_id: str) -> None:
        super().__init__(f"aggregate {aggregate_id!r} has no events there: check the id, the version and the instant")
        self.aggregate_id = aggregate_id


class InvalidRange(EventStoreError, ValueError):
    """The range or version that was asked for cannot be read; nothing was."""


class UnknownEventType(EventStoreError):
    """A stored event has a type or schema version that this process does not know: it runs older code than the
    writer.
    """


class FeedGap(EventStoreError):
    """A partition's batches do not follow one another without a hole. The reader has stopped before the hole."""

    def __init__(self, *, partition: int, expected_seq: int, found_seq: int | None) -> None:
        found = "the feed ends" if found_seq is None else f"found seq {found_seq}"
        super().__init__(
            f"partition {partition}: seq {expected_seq} is missing ({found}). "
            "Nothing past the hole was read; run `manage.py verify_events`"
        )
        self.partition = partition
        self.expected_seq = expected_seq
        self.found_seq = found_seq


class IntegrityError(EventStoreError):
    """Stored data are not what was written: says where, as exactly as it can be known. Never skipped, never
    repaired.
    """

    def __init__(
        self,
        detail: str,
        *,
        partition: int | None,
        seq: int | None,
        aggregate_id: str | None = None,
        version: int | None = None,
    ) -> None:
        places = [] if partition is None else [f"partition {partition}, seq {'?' if seq is None else seq}"]
        if aggregate_id is not None:
            places.append(f"aggregate {aggregate_id}, version {'?' if version is None else version}")
        super().__init__(f"{', '.join(places)}: {detail}")
        self.detail = detail
        self.partition = partition
        self.seq = seq
        self.aggregate_id = aggregate_id
        self.version = version


class ArchiveError(EventStoreError):
    """An archive operation cannot be done, or not be finished; the message says what was done and what to do."""


class ArchiveUnavailable(ArchiveError, StoreUnavailable):
    """The place of the archive files did not take the write or did not answer the read. Try again later."""


class NotInArchive(ArchiveError):
    """The archive has no file of that name."""
