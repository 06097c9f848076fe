"""Minute bars of the replayed market, from the path of its prices itself: none is missing between two sheets of quotes,
and it does not matter which sheets were made.

Step k of a session of m minutes falls k * m / `SESSION_STEPS` minutes after the open; the price of the close is the
last minute's.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from market.bars.definition import MINUTE_US, SIMULATED, Bar
from market.calendar import trading_days
from market.corporate_actions.adjustments import NO_ADJUSTMENTS, Adjustments
from market.intraday import SESSION_STEPS, day_path
from market.money import PRICE_MAX
from market.prices import replayed_symbols
from market.sessions import session_bounds_us


class _Minutes(NamedTuple):
    """The minutes of a session: when it opens, and the first step of each, with the end of the steps behind them."""

    open_us: int
    first_steps: NDArray[np.int64]


def minute_count(day_index: int) -> int:
    """Return how many minutes a day's session has."""
    return len(_minutes_of(day_index).first_steps) - 1


def minute_of(day_index: int, at_us: int) -> int:
    """Return which minute of a day's session an instant is in, from 0; the close is in the last one."""
    return min(max((at_us - _minutes_of(day_index).open_us) // MINUTE_US, 0), minute_count(day_index) - 1)


def minute_bars(
    day_index: int, *, from_minute: int, to_step: int, adjustments: Adjustments = NO_ADJUSTMENTS, at_us: int = 0
) -> list[Bar]:
    """Return the bars of all replayed symbols, as splits and changes of symbol until an instant of real time have
    them, from a minute of the session up to a step of it; the last one may be of a minute that is not over, and has no
    price that comes later. A minute that reverse splits have brought above PRICE_MAX, which nobody quoted, is left out.
    """
    open_us, first_steps = _minutes_of(day_index)
    starts = first_steps[from_minute:-1]
    starts = starts[starts <= to_step]
    if not len(starts):
        return []
    ends = np.append(starts[1:], min(to_step + 1, first_steps[from_minute + len(starts)]))
    instants = (open_us + (from_minute + np.arange(len(starts))) * MINUTE_US).tolist()
    counts = (ends - starts).tolist()
    bars = []
    for symbol, how in adjustments.replayed(replayed_symbols(), at_us=at_us).items():
        prices = np.asarray(day_path(symbol=how.path, day_index=day_index).prices)[: ends[-1]]
        whole = (
            prices[starts],
            np.maximum.reduceat(prices, starts),
            np.minimum.reduceat(prices, starts),
            prices[ends - 1],
        )
        opens, highs, lows, closes = (list(map(how.price, each.tolist())) for each in whole)
        bars += [
            Bar(symbol, begins_us, opened, high, low, close, None, count, SIMULATED)
            for begins_us, opened, high, low, close, count in zip(
                instants, opens, highs, lows, closes, counts, strict=True
            )
            if high <= PRICE_MAX
        ]
    return bars


@lru_cache(maxsize=8)
def _minutes_of(day_index: int) -> _Minutes:
    open_us, close_us = session_bounds_us(trading_days()[day_index])
    minutes = (close_us - open_us) // MINUTE_US
    firsts = -(-np.arange(minutes, dtype=np.int64) * SESSION_STEPS // minutes)  # Rounded up.
    return _Minutes(open_us, np.append(firsts, SESSION_STEPS + 1))
