"""The stream of quotes: every sheet that a feed makes, to whoever trades on it, through Valkey's publish and subscribe.

A sheet says everything, so a lost one is made good by the next. Who begins to listen is given the board first. Beside
it: the board itself (`quote_board`), which keeps the latest sheet for who asks now and then.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec
import redis
import structlog
from redis import asyncio as redis_asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from market.quote_board import REDIS_TIMEOUT_S, STREAM, decode_published, read_board
from market.quotes import QuoteSheet
from market.replay import Phase

RETRY_S_MIN: Final = 0.25
RETRY_S_MAX: Final = 2.0
SILENCE_S_MAX: Final = 5.0
"""After so long without a sheet the server is asked anew: nothing else shows that a connection is dead."""

log = structlog.get_logger(__name__)


async def quote_sheets(*, redis_url: str) -> AsyncIterator[QuoteSheet]:
    """Yield the sheet of now, if one is known, then each that is made; waits while the server is away, for ever.

    A sheet may come twice.
    """
    pause_s = RETRY_S_MIN
    while True:
        try:
            async with _subscribed(redis_url) as messages:
                pause_s = RETRY_S_MIN
                board = await asyncio.to_thread(read_board, redis_url=redis_url, now_us=time.time_ns() // 1_000)
                if board.phase is not Phase.STALE:
                    yield board
                heard_at = time.monotonic()
                while time.monotonic() < heard_at + SILENCE_S_MAX:
                    message = await messages.get_message(timeout=SILENCE_S_MAX)
                    _end_if_cancelled()
                    sheet = None if message is None else _sheet_of(message["data"])
                    if sheet is not None:
                        heard_at = time.monotonic()
                        yield sheet
        except (redis.RedisError, OSError) as error:
            _end_if_cancelled()
            log.warning("quote_stream.unreachable", error=str(error) or type(error).__name__, retry_in_s=pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, RETRY_S_MAX)


def _end_if_cancelled() -> None:
    """Raise CancelledError where the client of the server has taken one for the end of a wait of its own: whoever ends
    this task, such as a loop that is closed, would wait for ever.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _sheet_of(text: str) -> QuoteSheet | None:
    """Return the sheet of a message, None of one that is none: whoever may publish must end nobody who listens."""
    try:
        return decode_published(text)
    except msgspec.MsgspecError as error:
        log.error("quote_stream.unreadable", channel=STREAM, error=repr(error))
        return None


@asynccontextmanager
async def _subscribed(redis_url: str) -> AsyncIterator[redis_asyncio.client.PubSub]:
    client = redis_asyncio.Redis.from_url(
        redis_url,
        decode_responses=True,
        socket_timeout=REDIS_TIMEOUT_S,
        socket_connect_timeout=REDIS_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),  # `quote_sheets` does the retrying.
    )
    try:
        async with client.pubsub(ignore_subscribe_messages=True) as messages:
            await messages.subscribe(STREAM)
            yield messages
    finally:
        await client.aclose()
