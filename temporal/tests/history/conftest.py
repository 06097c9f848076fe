"""A store of this test's own, whose clock the test sets."""

import itertools
from datetime import datetime

import pytest

from accounts.codec import account_codec
from accounts.domain.commands import ChangeRiskLimits, DepositCash, ExecuteTrade, OpenAccount, WithdrawCash
from accounts.domain.values import SHARE
from accounts.writer.machine import AccountDecider
from eventstore.engines.memory import MemoryEngine
from eventstore.record import microseconds
from eventstore.store import EventStore, set_store_factory
from eventstore.writer.request import Committed, Request
from tradingplatform.bootstrap import wire

ADA = "0b5c1f3e-0000-4000-8000-00000000000a"
BOB = "0b5c1f3e-0000-4000-8000-00000000000b"


class Histories:
    """Writes commands, each a batch of its own, at the time that the test says."""

    def __init__(self, engine=None):
        self.store = EventStore.open(engine or MemoryEngine(), codec=account_codec(), partition_count=4)
        self.now = microseconds(datetime.fromisoformat("2026-01-05T12:00:00Z"))
        self.writer = self.store.writer(AccountDecider(), clock=lambda: self.now)
        self._numbers = itertools.count()
        set_store_factory(lambda: self.store)

    def at(self, text):
        self.now = microseconds(datetime.fromisoformat(text))
        return self

    def execute(self, account_id, *commands):
        for command in commands:
            request = Request(account_id, f"c-{next(self._numbers)}", "ada/bot", command)
            (outcome,) = self.writer.execute([request])
            assert isinstance(outcome, Committed), outcome
        return outcome.commit.events

    def attempt(self, account_id, command):
        """Send a command that may be declined, with nothing recorded."""
        self.writer.execute([Request(account_id, f"c-{next(self._numbers)}", "ada/bot", command)])

    def open(self, account_id=ADA, cash=1_000_000_0000):
        limits = ChangeRiskLimits(10_000, 10**15, 10**14)
        self.execute(account_id, OpenAccount("ada", "Savings", "USD"), limits, DepositCash(cash, "first"))
        return self

    def buy(self, shares, price, symbol="KO", account_id=ADA):
        return self.trade("BUY", shares, price, symbol, account_id)

    def sell(self, shares, price, symbol="KO", account_id=ADA):
        return self.trade("SELL", shares, price, symbol, account_id)

    def trade(self, side, shares, price, symbol, account_id):
        trade = ExecuteTrade(symbol, side, round(shares * SHARE), round(price * 10_000), None)
        return self.execute(account_id, trade)

    def deposit(self, amount, account_id=ADA):
        return self.execute(account_id, DepositCash(amount * 10_000, "more"))

    def withdraw(self, amount, account_id=ADA):
        return self.execute(account_id, WithdrawCash(amount * 10_000, "out"))

    def make_pages(self, *, through=None):
        """Turn the journal into pages, up to so many batches before its head."""
        for partition, head in self.store.heads().items():
            self.store.snapshotter(AccountDecider()).write(partition=partition, through_seq=head - (through or 0))
        return self


@pytest.fixture
def histories():
    yield Histories()
    wire()
