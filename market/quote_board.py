"""The board: the latest quotes, in one hash in Redis, for every process to read.

The feed writes it, in one transaction, so that a reader never sees half of two instants. Reading never fails:
what is missing, unreadable or too old comes back as a STALE sheet, and an unreachable server is logged. Not a
history: the board holds the latest sheet only and is lost with the server, until the feed writes it again
half a second later.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import msgspec
import redis
import structlog
from redis import asyncio as redis_asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from market.quotes import UNKNOWN_MARKET, Quote, QuoteSheet, as_of

BOARD_KEY: Final = "market:quotes:3"  # The number is the version of the format below.
STREAM: Final = "market:stream:3"
"""The channel that every sheet is published on."""
REDIS_TIMEOUT_S: Final = 1.0

_SESSION_FIELD: Final = "session"  # Every other field of the hash is a symbol.
_SHEET: Final = msgspec.json.Decoder(QuoteSheet)
_QUOTE: Final = msgspec.json.Decoder(Quote)

log = structlog.get_logger(__name__)


def encode_sheet(sheet: QuoteSheet) -> dict[str, str]:
    """Return the fields of the hash, one for the session and one for each symbol: JSON, integer prices."""
    if sheet.session_date is None:
        raise ValueError("a market of which nothing is known is not written to the board; leave the board as it is")
    return {
        _SESSION_FIELD: msgspec.json.encode(replace(sheet, quotes=())).decode(),
        **{quote.symbol: msgspec.json.encode(quote).decode() for quote in sheet.quotes},
    }


def decode_sheet(fields: Mapping[str, str]) -> QuoteSheet:
    """Return the sheet that `encode_sheet` made these fields of; of none, `UNKNOWN_MARKET`."""
    if not fields:
        return UNKNOWN_MARKET
    session = _SHEET.decode(fields[_SESSION_FIELD])
    quotes = [_QUOTE.decode(text) for symbol, text in fields.items() if symbol != _SESSION_FIELD]
    return replace(session, quotes=tuple(sorted(quotes, key=lambda quote: quote.symbol)))


def decode_published(text: str) -> QuoteSheet:
    """Return a sheet as it is published on STREAM: whole, as JSON."""
    return _SHEET.decode(text)


async def write_board(client: redis_asyncio.Redis, sheet: QuoteSheet) -> None:
    """Replace the board with this sheet, all of it at once, and tell it to who listens on STREAM; raises
    redis.RedisError when that fails.
    """
    fields: Mapping[Any, Any] = encode_sheet(sheet)
    pipeline = client.pipeline(transaction=True)
    pipeline.delete(BOARD_KEY)
    pipeline.hset(BOARD_KEY, mapping=fields)
    pipeline.publish(STREAM, msgspec.json.encode(sheet))
    await pipeline.execute()


def read_board(*, redis_url: str, now_us: int) -> QuoteSheet:
    """Return the latest quotes as they are to be shown at `now_us`."""
    try:
        fields: Any = valkey_client(redis_url).hgetall(BOARD_KEY)
        return as_of(decode_sheet(fields), now_us=now_us)
    except redis.RedisError as error:
        log.warning("quote_board.unreachable", error=str(error))
    except (msgspec.MsgspecError, KeyError) as error:
        log.error("quote_board.unreadable", key=BOARD_KEY, error=repr(error))
    return UNKNOWN_MARKET


@lru_cache(maxsize=8)
def valkey_client(redis_url: str) -> redis.Redis:
    """Return this process's client of a server, for threads."""
    return redis.Redis.from_url(
        redis_url,
        decode_responses=True,
        socket_timeout=REDIS_TIMEOUT_S,
        socket_connect_timeout=REDIS_TIMEOUT_S,
        retry=Retry(NoBackoff(), 1),  # For a pooled connection that a restarted server has forgotten.
    )
