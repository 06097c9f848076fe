import asyncio
from contextlib import suppress

import httpx
import pytest

from tradingplatform.demo import traders
from tradingplatform.demo.demo_accounts import DemoAccount
from tradingplatform.demo.platform_client import PlatformClient, TryLater
from tradingplatform.demo.tests.fake_platform import (
    ACCOUNT_ID,
    API_KEY,
    MARKET,
    FakePlatform,
    LostAnswer,
    graphql_error,
)
from tradingplatform.demo.traders import MarketWatch, Trader, retry_pause_s


@pytest.fixture(autouse=True)
def _no_long_pauses(monkeypatch):
    for name in ("PAUSE_S_MIN", "PAUSE_S_MAX", "RETRY_S_MIN", "RETRY_S_MAX"):
        monkeypatch.setattr(traders, name, 0.01)
    monkeypatch.setattr(traders, "LOOK_EVERY_S", 0.01)


def trade_until(platform, is_done, *, api_key=API_KEY, timeout_s=5.0):
    """Let one momentum trader trade on the platform until the condition holds."""

    async def scenario():
        client = PlatformClient(web_url="http://platform.test", transport=platform.transport)
        watch = MarketWatch(client=client, api_key=api_key)
        account = DemoAccount(account_id=ACCOUNT_ID, name="Ada", strategy="momentum", api_key=api_key)
        tasks = [
            asyncio.create_task(watch.run()),
            asyncio.create_task(Trader(account=account, client=client, market=watch).run()),
        ]
        async with asyncio.timeout(timeout_s):
            while not is_done():
                await asyncio.sleep(0.005)
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await client.close()

    asyncio.run(scenario())


def test_it_places_market_orders_each_time_with_another_id():
    platform = FakePlatform()
    trade_until(platform, lambda: len(platform.results) >= 3)
    assert len(set(platform.sent_command_ids())) >= 3
    sent = next(each for each in platform.requests if each.url.path == "/graphql")
    assert b'"symbol":"KO","side":"BUY","quantity":9,"type":"MARKET"' in sent.content


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ConnectError("no server"),
        LostAnswer(),
        httpx.Response(502),
        graphql_error("OVERLOADED", retry_after_ms=5),
        graphql_error("OUTCOME_UNKNOWN"),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_an_unknown_outcome_is_asked_for_again_with_the_same_command_and_done_once(fault):
    platform = FakePlatform(faults=[fault, fault])
    trade_until(platform, lambda: len(platform.results) >= 1 and len(platform.sent_command_ids()) >= 4)
    sent = platform.sent_command_ids()
    assert sent[0] == sent[1] == sent[2] != sent[3]
    bodies = [each.content for each in platform.requests if each.url.path == "/graphql"]
    assert bodies[0] == bodies[1] == bodies[2]
    assert platform.cash == (100_000 - len(platform.results) * 9 * 51) * 10_000


def test_a_refusal_is_not_repeated():
    refusal = {
        "__typename": "CommandRefused",
        "code": "INSUFFICIENT_FUNDS",
        "message": "...",
        "limit": "1.0000",
        "actual": "2.0000",
        "version": 3,
    }
    platform = FakePlatform(faults=[httpx.Response(200, json={"data": {"placeOrder": refusal}})])
    platform.version = 3
    trade_until(platform, lambda: len(platform.sent_command_ids()) >= 2)
    first, second = platform.sent_command_ids()[:2]
    assert first != second
    assert first not in platform.results


def test_its_next_look_is_no_older_than_its_last_order():
    platform = FakePlatform()
    trade_until(platform, lambda: len(platform.results) >= 2)
    looks = [each.url.params["min_version"] for each in platform.requests if "portfolio" in each.url.path]
    assert looks[:2] == ["1", "3"]


def test_it_places_nothing_while_an_order_works():
    platform = FakePlatform()
    platform.open_orders = 1
    trade_until(platform, lambda: len(platform.requests) >= 20)
    assert platform.sent_command_ids() == []


def test_it_does_not_trade_when_the_market_is_not_open_or_the_account_is_frozen():
    closed, frozen = FakePlatform(), FakePlatform()
    closed.market = MARKET | {"session": MARKET["session"] | {"phase": "STALE"}}
    frozen.status = "FROZEN"
    for platform in (closed, frozen):
        trade_until(platform, lambda platform=platform: len(platform.requests) >= 20)
        assert platform.sent_command_ids() == []


def test_a_refused_key_does_not_hammer_the_server(monkeypatch):
    platform = FakePlatform(faults=[httpx.Response(403)] * 50)
    trade_until(platform, lambda: platform.sent_command_ids() != [])
    assert len(platform.sent_command_ids()) == 1


def test_pauses_double_up_to_their_limit_and_honour_the_server(monkeypatch):
    monkeypatch.setattr(traders, "RETRY_S_MIN", 0.25)
    monkeypatch.setattr(traders, "RETRY_S_MAX", 5.0)
    error = TryLater("busy")
    assert [retry_pause_s(n, error) for n in (1, 2, 3, 9)] == [0.25, 0.5, 1.0, 5.0]
    assert retry_pause_s(1, TryLater("busy", retry_after_s=2.0)) == 2.0
    assert retry_pause_s(1, TryLater("busy", retry_after_s=900.0)) == 5.0
