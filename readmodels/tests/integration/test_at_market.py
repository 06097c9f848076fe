"""What positions and accounts are worth at the market: the same over REST and GraphQL, with the time of each price."""

import asyncio
import time
from dataclasses import replace

import pytest
import redis
from django.conf import settings
from django.test import Client

from identity.permissions import grant_ownership
from market.calendar import trading_days
from market.live_quotes import live_quotes
from market.quote_board import BOARD_KEY, write_board
from market.quotes import Quote, QuoteSheet
from market.replay import Phase
from readmodels.tests.conftest import ADA, project
from readmodels.tests.integration.test_rest import Reader

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = "marketValue unrealizedPnl dayChange source isStale priceAt price"
QUERY = f"""query($id: ID!) {{ account(id: $id) {{
  atMarket {{ quotedAt isStale isComplete buyingPower positionsValue equity unrealizedPnl dayChange }}
  positions {{ symbol marketValue atMarket {{ {NAMES} }} }} }} }}"""


async def write(*quotes, age_seconds=0):
    client = redis.asyncio.Redis.from_url(settings.REDIS_URL)
    made_at_us = time.time_ns() // 1_000 - age_seconds * 1_000_000
    said = tuple(replace(quote, at_us=made_at_us) for quote in quotes)
    await write_board(client, QuoteSheet(trading_days()[0], Phase.OPEN, made_at_us, said))
    await client.aclose()


def ko(price, close):
    return Quote("KO", price, close, price, price, price, 0)


@pytest.fixture
def market():
    """The quote board, as the market's process writes it."""
    yield lambda *quotes, **when: asyncio.run(write(*quotes, **when))
    redis.Redis.from_url(settings.REDIS_URL).delete(BOARD_KEY)


@pytest.fixture
def ada(history):
    """Ada has bought 6 KO and 2 XOM at 50 out of 1,000,000."""
    reader = Reader("ada")
    grant_ownership(user=reader.user, account_id=ADA)
    history.open(ADA)
    history.buy(ADA, shares=6, symbol="KO", price=500_000)
    history.buy(ADA, shares=2, symbol="XOM", price=500_000)
    project()
    return reader


def portfolio_of(reader):
    shown = reader.get(f"accounts/{ADA}/portfolio").json()
    return shown["at_market"], {each["symbol"]: each["at_market"] for each in shown["positions"]}, shown["account"]


def unless(reader, path, tag):
    return Client().get(f"/api/{path}", headers={**reader.headers, "If-None-Match": tag})


def camel(name):
    first, *others = name.split("_")
    return first + "".join(map(str.title, others))


def test_what_the_market_prices_is_at_its_price_and_the_rest_at_the_accounts_own(ada, market):
    market(ko(551_234, 560_000))
    worth, positions, account = portfolio_of(ada)
    at = positions["KO"].pop("price_at")
    assert positions["KO"] == {
        **{"price": "55.1234", "source": "market", "is_stale": False, "market_value": "330.7404"},
        **{"unrealized_pnl": "30.7404", "day_change": "-5.2596"},
    }
    assert positions["XOM"] == {
        **{"price": "50.0000", "price_at": None, "source": "last price", "is_stale": False},
        **{"market_value": "100.0000", "unrealized_pnl": "0.0000", "day_change": None},
    }
    assert worth.pop("buying_power") == account["buying_power"] == account["cash"]
    equity = f"{float(account['cash']) + 430.7404:.4f}"
    assert worth == {
        **{"quoted_at": at, "is_stale": False, "is_complete": False, "positions_value": "430.7404", "equity": equity},
        **{"unrealized_pnl": "30.7404", "day_change": "-5.2596"},
    }
    assert account["positions_value"] == "400.0000", "the account itself goes by what it last traded at"


def test_graphql_and_the_list_of_positions_say_the_same(ada, market):
    market(ko(551_234, 560_000))
    worth, positions, _ = portfolio_of(ada)
    body = {"query": QUERY, "variables": {"id": ADA}}
    posted = Client().post("/graphql", body, content_type="application/json", headers=ada.headers).json()
    answer = posted["data"]["account"]
    assert answer["atMarket"] == {camel(name): value for name, value in worth.items()}
    assert {each["symbol"]: each["atMarket"] for each in answer["positions"]} == {
        symbol: {camel(name): value for name, value in each.items()} for symbol, each in positions.items()
    }
    listed = ada.get(f"accounts/{ADA}/positions").json()["results"]
    assert {each["symbol"]: each["at_market"] for each in listed} == positions


def test_a_price_that_is_too_old_says_so_and_a_market_that_was_never_there_too(ada, market):
    market(ko(551_234, 560_000), age_seconds=60)
    worth, positions, _ = portfolio_of(ada)
    assert (positions["KO"]["price"], positions["KO"]["is_stale"], worth["is_stale"]) == ("55.1234", True, True)
    redis.Redis.from_url(settings.REDIS_URL).delete(BOARD_KEY)
    worth, positions, account = portfolio_of(ada)
    assert [each["source"] for each in positions.values()] == ["last price"] * 2
    assert (worth["quoted_at"], worth["equity"]) == (None, account["portfolio_value"])


def test_an_answer_is_another_one_when_the_market_has_moved(ada, market):
    market(ko(551_234, 560_000))
    path = f"accounts/{ADA}/portfolio"
    first = ada.get(path)
    assert unless(ada, path, first["ETag"]).status_code == 304
    market(ko(551_235, 560_000))
    again = unless(ada, path, first["ETag"])
    assert (again.status_code, again.json()["positions"][0]["at_market"]["price"]) == (200, "55.1235")


def test_a_sheet_that_is_published_is_what_the_next_question_is_answered_by(market):
    """Without a look at the server: the stream alone brings it."""

    async def seen():
        await live_quotes().load()
        before = live_quotes().quotes()["KO"].price
        async with asyncio.timeout(10):
            while live_quotes().quotes()["KO"].price == before:
                await write(ko(600_000, 560_000))  # Until it listens.
                await asyncio.sleep(0.05)
        return before, live_quotes().quotes()["KO"].price, live_quotes().sheet().phase

    market(ko(551_234, 560_000))
    assert asyncio.run(seen()) == (551_234, 600_000, Phase.OPEN)
