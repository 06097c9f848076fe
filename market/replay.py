"""The clock of the replayed market: which trading day it is, and how far into its session, at an instant of
real time.

A pure function of the real time since an epoch, so that a restarted process goes on where the market would be
by now and all processes agree without talking to one another. One trading day takes a configured number of
seconds; its last twelfth is the CLOSED phase. When the data end, the replay begins again at its first day.
Not here: where the epoch is kept (`replay_file`), and prices.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from market.intraday import SESSION_STEPS

CLOSED_SHARE: Final = 12  # The last 1/12 of a day's time: 10 of 120 seconds.
SECONDS_PER_DAY_MIN: Final = 2
SECONDS_PER_DAY_MAX: Final = 7 * 24 * 3600

_SECOND_US: Final = 1_000_000


class Phase(StrEnum):
    """What the market is doing; STALE means that nobody has said so for too long, and that prices are old or
    absent.
    """

    OPEN = "OPEN"
    CLOSED = "CLOSED"
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
class ReplayClock:
    """A replay of `day_count` days from `first_day_index` on that began at `epoch_us` (UTC).

    `changed_at_us` is when it began to run at this speed, and `closed_at_us` when the latest session had closed by
    then: that stays the latest close until the next one, wherever another speed puts the sessions before it. Both are 0
    for a replay that always ran at this speed.
    """

    epoch_us: int
    seconds_per_day: int
    first_day_index: int
    day_count: int
    changed_at_us: int = 0
    closed_at_us: int = 0

    def position(self, now_us: int) -> ReplayPosition:
        """Return where the replay is at this instant; an instant before the epoch counts as the epoch."""
        day_us = self.seconds_per_day * _SECOND_US
        session_us = day_us - day_us // CLOSED_SHARE
        day_number, elapsed_us = divmod(max(now_us - self.epoch_us, 0), day_us)
        is_open = elapsed_us < session_us
        closed_at_us = self.epoch_us + (day_number - is_open) * day_us + session_us
        return ReplayPosition(
            day_index=self.first_day_index + day_number % self.day_count,
            phase=Phase.OPEN if is_open else Phase.CLOSED,
            step=min(elapsed_us * SESSION_STEPS // session_us, SESSION_STEPS),
            closed_at_us=closed_at_us if closed_at_us > self.changed_at_us else self.closed_at_us,
        )


def check_seconds_per_day(value: int) -> int:
    """Return the value when a replay can run at that speed, or raise ValueError."""
    if not SECONDS_PER_DAY_MIN <= value <= SECONDS_PER_DAY_MAX:
        raise ValueError(
            f"MARKET_SECONDS_PER_DAY is from {SECONDS_PER_DAY_MIN} to {SECONDS_PER_DAY_MAX}, found {value}"
        )
    return value


def epoch_after_speed_change(*, epoch_us: int, old_seconds: int, new_seconds: int, now_us: int) -> int:
    """Return the epoch that leaves the replay at the same day and step when its speed changes at `now_us`."""
    return now_us - (now_us - epoch_us) * new_seconds // old_seconds
