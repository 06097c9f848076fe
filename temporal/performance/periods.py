"""Days, weeks and months of a time zone, and the instants at which they begin. Pure; the clock comes in as an argument.

A day begins at its local midnight, or, where clocks jump over midnight, at the jump; so it may have 23 or 25 hours.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, Literal, NamedTuple, TypeAlias, get_args
from zoneinfo import ZoneInfo, available_timezones

from edge.instants import InvalidInstant, parse_day
from eventstore.record import microseconds
from temporal.errors import FutureInstant, InvalidMoment

PeriodKind: TypeAlias = Literal["day", "week", "month"]
KINDS: Final[tuple[PeriodKind, ...]] = get_args(PeriodKind)
PERIODS_MAX: Final = 3_660
"""Periods of one answer: ten years of days."""
FIRST_DATE: Final = date(1970, 1, 2)
"""The first day that is whole in every time zone: instants are counted from 1970-01-01 UTC."""
_DAY: Final = timedelta(days=1)


class Period(NamedTuple):
    """Days of the range from `start_date` to `end_date`, both included."""

    start_date: date
    end_date: date


def zone_of(name: str) -> ZoneInfo:
    """Return the time zone of an IANA name; raises InvalidMoment."""
    if name not in _zone_names():
        raise InvalidMoment(f"a time zone has an IANA name, such as UTC or America/New_York; found {name[:40]!r}")
    return ZoneInfo(name)


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    """Return the names of the tz database: of what lies in its folder, not what stands for this machine or for none."""
    return frozenset(available_timezones()) - {"Factory", "localtime", "posixrules"}


def kind_of(text: str) -> PeriodKind:
    """Return the kind of period that a text names; raises InvalidMoment."""
    for kind in KINDS:
        if kind == text:
            return kind
    raise InvalidMoment(f"a period is one of {', '.join(KINDS)}; found {text[:40]!r}")


def date_of(text: str) -> date:
    """Return the day that a text such as 2026-11-23 names; raises InvalidMoment."""
    try:
        parsed = parse_day(text)
    except InvalidInstant as error:
        raise InvalidMoment(str(error)) from None
    if parsed < FIRST_DATE:
        raise InvalidMoment(f"the first day that can be asked for is {FIRST_DATE}, found {parsed}")
    return parsed


def today_in(zone: ZoneInfo, *, now: datetime) -> date:
    """Return which day it is in a time zone."""
    return now.astimezone(zone).date()


def periods_of(start: date, end: date, kind: PeriodKind, *, today: date) -> list[Period]:
    """Return the periods of a range of days, both ends included; weeks begin on Monday.

    The first and the last are cut where the range begins and ends. Raises InvalidMoment, or FutureInstant for a range
    that ends after `today`.
    """
    if end < start:
        raise InvalidMoment(f"a range ends on the day that it begins or later: found {start} to {end}")
    if end > today:
        raise FutureInstant(f"{end} has not come yet: it is {today} in that time zone")
    found: list[Period] = []
    while start <= end:
        if len(found) == PERIODS_MAX:
            raise InvalidMoment(
                f"at most {PERIODS_MAX:,} periods are shown at a time: ask for weeks or months, or for fewer days"
            )
        last = min(_last_day(start, kind), end)
        found.append(Period(start, last))
        start = last + _DAY
    return found


def begins(day: date, zone: ZoneInfo) -> int:
    """Return when a day begins in a time zone, in UTC microseconds."""
    return microseconds(datetime.combine(day, time(), tzinfo=zone).astimezone(UTC))


def ends(day: date, zone: ZoneInfo) -> int:
    """Return when the day after begins."""
    return begins(day + _DAY, zone)


def _last_day(day: date, kind: PeriodKind) -> date:
    if kind == "day":
        return day
    if kind == "week":
        return day + timedelta(days=6 - day.weekday())
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - _DAY
