"""The trading days: the days that the price data have, in order, and nothing that could be computed about
others.

A day is addressed by its index (0 = the first day of the data), because what comes before a day is the day
with the index below, whatever week-ends and holidays lie between. Not here: the time of day (`replay`).
"""

from bisect import bisect_left
from datetime import date

from market.prices import daily_closes


class OutsideCalendar(ValueError):
    """A date that the data do not have."""


def trading_days() -> tuple[date, ...]:
    """Return every trading day of the data, oldest first."""
    return daily_closes().days


def day_index(day: date) -> int:
    """Return the index of a trading day, or raise `OutsideCalendar`."""
    index = first_index_from(day)
    if trading_days()[index] != day:
        raise OutsideCalendar(f"{day} is not a trading day; the next one is {trading_days()[index]}")
    return index


def first_index_from(day: date) -> int:
    """Return the index of this day or, when it is not a trading day, of the next one."""
    days = trading_days()
    if not days[0] <= day <= days[-1]:
        raise OutsideCalendar(f"{day} is outside the data; choose a day from {days[0]} to {days[-1]}")
    return bisect_left(days, day)
