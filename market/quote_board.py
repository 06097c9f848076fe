"""The board: the latest quotes, in one hash in Redis, for every process to read.

The feed writes it, in one transaction, so that a reader never sees half of two instants. Reading never fails:
what is missing, unreadable or too old comes back as a STALE sheet, and an unreachable server is logged. Not a
history: the board holds the latest sheet only and is lost with the server, until the feed writes it again
half a second later.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from functools import lru_cache
from typing import Any, Final

import redis
import structlog
from redis import asyncio as redis_asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from market.quotes import UNKNOWN_MARKET, Quote, QuoteSheet, QuoteSource, as_of
from market.replay import Phase

BOARD_KEY: Final = "market:quotes:3"  # The number is the version of the format below.
STREAM: Final = "market:stream:3"
"""The channel that every sheet is published on."""
REDIS_TIMEOUT_S: Final = 1.0

_SESSION_FIELD: Final = "session"  # Every other field of the hash is a symbol.

log = structlog.get_logger(__name__)


def encode_sheet(sheet: QuoteSheet) -> dict[str, str]:
    """Return the fields of the hash, one for the session and one for each symbol: JSON, integer prices."""
    if sheet.session_date is None:
        raise ValueError("a market of which nothing is known is not written to the board; leave the board as it is")
    session = {
        "date": sheet.session_date.isoformat(),
        "phase": sheet.phase.value,
        "made_at_us": sheet.made_at_us,
        "closed_at_us": sheet.closed_at_us,
        "market_time_us": sheet.market_time_us,
    }
    return {
        _SESSION_FIELD: json.dumps(session),
        **{quote.symbol: json.dumps(asdict(quote)) for quote in sheet.quotes},
    }


def decode_sheet(fields: dict[str, str]) -> QuoteSheet:
    """Return the sheet that `encode_sheet` made these fields of; of none, `UNKNOWN_MARKET`."""
    if not fields:
        return UNKNOWN_MARKET
    session = json.loads(fields[_SESSION_FIELD])
    quotes = [_quote_of(json.loads(text)) for symbol, text in fields.items() if symbol != _SESSION_FIELD]
    return QuoteSheet(
        session_date=date.fromisoformat(session["date"]),
        phase=Phase(session["phase"]),
        made_at_us=session["made_at_us"],
        quotes=tuple(sorted(quotes, key=lambda quote: quote.symbol)),
        closed_at_us=session["closed_at_us"],
        market_time_us=session["market_time_us"],
    )


def _quote_of(fields: dict[str, Any]) -> Quote:
    return Quote(**{**fields, "source": QuoteSource(fields["source"])})


async def write_board(client: redis_asyncio.Redis, sheet: QuoteSheet) -> None:
    """Replace the board with this sheet, all of it at once, and tell it to who listens on STREAM; raises
    redis.RedisError when that fails.
    """
    fields: Mapping[Any, Any] = encode_sheet(sheet)
    pipeline = client.pipeline(transaction=True)
    pipeline.delete(BOARD_KEY)
    pipeline.hset(BOARD_KEY, mapping=fields)
    pipeline.publish(STREAM, json.dumps(fields))
    await pipeline.execute()


def read_board(*, redis_url: str, now_us: int) -> QuoteSheet:
    """Return the latest quotes as they are to be shown at `now_us`."""
    try:
        fields: Any = _client(redis_url).hgetall(BOARD_KEY)
        return as_of(decode_sheet(fields), now_us=now_us)
    except redis.RedisError as error:
        log.warning("quote_board.unreachable", error=str(error))
    except (ValueError, KeyError, TypeError) as error:
        log.error("quote_board.unreadable", key=BOARD_KEY, error=repr(error))
    return UNKNOWN_MARKET


@lru_cache(maxsize=8)
def _client(redis_url: str) -> redis.Redis:
    return redis.Redis.from_url(
        redis_url,
        decode_responses=True,
        socket_timeout=REDIS_TIMEOUT_S,
        socket_connect_timeout=REDIS_TIMEOUT_S,
        retry=Retry(NoBackoff(), 1),  # For a pooled connection that a restarted server has forgotten.
    )
