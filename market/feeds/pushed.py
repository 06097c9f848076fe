"""Ticks that programs push over the API, as a source: the latest of each symbol, kept in Redis.

Any web process takes ticks; a script of Redis's own compares each with the one that is held and keeps the day's
figures, so that two that come at once cannot overtake each other, and an older one never replaces a newer. The market
process takes what changed from there, and all of it when it begins: a restart loses nothing that Redis still has. What
is kept is one line for each symbol; a history of ticks it is not.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import redis
from redis import asyncio as redis_asyncio

from market.feeds.ticks import Tick
from market.quotes import Quote, QuoteSource
from market.sessions import exchange_day

HELD_KEY: Final = "market:pushed:1"  # The number is the version of the line below.
CHANGED_KEY: Final = "market:pushed:changed:1"
"""The symbols that the market process has not taken yet."""

_NOT_SAID: Final = "-"
_PUSH: Final = """
local answers = {}
for i = 1, #ARGV, 9 do
  local symbol, at, day, price = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local open, high, low, previous = price, price, price, ARGV[i + 8]
  local is_taken = true
  local line = redis.call('HGET', KEYS[1], symbol)
  if line then
    local held = {}
    for word in string.gmatch(line, '%S+') do held[#held + 1] = word end
    if tonumber(at) < tonumber(held[1]) then
      is_taken = false
    elseif held[2] == day then
      open = held[8]
      if tonumber(held[9]) > tonumber(price) then high = held[9] end
      if tonumber(held[10]) < tonumber(price) then low = held[10] end
      if previous == '-' then previous = held[11] end
    elseif previous == '-' then
      previous = held[3]
    end
  end
  if is_taken then
    local words = {at, day, price, ARGV[i + 4], ARGV[i + 5], ARGV[i + 6], ARGV[i + 7], open, high, low, previous}
    redis.call('HSET', KEYS[1], symbol, table.concat(words, ' '))
    redis.call('SADD', KEYS[2], symbol)
  end
  answers[#answers + 1] = is_taken and 1 or 0
end
return answers
"""
"""Takes nine arguments for each tick. A line is: instant, day, price, bid, ask, their sizes, the day's open, high and
low, the close before. Numbers stay the texts that they came as: Lua's own would lose digits.
"""


def push_ticks(client: redis.Redis, ticks: Sequence[Tick]) -> list[bool]:
    """Keep ticks, in their order; return for each whether it was taken: False is older than the one that is held.

    Raises redis.RedisError; what was sent may then have been taken, and is taken again without harm.
    """
    arguments = [word for tick in ticks for word in _words(tick)]
    answers: Any = client.eval(_PUSH, 2, HELD_KEY, CHANGED_KEY, *arguments)
    return [answer == 1 for answer in answers]


def forget_pushed(client: redis.Redis, symbols: Sequence[str]) -> int:
    """Forget what was pushed of symbols: the replay quotes them again where it has them. Return of how many."""
    pipeline = client.pipeline(transaction=True)
    pipeline.hdel(HELD_KEY, *symbols)
    pipeline.sadd(CHANGED_KEY, *symbols)
    return int(pipeline.execute()[0])


class PushedFeed:
    """What was pushed, for the market process: the only reader of it."""

    def __init__(self, client: redis_asyncio.Redis) -> None:
        self._client = client
        self._must_load = True
        self._quoted: set[str] = set()

    async def changed_quotes(self, *, now_us: int) -> Mapping[str, Quote | None]:
        """Return what was pushed since the call before, at first and after a failure everything; None for a symbol that
        is held no more.
        """
        must_load, self._must_load = self._must_load, True
        found = None if must_load else await self._changed()
        if found is None:
            found = await self._all()
        self._quoted = (self._quoted | found.keys()) - {symbol for symbol, quote in found.items() if quote is None}
        self._must_load = False
        return found

    async def _all(self) -> dict[str, Quote | None]:
        pipeline = self._client.pipeline(transaction=True)
        pipeline.delete(CHANGED_KEY)
        pipeline.hgetall(HELD_KEY)
        _, lines = await pipeline.execute()
        return {**dict.fromkeys(self._quoted), **_quotes(lines.items())}

    async def _changed(self) -> dict[str, Quote | None] | None:
        """Return what changed; None when that does not add up to what is held: Redis has lost what it had, say."""
        pipeline = self._client.pipeline(transaction=True)
        pipeline.smembers(CHANGED_KEY)
        pipeline.delete(CHANGED_KEY)
        pipeline.hlen(HELD_KEY)
        changed, _, held = await pipeline.execute()
        symbols = sorted(changed)
        lines: Any = await self._client.hmget(HELD_KEY, symbols) if symbols else []
        found = _quotes(zip(symbols, lines, strict=True))
        expected = (self._quoted - found.keys()) | {symbol for symbol, quote in found.items() if quote is not None}
        return found if len(expected) == held else None


def _words(tick: Tick) -> tuple[Any, ...]:
    said = (tick.bid, tick.ask, tick.bid_size, tick.ask_size, tick.previous_close)
    day = exchange_day(tick.at_us).isoformat()
    return tick.symbol, tick.at_us, day, tick.price, *(_NOT_SAID if each is None else each for each in said)


def _quotes(lines: Iterable[tuple[bytes, bytes | None]]) -> dict[str, Quote | None]:
    return {symbol.decode(): None if line is None else _quote(symbol.decode(), line.decode()) for symbol, line in lines}


def _quote(symbol: str, line: str) -> Quote:
    at, _, *prices = line.split(" ")
    price, opened, high, low = (int(prices[place]) for place in (0, 5, 6, 7))
    bid, ask, bid_size, ask_size, previous = (
        None if prices[place] == _NOT_SAID else int(prices[place]) for place in (1, 2, 3, 4, 8)
    )
    return Quote(
        symbol=symbol,
        price=price,
        previous_close=previous,
        session_open=opened,
        day_high=high,
        day_low=low,
        at_us=int(at),
        source=QuoteSource.PUSHED,
        bid=bid,
        ask=ask,
        bid_size=bid_size,
        ask_size=ask_size,
    )
