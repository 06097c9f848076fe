"""The clock of the replayed market: which trading day it is, and how far into its session, at an instant of real time.

A replay is a list of segments, each with the real time from which it counts, where the market was then, and how fast it
ran from there on, or that it was paused. So every real instant since the beginning has its instant of the market, also
after the speed was changed, and processes that read the same segments agree without talking to one another. A trading
day takes a configured number of seconds; its last twelfth is the CLOSED phase. When the data end, the replay begins
again at its first day. Not here: where the segments are kept (`replay_file`), and prices.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Final

from market.calendar import first_index_from, trading_days
from market.intraday import SESSION_STEPS

CLOSED_SHARE: Final = 12  # The last 1/12 of a day's time: 10 of 120 seconds.
SECONDS_PER_DAY_MIN: Final = 2
SECONDS_PER_DAY_MAX: Final = 7 * 24 * 3600

_SECOND_US: Final = 1_000_000
DAY: Final = SECONDS_PER_DAY_MAX * _SECOND_US
"""A trading day in the units in which a replay's place is counted: microseconds at the slowest speed."""
_SESSION: Final = DAY - DAY // CLOSED_SHARE


class Phase(StrEnum):
    """What the market is doing. PAUSED: an operator has stopped it, prices stay. STALE: nobody has said anything for
    too long, prices are old or absent.
    """

    OPEN = "OPEN"
    CLOSED = "CLOSED"
    PAUSED = "PAUSED"
    STALE = "STALE"


@dataclass(frozen=True, slots=True)
class ReplayPosition:
    """A day by its index in the calendar, its phase, and the session's step, 0 to `SESSION_STEPS`. `closed_at_us` is
    when the latest session closed, in real time.
    """

    day_index: int
    phase: Phase
    step: int
    closed_at_us: int = 0


@dataclass(frozen=True, slots=True)
class ReplaySegment:
    """From `from_us` (real time, UTC microseconds) on the replay of the days from `start_date` on stood at `place` (in
    units of `DAY`) and ran at a speed, or was paused. `actor` and `reason` say who wanted that, and why.
    """

    from_us: int
    place: int
    seconds_per_day: int
    is_paused: bool
    start_date: date
    actor: str
    reason: str

    def place_at(self, now_us: int) -> int:
        """Return where the replay is at an instant of this segment."""
        if self.is_paused:
            return self.place
        return self.place + (now_us - self.from_us) * DAY // (self.seconds_per_day * _SECOND_US)

    def reached_us(self, place: int) -> int:
        """Return when this segment, which is not paused, is at a place."""
        return self.from_us - (self.place - place) * self.seconds_per_day * _SECOND_US // DAY


@dataclass(frozen=True)
class ReplayClock:
    """The segments of a replay, oldest first; an instant before the first counts as its beginning."""

    segments: Sequence[ReplaySegment]

    @cached_property
    def _starts(self) -> list[int]:
        return [segment.from_us for segment in self.segments]

    @property
    def began_us(self) -> int:
        """When the replay began, in real time."""
        return self.segments[0].from_us

    def segment_at(self, now_us: int) -> ReplaySegment:
        """Return the segment of an instant."""
        return self.segments[max(bisect_right(self._starts, now_us) - 1, 0)]

    def position(self, now_us: int) -> ReplayPosition:
        """Return where the replay is at this instant."""
        at_us = max(now_us, self.began_us)
        segment = self.segment_at(at_us)
        day_number, in_day = divmod(segment.place_at(at_us), DAY)
        first_day_index = first_index_from(segment.start_date)
        phase = Phase.OPEN if in_day < _SESSION else Phase.CLOSED
        return ReplayPosition(
            day_index=first_day_index + day_number % (len(trading_days()) - first_day_index),
            phase=Phase.PAUSED if segment.is_paused else phase,
            step=min(in_day * SESSION_STEPS // _SESSION, SESSION_STEPS),
            closed_at_us=self._closed_at_us(at_us),
        )

    def _closed_at_us(self, now_us: int) -> int:
        """Return when the latest session closed: in the latest segment that came past a close."""
        for segment, until_us in self._back_from(now_us):
            place = segment.place_at(until_us)
            close = (place - _SESSION) // DAY * DAY + _SESSION
            is_first = segment is self.segments[0]
            if close > segment.place or is_first:  # The first is taken to have run before it began as it did then.
                return segment.reached_us(close)
        raise AssertionError("the first segment always has a close")

    def _back_from(self, now_us: int) -> Iterator[tuple[ReplaySegment, int]]:
        until_us = now_us
        for index in range(max(bisect_right(self._starts, now_us) - 1, 0), -1, -1):
            yield self.segments[index], until_us
            until_us = self.segments[index].from_us


def check_seconds_per_day(value: int) -> int:
    """Return the value when a replay can run at that speed, or raise ValueError."""
    if not SECONDS_PER_DAY_MIN <= value <= SECONDS_PER_DAY_MAX:
        raise ValueError(
            f"a trading day takes {SECONDS_PER_DAY_MIN} to {SECONDS_PER_DAY_MAX} seconds, found {value}: set "
            "MARKET_SECONDS_PER_DAY, or the speed that was asked for, to one of these"
        )
    return value
