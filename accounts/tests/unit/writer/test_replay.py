"""A replay, pages and look-ups, which all fold, give the states that one event after another gives."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.codec import account_codec, dump_account
from accounts.domain.account import evolve
from accounts.domain.commands import (
    ChangeFeeSchedule,
    ChangeRiskLimits,
    DepositCash,
    ExecuteTrade,
    FreezeAccount,
    OpenAccount,
    UnfreezeAccount,
    WithdrawCash,
)
from accounts.domain.state import Account
from accounts.domain.values import SHARE
from accounts.tests.unit.writer import test_machine
from accounts.writer.machine import AccountDecider, AccountMachine
from eventstore.engines.memory import MemoryEngine
from eventstore.errors import IntegrityError
from eventstore.integrity.hashing import batch_hash, payload_hash
from eventstore.pages import stretch
from eventstore.record import instant_of
from eventstore.store import EventStore
from eventstore.writer.request import Request

ACCOUNTS = ("a", "b", "c")
TRADES = st.builds(
    ExecuteTrade,
    st.sampled_from(["KO", "XOM"]),
    st.sampled_from(["BUY", "SELL"]),
    st.integers(1, 9).map(lambda shares: shares * SHARE) | st.integers(1, 9 * SHARE),
    st.integers(1, 500_000),
    st.none(),
)
COMMANDS = st.one_of(
    TRADES,
    TRADES,
    st.builds(DepositCash, st.integers(1, 10**9), st.just("")),
    st.builds(WithdrawCash, st.integers(1, 10**8), st.just("")),
    st.builds(FreezeAccount, st.just("audit")),
    st.builds(UnfreezeAccount, st.just("clean")),
    st.builds(ChangeFeeSchedule, st.integers(0, 20_000), st.integers(0, 99), st.integers(0, 99), st.integers(0, 9_999)),
    st.builds(ChangeRiskLimits, st.integers(1, 10_000), st.just(10**12), st.integers(1, 10**10)),
)
GROUPS = st.lists(st.lists(st.tuples(st.sampled_from(ACCOUNTS), COMMANDS), min_size=1, max_size=12), max_size=8)
EMPTY = dump_account(Account())
NAMES = dict(zip(test_machine.ACCOUNTS, ACCOUNTS, strict=True))
MONEY = [(name, DepositCash(10**12, "")) for name in ACCOUNTS]
GROUPS_OF_ORDERS = test_machine.GROUPS_OF_ORDERS.map(
    lambda groups: [MONEY, *([(NAMES[name], command) for name, command in group] for group in groups)]
)
SEVEN_HOURS_US = 7 * 3_600 * 1_000_000


def written(groups):
    """Return a store whose groups of commands lie seven hours apart, so that days change between them."""
    now = 0
    store = EventStore.open(MemoryEngine(), codec=account_codec(), partition_count=2)
    writer = store.writer(AccountDecider(), clock=lambda: now)
    writer.execute([Request(name, "open", "tester", OpenAccount("ada", "A", "USD")) for name in ACCOUNTS])
    for number, group in enumerate(groups):
        now += SEVEN_HOURS_US
        writer.execute([Request(name, f"{number}/{n}", "tester", c) for n, (name, c) in enumerate(group)])
    return store, writer


def replayed(store, **options):
    states, versions, count = {}, {}, 0
    for partition in range(store.partition_count):
        *_, final = [None, *store.replay(AccountDecider(), partition=partition, **options)]
        if final is not None:
            states.update(final.states)
            versions.update(final.states.versions())
            count += final.event_count
    return states, versions, count


def evolved(store):
    """Return the dumped state of every account at each of its versions, event by event."""
    found = {}
    for partition in range(store.partition_count):
        accounts = {}
        for commit in (commit for batch in store.read_all(partition=partition) for commit in batch.commits):
            account = accounts.setdefault(commit.aggregate_id, Account())
            for event in commit.events:
                found.setdefault(commit.aggregate_id, []).append(dump_account(evolve(account, event)))
    return found


@settings(max_examples=60, deadline=None)
@given(GROUPS | GROUPS_OF_ORDERS, st.integers(0, 100), st.integers(1, 9))
def test_what_is_looked_up_at_any_version_is_what_one_event_after_another_gives(groups, paged, size):
    """With pages of few events, up to anywhere in the journal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stretch, "EVENTS_PER_PAGE_MAX", size)
        store, _ = written(groups)
        for partition, head in store.heads().items():
            through_seq = head * paged // 100
            for middle in sorted({through_seq // 2, through_seq} - {0}):
                store.snapshotter(AccountDecider()).write(partition=partition, through_seq=middle)
        assert set(store.snapshotter(AccountDecider()).check()) <= {None}
    writer = store.writer(AccountDecider())
    for name, of_versions in evolved(store).items():
        for version, expected in enumerate(of_versions, start=1):
            found = store.state(AccountDecider(), name, version=version)
            assert (found.version, dump_account(found.state)) == (version, expected)
        account, version = writer.state(name)
        assert (version, dump_account(account)) == (len(of_versions), of_versions[-1])
        for page in store.pages.after(name, after_version=0, limit=999):
            assert page.state_before == (of_versions[page.first_version - 2] if page.first_version > 1 else EMPTY)


@settings(max_examples=60, deadline=None)
@given(GROUPS, st.data())
def test_the_states_are_those_of_one_event_after_another(groups, data):
    store, _ = written(groups)
    states, versions, count = replayed(store)
    one_by_one = evolved(store)
    assert versions == {name: len(of_versions) for name, of_versions in one_by_one.items()}
    assert {name: dump_account(state) for name, state in states.items()} == {
        name: of_versions[-1] for name, of_versions in one_by_one.items()
    }
    assert count == sum(versions.values())
    instant = instant_of(data.draw(st.integers(0, len(groups) + 1)) * SEVEN_HOURS_US)
    for name, state in replayed(store, through=instant)[0].items():
        assert state == store.state(AccountDecider(), name, at=instant).state


def test_an_altered_batch_stops_a_replay():
    store, _ = written([[("a", DepositCash(5, ""))]] * 3)
    stored = store.engine._partitions[store.partition_of("a")]
    stored[2] = msgspec.structs.replace(stored[3], seq=2)
    with pytest.raises(IntegrityError):
        replayed(store)


def resealed(store, partition, seq, **changed):
    """Change a batch and seal it, and every one after it, so that all hashes and the chain are right."""
    stored = store.engine._partitions[partition]
    for place in range(seq, len(stored) + 1):
        batch = stored[place]
        if place == seq:
            batch = msgspec.structs.replace(batch, **changed)
            batch = msgspec.structs.replace(batch, payload_hash=payload_hash(batch.payload))
        else:
            batch = msgspec.structs.replace(batch, previous_hash=stored[place - 1].hash)
        stored[place] = msgspec.structs.replace(batch, hash=batch_hash(batch))


@pytest.mark.parametrize("seq", [2, 4, 9])
def test_of_many_batches_that_are_read_together_the_unreadable_one_is_named(seq):
    store, _ = written([[("a", DepositCash(5, ""))]] * 10)
    partition = store.partition_of("a")
    payload = store.engine._partitions[partition][seq].payload
    resealed(store, partition, seq, payload=payload[:-1])
    with pytest.raises(IntegrityError) as raised:
        replayed(store)
    assert (raised.value.partition, raised.value.seq) == (partition, seq)


@pytest.mark.parametrize("seq", [2, 4, 9])
def test_of_many_batches_that_are_read_together_the_one_that_repeats_a_version_is_named(seq):
    store, _ = written([[("a", DepositCash(5, ""))]] * 10)
    partition = store.partition_of("a")
    before = store.engine._partitions[partition][seq - 1]
    resealed(store, partition, seq, payload=before.payload, event_count=before.event_count)
    with pytest.raises(IntegrityError) as raised:
        replayed(store)
    assert (raised.value.partition, raised.value.seq) == (partition, seq)


def test_a_replay_whose_last_event_is_altered_comes_to_something_else(monkeypatch):
    store, _ = written([[("a", DepositCash(5, ""))]])
    expected = replayed(store)[0]["a"]
    fold = AccountMachine.fold

    def altered(self, numbers, versions, events, codec):
        if events.tags[events.types[-1]] == "CashDeposited@1":
            events.cells[events.starts[-1] + 2] += 1
        return fold(self, numbers, versions, events, codec)

    monkeypatch.setattr(AccountMachine, "fold", altered)
    assert replayed(store)[0]["a"] != expected
