"""The machine decides what the domain decides, figure by figure, and a group that is taken back leaves no trace."""

from copy import deepcopy

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.application import machine as module
from accounts.application.columns import AccountCommands
from accounts.application.decider import AccountDecider
from accounts.application.machine import AccountMachine
from accounts.codec import account_codec, dump_account
from accounts.domain import commands as c
from accounts.domain.account import decide, evolve
from accounts.domain.errors import CommandInvalid
from accounts.domain.state import Account
from accounts.domain.values import MONEY_MAX, PRICE_MAX, QUANTITY_MAX, SHARE
from accounts.kernels import events as events_module
from eventstore.engines.memory import MemoryEngine
from eventstore.store import EventStore
from eventstore.writer.request import Failed, Request

ACCOUNTS = ["ada", "bob", "nobody"]
ORDER_IDS = [f"order-{number}" for number in range(4)]
NAMES = st.sampled_from([*ACCOUNTS[:2] * 4, "nobody"])
SYMBOLS = st.sampled_from(["KO", "XOM", "AAPL"])
SIDES = st.sampled_from(["BUY", "SELL"])
SHARES = st.integers(1, 9).map(lambda shares: shares * SHARE) | st.integers(1, 9 * SHARE) | st.just(QUANTITY_MAX)
PRICES = st.integers(1, 90_000) | st.just(PRICE_MAX)
TIMES_IN_FORCE = st.sampled_from(["GTC", "DAY"])
COMMANDS = st.one_of(
    st.builds(c.ExecuteTrade, SYMBOLS, SIDES, SHARES, PRICES, st.none()),
    st.builds(c.ExecuteTrade, SYMBOLS, SIDES, SHARES, PRICES, st.none()),
    st.builds(c.ExecuteTrade, SYMBOLS, SIDES, SHARES, PRICES, st.sampled_from(ORDER_IDS)),
    st.builds(
        c.PlaceOrder,
        st.sampled_from(ORDER_IDS),
        st.sampled_from("abcdef"),
        SYMBOLS,
        SIDES,
        SHARES,
        st.just("LIMIT"),
        TIMES_IN_FORCE | st.just("IOC"),
        PRICES,
        st.none(),
        st.just(0),
    ),
    st.builds(
        c.ReplaceOrder,
        st.sampled_from(ORDER_IDS),
        st.sampled_from(ORDER_IDS),
        st.sampled_from("abcdef"),
        SHARES,
        st.none(),
        PRICES,
        st.none(),
    ),
    st.builds(c.CancelOrder, st.sampled_from(ORDER_IDS), st.just("")),
    st.builds(c.ExpireOrder, st.sampled_from(ORDER_IDS), st.just("")),
    st.builds(c.DepositCash, st.integers(1, 10**7), st.just("")),
    st.builds(c.WithdrawCash, st.integers(1, 10**7), st.just("")),
    st.builds(c.FreezeAccount, st.just("audit")),
    st.builds(c.UnfreezeAccount, st.just("clean")),
    st.builds(c.OpenAccount, st.just("ada"), st.just("A"), st.just("USD")),
    st.builds(c.CloseAccount, st.just("over")),
)
GROUPS = st.lists(st.lists(st.tuples(NAMES, COMMANDS), min_size=1, max_size=12), max_size=4)
OPENING = (
    c.OpenAccount("ada", "A", "USD"),
    c.DepositCash(10**12, ""),
    c.ChangeRiskLimits(10_000, MONEY_MAX, MONEY_MAX),
)
NOW = 1_750_000_000_000_000


class Domain:
    """The same accounts as objects, and their versions."""

    def __init__(self):
        self.accounts = {name: Account() for name in ACCOUNTS}
        self.versions = dict.fromkeys(ACCOUNTS, 0)

    def decided(self, name, command):
        """Return the events of a command and the version after them, or the code of why there are none."""
        account = self.accounts[name]
        try:
            events = decide(account, command, NOW)
        except CommandInvalid as error:
            return error.code
        for event in events:
            evolve(account, event)
        self.versions[name] += len(events)
        return events, self.versions[name]


def opened():
    """Return a writer and the domain with two accounts that have cash."""
    store = EventStore.open(MemoryEngine(), codec=account_codec(), partition_count=1)
    writer, domain = store.writer(AccountDecider(), clock=lambda: NOW), Domain()
    is_decided_alike(writer, domain, [(name, command) for name in ACCOUNTS[:2] for command in OPENING])
    return writer, domain


def is_decided_alike(writer, domain, group):
    """Decide a group both ways; every event, version and refusal is the same, and so are the accounts after it."""
    numbers = iter(range(10**9))
    requests = [Request(name, f"{id(group)}-{next(numbers)}", "ada", command) for name, command in group]
    for (name, command), outcome in zip(group, writer.execute(requests), strict=True):
        expected = domain.decided(name, command)
        if isinstance(outcome, Failed):
            assert isinstance(outcome.error, CommandInvalid), outcome.error
            assert outcome.error.code == expected
        else:
            assert (outcome.events, outcome.version) == expected
    check_accounts(writer, domain)


def check_accounts(writer, domain):
    for name in ACCOUNTS:
        account, version = writer.state(name)
        assert (dump_account(account), version) == (dump_account(domain.accounts[name]), domain.versions[name])


@settings(max_examples=300, deadline=None)
@given(GROUPS)
def test_every_event_and_every_figure_is_that_of_the_domain(groups):
    writer, domain = opened()
    for group in groups:
        is_decided_alike(writer, domain, group)


def bits(machine):
    state = machine._state
    kept = state.positions[: state.position_count + 50]
    return [state.accounts[: state.account_count].tobytes(), kept.tobytes(), deepcopy(machine._orders)]


def is_taken_back(before, group):
    """Decide groups, then one that is taken back: nothing of it is left, and the same is decided again."""
    writer, domain = opened()
    for each in before:
        is_decided_alike(writer, domain, each)
    partition = writer._partitions[0]
    for name, command in group:  # New accounts stay, empty, when their opening is taken back.
        if isinstance(command, c.OpenAccount) and domain.versions[name] == 0:
            return
    found = bits(partition.machine)
    requests = [Request(name, f"again-{number}", "ada", command) for number, (name, command) in enumerate(group)]
    commands = AccountCommands.of(requests)
    pending = writer._begin_group(partition)
    places = module.np.arange(len(commands))
    assert pending.take(commands, places, commands.keys(writer._keys), {}, lambda: False)
    pending.drop()
    left = bits(partition.machine)
    assert left[:2] == found[:2]
    assert {number: orders for number, orders in left[2].items() if orders} == {
        number: orders for number, orders in found[2].items() if orders
    }
    is_decided_alike(writer, domain, group)


@settings(max_examples=200, deadline=None)
@given(GROUPS, st.lists(st.tuples(NAMES, COMMANDS), min_size=1, max_size=12))
def test_a_group_that_is_taken_back_leaves_no_trace(before, group):
    is_taken_back(before, group)


def test_commands_of_an_account_that_is_opened_in_the_same_group_find_it():
    writer, domain = opened()
    buy = c.ExecuteTrade("KO", "BUY", SHARE, 10_000, None)
    new = [("nobody", command) for command in (buy, *OPENING, buy, c.DepositCash(5, ""), buy)]
    is_decided_alike(writer, domain, new)
    assert domain.versions["nobody"] == 6


def test_an_account_is_loaded_as_it_was_written():
    account = Account()
    for command in (*OPENING, c.ExecuteTrade("KO", "BUY", 5 * SHARE, 10_000, None)):
        for event in decide(account, command, NOW):
            evolve(account, event)
    for event in decide(account, c.PlaceOrder("o", "a", "KO", "SELL", SHARE, "LIMIT", "GTC", 20_000, None, 0), NOW):
        evolve(account, event)
    machine = AccountMachine()
    machine.add(Account(), 0)
    number = machine.add(account, 7)
    assert (machine.state(number), machine.version(number)) == (account, 7)
    machine.take_back()
    assert machine.state(number) == account, "what was loaded is not taken back"


def no_note_of_orders(self, number, events):
    notes = list(self._notes)
    evolved(self, number, events)
    self._notes = notes


def no_note_of_the_account(self, number, events):
    count = self._state.counters[2]
    evolved(self, number, events)
    self._state.counters[2] = count


evolved = AccountMachine._evolve


@pytest.mark.parametrize("planted", [no_note_of_orders, no_note_of_the_account])
def test_a_machine_that_forgets_to_note_is_found_out(planted, monkeypatch):
    buy = ("ada", c.ExecuteTrade("KO", "BUY", 5 * SHARE, 10_000, None))
    sell = ("ada", c.PlaceOrder("order-1", "a", "KO", "SELL", 3 * SHARE, "LIMIT", "GTC", 20_000, None, 0))
    is_taken_back([[buy]], [sell])
    monkeypatch.setattr(AccountMachine, "_evolve", planted)
    with pytest.raises(AssertionError):
        is_taken_back([[buy]], [sell])


def test_a_kernel_that_writes_another_figure_is_found_out(monkeypatch):
    buy = [("ada", c.ExecuteTrade("KO", "BUY", 5 * SHARE, 10_000, None))]
    is_decided_alike(*opened(), buy)
    put_events = events_module._put_events

    def off_by_one(*arguments):
        found = put_events(*arguments)
        arguments[13][7] += 1
        return found

    monkeypatch.setattr(events_module, "_put_events", off_by_one)
    with pytest.raises(AssertionError):
        is_decided_alike(*opened(), buy)


def test_every_field_of_an_account_is_written_into_the_arrays():
    filled = Account(**{name: 7 for name in Account.__struct_fields__ if isinstance(getattr(Account(), name), int)})
    machine = AccountMachine()
    assert msgspec.structs.asdict(machine.state(machine.add(msgspec.structs.replace(filled, status="FROZEN"), 1))) == {
        **msgspec.structs.asdict(filled),
        "status": "FROZEN",
    }
