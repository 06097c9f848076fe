"""Open, high, low and close of a day, from the SIMULATED path; only the close of a finished day is a real
figure.

A bar taken during the session covers what has been shown so far and says nothing of what is still to come.
"""

from dataclasses import dataclass

from market.intraday import DayPath


@dataclass(frozen=True, slots=True)
class Bar:
    """Prices of a stretch of time in ten-thousandths; `close` is the latest price of it."""

    open: int
    high: int
    low: int
    close: int


def bar_until(path: DayPath, *, step: int) -> Bar:
    """Return the bar from the open to a step of the session (0 = the open, `SESSION_STEPS` = the close)."""
    return Bar(open=path.prices[0], high=path.highs[step], low=path.lows[step], close=path.prices[step])
