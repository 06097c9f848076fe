"""A store of this test's own whose clock the test sets, and a reader of the REST API."""

import itertools
from datetime import datetime

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from accounts.codec import account_codec
from accounts.domain.commands import ChangeRiskLimits, DepositCash, ExecuteTrade, OpenAccount
from accounts.domain.values import SHARE
from accounts.writer.machine import AccountDecider
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.record import microseconds
from eventstore.store import EventStore, set_store_factory
from eventstore.tests.sqlite_file import unprotected
from eventstore.writer.request import Committed, Request
from identity.api_keys import create_api_key
from identity.permissions import grant_ownership
from tradingplatform.bootstrap import wire

ADA = "0b5c1f3e-0000-4000-8000-00000000000a"
BOB = "0b5c1f3e-0000-4000-8000-00000000000b"
NOBODY = "0b5c1f3e-0000-4000-8000-0000000000ff"


def instant(text):
    return datetime.fromisoformat(text)


class Past:
    """Writes commands at the instants that the test says, all of one call in one group, at one instant."""

    def __init__(self, engine):
        self.engine = engine
        self.store = EventStore.open(engine, codec=account_codec(), partition_count=2)
        self.now = microseconds(instant("2026-01-05T12:00:00Z"))
        self.writer = self.store.writer(AccountDecider(), clock=lambda: self.now)
        self._numbers = itertools.count()
        set_store_factory(lambda: self.store)

    def at(self, text):
        self.now = microseconds(instant(text))
        return self

    def execute(self, account_id, *commands, actor="ada/bot"):
        requests = [Request(account_id, f"c-{next(self._numbers)}", actor, command) for command in commands]
        outcomes = self.writer.execute(requests)
        assert all(isinstance(outcome, Committed) for outcome in outcomes), outcomes
        return self

    def open(self, account_id=ADA, cash=1_000_000, owner="ada"):
        limits = ChangeRiskLimits(10_000, 10**15, 10**14)
        opening = OpenAccount(owner, "Savings", "USD")
        return self.execute(account_id, opening, limits, DepositCash(cash * 10_000, "first"))

    def buy(self, shares, price, symbol="KO", account_id=ADA):
        trade = ExecuteTrade(symbol, "BUY", round(shares * SHARE), round(price * 10_000), None)
        return self.execute(account_id, trade)

    def make_pages(self):
        for partition, head in self.store.heads().items():
            self.store.snapshotter(AccountDecider()).write(partition=partition, through_seq=head)
        return self


class Reader:
    """A user with an API key."""

    def __init__(self, username, *account_ids, **flags):
        self.user = get_user_model().objects.create_user(username, password="a long password", **flags)
        for account_id in account_ids:
            grant_ownership(user=self.user, account_id=account_id)
        self.headers = {"Authorization": f"Bearer {create_api_key(user=self.user, name='bot')}"}

    def get(self, path, **parameters):
        return Client().get(f"/api/{path}", parameters, headers=self.headers)

    def problem(self, path, **parameters):
        answer = self.get(path, **parameters)
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["detail"]
        return answer.status_code, answer.json()["code"]


@pytest.fixture
def past(tmp_path):
    """One account, opened on a Monday at noon (versions 1 to 3)."""
    made = Past(SQLiteEngine(tmp_path / "events"))
    yield made.open()
    wire()


@pytest.fixture
def ada(db):
    return Reader("ada", ADA)


def flip_a_bit(folder, table, partition=0):
    """Flip one bit in the middle of the first payload, as decay would, and as somebody might who has the file."""
    file = "journal" if table == "journal" else "pages"
    key = ("partition", "seq") if table == "journal" else ("aggregate_id", "first_version")
    with unprotected(folder / f"{file}.sqlite3") as connection:
        rows = connection.execute(f"SELECT {', '.join(key)}, payload FROM {table}").fetchall()
        *place, payload = next(
            row for row in rows if (not row[0].startswith("#") if table == "page" else row[0] == partition)
        )
        damaged = bytearray(payload)
        damaged[len(damaged) // 2] ^= 0b100
        connection.execute(
            f"UPDATE {table} SET payload = ? WHERE {key[0]} = ? AND {key[1]} = ?", (bytes(damaged), *place)
        )
        assert connection.changes() == 1
