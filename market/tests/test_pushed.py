"""Ticks in a real Valkey: which are taken, what is kept of a day, and what the market process finds."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import redis
from redis import asyncio as redis_asyncio

from market.feeds.pushed import PushedFeed, forget_pushed, push_ticks
from market.feeds.ticks import Tick
from market.quotes import Quote, QuoteSource


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


MONDAY = at("2026-03-02T15:00:00")


@pytest.fixture
def client(valkey_url):
    with redis.Redis.from_url(valkey_url) as made:
        yield made


def tick(price, at_us, symbol="KO", **said):
    nothing = dict.fromkeys(("bid", "ask", "bid_size", "ask_size", "previous_close"))
    return Tick(symbol=symbol, at_us=at_us, price=price, **{**nothing, **said})


def polls(url, *steps):
    """Return what one feed finds at first and after each step."""

    async def go():
        async with redis_asyncio.Redis.from_url(url) as made:
            feed = PushedFeed(made)
            found = [await feed.changed_quotes(now_us=0)]
            for step in steps:
                await asyncio.to_thread(step)
                found.append(await feed.changed_quotes(now_us=0))
            return found

    return asyncio.run(go())


def held(url, symbol="KO"):
    return polls(url)[0].get(symbol)


def test_a_tick_is_kept_as_it_was_said(client, valkey_url):
    said = {"bid": 502_400, "ask": 502_600, "bid_size": 10**12, "ask_size": 0, "previous_close": 499_999}
    assert push_ticks(client, [tick(502_500, MONDAY + 123_456, **said)]) == [True]
    assert held(valkey_url) == Quote(
        "KO", 502_500, 499_999, 502_500, 502_500, 502_500, MONDAY + 123_456, QuoteSource.PUSHED,
        bid=502_400, ask=502_600, bid_size=10**12, ask_size=0,
    )  # fmt: skip


def test_open_high_and_low_are_those_of_the_exchange_day(client, valkey_url):
    for number, price in enumerate((50, 53, 49, 51)):
        push_ticks(client, [tick(price * 10_000, MONDAY + number)])
    found = held(valkey_url)
    assert (found.session_open, found.day_high, found.day_low, found.price) == (500_000, 530_000, 490_000, 510_000)
    assert found.previous_close is None, "nobody has said it"
    late_evening = at("2026-03-03T04:59:59")  # 23:59:59 in New York
    push_ticks(client, [tick(520_000, late_evening)])
    assert held(valkey_url).session_open == 500_000
    push_ticks(client, [tick(540_000, late_evening + 1_000_000)])
    found = held(valkey_url)
    assert (found.session_open, found.day_high, found.day_low) == (540_000, 540_000, 540_000)
    assert found.previous_close == 520_000, "the last price of the day before"


def test_a_close_that_was_said_stays_for_the_day(client, valkey_url):
    push_ticks(client, [tick(500_000, MONDAY, previous_close=480_000), tick(510_000, MONDAY + 1)])
    assert held(valkey_url).previous_close == 480_000
    push_ticks(client, [tick(500_000, at("2026-03-03T15:00:00"), previous_close=505_000)])
    assert held(valkey_url).previous_close == 505_000


def test_a_tick_never_replaces_a_newer_one(client, valkey_url):
    ticks = [tick(500_000, MONDAY + 2), tick(510_000, MONDAY + 1), tick(520_000, MONDAY + 2), tick(1, MONDAY, "PG")]
    assert push_ticks(client, ticks) == [True, False, True, True]
    found = held(valkey_url)
    assert (found.price, found.day_high, found.at_us) == (520_000, 520_000, MONDAY + 2)
    assert push_ticks(client, [ticks[2]]) == [True], "sent again it is taken again, without harm"
    assert held(valkey_url) == found


def test_of_ticks_that_come_from_many_at_once_the_newest_stays(client, valkey_url):
    def push(number):
        with redis.Redis.from_url(valkey_url) as own:
            order = [(number * 7 + each * 13) % 50 for each in range(50)]
            push_ticks(own, [tick((each + 1) * 10_000, MONDAY + each) for each in order])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(push, range(40)))
    found = held(valkey_url)
    assert (found.price, found.at_us, found.day_high) == (500_000, MONDAY + 49, 500_000)


def test_the_market_process_finds_what_changed_and_at_first_everything(client, valkey_url):
    push_ticks(client, [tick(500_000, MONDAY), tick(600_000, MONDAY, "PG")])
    first, nothing, changed, gone = polls(
        valkey_url,
        lambda: None,
        lambda: push_ticks(client, [tick(610_000, MONDAY + 1, "PG")]),
        lambda: forget_pushed(client, ["KO"]),
    )
    assert {symbol: quote.price for symbol, quote in first.items()} == {"KO": 500_000, "PG": 600_000}
    assert nothing == {}
    assert {symbol: quote.price for symbol, quote in changed.items()} == {"PG": 610_000}
    assert gone == {"KO": None}


def test_what_a_failed_look_took_is_not_lost(client, valkey_url, monkeypatch):
    push_ticks(client, [tick(500_000, MONDAY)])

    async def go():
        async with redis_asyncio.Redis.from_url(valkey_url) as made:
            feed = PushedFeed(made)
            await feed.changed_quotes(now_us=0)
            push_ticks(client, [tick(510_000, MONDAY + 1)])
            with monkeypatch.context() as patched:
                patched.setattr(made, "hmget", lambda *given: (_ for _ in ()).throw(redis.ConnectionError("lost")))
                with pytest.raises(redis.ConnectionError):
                    await feed.changed_quotes(now_us=0)
            return await feed.changed_quotes(now_us=0)

    assert asyncio.run(go())["KO"].price == 510_000


def test_what_was_forgotten_before_a_failed_look_is_said_to_be_gone(client, valkey_url, monkeypatch):
    push_ticks(client, [tick(500_000, MONDAY), tick(600_000, MONDAY, "PG")])

    async def go():
        async with redis_asyncio.Redis.from_url(valkey_url) as made:
            feed = PushedFeed(made)
            await feed.changed_quotes(now_us=0)
            forget_pushed(client, ["KO"])
            with monkeypatch.context() as patched:
                patched.setattr(made, "pipeline", lambda **given: (_ for _ in ()).throw(redis.ConnectionError("lost")))
                with pytest.raises(redis.ConnectionError):
                    await feed.changed_quotes(now_us=0)
            return [await feed.changed_quotes(now_us=0) for _ in range(2)]

    found, after = asyncio.run(go())
    assert found["KO"] is None
    assert found["PG"].price == 600_000
    assert after == {}


@pytest.mark.parametrize("pushed_since", [None, "PG", "JNJ"])
def test_what_redis_has_lost_is_said_to_be_gone(client, valkey_url, pushed_since):
    push_ticks(client, [tick(500_000, MONDAY), tick(600_000, MONDAY, "PG")])

    def lose():
        client.flushall()
        if pushed_since is not None:
            push_ticks(client, [tick(700_000, MONDAY, pushed_since)])

    _, found, after = polls(valkey_url, lose, lambda: None)
    assert {symbol for symbol, quote in found.items() if quote is None} == {"KO", "PG"} - {pushed_since}
    assert {symbol for symbol, quote in found.items() if quote is not None} == {pushed_since} - {None}
    assert after == {}
