"""Instants as operators write and read them: ISO 8601, in UTC where no time zone is given."""

import datetime

from eventstore.archive.avro_schema import instant, microseconds
from eventstore.archive.errors import ArchiveError


def parse_instant(text: str) -> int:
    """Return UTC microseconds; a date alone is its midnight, no time zone is UTC. Raises ArchiveError."""
    try:
        parsed = datetime.datetime.fromisoformat(text)
        if parsed.tzinfo is None:
            parsed = parsed.replace(tzinfo=datetime.UTC)
        return microseconds(parsed)
    except (ValueError, OverflowError) as error:
        raise ArchiveError(
            f"{text!r} is not an instant ({error}): write 2019-01-31, or 2019-01-31T17:30:00, or with a time zone "
            "2019-01-31T17:30:00+01:00"
        ) from error


def parse_past_instant(text: str, *, option: str, now: int) -> int:
    """Return UTC microseconds that are not past `now`; raises ArchiveError naming the command's option."""
    at = parse_instant(text)
    if at > now:
        raise ArchiveError(f"{option} {show_instant(at)} is in the future: name an instant that has passed")
    return at


def show_instant(at: int) -> str:
    """Return UTC microseconds as text, as short as is exact."""
    shown = instant(at)
    if shown.time() == datetime.time():
        return f"{shown:%Y-%m-%d} 00:00 UTC"
    return f"{shown:%Y-%m-%d %H:%M:%S.%f}".rstrip("0").rstrip(".") + " UTC"
