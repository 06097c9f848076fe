"""Commands reconstructed from events: decided again as then, they lead to exactly what was recorded."""

from copy import deepcopy
from typing import get_args

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from accounts.domain import commands as c
from accounts.domain import events as e
from accounts.domain import recorded as module
from accounts.domain.account import decide
from accounts.domain.recorded import asks_the_same, command_of
from accounts.domain.values import SHARE
from accounts.tests.unit.domain.test_account_stateful import Accounts
from eventstore.writer.request import Committed, Request
from temporal.tests.history.conftest import ADA
from temporal.what_if import recorded_commands

SETTINGS = settings(max_examples=80, stateful_step_count=40, deadline=None)


class DecidedAgain(Accounts):
    """Every way that an account can go: each commit is decided again from its own events."""

    def execute(self, command):
        before = deepcopy(self.account)
        events = decide(before, command, self.now)
        again = command_of(events)
        assert type(again) is type(command)
        assert decide(before, again, self.now) == events
        assert asks_the_same(command, events)
        return super().execute(command)


def test_every_commit_decided_again_is_what_was_recorded():
    run_state_machine_as_test(DecidedAgain, settings=SETTINGS)


def traded_without_its_order(events):
    return c.ExecuteTrade(events[0].symbol, events[0].side, events[0].quantity, events[0].price, None)


def cushion_is_left_on(is_buy, reserve_price):
    return reserve_price


def test_an_order_that_is_reconstructed_wrongly_is_found_out(monkeypatch):
    only_finding = settings(SETTINGS, derandomize=True, max_examples=500, phases=[Phase.generate], database=None)
    for change in (
        lambda patch: patch.setitem(module._COMMAND_OF, e.TradeExecuted, traded_without_its_order),
        lambda patch: patch.setattr(module, "market_price_of", cushion_is_left_on),
    ):
        with monkeypatch.context() as patch:
            change(patch)
            with pytest.raises(AssertionError):
                run_state_machine_as_test(DecidedAgain, settings=only_finding)


def test_every_event_that_can_begin_a_commit_is_known():
    follows = {e.OrderFilled, e.OrderActivated, e.OrderReduced}
    assert set(module._COMMAND_OF) == set(get_args(e.AccountEvent)) - follows
    assert set(module._COMMANDS) == {kind.__name__ for kind in get_args(c.AccountCommand)}


def test_commits_are_whole_in_pages_and_in_the_tail(histories):
    histories.at("2026-01-05T12:00:00Z").open().make_pages()
    place = c.PlaceOrder("o-1", "mine", "KO", "BUY", 4 * SHARE, "LIMIT", "GTC", 500_000, None, 0)
    fill = c.ExecuteTrade("KO", "BUY", SHARE, 500_000, "o-1")
    histories.execute(ADA, place, fill)
    histories.make_pages()
    histories.execute(
        ADA, c.ExecuteTrade("KO", "BUY", SHARE, 500_000, "o-1"), c.ExecuteTrade("KO", "BUY", SHARE, 500_000, "o-1")
    )
    found = list(recorded_commands(histories.store, ADA))
    assert [each.version for each in found] == [1, 2, 3, 4, 5, 7, 9]
    assert [len(each.events) for each in found] == [1, 1, 1, 1, 2, 2, 2]
    assert list(recorded_commands(histories.store, ADA, after_version=4)) == found[4:]
    assert list(recorded_commands(histories.store, ADA, after_version=10)) == []


def test_two_senders_of_one_id_in_one_instant_gave_two_commands(histories):
    histories.open()
    requests = [Request(ADA, "same", actor, c.DepositCash(1_0000, actor)) for actor in ("ada/bot", "bob/bot")]
    assert [type(outcome) for outcome in histories.writer.execute(requests)] == [Committed, Committed]
    from_tail = list(recorded_commands(histories.store, ADA))[-2:]
    assert [(each.version, len(each.events)) for each in from_tail] == [(4, 1), (5, 1)]
    histories.make_pages()
    assert list(recorded_commands(histories.store, ADA))[-2:] == from_tail
