"""The writer's clock: the machine's, and believed only while it agrees with what is known of the time.

What an event is stamped with stays, and so does its order: after one event of tomorrow every later one of its partition
would be of tomorrow too. So a clock is not believed that has moved by more than a minute against the machine's steady
clock since the writer began, or that is more than a minute behind the partition's newest event. Commands are refused
then, until the clocks agree again. Smaller steps are followed, and timestamps never decrease.

It does not know the true time: a clock that was wrong before the writer began, and ahead, is not noticed.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import structlog

from eventstore.errors import ClockUntrusted

DIFFERENCE_SECONDS_MAX: Final = 60
SLEW_PARTS: Final = 2_000
"""A clock that is put right gradually moves by one part in so many (adjtimex's 500 ppm): that much is forgotten."""

_DIFFERENCE_US_MAX: Final = DIFFERENCE_SECONDS_MAX * 1_000_000

log = structlog.get_logger(__name__)


def wall_clock() -> int:
    """Return UTC microseconds, as the machine's clock has them."""
    return time.time_ns() // 1_000


def steady_clock() -> int:
    """Return the microseconds since the machine was started, its sleep included; nobody sets this clock."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000


class WriterClock:
    """Stamps the events of one writer; used from one thread.

    With `accepts_newest`, an operator has decided that the newest events' timestamps stand although the clock is behind
    them: what comes next is stamped as they are, until the clock has passed them. Without a `steady` clock the other
    one is taken as it is: it is the caller's own, to write what happened at other times.
    """

    def __init__(
        self,
        *,
        wall: Callable[[], int] = wall_clock,
        steady: Callable[[], int] | None = steady_clock,
        accepts_newest: bool = False,
    ) -> None:
        self._wall = wall
        self._steady = steady
        self._accepts_newest = accepts_newest
        self._steady_before = 0 if steady is None else steady()
        self._offset = 0 if steady is None else wall() - self._steady_before
        self._problems: dict[int, str] = {}

    @property
    def problem(self) -> str | None:
        """What is wrong with the clock now, as far as it was looked at; None when nothing is."""
        return next(iter(self._problems.values()), None)

    def timestamp(self, *, partition: int, newest: int) -> int:
        """Return what the next events of a partition are stamped with, whose newest event is of `newest`.

        Raises ClockUntrusted.
        """
        now = self._wall()
        problem = self._look(now, partition, newest)
        if problem is not None:
            raise ClockUntrusted(f"{problem}. Nothing was written: try again when the clock is right")
        return max(now, newest)

    def look(self, *, partition: int, newest: int) -> None:
        """Find out whether a partition's next events could be stamped; see `problem`."""
        if self._steady is not None:
            self._look(self._wall(), partition, newest)

    def _look(self, now: int, partition: int, newest: int) -> str | None:
        """Return what speaks against stamping events with `now`, and tell the log when that begins and ends."""
        if self._steady is None:
            return None
        problem = self._jumped(now, self._steady()) or self._is_behind(now, newest)
        if problem is None:
            if self._problems.pop(partition, None) is not None:
                log.info("eventstore.clock_is_right_again", partition=partition)
        else:
            if partition not in self._problems:
                log.error("eventstore.clock_not_trusted", partition=partition, problem=problem)
            self._problems[partition] = problem
        return problem

    def _jumped(self, now: int, steady: int) -> str | None:
        moved = now - steady - self._offset
        if abs(moved) > _DIFFERENCE_US_MAX:
            return (
                f"the clock of this machine says {_shown(now)} and was moved {'ahead' if moved > 0 else 'back'} by "
                f"{abs(moved) / 1_000_000:,.0f} s since the writer began: put it right, or restart the writer if it is "
                "right now"
            )
        slewed = (steady - self._steady_before) // SLEW_PARTS
        self._offset += max(-slewed, min(slewed, moved))
        self._steady_before = steady
        return None

    def _is_behind(self, now: int, newest: int) -> str | None:
        if newest - now <= _DIFFERENCE_US_MAX or self._accepts_newest:
            return None
        return (
            f"the clock of this machine says {_shown(now)} and the newest event is of {_shown(newest)}: put the clock "
            "right, or, if it is right and the event is not, restart the writer with "
            "EVENT_STORE_ACCEPTS_NEWEST_TIMESTAMP=true, which stamps what comes next as the newest event is"
        )


def _shown(microseconds: int) -> str:
    return f"{datetime.fromtimestamp(microseconds // 1_000_000, UTC):%Y-%m-%dT%H:%M:%SZ}"
