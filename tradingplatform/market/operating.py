"""Pausing the market, resuming it and setting its speed: for GraphQL and the command line alike.

The replay's file takes the change, with who wanted it and why (market/replay_file.py); the market process sees it
within half a second.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple

from django.conf import settings

from market.clock import ClockReading, read_clock
from market.instruments.changes import check_reason
from market.replay import ReplaySegment, check_seconds_per_day
from market.replay_file import change_replay, read_replay

Change = Callable[[ReplaySegment], ReplaySegment]


class MarketChanged(NamedTuple):
    """The market's clock after a change, and whether it was another before."""

    clock: ClockReading
    is_changed: bool


def _pause(segment: ReplaySegment) -> ReplaySegment:
    return replace(segment, is_paused=True)


def _resume(segment: ReplaySegment) -> ReplaySegment:
    return replace(segment, is_paused=False)


PAUSE: Final[Change] = _pause
RESUME: Final[Change] = _resume


def speed(seconds_per_day: int) -> Change:
    """Return the change to a speed, in real seconds of a trading day; raises ValueError for one out of range."""
    check_seconds_per_day(seconds_per_day)
    return lambda segment: replace(segment, seconds_per_day=seconds_per_day)


def change_market(change: Change, *, actor: str, reason: str) -> MarketChanged:
    """Change how the market runs from now on.

    Raises InvalidReason, NoReplay, TooManySegments and UnreadableReplayFile.
    """
    now_us = _now_us()
    clock, is_changed = change_replay(
        data_dir=settings.DATA_DIR, change=change, actor=actor, reason=check_reason(reason), now_us=now_us
    )
    reading = read_clock(clock, at_us=max(now_us, clock.segments[-1].from_us), is_replayed=settings.MARKET_REPLAY)
    return MarketChanged(reading, is_changed)


def market_clock() -> ClockReading:
    """Return the market's clock now; raises UnreadableReplayFile."""
    return read_clock(read_replay(settings.DATA_DIR), at_us=_now_us(), is_replayed=settings.MARKET_REPLAY)


def _now_us() -> int:
    return time.time_ns() // 1_000
