import hashlib
import os
import subprocess
import sys
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.calendar import OutsideCalendar, day_index, trading_days
from market.intraday import SESSION_STEPS, bridge, daily_volatility_ppm, day_path
from market.money import TICK, round_to_tick
from market.prices import close_price, closes_of, replayed_symbols

DAY = day_index(date(2019, 3, 4))
symbols = st.sampled_from(replayed_symbols())
days = st.integers(min_value=1, max_value=len(trading_days()) - 1)
prices = st.integers(min_value=1, max_value=10**9)


@settings(max_examples=50, deadline=None)
@given(symbol=symbols, day=days)
def test_a_path_leads_to_the_real_close_in_whole_cents(symbol, day):
    path = day_path(symbol=symbol, day_index=day)
    assert len(path.prices) == SESSION_STEPS + 1
    assert path.previous_close == close_price(symbol=symbol, day_index=day - 1)
    assert path.prices[-1] == close_price(symbol=symbol, day_index=day)
    assert all(price > 0 and price % TICK == 0 for price in path.prices)


@settings(max_examples=50, deadline=None)
@given(previous=prices, close=prices, volatility=st.integers(0, 5_000_000), seed=st.text("abc|123", max_size=9))
def test_no_volatility_makes_a_price_zero_or_misses_the_close(previous, close, volatility, seed):
    path = bridge(previous_close=previous, close=close, volatility_ppm=volatility, seed=seed)
    assert min(path) >= TICK
    assert path[-1] == round_to_tick(close)


def test_without_volatility_the_path_is_the_straight_line():
    path = bridge(previous_close=1_000_000, close=1_292_500, volatility_ppm=0, seed="any")
    assert path[0] == 1_058_500  # A fifth of the way: the night.
    assert list(path) == sorted(path)


def test_highs_and_lows_are_those_of_the_prices_so_far():
    path = day_path(symbol="MSFT", day_index=DAY)
    for step in (0, 1, 700, SESSION_STEPS):
        assert path.highs[step] == max(path.prices[: step + 1])
        assert path.lows[step] == min(path.prices[: step + 1])


def test_the_paths_are_pinned():
    # Another figure means that every user sees other prices: if that is meant, change the seed's version too.
    shown = "".join(f"{symbol}{list(day_path(symbol=symbol, day_index=DAY).prices)}" for symbol in replayed_symbols())
    assert (
        hashlib.sha256(shown.encode()).hexdigest() == "92f428a949f64f300597af5911cbaaa4ee0ab006e25cd3b2488c4eaafe987d8f"
    )


def test_another_process_with_another_hash_seed_gives_the_same_path():
    code = f"from market.intraday import day_path;print(*day_path(symbol='KO', day_index={DAY}).prices, end='')"
    shown = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert shown == " ".join(map(str, day_path(symbol="KO", day_index=DAY).prices))


def test_days_and_symbols_have_paths_of_their_own():
    starts = {
        tuple(bridge(previous_close=10**6, close=10**6, volatility_ppm=20_000, seed=seed)[:50])
        for seed in ("AAPL|1", "AAPL|2", "MSFT|1")
    }
    assert len(starts) == 3


def test_the_paths_are_as_wide_as_the_volatility_says():
    # Half way through a bridge of variance 1 the variance is 1/4: over many days the deviation is near half of it.
    middles = [
        bridge(previous_close=10**8, close=10**8, volatility_ppm=20_000, seed=f"width-{n}")[878] - 10**8
        for n in range(300)
    ]
    deviation = (sum(each * each for each in middles) / len(middles)) ** 0.5
    assert 0.9 < deviation / (10**8 * 0.02 / 2) < 1.1


def test_volatility_is_the_deviation_of_the_sixty_days_before():
    # Up and down by 1 % in turn; the crash on the day itself must not be known before it.
    closes = [1_000_000 + 10_000 * (n % 2) for n in range(100)] + [500_000]
    assert 9_800 < daily_volatility_ppm(closes, day_index=100) < 10_200
    assert daily_volatility_ppm([5, 5], day_index=1) == 0


def test_the_real_volatilities_are_sensible():
    for symbol in replayed_symbols():
        assert 3_000 < daily_volatility_ppm(closes_of(symbol), day_index=DAY) < 80_000


def test_the_first_day_of_the_data_has_no_path():
    with pytest.raises(OutsideCalendar, match="no close before it"):
        day_path(symbol="AAPL", day_index=0)
