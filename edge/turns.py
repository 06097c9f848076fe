"""Turns on the event loop: work that takes long lets everybody else go on in between.

A piece of work, by however many tasks it is done, has one clock, which goes with its context (contextvars). It starts
when the work first looks at it in a pass of the loop, and is over TURN_SECONDS later. Who finds it over waits for the
next pass, behind those that wait already; so hundreds of tasks that a single answer wakes at once do not have the loop
for as long as all of them together take. Looking costs less than a microsecond: do it for every row.
"""

import asyncio
import time
from collections import deque
from contextvars import ContextVar
from typing import Final

TURN_SECONDS: Final = 0.002
"""How long a piece of work has the event loop before the others do."""
WOKEN_AT_ONCE: Final = 16
"""Tasks of a work that go on in one pass of the loop, as far as their time reaches: what they ask for next is still
looked up together, and those that are woken for nothing cost little.
"""


class TurnClock:
    """The clock of one piece of work on one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop: Final = loop
        self._ends_at: float | None = None
        """When the turn is over that began in this pass of the loop; the next one is scheduled then."""
        self._is_next_scheduled = False
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._came_too_late: list[asyncio.Future[None]] = []
        """Those that were woken for a turn that was over when they came: the first in the next one."""

    def is_over(self) -> bool:
        """Tell whether the work has had its turn in this pass of the loop."""
        if self._ends_at is None:
            self._ends_at = time.perf_counter() + TURN_SECONDS
            self._schedule_next()
            return False
        return time.perf_counter() > self._ends_at

    async def wait(self) -> None:
        """Return at once while the turn lasts, else when the work has another one."""
        queue: deque[asyncio.Future[None]] | list[asyncio.Future[None]] = self._waiting
        while self.is_over():
            waiter = self.loop.create_future()
            queue.append(waiter)
            await waiter
            queue = self._came_too_late

    def _schedule_next(self) -> None:
        if not self._is_next_scheduled:
            self._is_next_scheduled = True
            self.loop.call_soon(self._start_next)

    def _start_next(self) -> None:
        """Begin another turn, since the loop has come round: whoever waited the longest goes on."""
        self._is_next_scheduled = False
        self._ends_at = None
        self._waiting.extendleft(reversed(self._came_too_late))
        self._came_too_late.clear()
        for _ in range(min(WOKEN_AT_ONCE, len(self._waiting))):
            waiter = self._waiting.popleft()
            if not waiter.done():  # As that of a task is which was cancelled.
                waiter.set_result(None)
        if self._waiting:
            self._schedule_next()


_clock: Final[ContextVar[TurnClock | None]] = ContextVar("turn_clock", default=None)


def turn_clock() -> TurnClock:
    """Return the clock of the work that this context is of; what it begins from now on has the same one."""
    loop, clock = asyncio.get_running_loop(), _clock.get()
    if clock is None or clock.loop is not loop:  # A context may go on in another thread, with a loop of its own.
        clock = TurnClock(loop)
        _clock.set(clock)
    return clock


async def turn() -> None:
    """Let others have their turn, if this work has had the event loop for long enough."""
    await turn_clock().wait()
