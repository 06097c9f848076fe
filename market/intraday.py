"""The SIMULATED path of a price within one day, between two real closes. No figure of this module is real.

The data have one close a day. What happens between two of them is made up here as a Brownian bridge: a random
walk that is tied to the previous close at one end and to this day's close at the other, as wide as the
stock's daily volatility over the 60 days before makes likely. The first fifth of the variance is the night,
so that the day opens away from the previous close; the rest is spread evenly over the session.

It promises to be the same on every machine, in every process and with every Python: the randomness is
SHAKE-256 (FIPS 202) of the symbol and the date, and all arithmetic is on integers. Every price is a whole
number of cents, never zero, and the last one is exactly the real close rounded to the cent.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import shake_256
from itertools import accumulate
from math import isqrt
from typing import Final

from market.calendar import OutsideCalendar, trading_days
from market.money import round_to_tick
from market.prices import close_price, closes_of

SESSION_STEPS: Final = 2_340  # One step for every 10 seconds of a session of six and a half hours.
NIGHT_STEPS: Final = 585  # A fifth of all steps: the share of a day's variance that falls between close and open.
VOLATILITY_DAYS: Final = 60
PPM: Final = 1_000_000  # Volatility is in parts per million of the price: 12,000 is 1.2 % a day.

_STEPS: Final = NIGHT_STEPS + SESSION_STEPS
_SEED_VERSION: Final = "intraday-1"  # A part of the seed: change it whenever the paths are to become others.
# A step is drawn evenly from the odd numbers in +-65535, whose variance is 65536^2 / 3 (but for a part in 4
# billion).
_WALK_DEVIATION: Final = isqrt(65_536**2 * _STEPS // 3)


@dataclass(frozen=True, slots=True)
class DayPath:
    """One symbol's simulated prices of one day, at `SESSION_STEPS` + 1 evenly spaced instants from open to
    close.

    `highs` and `lows` hold the highest and lowest price up to each instant. All in ten-thousandths.
    """

    previous_close: int
    prices: Sequence[int]
    highs: Sequence[int]
    lows: Sequence[int]


@lru_cache(maxsize=128)
def day_path(*, symbol: str, day_index: int) -> DayPath:
    """Return the path of a symbol on the day of this index; the first day of the data has none."""
    if day_index < 1:
        raise OutsideCalendar(
            f"day {day_index} of the data has no close before it to start a path from; choose a later day"
        )
    previous_close = close_price(symbol=symbol, day_index=day_index - 1)
    prices = bridge(
        previous_close=previous_close,
        close=close_price(symbol=symbol, day_index=day_index),
        volatility_ppm=daily_volatility_ppm(closes_of(symbol), day_index=day_index),
        seed=f"{_SEED_VERSION}|{symbol}|{trading_days()[day_index]}",
    )
    return DayPath(
        previous_close=previous_close,
        prices=prices,
        highs=array("q", accumulate(prices, max)),
        lows=array("q", accumulate(prices, min)),
    )


def bridge(*, previous_close: int, close: int, volatility_ppm: int, seed: str) -> Sequence[int]:
    """Return the prices of one session, open first, close last. The same arguments always give the same
    prices.

    The walk W is shifted by its own drift so that it ends at zero (W_k - W_n * k / n, the usual construction
    of a Brownian bridge), scaled to the volatility and laid over the straight line from close to close.
    """
    walk = list(accumulate(_random_steps(seed)))
    noise_divisor = _STEPS * _WALK_DEVIATION * PPM
    prices = array("q")
    for k in range(NIGHT_STEPS, _STEPS):
        line = previous_close + (close - previous_close) * k // _STEPS
        tied = walk[k - 1] * _STEPS - walk[-1] * k
        prices.append(round_to_tick(line + previous_close * volatility_ppm * tied // noise_divisor))
    prices.append(round_to_tick(close))
    return prices


def daily_volatility_ppm(closes: Sequence[int], *, day_index: int) -> int:
    """Return the standard deviation of the daily returns of the 60 days before this one, in parts per
    million.

    The days at the very beginning of the data have fewer days before them; they use the first 60 days
    instead.
    """
    first = max(day_index - VOLATILITY_DAYS, 1)
    window = range(first, first + VOLATILITY_DAYS)
    returns = [(closes[i] - closes[i - 1]) * PPM // closes[i - 1] for i in window if i < len(closes)]
    if len(returns) < 2:
        return 0
    total = sum(returns)
    squares = sum(each * each for each in returns)
    return isqrt((squares * len(returns) - total * total) // (len(returns) * (len(returns) - 1)))


def _random_steps(seed: str) -> list[int]:
    stream = shake_256(seed.encode("ascii")).digest(2 * _STEPS)
    return [2 * int.from_bytes(stream[i : i + 2], "big") - 65_535 for i in range(0, len(stream), 2)]


@dataclass(frozen=True, slots=True)
class Bar:
    """Prices of a stretch of time in ten-thousandths; `close` is the latest price of it.

    Simulated: only the close of a finished day is a real figure. A bar taken during the session covers what has been
    shown so far and says nothing of what is still to come.
    """

    open: int
    high: int
    low: int
    close: int


def bar_until(path: DayPath, *, step: int) -> Bar:
    """Return the bar from the open to a step of the session (0 = the open, `SESSION_STEPS` = the close)."""
    return Bar(open=path.prices[0], high=path.highs[step], low=path.lows[step], close=path.prices[step])
