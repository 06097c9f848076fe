"""How many modules one has to have read to know a way through the house: those whose code runs for one trade, one query
and one look into the past. A ratchet: each may only get shorter.
"""

import asyncio
import json
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient

from accounts.codec import account_codec
from accounts.writer.bus.in_process import InProcessBus
from accounts.writer.bus.ports import set_bus_factory
from accounts.writer.machine import AccountDecider
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.store import EventStore, set_store_factory
from identity.api_keys import create_api_key
from identity.permissions import INTEGRATOR, give_role
from readmodels import tasks
from tests.e2e.client import DEPOSIT, OPEN, TRADE
from tradingplatform.bootstrap import wire

pytestmark = pytest.mark.django_db(transaction=True)

BASE_DIR = Path(__file__).resolve().parent.parent.parent
TRADE_MODULES_MAX = 80  # Five of them are the market, which is asked twice a second how far its price is.
PORTFOLIO_MODULES_MAX = 21  # Three of them are the market.
AS_OF_MODULES_MAX = 41


class Ways:
    """Notes whose code runs, on this thread and on every one that begins later."""

    def __init__(self):
        self._now = set()

    def begin(self):
        threading.setprofile(self._note)
        sys.setprofile(self._note)

    def end(self):
        sys.setprofile(None)
        threading.setprofile(None)

    def crossed(self):
        """Return our modules whose code ran since it was asked before."""
        found, self._now = self._now, set()
        return {name for name in found if not name.endswith("__init__.py")}

    def _note(self, frame, event, argument):
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(BASE_DIR) and not {"tests", ".venv"} & set(path.parts):
            self._now.add(str(path.relative_to(BASE_DIR)))


class Caller:
    """Sends requests with an API key, without a server."""

    def __init__(self, user):
        self._headers = {"Authorization": f"Bearer {create_api_key(user=user, name='reader')}"}

    async def command(self, query, **fields):
        body = json.dumps({"query": query, "variables": {"input": fields}})
        answer = await AsyncClient().post("/graphql", body, content_type="application/json", headers=self._headers)
        (found,) = json.loads(answer.content)["data"].values()
        return found

    async def get(self, path):
        answer = await AsyncClient().get(path, headers=self._headers)
        assert answer.status_code == 200, answer.content


@pytest.fixture
def caller(tmp_path, django_user_model, monkeypatch):
    # However slow the machine is: what a key was allowed is looked up for the first request alone.
    monkeypatch.setattr("identity.recent_access.ACCESS_SECONDS", 3_600.0)
    opened = EventStore.open(SQLiteEngine(tmp_path / "events"), codec=account_codec(), partition_count=4)
    bus = InProcessBus(opened.writer(AccountDecider()))
    set_store_factory(lambda: opened)
    set_bus_factory(lambda: bus)
    user = django_user_model.objects.create_user("reader")
    give_role(user, INTEGRATOR)
    yield Caller(user)
    wire()


def test_ways_through_the_house_get_no_longer(caller):
    """Each is gone before: what is made once, at the first request, is nobody's way."""
    ways = Ways()
    ways.begin()
    try:
        trade, portfolio, as_of = asyncio.run(crossed(caller, ways))
    finally:
        ways.end()
    assert 40 < len(trade) <= TRADE_MODULES_MAX, sorted(trade)
    assert 10 < len(portfolio) <= PORTFOLIO_MODULES_MAX, sorted(portfolio)
    assert 20 < len(as_of) <= AS_OF_MODULES_MAX, sorted(as_of)


async def crossed(caller, ways):
    account_id = (await caller.command(OPEN, name="Ways"))["accountId"]
    await caller.command(DEPOSIT, accountId=account_id, amount="1000")
    trade = {"accountId": account_id, "symbol": "KO", "side": "BUY", "quantity": 1, "price": "10"}
    as_of = f"/api/accounts/{account_id}/as-of?at={datetime.now(UTC).isoformat().replace('+00:00', 'Z')}"
    for _ in range(2):
        ways.crossed()
        assert (await caller.command(TRADE, **trade))["__typename"] == "TradeExecuted"
        assert await sync_to_async(tasks.project_once)()
        of_trade = ways.crossed()
        await caller.get(f"/api/accounts/{account_id}/portfolio")
        of_portfolio = ways.crossed()
        await caller.get(as_of)
    await sync_to_async(connections.close_all)()
    return of_trade, of_portfolio, ways.crossed()
