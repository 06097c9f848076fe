"""Waiting until an account's rows have a version: costs no thread and no connection, however many wait.

All waits of a process are looked up together, by one query at a time on a connection of the event loop's pool, which is
given back between two looks. A wait is looked at often at first, since a lone trade is there soon, and then less and
less. Who asks has a bounded number of waits, and so has the process. What is waited for
is the primary's version; whoever reads from a replica has to look again.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from typing import Any, Final

import structlog
from django.db import OperationalError

from edge import database
from edge.request_thread import give_back_connections
from readmodels.queries import replicas

log = structlog.get_logger(__name__)

WAIT_SECONDS_MAX: Final = 2.0
WAITS_PER_ASKER_MAX: Final = 32
WAITS_MAX: Final = 2_000
"""Of one process."""
POLL_SECONDS: Final = 0.002
POLL_SECONDS_MAX: Final = 0.05
POLL_GROWTH: Final = 1.5
IDLE_SECONDS: Final = 5.0
"""How long looking goes on when nobody waits."""
REPLICA_WAIT_SECONDS_MAX: Final = 0.25
"""How long a request that wants a version waits for its replica to have it; then it reads from the primary."""
REPLICA_PAUSE_SECONDS: Final = 0.02
_VERSIONS: Final = "SELECT account_id::text, version FROM account_summary WHERE account_id = ANY(%s::uuid[])"


class TooManyWaits(Exception):
    """Whoever asks waits for too many versions already."""

    def __init__(self) -> None:
        super().__init__(
            f"you wait for {WAITS_PER_ASKER_MAX} versions already, or the platform for {WAITS_MAX:,}: ask again when "
            "those are answered"
        )


class _Wait:
    __slots__ = ("account_id", "due_at", "min_version", "over", "pause_seconds")

    def __init__(self, account_id: str, min_version: int) -> None:
        self.account_id = account_id
        self.min_version = min_version
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.pause_seconds = POLL_SECONDS
        self.due_at = time.monotonic() + POLL_SECONDS

    def look_again(self, now: float) -> None:
        self.pause_seconds = min(self.pause_seconds * POLL_GROWTH, POLL_SECONDS_MAX)
        self.due_at = now + self.pause_seconds

    def end(self) -> None:
        if not self.over.done():
            self.over.set_result(None)


class VersionWaits:
    """The waits of one process."""

    def __init__(self) -> None:
        self._waits: set[_Wait] = set()
        self._counts: Counter[Any] = Counter()
        self._polling: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    async def wait(self, *, account_id: str, min_version: int, asker: Any, seconds: float) -> None:
        """Return when the account has the version, or after some seconds: whoever waited looks again either way.

        `asker` is who the wait is counted for. Raises TooManyWaits.
        """
        self._begin()
        if self._counts[asker] >= WAITS_PER_ASKER_MAX or len(self._waits) >= WAITS_MAX:
            raise TooManyWaits
        wait = _Wait(account_id, min_version)
        waits, counts = self._waits, self._counts
        waits.add(wait)
        counts[asker] += 1
        self._news.set()
        try:
            await give_back_connections()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await wait.over
        finally:
            waits.discard(wait)
            counts[asker] -= 1
            if not counts[asker]:
                del counts[asker]

    def _begin(self) -> None:
        """Have the waits of this event loop looked after."""
        loop = asyncio.get_running_loop()
        if self._polling is None or self._polling.get_loop() is not loop:
            self._waits, self._counts, self._news = set(), Counter(), asyncio.Event()
        elif not self._polling.done():
            return
        self._polling = loop.create_task(self._poll())

    async def _poll(self) -> None:
        try:
            while await self._has_waits():
                now = time.monotonic()
                due = [wait for wait in self._waits if wait.due_at <= now]
                if due:
                    await self._look(due)
                await self._sleep()
        except OperationalError as error:
            # Whoever waits asks the database again, and says what it answers.
            log.warning("versions are not waited for", reason=str(error).strip())
        finally:
            for wait in self._waits:
                wait.end()

    async def _has_waits(self) -> bool:
        """Return True once somebody waits, False when nobody has for a while."""
        if self._waits:
            return True
        self._news.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(IDLE_SECONDS):
                await self._news.wait()
        return bool(self._waits)

    async def _look(self, due: Collection[_Wait]) -> None:
        versions = dict(await database.read(_VERSIONS, [list({wait.account_id for wait in due})]))
        now = time.monotonic()
        for wait in due:
            if versions.get(wait.account_id, 0) >= wait.min_version:
                wait.end()
                self._waits.discard(wait)
            else:
                wait.look_again(now)

    async def _sleep(self) -> None:
        """Sleep until a wait is due, or a new one comes."""
        if self._waits:
            soonest = min(wait.due_at for wait in self._waits)
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(max(POLL_SECONDS, soonest - time.monotonic())):
                    await self._news.wait()


class Patience:
    """How long one request goes on asking for a version of an account: until it is there, or its time is up."""

    def __init__(self, *, account_id: str, asker: str) -> None:
        self.is_over = False
        self._account_id = account_id
        self._asker = asker
        self._deadline = time.monotonic() + WAIT_SECONDS_MAX
        self._reached_at: float | None = None

    async def wait(self, min_version: int) -> None:
        """Return when it is worth to look again, for the last time if `is_over`; raises TooManyWaits.

        The primary may have the version before the replica that the request reads from: that has a moment of its own,
        and then the request reads from the primary until it ends, as it does for a last look.
        """
        seconds = self._deadline - time.monotonic()
        await version_waits.wait(
            account_id=self._account_id, min_version=min_version, asker=self._asker, seconds=seconds
        )
        now = time.monotonic()
        self.is_over = now >= self._deadline
        if self._reached_at is None:
            self._reached_at = now
        elif now - self._reached_at < REPLICA_WAIT_SECONDS_MAX:
            await asyncio.sleep(REPLICA_PAUSE_SECONDS)
        else:
            replicas.stay_on_primary()
        if self.is_over:
            replicas.stay_on_primary()


version_waits: Final = VersionWaits()
"""Of this process."""
