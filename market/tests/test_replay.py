import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.intraday import SESSION_STEPS
from market.replay import Phase, ReplayClock, check_seconds_per_day, epoch_after_speed_change

SECOND_US = 1_000_000
CLOCK = ReplayClock(epoch_us=1_000 * SECOND_US, seconds_per_day=120, first_day_index=10, day_count=3)


def at(seconds):
    return CLOCK.position(CLOCK.epoch_us + int(seconds * SECOND_US))


def test_a_day_opens_runs_and_closes():
    assert (at(0).day_index, at(0).phase, at(0).step) == (10, Phase.OPEN, 0)
    assert (at(55).phase, at(55).step) == (Phase.OPEN, SESSION_STEPS // 2)
    assert (at(109.999).phase, at(109.999).step) == (Phase.OPEN, SESSION_STEPS - 1)
    assert (at(110).phase, at(110).step) == (Phase.CLOSED, SESSION_STEPS)
    assert (at(119.9).day_index, at(119.9).phase, at(119.9).step) == (10, Phase.CLOSED, SESSION_STEPS)
    assert (at(120).day_index, at(120).phase, at(120).step) == (11, Phase.OPEN, 0)


def test_the_latest_close_is_that_of_this_day_or_of_the_one_before():
    closed_at = [(at(seconds).closed_at_us - CLOCK.epoch_us) / SECOND_US for seconds in (0, 109.9, 110, 119, 120, 231)]
    assert closed_at == [-10, -10, 110, 110, 110, 230]


def test_after_the_last_day_comes_the_first():
    assert [at(120 * n).day_index for n in range(7)] == [10, 11, 12, 10, 11, 12, 10]


def test_an_instant_before_the_epoch_counts_as_the_epoch():
    assert at(-500) == at(0)


@given(st.integers(2, 604_800), st.integers(0, 10**16), st.integers(0, 10**9))
def test_time_never_runs_backwards_within_a_replay(seconds_per_day, now_us, later_us):
    clock = ReplayClock(epoch_us=0, seconds_per_day=seconds_per_day, first_day_index=0, day_count=10**10)
    early, late = clock.position(now_us), clock.position(now_us + later_us)
    assert (early.day_index, early.step) <= (late.day_index, late.step)
    assert 0 <= early.step <= SESSION_STEPS


@given(st.integers(2, 604_800), st.integers(2, 604_800), st.integers(0, 10**15))
def test_a_change_of_speed_stays_where_the_replay_is(old, new, elapsed_us):
    now_us = 2 * 10**15
    epoch_us = epoch_after_speed_change(epoch_us=now_us - elapsed_us, old_seconds=old, new_seconds=new, now_us=now_us)
    # In whole days the two differ by less than the microsecond that the division rounds off.
    assert abs((now_us - epoch_us) * old - elapsed_us * new) <= old


@pytest.mark.parametrize("value", [-1, 0, 1, 604_801])
def test_a_speed_out_of_range_is_refused(value):
    with pytest.raises(ValueError, match=f"from 2 to 604800, found {value}"):
        check_seconds_per_day(value)
