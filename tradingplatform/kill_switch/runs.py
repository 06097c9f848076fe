"""Runs of the kill switch over the API and from the admin: on threads of their own, and one at a time for each user.

A run may take seconds. On the threads that everything else of the web server shares, a few of them would hold up
halting an instrument and every download. Whoever may end everybody's orders has threads apart from those of the owners
of accounts, who are many. Limits are those of one web process. What waits for a thread loses of its own time.
"""

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from edge.request_thread import giving_back_connections
from tradingplatform.kill_switch.cancelling import Cancelled

API_SECONDS_MAX: Final = 30.0
OWNER_THREADS_MAX: Final = 3
OFFICER_THREADS_MAX: Final = 3


class AlreadyRunning(Exception):
    """The user's run before is not over."""


class Runs:
    """The runs of this process; both kinds of threads are begun when they are needed."""

    def __init__(self) -> None:
        self._owners = ThreadPoolExecutor(OWNER_THREADS_MAX, thread_name_prefix="kill-switch-owner")
        self._officers = ThreadPoolExecutor(OFFICER_THREADS_MAX, thread_name_prefix="kill-switch-officer")
        self._lock = threading.Lock()
        self._user_ids: set[int] = set()

    async def run(self, work: Callable[[float], Cancelled], *, user_id: int, is_officer: bool) -> Cancelled:
        """Return what `work` returns, which is given the `time.monotonic()` to end at; raises AlreadyRunning."""
        until = time.monotonic() + API_SECONDS_MAX
        return await asyncio.wrap_future(self.start(lambda: work(until), user_id=user_id, is_officer=is_officer))

    def start(self, work: Callable[[], Cancelled], *, user_id: int, is_officer: bool) -> Future[Cancelled]:
        """Begin a run, and return it without waiting; raises AlreadyRunning."""
        with self._lock:
            if user_id in self._user_ids:
                raise AlreadyRunning
            self._user_ids.add(user_id)
        executor = self._officers if is_officer else self._owners
        context = contextvars.copy_context()
        try:
            future = executor.submit(context.run, giving_back_connections, work)
        except BaseException:
            self._end(user_id)
            raise
        future.add_done_callback(lambda _: self._end(user_id))  # Also of one whose request ended before it began.
        return future

    def _end(self, user_id: int) -> None:
        with self._lock:
            self._user_ids.discard(user_id)


runs: Final = Runs()
