"""A store and an in-process bus of this test's own."""

import asyncio

import pytest
import redis
from django.conf import settings

from accounts.api.parsing import reference_price as module
from accounts.codec import account_codec
from accounts.writer.bus.in_process import InProcessBus
from accounts.writer.bus.ports import set_bus_factory
from accounts.writer.machine import AccountDecider
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.store import EventStore, set_store_factory
from market.calendar import trading_days
from market.quote_board import BOARD_KEY, write_board
from market.quotes import Quote, QuoteSheet
from market.replay import Phase
from tradingplatform.bootstrap import wire


@pytest.fixture
def store(tmp_path):
    opened = EventStore.open(SQLiteEngine(tmp_path / "events"), codec=account_codec(), partition_count=4)
    bus = InProcessBus(opened.writer(AccountDecider()))
    set_store_factory(lambda: opened)
    set_bus_factory(lambda: bus)
    yield opened
    wire()


@pytest.fixture
def market(monkeypatch):
    """The quote board, as the market's process writes it; prices are read anew for every command."""
    monkeypatch.setattr(module, "PRICES_SECONDS", 0)
    monkeypatch.setattr(module.reference_price, "_good_until", float("-inf"))

    async def say(price, *, made_at_us, at_us=None):
        client = redis.asyncio.Redis.from_url(settings.REDIS_URL)
        quotes = (Quote("KO", price, price, price, price, price, at_us=at_us or made_at_us),)
        await write_board(client, QuoteSheet(trading_days()[0], Phase.OPEN, made_at_us, quotes))
        await client.aclose()

    yield lambda price, **at: asyncio.run(say(price, **at))
    redis.Redis.from_url(settings.REDIS_URL).delete(BOARD_KEY)
