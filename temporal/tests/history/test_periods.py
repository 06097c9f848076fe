"""Days, weeks and months, and when they begin: clocks that jump, days that never were, and what is refused."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from eventstore.record import instant_of
from temporal.errors import FutureInstant, InvalidMoment
from temporal.performance.periods import Period, begins, date_of, ends, kind_of, periods_of, today_in, zone_of

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("day", "zone", "begins_at", "hours"),
    [
        ("2026-03-08", "UTC", "2026-03-08T00:00:00+00:00", 24),
        ("2026-03-08", "America/New_York", "2026-03-08T05:00:00+00:00", 23),
        ("2026-11-01", "America/New_York", "2026-11-01T04:00:00+00:00", 25),
        ("2026-01-05", "Pacific/Tongatapu", "2026-01-04T11:00:00+00:00", 24),
        # The clock jumps over midnight, and midnight comes twice.
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00+00:00", 23),
        ("2026-11-01", "America/Havana", "2026-11-01T04:00:00+00:00", 25),
        # The day that Samoa left out, and the one after.
        ("2011-12-30", "Pacific/Apia", "2011-12-30T10:00:00+00:00", 0),
        ("2011-12-31", "Pacific/Apia", "2011-12-30T10:00:00+00:00", 24),
    ],
)
def test_a_day_begins_and_ends_by_its_own_clock(day, zone, begins_at, hours):
    day, zone = date.fromisoformat(day), ZoneInfo(zone)
    assert instant_of(begins(day, zone)).isoformat() == begins_at
    assert ends(day, zone) - begins(day, zone) == hours * 3_600_000_000


def test_today_is_another_day_elsewhere():
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert today_in(ZoneInfo("Pacific/Tongatapu"), now=now) == date(2026, 11, 24)
    assert today_in(ZoneInfo("America/New_York"), now=now) == TODAY


def test_weeks_begin_on_monday_and_months_on_the_first():
    weeks = periods_of(date(2026, 11, 15), TODAY, "week", today=TODAY)
    assert weeks == [
        Period(date(2026, 11, 15), date(2026, 11, 15)),
        Period(date(2026, 11, 16), date(2026, 11, 22)),
        Period(TODAY, TODAY),
    ]
    months = periods_of(date(2023, 12, 31), date(2024, 3, 1), "month", today=TODAY)
    assert [str(month.end_date) for month in months] == ["2023-12-31", "2024-01-31", "2024-02-29", "2024-03-01"]


def test_ten_years_of_days_are_shown_and_not_a_day_more():
    assert len(periods_of(date(2010, 1, 1), date(2020, 1, 8), "day", today=TODAY)) == 3_660
    with pytest.raises(InvalidMoment, match="at most 3,660 periods are shown at a time: ask for weeks or months"):
        periods_of(date(2010, 1, 1), date(2020, 1, 9), "day", today=TODAY)


def test_what_cannot_be_asked_for_is_refused_with_what_to_do():
    with pytest.raises(InvalidMoment, match="a range ends on the day that it begins or later"):
        periods_of(TODAY, date(2026, 11, 22), "day", today=TODAY)
    with pytest.raises(FutureInstant, match="2026-11-24 has not come yet: it is 2026-11-23 in that time zone"):
        periods_of(TODAY, date(2026, 11, 24), "day", today=TODAY)
    for text in ("2026-11-31", "23.11.2026", "", "2026-11-23T00:00:00Z"):
        with pytest.raises(InvalidMoment, match=r"a day is written YYYY-MM-DD|there is no day"):
            date_of(text)
    with pytest.raises(InvalidMoment, match="the first day that can be asked for is 1970-01-02"):
        date_of("1970-01-01")
    for text in ("Mars/Olympus", "", "../etc/passwd", "/etc/passwd", "a\0b", "America"):
        with pytest.raises(InvalidMoment, match="a time zone has an IANA name"):
            zone_of(text)
    with pytest.raises(InvalidMoment, match="a period is one of day, week, month; found 'year'"):
        kind_of("year")
