"""What was decided and is folded again gives the accounts that the domain's `evolve` gives event by event, however the
events are cut into batches.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.codec import account_codec, dump_account
from accounts.domain.account import evolve
from accounts.domain.commands import CancelOrder, ExecuteTrade, PlaceOrder, ReplaceOrder
from accounts.domain.state import Account
from accounts.domain.values import SHARE
from accounts.kernels.fold import apply_events
from accounts.tests.unit.writer.test_machine import ACCOUNTS, GROUPS, GROUPS_OF_ORDERS, NOW, OPENING
from accounts.writer import machine as module
from accounts.writer.machine import AccountDecider, AccountMachine
from eventstore.columns.cells import EventCells
from eventstore.engines.memory import MemoryEngine
from eventstore.store import EventStore
from eventstore.writer.request import Request


def decided(groups):
    """Return what the writer holds after groups of commands, and the events: account's number, version, event."""
    store = EventStore.open(MemoryEngine(), codec=account_codec(), partition_count=1)
    writer = store.writer(AccountDecider(), clock=lambda: NOW)
    opening = [(name, command) for name in ACCOUNTS[:2] for command in OPENING]
    for group, commands in enumerate([opening, *groups]):
        writer.execute([Request(name, f"{group}-{n}", "ada", command) for n, (name, command) in enumerate(commands)])
    happened = [
        (ACCOUNTS.index(commit.aggregate_id), version, event)
        for batch in store.read_all(partition=0)
        for commit in batch.commits
        for version, event in enumerate(commit.events, commit.first_version)
    ]
    return [writer.state(name) for name in ACCOUNTS], happened


def folded(happened, size):
    """Fold events, so many at a time; return the accounts and their versions."""
    machine = AccountMachine()
    for number in range(len(ACCOUNTS)):
        machine.add(number, Account(), 0)
    for start in range(0, len(happened), size):
        numbers, versions, events = zip(*happened[start : start + size], strict=True)
        cells = EventCells()
        for event in events:
            cells.add(event)
        assert machine.fold(np.array(numbers), np.array(versions), cells, account_codec()) is None
    assert places_taken(machine) == sum(len(machine.state(number).orders) for number in range(len(ACCOUNTS)))
    return [(machine.state(number), machine.version(number)) for number in range(len(ACCOUNTS))]


def places_taken(machine):
    """Return how many order ids have a place, which are as many as client order ids have."""
    taken = [
        sum(len(places.of(number)) for number in range(len(ACCOUNTS)))
        for places in (machine._orders._order_ids, machine._orders._client_ids)
    ]
    assert taken[0] == taken[1]
    return taken[0]


def evolved(happened):
    accounts = [(Account(), 0) for _ in ACCOUNTS]
    for number, version, event in happened:
        accounts[number] = evolve(accounts[number][0], event), version
    return accounts


def shown(accounts):
    return [(dump_account(account), version) for account, version in accounts]


@settings(max_examples=150, deadline=None)
@given(GROUPS | GROUPS_OF_ORDERS, st.integers(1, 40))
def test_a_history_is_folded_to_what_it_was_decided_on_however_it_is_cut(groups, size):
    expected, happened = decided(groups)
    assert shown(folded(happened, size)) == shown(expected) == shown(evolved(happened))


def test_no_event_of_this_release_is_left_to_the_domain(monkeypatch):
    orders = [
        PlaceOrder(name, name, "KO", "BUY", 4 * SHARE, "LIMIT", term, 10_000, None, 0)
        for name, term in (("o1", "GTC"), ("o2", "IOC"), ("o3", "DAY"))
    ]
    fills = [ExecuteTrade("KO", "BUY", SHARE, 10_000, name) for name in ("o1", "o2")]
    ends = [ReplaceOrder("o1", "o4", "o4", 3 * SHARE, None, None, None), CancelOrder("o3", "")]
    expected, happened = decided([[("ada", command) for command in (*orders, *fills, *ends)]])
    kinds = {type(event).__name__ for _, _, event in happened}
    assert {"OrderPlaced", "OrderFilled", "OrderReplaced", "OrderExpired", "OrderCancelled"} <= kinds
    monkeypatch.setattr(AccountMachine, "_evolve", None)
    assert shown(folded(happened, 7)) == shown(expected) == shown(evolved(happened))


def test_a_symbol_may_be_written_as_a_currency_or_a_term_is():
    trades = [ExecuteTrade(symbol, "BUY", SHARE, 10_000, None) for symbol in ("KO", "USD", "BUY")]
    expected, happened = decided([[("ada", command) for command in trades]])
    assert shown(folded(happened, len(happened))) == shown(expected) == shown(evolved(happened))
    assert set(expected[0][0].positions) == {"KO", "USD", "BUY"}


def test_a_fold_stops_at_the_first_version_that_does_not_follow():
    _, happened = decided([])
    of_bob = [(number, version, event) for number, version, event in happened if number == 1]
    skipped = [*happened[:2], *of_bob, (0, 4, happened[0][2])]
    numbers, versions, events = zip(*skipped, strict=True)
    cells, machine = EventCells(), AccountMachine()
    for event in events:
        cells.add(event)
    for number in range(len(ACCOUNTS)):
        machine.add(number, Account(), 0)
    assert machine.fold(np.array(numbers), np.array(versions), cells, account_codec()) == 2 + len(OPENING)
    assert (machine.version(0), machine.version(1)) == (2, len(OPENING))


def test_a_fold_that_forgets_a_trade_is_found_out(monkeypatch):
    expected, happened = decided(
        [[("ada", ExecuteTrade("KO", "BUY", SHARE, price, None)) for price in (10_000, 20_000)]]
    )
    assert shown(folded(happened, 5)) == shown(expected)

    def forgetful(state, working, happened, **given):
        happened.events.cells[happened.events.starts[-1] + 7] += 1
        return apply_events(state, working, happened, **given)

    monkeypatch.setattr(module, "apply_events", forgetful)
    with pytest.raises(AssertionError):
        assert shown(folded(happened, len(happened))) == shown(expected)
