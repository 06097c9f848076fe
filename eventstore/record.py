"""The records of the journal: what is written (StoredBatch) and what is read (Batch of Commits of events).

A *commit* is what one command produced for one aggregate; a *batch* is the commits of many commands, sealed and written
as one item. A batch's place is (partition, seq), seq running 1, 2, 3 ... in each partition without a gap.
"""

import zlib
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec.structs import astuple

from eventstore.errors import InvalidRange

E = TypeVar("E")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def partition_of(aggregate_id: str, partition_count: int) -> int:
    """Return the partition that an aggregate's events live in, for ever: CRC-32 of the id, modulo the count."""
    return zlib.crc32(aggregate_id.encode()) % partition_count


def microseconds(instant: datetime) -> int:
    """Return an instant as UTC microseconds; raises InvalidRange when it has no time zone."""
    if instant.tzinfo is None or instant.utcoffset() is None:
        raise InvalidRange(f"an instant needs a time zone, found {instant.isoformat()}: add one, +00:00 for UTC")
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(timestamp: int) -> datetime:
    """Return UTC microseconds as an aware datetime."""
    return _EPOCH + timedelta(microseconds=timestamp)


class CommitHeader(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Everything about a commit but its events, in stored order.

    `timestamp` is UTC microseconds, given by the writer, non-decreasing within a partition. `correlation_id` is None
    when the command began the conversation itself (then the command id is the correlation id).
    """

    aggregate_id: str
    first_version: int
    timestamp: int
    command_id: str
    correlation_id: str | None
    causation_id: str | None
    actor: str
    metadata: dict[str, str] | None


class Commit(msgspec.Struct, Generic[E], array_like=True, gc=False):
    """One command's events as read back; event i has version `first_version + i` and id `event_ids[i]`.

    The first nine fields are the stored ones, in stored order. `event_ids` is filled in by the reader on request: an
    event's id is derived from its hash, so it is not stored.
    """

    aggregate_id: str
    first_version: int
    timestamp: int
    command_id: str
    correlation_id: str | None
    causation_id: str | None
    actor: str
    metadata: dict[str, str] | None
    events: tuple[E, ...]
    event_ids: tuple[str, ...] = ()

    @property
    def header(self) -> tuple[Any, ...]:
        """The eight values of the header, in stored order (see CommitHeader)."""
        return astuple(self)[:8]


class RecordedEvent(msgspec.Struct, frozen=True):
    """One event as users know it; `timestamp` is UTC microseconds, `data` the event itself in its current version."""

    event_id: str
    aggregate_id: str
    event_type: str
    version: int
    timestamp: int
    command_id: str
    correlation_id: str
    causation_id: str | None
    actor: str
    metadata: dict[str, str]
    data: Any


def event_type_name(cls: type[msgspec.Struct]) -> str:
    """Return the name of a type of events as users know it: its tag without the schema version."""
    return str(cls.__struct_config__.tag).partition("@")[0]


def recorded_events(commit: Commit[Any]) -> list[RecordedEvent]:
    """Return the events of a commit that was read with its event ids."""
    return [
        RecordedEvent(
            event_id=event_id,
            aggregate_id=commit.aggregate_id,
            event_type=event_type_name(type(event)),
            version=version,
            timestamp=commit.timestamp,
            command_id=commit.command_id,
            correlation_id=commit.correlation_id or commit.command_id,
            causation_id=commit.causation_id,
            actor=commit.actor,
            metadata=commit.metadata or {},
            data=event,
        )
        for version, (event_id, event) in enumerate(
            zip(commit.event_ids, commit.events, strict=True), start=commit.first_version
        )
    ]


class Batch(msgspec.Struct, frozen=True):
    """A verified, decoded batch of the journal."""

    partition: int
    seq: int
    hash: bytes
    event_count: int
    last_timestamp: int
    commits: list[Commit[Any]]


class StoredBatch(msgspec.Struct, frozen=True, array_like=True):
    """A batch as an engine stores it: the payload and the header that seals it.

    `hash` covers every other field but `payload_crc` and `leaf_prefixes`, which only help to *place* damage: the CRC-32
    of the payload finds a single flipped bit, the first four bytes of each event's hash find the altered event.
    """

    partition: int
    seq: int
    batch_id: bytes
    first_timestamp: int
    last_timestamp: int
    commit_count: int
    event_count: int
    previous_hash: bytes
    merkle_root: bytes
    payload_hash: bytes
    hash: bytes
    leaf_prefixes: bytes
    payload_crc: int
    payload: bytes


class StoreMetadata(msgspec.Struct, frozen=True):
    """What was fixed when the store was created. `store_id` enters the first hash of every chain."""

    store_id: str
    format: int
    partition_count: int
    created_at: int


class StoredPage(msgspec.Struct, frozen=True, array_like=True):
    """Consecutive events of one aggregate and its state before the first of them, as an engine stores it.

    Derived from the journal; replaced only by what is made of the same events again. `payload` is compressed; `hash`
    covers every other field.
    """

    aggregate_id: str
    first_version: int
    last_version: int
    first_timestamp: int
    last_timestamp: int
    hash: bytes
    payload: bytes


class Stretch(msgspec.Struct, frozen=True, array_like=True):
    """A part of a partition's journal, (after_seq, through_seq], that is in pages, and the version of the states in
    these (see Evolver.state_version); 0 when that is not known.
    """

    after_seq: int
    through_seq: int
    state_version: int


class Document(msgspec.Struct, frozen=True, array_like=True):
    """A small record beside the journal (a signed checkpoint, a legal hold): numbered 1, 2, 3 ... within its kind."""

    kind: str
    number: int
    body: bytes
