"""Instants at the edge: aware datetimes outside, UTC microseconds inside."""

from datetime import UTC, datetime, timedelta
from typing import Final

from eventstore.errors import InvalidRange

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def microseconds(instant: datetime) -> int:
    """Return an instant as UTC microseconds; raises InvalidRange when it has no time zone."""
    if instant.tzinfo is None or instant.utcoffset() is None:
        raise InvalidRange(f"an instant needs a time zone, found {instant.isoformat()}: add one, +00:00 for UTC")
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(timestamp: int) -> datetime:
    """Return UTC microseconds as an aware datetime."""
    return _EPOCH + timedelta(microseconds=timestamp)
