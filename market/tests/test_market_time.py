from datetime import UTC, date, datetime

import pytest

from market.calendar import trading_days
from market.intraday import SESSION_STEPS
from market.quotes import market_time_us
from market.replay import Phase, ReplayPosition
from market.sessions import session_bounds_us
from market.tests.samples import DAY, sample_sheet


def shown(instant_us):
    return datetime.fromtimestamp(instant_us / 1_000_000, UTC).isoformat()


@pytest.mark.parametrize(
    ("day", "opens", "closes"),
    [
        (date(2019, 3, 4), "14:30:00", "21:00:00"),
        (date(2019, 3, 11), "13:30:00", "20:00:00"),
        (date(2019, 7, 3), "13:30:00", "17:00:00"),
    ],
    ids=["winter", "summer", "before a holiday"],
)
def test_a_replayed_session_has_the_hours_of_new_york(day, opens, closes):
    assert [shown(each) for each in session_bounds_us(day)] == [f"{day}T{opens}+00:00", f"{day}T{closes}+00:00"]


def test_the_markets_time_goes_from_the_open_to_the_close_and_stays_there():
    bounds = session_bounds_us(DAY)
    assert sample_sheet(now_us=1, step=0).market_time_us == bounds[0]
    assert shown(sample_sheet(now_us=1, step=SESSION_STEPS // 2).market_time_us) == f"{DAY}T17:45:00+00:00"
    assert sample_sheet(now_us=1, step=SESSION_STEPS, phase=Phase.CLOSED).market_time_us == bounds[1]


def test_the_markets_time_rises_over_all_days():
    instants = [
        market_time_us(ReplayPosition(day_index=index, phase=Phase.OPEN, step=step))
        for index in range(len(trading_days()))
        for step in (0, SESSION_STEPS)
    ]
    assert instants == sorted(set(instants))
