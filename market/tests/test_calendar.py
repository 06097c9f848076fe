from datetime import date

import pytest

from market.calendar import (
    OutsideCalendar,
    day_index,
    first_index_from,
    trading_days,
)


def test_the_days_are_sorted_and_none_is_a_week_end():
    days = trading_days()
    assert (days[0], days[-1]) == (date(2015, 1, 2), date(2022, 12, 28))
    assert list(days) == sorted(set(days))
    assert all(day.weekday() < 5 for day in days)


def test_a_day_is_found_by_its_date():
    assert trading_days()[day_index(date(2019, 1, 2))] == date(2019, 1, 2)


def test_a_holiday_leads_to_the_next_trading_day():
    assert trading_days()[first_index_from(date(2019, 1, 1))] == date(2019, 1, 2)
    with pytest.raises(OutsideCalendar, match="next one is 2019-01-02"):
        day_index(date(2019, 1, 1))


@pytest.mark.parametrize("day", [date(1999, 1, 4), date(2023, 1, 3)])
def test_a_day_outside_the_data_is_refused_with_their_range(day):
    with pytest.raises(OutsideCalendar, match="2015-01-02 to 2022-12-28"):
        first_index_from(day)
