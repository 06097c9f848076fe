"""Moments of an account's life: an instant, or a version. What outside texts say is checked here."""

from datetime import UTC, datetime
from typing import NamedTuple

from edge.instants import InvalidInstant, parse_instant
from temporal.errors import FutureInstant, InvalidMoment


class Moment(NamedTuple):
    """An instant (what was recorded at it counts), or a version; neither means now."""

    at: datetime | None = None
    version: int | None = None


NOW = Moment()


def moment_of(*, at: str | None, version: str | int | None, now: datetime) -> Moment:
    """Return the moment that was asked for; raises InvalidMoment or FutureInstant.

    `at` is RFC 3339 with a time zone, such as 2026-11-23T14:30:00Z; `now` is what the clock says.
    """
    if at is not None and version is not None:
        raise InvalidMoment("give an instant or a version, not both")
    if version is not None:
        return Moment(version=_version(version))
    return NOW if at is None else Moment(at=instant(at, now=now))


def instant(text: str, *, now: datetime) -> datetime:
    """Return the instant that a text names, in UTC; raises InvalidMoment or FutureInstant."""
    try:
        parsed = parse_instant(text)
    except InvalidInstant as error:
        raise InvalidMoment(str(error)) from None
    if parsed > now:
        raise FutureInstant(f"{text[:40]!r} has not come yet: it is {now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
    return parsed


def _version(given: str | int) -> int:
    text = str(given)
    if not (text.isascii() and text.isdigit()) or len(text) > 18 or int(text) < 1:
        raise InvalidMoment(f"a version is a whole number from 1, found {text[:40]!r}")
    return int(text)
