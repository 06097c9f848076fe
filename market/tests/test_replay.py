from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.calendar import day_index, trading_days
from market.intraday import SESSION_STEPS
from market.replay import DAY, Phase, ReplayClock, ReplaySegment, check_seconds_per_day

SECOND_US = 1_000_000
EPOCH_US = 1_000 * SECOND_US
LAST_DAYS = trading_days()[-3]
FIRST = ReplaySegment(EPOCH_US, 0, 120, False, LAST_DAYS, "user:1", "begun")
CLOCK = ReplayClock((FIRST,))


def at(seconds, clock=CLOCK):
    return clock.position(EPOCH_US + int(seconds * SECOND_US))


def with_changes(*changes):
    """Return a clock that was changed after so many seconds, each time in these fields."""
    segments = [FIRST]
    for seconds, fields in changes:
        from_us = EPOCH_US + seconds * SECOND_US
        segments.append(replace(segments[-1], from_us=from_us, place=segments[-1].place_at(from_us), **fields))
    return ReplayClock(tuple(segments))


def test_a_day_opens_runs_and_closes():
    first = day_index(LAST_DAYS)
    assert (at(0).day_index, at(0).phase, at(0).step) == (first, Phase.OPEN, 0)
    assert (at(55).phase, at(55).step) == (Phase.OPEN, SESSION_STEPS // 2)
    assert (at(109.999).phase, at(109.999).step) == (Phase.OPEN, SESSION_STEPS - 1)
    assert (at(110).phase, at(110).step) == (Phase.CLOSED, SESSION_STEPS)
    assert (at(119.9).day_index, at(119.9).phase, at(119.9).step) == (first, Phase.CLOSED, SESSION_STEPS)
    assert (at(120).day_index, at(120).phase, at(120).step) == (first + 1, Phase.OPEN, 0)


def closes(clock, *seconds):
    return [(at(each, clock).closed_at_us - EPOCH_US) / SECOND_US for each in seconds]


def test_the_latest_close_is_that_of_this_day_or_of_the_one_before():
    assert closes(CLOCK, 0, 109.9, 110, 119, 120, 231) == [-10, -10, 110, 110, 110, 230]


def test_after_the_last_day_comes_the_first():
    first = day_index(LAST_DAYS)
    assert [at(120 * n).day_index - first for n in range(7)] == [0, 1, 2, 0, 1, 2, 0]


def test_an_instant_before_the_epoch_counts_as_the_epoch():
    assert at(-500) == at(0)


def test_a_paused_market_stays_where_it_is_and_goes_on_from_there():
    clock = with_changes((55, {"is_paused": True}), (1_055, {"is_paused": False}))
    before = at(54.9, clock)
    assert (before.phase, before.step) == (Phase.OPEN, at(54.9).step)
    for seconds in (55, 500, 1_054.9):
        assert at(seconds, clock) == replace(at(55), phase=Phase.PAUSED)
    for seconds in (0, 30, 54.9, 55, 60, 64.9):
        assert (
            replace(at(1_000 + seconds, clock), closed_at_us=0) == replace(at(seconds), closed_at_us=0) or seconds < 55
        )
    assert closes(clock, 60, 1_060, 1_109.9, 1_110, 1_121) == [-10, -10, -10, 1_110, 1_110]


def test_every_instant_of_the_past_keeps_its_place_when_the_speed_changes():
    clock = with_changes((60, {"seconds_per_day": 1_200}), (180, {"seconds_per_day": 12}))
    assert all(at(seconds, clock) == at(seconds) for seconds in (0, 30, 59.9, 60))
    assert at(180, clock).step == at(60 + 12).step
    assert at(180 + 3.7, clock).step == at(60 + 12 + 37).step
    assert closes(clock, 60, 180, 183.9, 184, 195.1) == [-10, -10, 183.8, 183.8, 183.8]
    assert closes(clock, 196) == [195.8]


def test_another_start_date_begins_there_and_the_latest_close_is_what_it_was():
    begun = replace(FIRST, from_us=EPOCH_US + 200 * SECOND_US, start_date=date(2019, 1, 2))
    clock = ReplayClock((FIRST, begun))
    assert at(199, clock) == at(199)
    assert (at(200, clock).day_index, at(200, clock).step) == (day_index(date(2019, 1, 2)), 0)
    assert closes(clock, 200, 309.9, 310) == [110, 110, 310]


@given(st.integers(2, 604_800), st.integers(0, 10**12), st.integers(0, 10**9), st.integers(2, 604_800))
def test_time_never_runs_backwards_and_no_close_is_in_the_future(seconds_per_day, elapsed_us, later_us, other):
    first = replace(FIRST, seconds_per_day=seconds_per_day)
    change_us = EPOCH_US + elapsed_us
    second = replace(first, from_us=change_us, place=first.place_at(change_us), seconds_per_day=other)
    clock = ReplayClock((first, second))
    instants = [EPOCH_US + elapsed_us // 2, change_us - 1, change_us, change_us + later_us]
    places = [clock.segment_at(each).place_at(max(each, EPOCH_US)) for each in instants]
    assert places == sorted(places)
    found = [clock.position(each) for each in instants]
    assert all(0 <= each.step <= SESSION_STEPS for each in found)
    assert [each.closed_at_us for each in found] == sorted(each.closed_at_us for each in found)
    assert all(each.closed_at_us <= max(at_us, EPOCH_US) for each, at_us in zip(found, instants, strict=True))
    assert places[2] - places[1] <= DAY // (seconds_per_day * SECOND_US) + 1, "a change leaves the replay where it is"


@pytest.mark.parametrize("value", [-1, 0, 1, 604_801])
def test_a_speed_out_of_range_is_refused(value):
    with pytest.raises(ValueError, match=f"2 to 604800 seconds, found {value}"):
        check_seconds_per_day(value)
