"""What was decided and is folded again gives the same accounts, however the events are cut into batches."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.codec import account_codec, dump_account
from accounts.domain.commands import ExecuteTrade
from accounts.domain.state import Account
from accounts.domain.values import SHARE
from accounts.kernels.fold import apply_events
from accounts.tests.unit.writer.test_machine import ACCOUNTS, GROUPS, NOW, OPENING
from accounts.writer import machine as module
from accounts.writer.decider import AccountDecider
from accounts.writer.machine import AccountMachine
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
    return [(machine.state(number), machine.version(number)) for number in range(len(ACCOUNTS))]


def shown(accounts):
    return [(dump_account(account), version) for account, version in accounts]


@settings(max_examples=150, deadline=None)
@given(GROUPS, st.integers(1, 40))
def test_a_history_is_folded_to_what_it_was_decided_on_however_it_is_cut(groups, size):
    expected, happened = decided(groups)
    assert shown(folded(happened, size)) == shown(expected)


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

    def forgetful(state, events, **given):
        events.cells[events.starts[-1] + 7] += 1
        return apply_events(state, events, **given)

    monkeypatch.setattr(module, "apply_events", forgetful)
    with pytest.raises(AssertionError):
        assert shown(folded(happened, len(happened))) == shown(expected)
