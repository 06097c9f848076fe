"""A fork that is undone leaves no trace, and one that is kept is what plain events make of the account."""

from copy import deepcopy

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.codec import dump_account
from accounts.domain import commands as c
from accounts.domain import state, undo
from accounts.domain.account import decide, evolve
from accounts.domain.errors import CommandInvalid
from accounts.domain.state import Account
from accounts.domain.values import SHARE

ORDER_IDS = [f"order-{number}" for number in range(4)]
SYMBOLS = st.sampled_from(["KO", "XOM"])
SIDES = st.sampled_from(["BUY", "SELL"])
PRICES = st.integers(1, 90_000)
TRADES = st.builds(c.ExecuteTrade, SYMBOLS, SIDES, st.integers(1, 9), PRICES, st.none() | st.sampled_from(ORDER_IDS))
COMMANDS = st.one_of(
    TRADES,
    TRADES,
    st.builds(
        c.PlaceOrder,
        st.sampled_from(ORDER_IDS),
        st.sampled_from("abcdef"),
        SYMBOLS,
        SIDES,
        st.integers(1, 9),
        st.just("LIMIT"),
        st.just("GTC"),
        PRICES,
        st.none(),
        st.just(0),
    ),
    st.builds(
        c.ReplaceOrder,
        st.sampled_from(ORDER_IDS),
        st.sampled_from(ORDER_IDS),
        st.sampled_from("abcdef"),
        st.integers(1, 9),
        st.none(),
        PRICES,
        st.none(),
    ),
    st.builds(c.CancelOrder, st.sampled_from(ORDER_IDS), st.just("")),
    st.builds(c.DepositCash, st.integers(1, 10**7), st.just("")),
    st.builds(c.FreezeAccount, st.just("audit")),
    st.builds(c.UnfreezeAccount, st.just("clean")),
)
OPENING = (c.OpenAccount("ada", "A", "USD"), c.DepositCash(10**8, ""), c.ChangeRiskLimits(10_000, 10**12, 10**10))
HISTORIES = st.lists(COMMANDS, max_size=25)
NOW = 1_750_000_000_000_000


def gone_through(account, commands, apply=evolve):
    for command in commands:
        try:
            events = decide(account, command, NOW)
        except CommandInvalid:
            continue
        for event in events:
            apply(account, event)
    return account


def an_undone_fork_leaves_no_trace(history, more, evolve_noted=undo.evolve_noted):
    account = gone_through(Account(), (*OPENING, *history))
    expected = dump_account(gone_through(deepcopy(account), more))
    before, notes = dump_account(account), []
    fork = gone_through(state.fork(account), more, lambda fork, event: evolve_noted(fork, event, notes))
    assert dump_account(fork) == expected
    undo.undo(notes)
    assert dump_account(account) == before
    assert notes == []


@settings(max_examples=400, deadline=None)
@given(HISTORIES, HISTORIES)
def test_an_undone_fork_leaves_no_trace(history, more):
    an_undone_fork_leaves_no_trace(history, more)


def test_a_fork_has_every_figure_for_itself():
    account = gone_through(Account(), OPENING)
    fork = state.fork(account)
    for name in msgspec.structs.asdict(account):
        setattr(fork, name, None)
    assert None not in msgspec.structs.asdict(account).values()


def forgets_what_is_reserved(account, event, notes):
    all_notes = []
    undo.evolve_noted(account, event, all_notes)
    notes += [note for note in all_notes if note[0] is not account.reserved_shares]


def notes_after_the_change(account, event, notes):
    evolve(account, event)
    undo.evolve_noted(account, event, notes)


@pytest.mark.parametrize("planted", [forgets_what_is_reserved, notes_after_the_change])
def test_a_fork_that_notes_wrongly_is_found_out(planted):
    buy = c.ExecuteTrade("KO", "BUY", 5 * SHARE, 10_000, None)
    sell = c.PlaceOrder("order-1", "a", "KO", "SELL", 3 * SHARE, "LIMIT", "GTC", 20_000, None, 0)
    an_undone_fork_leaves_no_trace([buy], [sell])
    with pytest.raises(AssertionError):
        an_undone_fork_leaves_no_trace([buy], [sell], planted)
