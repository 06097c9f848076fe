"""Who books trades that were executed elsewhere: nobody does by owning the account, on any way in."""

import asyncio
import socket
import time

import pytest
from django.test import AsyncClient

from accounts.domain import values
from accounts.tests.integration.test_bulk import TRADES, buy, submit
from accounts.tests.integration.test_graphql import LIMITS, TRADE, Api, events
from accounts.tests.integration.test_orders_graphql import PLACE, limit_order
from identity.models import AccountAccess
from identity.permissions import COMPLIANCE, INTEGRATOR, OPERATOR, TRADER, give_role
from identity.recent_access import ACCESS_SECONDS
from market import money

pytestmark = pytest.mark.django_db(transaction=True)

WHAT_TO_DO = "place an order (placeOrder), or ask an operator for the role integrator"


def trades_of(api):
    """Return an account of somebody's, and trades of it: one that stands alone, and one that fills an order."""
    account_id = api.open()
    order_id = api.run(PLACE, **limit_order(account_id))["order"]["orderId"]
    return account_id, [buy(account_id), buy(account_id, price="50", orderId=order_id)]


def in_text(trades):
    fields = ["{" + ", ".join(f'{name}: "{value}"' for name, value in trade.items()) + "}" for trade in trades]
    return f"mutation {{ submitTrades(trades: [{', '.join(fields)}]) {{ accepted refused outcomes }} }}"


@pytest.mark.parametrize("role", [None, TRADER, COMPLIANCE])
def test_an_owner_is_refused_each_trade_is_told_what_to_do_and_nothing_is_recorded(store, role):
    ada = Api("ada", role=role)
    _, trades = trades_of(ada)
    before = len(events(store))
    for trade in trades:
        (error,) = ada.post(TRADE, trade).json()["errors"]
        assert (error["extensions"]["code"], error["message"].endswith(WHAT_TO_DO)) == ("FORBIDDEN", True)
    for result in (submit(ada, TRADES, trades=trades), submit(ada, in_text(trades))):
        assert (result["accepted"], result["refused"]) == (0, 2)
        for outcome in result["outcomes"]:
            assert outcome.keys() == {"code", "message"}
            assert (outcome["code"], outcome["message"].endswith(WHAT_TO_DO)) == ("FORBIDDEN", True)
    assert len(events(store)) == before


def test_who_was_made_a_trader_of_an_account_is_refused_too_until_they_are_an_integrator(store):
    account_id, trades = trades_of(Api("ada"))
    bob = Api("bob")
    AccountAccess.objects.create(user=bob.user, account_id=account_id, role="trader")
    before = len(events(store))
    assert [bob.error(TRADE, **trade) for trade in trades] == ["FORBIDDEN"] * 2
    assert submit(bob, TRADES, trades=trades)["accepted"] == 0
    assert len(events(store)) == before
    give_role(bob.user, INTEGRATOR)
    time.sleep(ACCESS_SECONDS)
    assert bob.run(TRADE, **trades[0])["__typename"] == "TradeExecuted"
    assert submit(bob, TRADES, trades=trades)["accepted"] == 2


def test_of_a_batch_only_what_is_of_accounts_that_an_integrator_trades_is_booked(store):
    iris = Api("iris", role=INTEGRATOR)
    (_, own), (_, others) = trades_of(iris), trades_of(Api("ada"))
    before = len(events(store))
    result = submit(iris, TRADES, trades=[own[0], *others, own[1]])
    assert [outcome.get("code") for outcome in result["outcomes"]] == [None, "FORBIDDEN", "FORBIDDEN", None]
    assert len(events(store)) == before + 3, "a trade; a trade and what it made of its order"


def test_a_trade_is_booked_within_a_band_around_what_the_market_says(store, market):
    iris = Api("iris", role=INTEGRATOR)
    account_id = iris.open()
    market(500_000, made_at_us=time.time_ns() // 1_000)
    before = len(events(store))
    refused = iris.run(TRADE, **buy(account_id, price="55.0001"))
    assert (refused["code"], refused["limit"], refused["actual"]) == ("PRICE_BEYOND_BAND", "55.0000", "55.0001")
    trades = [buy(account_id, price=price) for price in ("55", "44.9999", "45", "5000")]
    result = submit(iris, TRADES, trades=trades)
    told = [(each.get("code"), each.get("limit"), each.get("actual")) for each in result["outcomes"]]
    beyond = ("PRICE_BEYOND_BAND", "55.0000", "5000.0000")
    assert told == [(None,) * 3, ("PRICE_BEYOND_BAND", "45.0000", "44.9999"), (None,) * 3, beyond]
    assert submit(iris, in_text(trades[:2]))["accepted"] == 1
    assert len(events(store)) == before + 7, "each is recorded"


def test_an_account_has_a_band_of_its_own_or_none(store, market):
    iris, officer = Api("iris", role=INTEGRATOR), Api("officer", role=COMPLIANCE)
    account_id = iris.open()
    market(500_000, made_at_us=time.time_ns() // 1_000)
    limits = {"accountId": account_id, "maxPositionPercent": "100", "maxDailyValue": "90000", "maxTradeValue": "9000"}
    assert officer.run(LIMITS, **limits, priceBandPercent="0.5")["priceBandPercent"] == "0.50"
    assert iris.run(TRADE, **buy(account_id, price="50.26"))["code"] == "PRICE_BEYOND_BAND"
    assert officer.run(LIMITS, **limits, priceBandPercent="0")["priceBandPercent"] == "0.00"
    assert iris.run(TRADE, **buy(account_id, price="5000"))["__typename"] == "TradeExecuted"
    assert officer.run(LIMITS, **limits, priceBandPercent="100.01")["code"] == "INVALID_LIMIT"


def test_a_fill_is_held_to_its_order_and_a_market_that_is_silent_to_nothing(store, market):
    iris = Api("iris", role=INTEGRATOR)
    account_id, (_, fill) = trades_of(iris)
    market(9_000_000, made_at_us=time.time_ns() // 1_000)
    assert iris.run(TRADE, **fill)["__typename"] == "TradeExecuted"
    assert iris.run(TRADE, **buy(account_id))["code"] == "PRICE_BEYOND_BAND"
    market(9_000_000, made_at_us=time.time_ns() // 1_000 - 60_000_000)
    assert iris.run(TRADE, **buy(account_id))["__typename"] == "TradeExecuted"
    assert submit(iris, TRADES, trades=[buy(account_id)])["accepted"] == 1


def test_a_trade_that_is_sent_again_is_the_same_whatever_the_market_says_by_then(store, market):
    iris = Api("iris", role=INTEGRATOR)
    account_id = iris.open()
    trades = [buy(account_id, commandId="booked"), buy(account_id, commandId="refused", price="90")]
    market(500_000, made_at_us=time.time_ns() // 1_000)
    first = submit(iris, TRADES, trades=trades)["outcomes"]
    before = len(events(store))
    market(900_000, made_at_us=time.time_ns() // 1_000)
    again = submit(iris, TRADES, trades=trades)["outcomes"]
    assert again == [{**outcome, "duplicate": True} for outcome in first]
    assert iris.run(TRADE, **trades[0])["version"] == first[0]["version"]
    assert iris.run(TRADE, **trades[1])["code"] == "PRICE_BEYOND_BAND"
    assert len(events(store)) == before


def test_operators_book_on_every_account(store):
    _, trades = trades_of(Api("ada"))
    olga = Api("olga", role=OPERATOR)
    assert olga.run(TRADE, **trades[0])["__typename"] == "TradeExecuted"
    assert submit(olga, TRADES, trades=trades)["accepted"] == 2


def test_a_price_that_no_trade_can_have_is_left_out_and_the_others_are_answered(store, market):
    assert money.PRICE_MAX == values.PRICE_MAX
    iris = Api("iris", role=INTEGRATOR)
    account_id = iris.open()
    market(values.PRICE_MAX + 1, made_at_us=time.time_ns() // 1_000)
    assert submit(iris, TRADES, trades=[buy(account_id)])["accepted"] == 1
    mine = limit_order(account_id, type="MARKET", limitPrice=None)
    assert iris.run(PLACE, **mine)["code"] == "MARKET_UNAVAILABLE"


@pytest.fixture
def hanging_redis(settings):
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.REDIS_URL = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        yield


@pytest.mark.usefixtures("store", "hanging_redis")
def test_a_redis_that_hangs_holds_up_nobody_else():
    iris = Api("iris", role=INTEGRATOR)
    account_id = iris.open()
    market_order = limit_order(account_id, type="MARKET", limitPrice=None)
    client, headers = AsyncClient(), {"Authorization": f"Bearer {iris.key}"}

    async def post(query, given):
        body = {"query": query, "variables": {"input": given}}
        answer = await client.post("/graphql", body, content_type="application/json", headers=headers)
        ((_, result),) = answer.json()["data"].items()
        return result

    async def longest_pause(work):
        latest, longest = time.monotonic(), 0.0
        while not work.done():
            await asyncio.sleep(0.01)
            longest, latest = max(longest, time.monotonic() - latest), time.monotonic()
        return longest

    async def book():
        booking = asyncio.gather(*(post(TRADE, buy(account_id)) for _ in range(3)), post(PLACE, market_order))
        pause = await longest_pause(booking)
        again = asyncio.create_task(post(TRADE, buy(account_id)))
        begun_at = time.monotonic()
        await again
        return pause, time.monotonic() - begun_at, await booking

    pause, took, (*booked, refused) = asyncio.run(book())
    assert pause < 0.5
    assert took < 0.5, "it is not asked again for every booking"
    assert [each["__typename"] for each in booked] == ["TradeExecuted"] * 3
    assert refused["code"] == "MARKET_UNAVAILABLE"
