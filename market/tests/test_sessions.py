"""Sessions, holidays and early closes: known days of known exchanges, and the replayed days among them."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime

import exchange_calendars
import pytest

from market.calendar import trading_days
from market.instruments.csv_file import DEMO_FILE, definitions_of, read_file
from market.sessions import (
    ALWAYS,
    ISO_CALENDARS,
    NAMED_EXCHANGES,
    Session,
    calendar_of,
    latest_close_us,
    sessions_of,
)


def us(*parts):
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000


NEW_YORK = sessions_of("XNYS")
APPLE = definitions_of(read_file(DEMO_FILE))["AAPL"]


def test_the_replayed_days_are_the_sessions_of_new_york():
    days = trading_days()
    sessions = NEW_YORK.between(us(days[0].year, 1, 1), us(2022, 12, 29))
    assert [session.day for session in sessions] == list(days)


def test_a_session_has_the_hours_of_its_season_and_the_early_close_of_its_holiday():
    assert NEW_YORK.on(date(2019, 3, 4)) == Session(date(2019, 3, 4), us(2019, 3, 4, 14, 30), us(2019, 3, 4, 21))
    assert NEW_YORK.on(date(2019, 7, 2)) == Session(date(2019, 7, 2), us(2019, 7, 2, 13, 30), us(2019, 7, 2, 20))
    assert NEW_YORK.on(date(2019, 7, 3)) == Session(date(2019, 7, 3), us(2019, 7, 3, 13, 30), us(2019, 7, 3, 17))
    assert NEW_YORK.on(date(2019, 7, 4)) is None
    assert NEW_YORK.on(date(2019, 7, 6)) is None


def test_a_market_is_open_from_its_open_until_before_its_close():
    assert not NEW_YORK.is_open(us(2019, 3, 4, 14, 29))
    assert NEW_YORK.is_open(us(2019, 3, 4, 14, 30))
    assert NEW_YORK.is_open(us(2019, 3, 4, 20, 59))
    assert not NEW_YORK.is_open(us(2019, 3, 4, 21))
    assert not NEW_YORK.is_open(us(1980, 3, 4, 15))
    assert not NEW_YORK.is_open(us(2060, 3, 4, 15))


def test_tokyo_pauses_at_noon():
    tokyo = sessions_of("XTKS")
    assert [tokyo.is_open(us(2019, 3, 4, *at)) for at in ((2, 29), (2, 30), (3, 29), (3, 30), (6, 0))] == [
        True,
        False,
        False,
        True,
        False,
    ]


def test_sydney_opens_on_the_utc_day_before():
    assert sessions_of("XASX").on(date(2019, 3, 4)).open_us == us(2019, 3, 3, 23)


def test_the_next_open_and_close_leap_over_a_weekend_and_end_with_the_calendar():
    friday_evening = us(2019, 3, 1, 21)
    assert NEW_YORK.next_open_us(friday_evening) == us(2019, 3, 4, 14, 30)
    assert NEW_YORK.next_close_us(friday_evening) == us(2019, 3, 4, 21)
    assert NEW_YORK.next_close_us(friday_evening - 1) == friday_evening
    assert NEW_YORK.next_open_us(us(2060, 1, 1)) is None


def test_the_latest_close_leaps_over_a_weekend_and_counts_from_its_own_instant():
    assert latest_close_us(us(2019, 3, 4, 20, 59)) == us(2019, 3, 1, 21)
    assert latest_close_us(us(2019, 3, 4, 21)) == us(2019, 3, 4, 21)
    assert latest_close_us(us(2019, 7, 4, 23)) == us(2019, 7, 3, 17)


def test_a_stretch_of_time_has_the_sessions_that_it_touches():
    def days(*stretch):
        return [session.day.day for session in NEW_YORK.between(*stretch)]

    assert days(us(2019, 3, 4, 20, 59), us(2019, 3, 5, 14, 31)) == [4, 5]
    assert days(us(2019, 3, 4, 21), us(2019, 3, 5, 14, 30)) == []


@pytest.mark.parametrize(
    ("exchange", "kind", "calendar"),
    [
        ("NYSE", "STOCK", "XNYS"),
        ("Nasdaq", "STOCK", "XNYS"),
        ("XTKS", "STOCK", "XTKS"),
        ("COINBASE", "CRYPTO", ALWAYS),
        ("NYSE", "CRYPTO", ALWAYS),
        ("OTC", "BOND", ALWAYS),
    ],
)
def test_an_exchange_leads_to_its_calendar(exchange, kind, calendar):
    assert calendar_of(replace(APPLE, exchange=exchange, kind=kind)) == calendar


def test_every_calendar_that_is_named_here_there_is():
    there = set(exchange_calendars.get_calendar_names(include_aliases=False))
    assert there >= ISO_CALENDARS | set(NAMED_EXCHANGES.values())


def test_around_the_clock_every_day_is_a_session_and_nothing_is_loaded():
    code = (
        "import sys; from datetime import date; from market.sessions import sessions_of;"
        "session = sessions_of('24/7').on(date(2019, 7, 6));"
        "print(session.close_us - session.open_us, 'pandas' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["86400000000", "False"]
