"""A writer that lets accounts go decides what one does that keeps them all; its journal is the same, byte for byte."""

import random
import uuid

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.codec import account_codec, dump_account
from accounts.domain import commands as c
from accounts.domain.values import MONEY_MAX, SHARE
from accounts.kernels.orders import WorkingOrders
from accounts.kernels.state import State
from accounts.tests.unit.writer.test_machine import COMMANDS, NOW, WORKING
from accounts.writer.columns import AccountCommands
from accounts.writer.machine import AccountDecider
from eventstore.engines.memory import MemoryEngine
from eventstore.integrity.hashing import FORMAT
from eventstore.record import StoreMetadata
from eventstore.store import EventStore
from eventstore.writer import group_commit, partition
from eventstore.writer.loading import PageLoader
from eventstore.writer.request import Failed, Request

NAMES = [f"account-{number}" for number in range(8)]
FEW_BYTES = 1_500
"""Two or three accounts, with a position or an order."""
OPENING = (
    c.OpenAccount("ada", "A", "USD"),
    c.DepositCash(10**12, ""),
    c.ChangeRiskLimits(10_000, MONEY_MAX, MONEY_MAX),
)
GROUPS = st.lists(st.tuples(st.sampled_from(NAMES), COMMANDS | WORKING), min_size=1, max_size=8)
STEPS = st.one_of(
    *2 * (st.tuples(st.just("decide"), GROUPS),),
    st.tuples(st.just("decide elsewhere"), GROUPS),
    st.tuples(st.just("write pages"), st.integers(0, 3)),
    st.tuples(st.just("send again"), st.lists(st.integers(0, 200), min_size=1, max_size=4)),
    st.tuples(st.just("take back"), GROUPS),
)


class World:
    """A store of one partition with two writers, and everything that they were asked."""

    def __init__(self, bytes_max):
        self.engine = MemoryEngine()
        self.engine.open(StoreMetadata(store_id=str(uuid.UUID(int=7)), format=FORMAT, partition_count=1, created_at=0))
        self.store = EventStore.open(self.engine, codec=account_codec(), partition_count=1)
        self.writers = [
            self.store.writer(AccountDecider(), clock=lambda: NOW, held_bytes_max=bytes_max) for _ in range(2)
        ]
        self.requests = []

    def decided(self, writer, group):
        """Return what became of commands."""
        first = len(self.requests)
        requests = [
            Request(name, f"command-{number}", "ada", command) for number, (name, command) in enumerate(group, first)
        ]
        self.requests += requests
        return self.executed(writer, requests)

    def executed(self, writer, requests):
        outcomes = self.writers[writer].execute(requests)
        self.writers[writer].let_go()
        return [
            (type(each.error), str(each.error)) if isinstance(each, Failed) else (each, each.events, each.event_ids)
            for each in outcomes
        ]

    def taken_back(self, group):
        """Decide commands and take them back, as when another writer is faster."""
        writer = self.writers[0]
        commands = AccountCommands.of([Request(name, "lost", "ada", command) for name, command in group[:1]])
        pending = writer._begin_group(writer._partition(0))
        pending.take(commands, np.zeros(1, np.int64), commands.keys(writer._keys), {}, lambda: False)
        pending.drop()
        writer.let_go()

    def step(self, kind, what):
        """Do one thing; return what can be seen of it."""
        if kind == "write pages":
            through_seq = max(0, self.store.heads()[0] - what)
            return self.store.snapshotter(AccountDecider()).write(partition=0, through_seq=through_seq)
        if kind == "send again":
            again = [self.requests[place] for place in what if place < len(self.requests)]
            return self.executed(0, again) if again else None
        if kind == "take back":
            return self.taken_back(what)
        return self.decided(kind == "decide elsewhere", what)

    def journal(self):
        """Return the batches without their random ids, and the hashes over them."""
        batches = self.engine.read(partition=0, after_seq=0, limit=10_000)
        return [msgspec.structs.replace(batch, batch_id=b"", hash=b"", previous_hash=b"") for batch in batches]

    def states(self):
        found = [self.writers[0].state(name) for name in NAMES]
        return [(dump_account(account), version) for account, version in found]


def check_alike(steps):
    """Live the same twice, once with few accounts in memory; return how many were let go."""
    few, all_of_them = World(FEW_BYTES), World(10**9)
    opening = [(name, command) for command in OPENING for name in NAMES[:6]]
    for kind, what in [("decide", opening), ("write pages", 0), *steps]:
        assert few.step(kind, what) == all_of_them.step(kind, what), kind
        assert few.journal() == all_of_them.journal()
        for writer in few.writers:
            check_bound(writer)
    assert few.states() == all_of_them.states()
    assert all_of_them.writers[0].let_go_count == 0
    return few.writers[0].let_go_count


def check_bound(writer):
    """After `let_go` there are few accounts, besides those whose latest events are in no page."""
    for held in writer._partitions.values():
        if held.held_bytes() > FEW_BYTES and held.seq >= held._look_for_pages_at_seq:
            held._let_go_seq = -1  # As after another group.
            writer.let_go()
            assert held.held_bytes() <= FEW_BYTES or not (held._latest_seqs <= held._pages.position()).any()


@pytest.fixture(autouse=True)
def looks_often(monkeypatch):
    monkeypatch.setattr(group_commit, "CONFLICT_PAUSE_MS_MAX", 0)
    monkeypatch.setattr(partition, "LOOK_FOR_PAGES_BATCHES", 1)


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=14))
def test_nobody_sees_that_accounts_are_let_go(steps):
    check_alike(steps)


def trade(symbol, shares):
    return c.ExecuteTrade(symbol, "BUY", shares * SHARE, 10_000, None)


def place(number):
    return c.PlaceOrder(f"order-{number}", f"mine-{number}", "KO", "BUY", SHARE, "LIMIT", "GTC", 10_000, None, 0)


def long_life():
    """Every account is asked for again and again, with pages now and then: each comes back many times."""
    chance = random.Random(7)
    for number in range(40):
        names = chance.sample(NAMES[:6], 2)
        command = place(number) if number % 3 == 0 else trade(chance.choice(["KO", "XOM", "AAPL"]), 1 + number % 4)
        yield "decide", [(name, command) for name in names]
        if number % 5 == 4:
            yield "decide elsewhere", [(names[0], trade("KO", 2))]
        if number % 2:
            yield "write pages", number % 3


def test_every_account_comes_back_as_it_went():
    assert check_alike([*long_life()]) > 30


def everything_is_in_pages(self):
    return 10**9


def nothing_is_cleared(self, numbers):
    pass


def orders_stay(self, account):
    pass


def positions_stay(self, numbers):
    self.accounts[numbers] = 0


@pytest.mark.parametrize(
    ("of", "name", "planted"),
    [
        (PageLoader, "position", everything_is_in_pages),
        (State, "let_go", nothing_is_cleared),
        (State, "let_go", positions_stay),
        (WorkingOrders, "let_go", orders_stay),
    ],
)
def test_a_writer_that_lets_go_too_much_or_too_little_is_found_out(of, name, planted, monkeypatch):
    monkeypatch.setattr(of, name, planted)
    with pytest.raises((AssertionError, KeyError)):
        check_alike([*long_life()])


def test_what_is_not_durable_cannot_be_let_go():
    world = World(FEW_BYTES)
    world.decided(0, [(name, command) for command in OPENING for name in NAMES])
    world.step("write pages", 0)
    writer = world.writers[0]
    held = writer._partitions[0]
    commands = AccountCommands.of([Request(NAMES[0], "pending", "ada", trade("KO", 1))])
    pending = writer._begin_group(held)
    assert pending.take(commands, np.zeros(1, np.int64), commands.keys(writer._keys), {}, lambda: False)
    held._look_for_pages_at_seq, held._let_go_seq = 0, -1
    with pytest.raises(AssertionError, match="what may be taken back cannot be let go"):
        writer.let_go()


def test_accounts_asked_for_in_turn_take_no_more_memory_than_some_of_them():
    names = [f"account-{number}" for number in range(600)]
    world = World(60 * 400)
    writer = world.writers[0]
    for name in names:
        world.decided(0, [(name, command) for command in (*OPENING, trade("KO", 3))])
        if name.endswith("9"):
            world.step("write pages", 0)
    held = writer._partitions[0]
    sizes = len(held.machine._state.accounts), len(held.machine._state.positions), len(held._names._names)
    for start in range(0, len(names), 50):
        world.decided(0, [(name, trade("XOM", 1)) for name in names[start : start + 50]])
        world.step("write pages", 0)
    assert len(held) <= 120
    assert writer.let_go_count > 1_000
    assert (len(held.machine._state.accounts), len(held.machine._state.positions), len(held._names._names)) == sizes
    assert writer.state(names[0])[0].positions.keys() == {"KO", "XOM"}
