"""A store of this test's own, commands on it, and projections of it into the test database."""

import itertools
import uuid

import pytest
from django.db import transaction

from accounts.codec import account_codec
from accounts.domain.commands import (
    CloseAccount,
    DepositCash,
    ExecuteTrade,
    OpenAccount,
    PlaceOrder,
    ReplaceOrder,
    WithdrawCash,
)
from accounts.domain.values import SHARE
from accounts.writer.machine import AccountDecider
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.store import EventStore, set_store_factory
from eventstore.writer.request import Committed, Request
from readmodels.models import (
    AccountEvent,
    AccountSummary,
    Activity,
    DailyPnl,
    DeadLetter,
    FirmTotals,
    FlowMinute,
    Order,
    PortfolioPosition,
    ProjectionCheckpoint,
    StoredDay,
    StoredPosition,
    SymbolDay,
    SymbolTotals,
    Trade,
    TradeHistory,
)
from readmodels.projections import portfolio_positions
from readmodels.projector import stored_rows, tables
from readmodels.tasks import project_once
from tradingplatform.bootstrap import wire

DAY = 86_400 * 1_000_000
SUMS = (FirmTotals, SymbolTotals, SymbolDay, FlowMinute)
TABLES = (AccountSummary, PortfolioPosition, Order, DailyPnl, TradeHistory, *SUMS, Activity)
"""What is read."""
STORED = (AccountSummary, StoredPosition, Order, StoredDay, Trade, *SUMS, AccountEvent)
"""What is written: the others are views."""
OF_STORING = {"positions_version", "behind_since"}
"""Columns that say how far stored rows have followed, and nothing about the account."""
ADA = "0b5c1f3e-0000-4000-8000-00000000000a"
BOB = "0b5c1f3e-0000-4000-8000-00000000000b"
ZOE = "0b5c1f3e-0000-4000-8000-00000000000f"


class History:
    """Writes commands, each a batch of its own, one second of the clock after the other."""

    def __init__(self, folder):
        engine = SQLiteEngine(folder)
        self.store = EventStore.open(engine, codec=account_codec(), partition_count=4)
        self.now = 20_000 * DAY
        self.writer = self.store.writer(AccountDecider(), clock=lambda: self.now)
        self._numbers = itertools.count()
        self._order_numbers = itertools.count(1)

    def execute(self, account_id, *commands):
        for command in commands:
            self.now += 1_000_000
            request = Request(account_id, f"c-{next(self._numbers)}", "ada/bot", command)
            (outcome,) = self.writer.execute([request])
            assert isinstance(outcome, Committed), outcome
        return outcome

    def open(self, account_id, cash=1_000_000_000):
        return self.execute(account_id, OpenAccount("ada", "Savings", "USD"), DepositCash(cash, "first"))

    def buy(self, account_id, symbol="KO", shares=10, price=500_000):
        return self.execute(account_id, ExecuteTrade(symbol, "BUY", millionths(shares), price, None))

    def sell(self, account_id, symbol="KO", shares=4, price=600_000):
        return self.execute(account_id, ExecuteTrade(symbol, "SELL", millionths(shares), price, None))

    def place(self, account_id, side="BUY", shares=10, price=500_000, symbol="KO", client_order_id=None):
        """Place a limit order and return its id."""
        order_id = self.next_order_id()
        client_order_id = client_order_id or f"client-{order_id}"
        terms = (symbol, side, millionths(shares), "LIMIT", "DAY", price, None, 0)
        self.execute(account_id, PlaceOrder(order_id, client_order_id, *terms))
        return order_id

    def fill(self, account_id, order_id, side="BUY", shares=4, price=500_000, symbol="KO"):
        return self.execute(account_id, ExecuteTrade(symbol, side, millionths(shares), price, order_id))

    def replace(self, account_id, order_id, shares=None, price=None):
        """Replace an order and return the new one's id."""
        new_order_id = self.next_order_id()
        quantity = None if shares is None else millionths(shares)
        terms = (f"client-{new_order_id}", quantity, None, price, None)
        self.execute(account_id, ReplaceOrder(order_id, new_order_id, *terms))
        return new_order_id

    def next_order_id(self):
        return str(uuid.UUID(int=next(self._order_numbers), version=4))


def millionths(shares):
    return round(shares * SHARE)


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
    """Return every row of every table as readers see it, to compare one way of projecting with another."""
    found = {}
    for model in TABLES:
        names = [f.name for f in model._meta.concrete_fields if f.column and f.name not in OF_STORING]
        rows = model.objects.values(*names)
        if model is AccountSummary:
            rows = with_concentration(rows)
        found[model._meta.db_table] = sorted(tuple(str(row[name]) for name in names) for row in rows)
    return found


def with_concentration(summaries):
    """Return rows of accounts with what their positions come to now."""
    by_id = {str(row["account_id"]): row for row in summaries}
    held = tables.concentrations(by_id, positions=portfolio_positions.VIEW)
    return [{**row, **held[account_id]} for account_id, row in by_id.items()]


def follow_all():
    """Let every stored row follow, as lists over the whole firm see it at the latest after some seconds."""
    with transaction.atomic():
        stored_rows.follow_all()


def forget_everything():
    for model in (*STORED, DeadLetter, ProjectionCheckpoint):
        model.objects.all().delete()


@pytest.fixture
def firm(history):
    """Ada trades KO on two days, Bob sells all that he bought, and Zoe has euros."""
    history.open(ADA)
    history.open(BOB)
    history.execute(ZOE, OpenAccount("zoe", "Euros", "EUR"), DepositCash(900_000_000, "first"))
    history.buy(ADA, shares=10, price=500_000)
    history.buy(BOB, shares=4, price=510_000)
    history.buy(ZOE, shares=2, price=400_000)
    history.sell(BOB, shares=4, price=520_000)
    history.execute(ADA, ExecuteTrade("KO", "SELL", 10**6 * SHARE, 1, None))  # More than she has.
    history.now += DAY
    history.sell(ADA, shares=3, price=490_000)
    history.buy(ADA, symbol="XOM", shares=1, price=900_000)
    history.execute(BOB, WithdrawCash(1_000_040_000, "all"), CloseAccount("moving"))
    project()
    follow_all()
    return history
