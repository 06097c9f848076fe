"""The market process: twice a second, the prices of all sources to the board in Redis and to who listens.

It promises one whole sheet of quotes per tick or none, to wait out an absent Redis with growing pauses and to go on by
itself, and to end at once when cancelled. It keeps no state that is not elsewhere: the replay's clock says where the
replay is, and Redis has what was pushed, so any number of restarts changes nothing. Of two sources that quote a symbol
the later in the list wins. Not here: what the prices are (`market.feeds`).
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import structlog
from redis import RedisError
from redis import asyncio as redis_asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff

from market.feeds.port import QuoteFeed
from market.feeds.pushed import PushedFeed
from market.feeds.replayed import ReplayFeed
from market.quote_board import REDIS_TIMEOUT_S, write_board
from market.quotes import Quote, QuoteSheet, real_session, replayed_session
from market.replay import ReplayClock
from market.replay_file import UnreadableReplayFile, read_replay

TICK_S: Final = 0.5
RETRY_S_MIN: Final = 0.5
RETRY_S_MAX: Final = 2.0  # A server that is back is found long before quotes count as stale (10 s).
PUBLISH_S_MAX: Final = 2.0
REPORT_EVERY_TICKS: Final = 240

log = structlog.get_logger(__name__)


class MarketFeed:
    """Publishes the market until it is told to stop."""

    def __init__(
        self,
        *,
        clock: Callable[[], ReplayClock],
        is_replayed: bool,
        pushed_age_us_max: int,
        redis_url: str,
        now_us: Callable[[], int],
    ) -> None:
        """`clock` returns the replay's clock as it is now; without a replay it says only whether the market is paused.
        A pushed quote is good for `pushed_age_us_max`.
        """
        self._clock = clock
        self._is_replayed = is_replayed
        self._pushed_age_us_max = pushed_age_us_max
        self._now_us = now_us
        self._redis = redis_asyncio.Redis.from_url(
            redis_url,
            socket_timeout=REDIS_TIMEOUT_S,
            socket_connect_timeout=REDIS_TIMEOUT_S,
            retry=AsyncRetry(NoBackoff(), 0),  # The feed does its own retrying.
        )
        pushed = PushedFeed(self._redis)
        self._feeds: Sequence[QuoteFeed] = [ReplayFeed(clock), pushed] if is_replayed else [pushed]
        self._quotes: list[dict[str, Quote]] = [{} for _ in self._feeds]
        self._failures = 0
        self._ticks = 0
        self._tick_ms_max = 0.0
        self._announced: tuple[object, object] | None = None

    async def run(self) -> None:
        """Publish a tick every `TICK_S`; ends by cancellation only."""
        log.info("market_feed.started", is_replayed=self._is_replayed, tick_ms=int(TICK_S * 1_000))
        try:
            while True:
                started_at = time.monotonic()
                pause_s = await self._try_tick()
                await asyncio.sleep(max(pause_s - (time.monotonic() - started_at), 0.0))
        finally:
            await self._redis.aclose()
            log.info("market_feed.stopped", ticks=self._ticks)

    async def _try_tick(self) -> float:
        """Publish one tick; return how long to wait from its beginning to that of the next, in seconds."""
        started_at = time.perf_counter()
        try:
            async with asyncio.timeout(PUBLISH_S_MAX):
                sheet = await self._sheet()
                await write_board(self._redis, sheet)
        except (RedisError, OSError) as error:
            return self._note_failure(error)
        if self._failures:
            log.info("market_feed.redis_recovered", failures=self._failures)
            self._failures = 0
        self._report(sheet, tick_ms=(time.perf_counter() - started_at) * 1_000)
        return TICK_S

    async def _sheet(self) -> QuoteSheet:
        """Return the market of now, with what every source says."""
        now_us = self._now_us()
        for feed, quotes in zip(self._feeds, self._quotes, strict=True):
            for symbol, quote in (await feed.changed_quotes(now_us=now_us)).items():
                if quote is None:
                    quotes.pop(symbol, None)
                else:
                    quotes[symbol] = quote
        merged = {symbol: quote for quotes in self._quotes for symbol, quote in quotes.items()}
        if self._is_replayed:
            session = replayed_session(self._clock().position(now_us), now_us=now_us)
        else:
            session = real_session(now_us=now_us, is_paused=self._clock().segment_at(now_us).is_paused)
        return replace(
            session,
            quotes=tuple(merged[symbol] for symbol in sorted(merged)),
            pushed_age_us_max=self._pushed_age_us_max,
        )

    def _note_failure(self, error: Exception) -> float:
        pause_s = retry_pause_s(self._failures)
        self._failures += 1
        if self._failures == 1:
            log.warning("market_feed.redis_lost", error=str(error) or type(error).__name__)
        return pause_s

    def _report(self, sheet: QuoteSheet, *, tick_ms: float) -> None:
        self._ticks += 1
        self._tick_ms_max = max(self._tick_ms_max, tick_ms)
        if self._announced != (sheet.session_date, sheet.phase):
            self._announced = (sheet.session_date, sheet.phase)
            log.info("market_feed.session", date=str(sheet.session_date), phase=sheet.phase.value)
        if self._ticks % REPORT_EVERY_TICKS == 0:
            log.info("market_feed.ticking", ticks=self._ticks, tick_ms_max=round(self._tick_ms_max, 1))
            self._tick_ms_max = 0.0


def retry_pause_s(failures: int) -> float:
    """Return the pause after this many failures before the present one: doubling, within fixed limits."""
    return min(RETRY_S_MIN * 2.0 ** min(failures, 10), RETRY_S_MAX)


class FollowedClock:
    """The replay's clock as its file has it now: operators change it from other processes (`market.replay_file`)."""

    def __init__(self, data_dir: Path, clock: ReplayClock) -> None:
        self._data_dir = data_dir
        self._clock = clock
        self._is_readable = True

    def __call__(self) -> ReplayClock:
        """Return it; as it was before while the file cannot be read, which is logged once."""
        try:
            self._clock = read_replay(self._data_dir) or self._clock
            self._is_readable = True
        except UnreadableReplayFile as error:
            if self._is_readable:
                log.error("market_feed.replay_unreadable", error=str(error))
            self._is_readable = False
        return self._clock
