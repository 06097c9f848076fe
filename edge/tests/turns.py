"""How often others have their turn on the event loop while a piece of work is done."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class WorkTime:
    """Stands for `time` in edge/turns.py: a clock that goes on when work is said to be done, and not otherwise."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def work(self, seconds: float) -> None:
        self.seconds += seconds

    def perf_counter(self) -> float:
        return self.seconds

    async def longest_stretch(self, work: Coroutine[Any, Any, T]) -> tuple[T, float]:
        """Return what a coroutine returns, and how long others had to wait for their turn at most meanwhile."""
        longest, since = 0.0, self.seconds

        async def others() -> None:
            nonlocal longest, since
            while True:
                longest, since = max(longest, self.seconds - since), self.seconds
                await asyncio.sleep(0)

        beside = asyncio.create_task(others())
        try:
            found = await work
            return found, max(longest, self.seconds - since)
        finally:
            beside.cancel()


async def turns_during(work: Coroutine[Any, Any, T]) -> tuple[T, int]:
    """Return what a coroutine returns, and how often others had their turn meanwhile."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    try:
        return await work, turns
    finally:
        beside.cancel()
