"""What the projections share: the shape of a row, and an event with its place."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from eventstore.kernels.compiling import Octets
from eventstore.record import Commit

Row: TypeAlias = dict[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Recorded(NamedTuple):
    """One event as a projection sees it, with what the header of its commit says; `timestamp` is UTC microseconds."""

    account_id: str
    version: int
    event_id: str
    event: Any
    timestamp: int
    command_id: str
    correlation_id: str | None
    causation_id: str | None
    actor: str

    @property
    def at(self) -> datetime:
        """When it was recorded."""
        return instant(self.timestamp)


def recorded_events(commit: Commit[Any]) -> list[Recorded]:
    """Return the events of a commit, each with its place."""
    header = (commit.timestamp, commit.command_id, commit.correlation_id, commit.causation_id, commit.actor)
    return [
        Recorded(commit.aggregate_id, commit.first_version + index, event_id, event, *header)
        for index, (event, event_id) in enumerate(zip(commit.events, commit.event_ids, strict=True))
    ]


def uuid_text(octets: Octets) -> str:
    """Return the text of a UUID, given its bytes: u1[16]."""
    return str(UUID(bytes=octets.tobytes()))


def instant(timestamp: int) -> datetime:
    """Return UTC microseconds as a datetime, exactly."""
    return _EPOCH + timedelta(microseconds=timestamp)


def day(number: int) -> date:
    """Return the day with this number of days since 1970-01-01."""
    return _EPOCH.date() + timedelta(days=number)


def timestamp_of(at: datetime) -> int:
    """Return what `instant` was made of."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def number_of(date_: date) -> int:
    """Return what `day` was made of."""
    return (date_ - _EPOCH.date()).days
