"""Minute bars of prices as they come: those that were pushed, which nobody can ask for again.

Holds the minute that each symbol is in, and finished minutes until they are written. Pure: the clock is that of the
prices. A price of a minute that is over already, or that is older than one that is known, is left out.
"""

from dataclasses import dataclass, field
from typing import Final

from market.bars.definition import MINUTE_US, PUSHED, Bar

FINISHED_MAX: Final = 100_000
"""Bars that wait to be written: past it the oldest are given up."""


@dataclass(slots=True)
class PushedBars:
    """The bars of pushed prices that are not written yet."""

    _running: dict[str, Bar] = field(default_factory=dict)
    _latest_us: dict[str, int] = field(default_factory=dict)
    _finished: list[Bar] = field(default_factory=list)
    _changed: set[str] = field(default_factory=set)

    def add(self, symbol: str, *, price: int, at_us: int) -> None:
        """Take a price that was said at an instant; one that was taken already changes nothing."""
        if at_us <= self._latest_us.get(symbol, -1):
            return
        self._latest_us[symbol] = at_us
        minute_us = at_us // MINUTE_US * MINUTE_US
        running = self._running.get(symbol)
        if running is None or running.at_us != minute_us:
            if running is not None and symbol in self._changed:
                self._finished.append(running)
                del self._finished[: len(self._finished) - FINISHED_MAX]
            self._running[symbol] = Bar(symbol, minute_us, price, price, price, price, None, 1, PUSHED)
        else:
            self._running[symbol] = running._replace(
                high=max(running.high, price),
                low=min(running.low, price),
                close=price,
                price_count=(running.price_count or 0) + 1,
            )
        self._changed.add(symbol)

    def unwritten(self) -> list[Bar]:
        """Return what is new since the last call that was followed by `note_written`."""
        return [*self._finished, *(self._running[symbol] for symbol in sorted(self._changed))]

    def note_written(self, bars: list[Bar]) -> None:
        """Forget what is written; a minute that has moved on meanwhile is written again."""
        written = set(bars)
        self._finished = [bar for bar in self._finished if bar not in written]
        self._changed = {symbol for symbol in self._changed if self._running[symbol] not in written}


def continued(stored: Bar, bar: Bar) -> Bar:
    """Return a bar as it is with the part of its minute that a process before this one wrote."""
    count = None if stored.price_count is None or bar.price_count is None else stored.price_count + bar.price_count
    return bar._replace(
        open=stored.open, high=max(stored.high, bar.high), low=min(stored.low, bar.low), price_count=count
    )
