"""Asks several checks at once, each for so long and no longer, and keeps the answer for a second.

However many ask, each check runs once at a time: one that hangs is not asked again until it has come back, so it holds
at most one connection or thread, and is `down` meanwhile.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

CHECK_SECONDS_MAX: Final = 1.0
SLOW_SECONDS: Final = 0.25
KEPT_SECONDS: Final = 1.0


class Status(StrEnum):
    """How a component is. `slow`: it works, and not as it should: late, faulty, or stopped by hand."""

    OK = "ok"
    SLOW = "slow"
    DOWN = "down"


class Component(NamedTuple):
    """What a check found: in how many milliseconds, and in a sentence."""

    status: Status
    milliseconds: float
    detail: str


class Unwell(Exception):
    """Raised by a check that finds something wrong; the message is the sentence for operators."""

    def __init__(self, status: Status, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


Check: TypeAlias = Callable[[], Awaitable[str]]
"""Returns a sentence when all is well; raises Unwell, or anything else, when it is not."""


class _Running(NamedTuple):
    task: asyncio.Task[Component]
    started_at: float


class Readiness:
    """The checks of one event loop."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._running: dict[str, _Running] = {}
        self._report: asyncio.Task[dict[str, Component]] | None = None
        self._reported_at = float("-inf")

    async def report(self) -> dict[str, Component]:
        """Return how every component is, as of now or of a second ago."""
        report = self._report
        if report is None or (report.done() and time.monotonic() - self._reported_at > KEPT_SECONDS):
            report = self._report = asyncio.create_task(self._ask())
        return await asyncio.shield(report)

    async def _ask(self) -> dict[str, Component]:
        found = await asyncio.gather(*(self._bounded(name) for name in self._checks))
        self._reported_at = time.monotonic()
        return dict(zip(self._checks, found, strict=True))

    async def _bounded(self, name: str) -> Component:
        running = self._running.get(name)
        if running is None:
            task = asyncio.create_task(_timed(self._checks[name]))
            running = self._running[name] = _Running(task, time.monotonic())
        await asyncio.wait({running.task}, timeout=CHECK_SECONDS_MAX)
        if running.task.done():
            del self._running[name]
            return running.task.result()
        seconds = time.monotonic() - running.started_at
        return Component(Status.DOWN, round(seconds * 1_000, 1), f"has not answered for {seconds:.1f} s")


def worst(components: Mapping[str, Component]) -> Status:
    """Return the status of the whole: that of the component that is worst."""
    found = {component.status for component in components.values()}
    return next((status for status in (Status.DOWN, Status.SLOW) if status in found), Status.OK)


async def _timed(check: Check) -> Component:
    started = time.monotonic()
    try:
        status, detail = Status.OK, await check()
    except Unwell as found:
        status, detail = found.status, found.detail
    except Exception as error:  # Whatever a driver raises: it is what operators need to know.
        lines = str(error).strip().splitlines()
        status, detail = Status.DOWN, f"failed: {lines[0] if lines else type(error).__name__}"
    seconds = time.monotonic() - started
    if status is Status.OK and seconds > SLOW_SECONDS:
        status = Status.SLOW
    return Component(status, round(seconds * 1_000, 1), detail)
