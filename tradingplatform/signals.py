"""Run a coroutine as a process that ends when it is asked to, by SIGTERM or SIGINT.

A signal cancels the coroutine at whatever it waits for, so that an unreachable server never keeps the process
alive; the coroutine's own `finally` blocks close what it has opened.
"""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine
from typing import Any


def run_until_signalled(body: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `body()` in a new event loop until it returns or a signal comes; raises what it raises."""
    asyncio.run(_run(body))


async def _run(body: Callable[[], Coroutine[Any, Any, None]]) -> None:
    work = asyncio.create_task(body())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await work
