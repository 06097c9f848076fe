"""Instants and days as callers write them: RFC 3339 and ISO 8601 in their one plain form, nothing else.

`datetime.fromisoformat` takes weeks, basic forms, digits of other scripts and any number of decimals: each of these
would be answered with something that nobody had asked for.
"""

import re
from datetime import UTC, date, datetime
from typing import Final

INSTANT_EXAMPLE: Final = "2026-01-31T09:30:00Z"
DAY_EXAMPLE: Final = "2026-01-31"
_RULE: Final = (
    f"an instant is RFC 3339 with a time zone, such as {INSTANT_EXAMPLE}, to the microsecond at most (+ is %2B in an "
    "address)"
)
_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class InvalidInstant(ValueError):
    """A text is no instant, or no day; the message says how one is written."""


def parse_instant(text: str) -> datetime:
    """Return the instant that a text names, in UTC; raises InvalidInstant. Which zone is meant is never guessed."""
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise InvalidInstant(f"{_RULE}; found {_shown(text)}")
    if match[2] is None:
        raise InvalidInstant(f"{_RULE}; {_shown(text)} has no time zone: add one, Z for UTC")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInstant(f"{_RULE}; there is no {_shown(text)}") from None


def parse_day(text: str) -> date:
    """Return the day that a text names; raises InvalidInstant."""
    if _DAY.fullmatch(text) is None:
        raise InvalidInstant(f"a day is written YYYY-MM-DD, such as {DAY_EXAMPLE}; found {_shown(text)}")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInstant(f"there is no day {_shown(text)} ({error})") from None


def _shown(text: str) -> str:
    return repr(text[:40])
