"""A store of this test's own, commands on it, and projections of it into the test database."""

import itertools

import pytest

from accounts.application.decider import AccountDecider
from accounts.codec import account_codec
from accounts.domain.commands import DepositCash, ExecuteTrade, OpenAccount
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.provider import set_store_factory
from eventstore.store import EventStore
from eventstore.writer.request import Committed, Request
from readmodels.models import (
    AccountSummary,
    Activity,
    DailyPnl,
    DeadLetter,
    PortfolioPosition,
    ProjectionCheckpoint,
    TradeHistory,
)
from readmodels.tasks import project_once
from tradingplatform.bootstrap import wire

DAY = 86_400 * 1_000_000
TABLES = (AccountSummary, PortfolioPosition, DailyPnl, TradeHistory, Activity)
ADA = "0b5c1f3e-0000-4000-8000-00000000000a"
BOB = "0b5c1f3e-0000-4000-8000-00000000000b"


class History:
    """Writes commands, each a batch of its own, one second of the clock after the other."""

    def __init__(self, folder):
        engine = SQLiteEngine(folder)
        self.store = EventStore.open(engine, codec=account_codec(), partition_count=4)
        self.now = 20_000 * DAY
        self.writer = self.store.writer(AccountDecider(), clock=lambda: self.now)
        self._numbers = itertools.count()

    def execute(self, account_id, *commands):
        for command in commands:
            self.now += 1_000_000
            request = Request(account_id, f"c-{next(self._numbers)}", "ada/bot", command)
            (outcome,) = self.writer.execute([request])
            assert isinstance(outcome, Committed), outcome
        return outcome

    def open(self, account_id, cash=1_000_000_000):
        return self.execute(account_id, OpenAccount("ada", "Savings", "USD"), DepositCash(cash, "first"))

    def buy(self, account_id, symbol="KO", quantity=10, price=500_000):
        return self.execute(account_id, ExecuteTrade(symbol, "BUY", quantity, price, None))

    def sell(self, account_id, symbol="KO", quantity=4, price=600_000):
        return self.execute(account_id, ExecuteTrade(symbol, "SELL", quantity, price, "o-1"))


@pytest.fixture
def history(tmp_path, settings):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    made = History(tmp_path / "events")
    set_store_factory(lambda: made.store)
    yield made
    wire()


def project():
    while project_once():
        pass


def dump():
    """Return every row of every table, to compare one way of projecting with another."""
    return {
        model._meta.db_table: sorted(
            tuple(str(value) for value in row)
            for row in model.objects.values_list(*[f.name for f in model._meta.concrete_fields if f.column])
        )
        for model in TABLES
    }


def forget_everything():
    for model in (*TABLES, DeadLetter, ProjectionCheckpoint):
        model.objects.all().delete()
