"""The market feed: twice a second, the prices of all instruments to the board in Redis and to every open
WebSocket.

It promises one whole sheet of quotes per tick or none, to wait out an absent Redis with growing pauses and to
go on by itself, and to end at once when cancelled. It keeps no state: the replay clock says where the market
is, so any number of restarts changes nothing. Not here: what the prices are (`market.quotes`).
"""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any, Final

import structlog
from redis import RedisError
from redis import asyncio as redis_asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff

from market.consumers import MARKET_GROUP
from market.instruments.current import current_instruments
from market.payloads import tick_message
from market.quote_board import REDIS_TIMEOUT_S, write_board
from market.quotes import QuoteSheet, quotes_at
from market.replay import ReplayClock

TICK_S: Final = 0.5
RETRY_S_MIN: Final = 0.5
RETRY_S_MAX: Final = 2.0  # A server that is back is found long before quotes count as stale (10 s).
PUBLISH_S_MAX: Final = 2.0
REPORT_EVERY_TICKS: Final = 240

log = structlog.get_logger(__name__)


class MarketFeed:
    """Publishes the market of a replay clock until it is told to stop."""

    def __init__(self, *, clock: ReplayClock, redis_url: str, channel_layer: Any, now_us: Callable[[], int]) -> None:
        self._clock = clock
        self._now_us = now_us
        self._channel_layer = channel_layer
        self._redis = redis_asyncio.Redis.from_url(
            redis_url,
            socket_timeout=REDIS_TIMEOUT_S,
            socket_connect_timeout=REDIS_TIMEOUT_S,
            retry=AsyncRetry(NoBackoff(), 0),  # The feed does its own retrying.
        )
        self._failures = 0
        self._ticks = 0
        self._tick_ms_max = 0.0
        self._announced: tuple[object, object] | None = None

    async def run(self) -> None:
        """Publish a tick every `TICK_S`; ends by cancellation only."""
        log.info("market_feed.started", **_describe(self._clock))
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
        sheet = quotes_at(
            self._clock.position(self._now_us()),
            now_us=self._now_us(),
            adjustments=current_instruments().adjustments,
        )
        try:
            async with asyncio.timeout(PUBLISH_S_MAX):
                await self._publish(sheet)
        except (RedisError, OSError) as error:
            return self._note_failure(error)
        if self._failures:
            log.info("market_feed.redis_recovered", failures=self._failures)
            self._failures = 0
        self._report(sheet, tick_ms=(time.perf_counter() - started_at) * 1_000)
        return TICK_S

    async def _publish(self, sheet: QuoteSheet) -> None:
        await write_board(self._redis, sheet)
        await self._channel_layer.group_send(
            MARKET_GROUP,
            {
                "type": "market.tick",
                "made_at_us": sheet.made_at_us,
                "text": json.dumps(tick_message(sheet)),
            },
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


def _describe(clock: ReplayClock) -> dict[str, int]:
    return {
        "epoch_us": clock.epoch_us,
        "seconds_per_day": clock.seconds_per_day,
        "days": clock.day_count,
        "tick_ms": int(TICK_S * 1_000),
    }
