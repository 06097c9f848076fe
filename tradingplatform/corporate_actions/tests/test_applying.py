"""Actions are applied to every holder once, whoever dies where, and whatever one account refuses."""

import threading
import time
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from django.db import connection

from accounts.domain.commands import DepositCash, FreezeAccount, OpenAccount
from accounts.domain.events import DividendPaid, OrderCancelled, SharesSplit, SymbolChanged
from accounts.writer.bus.in_process import InProcessBus
from accounts.writer.envelope import NotExecuted
from market.corporate_actions.announcing import announce, withdraw
from market.corporate_actions.definition import State, parse_terms
from market.instruments.changes import save_instruments, set_halted
from market.instruments.csv_file import DEMO_FILE, read_file
from market.instruments.definition import InvalidInstrument
from market.models import CorporateAction, CorporateActionChange, Instrument
from market.quotes import Quote, QuoteSheet
from market.replay import Phase
from readmodels.models import DeadLetter
from readmodels.tasks import project_once
from readmodels.tests.conftest import ADA, BOB, ZOE, history
from tradingplatform.corporate_actions import applying, holders
from tradingplatform.corporate_actions.applying import Applier, Waiting, command_id_of, obstacle_of, progress_of
from tradingplatform.models import CorporateActionHolder

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["history"]
DAY = date(2019, 3, 4)
PRICE = 500_000
ALL = (ADA, BOB, ZOE)


def sheet(price=PRICE):
    now_us = time.time_ns() // 1_000
    quotes = () if price is None else (Quote("KO", price, price, price, price, price, at_us=now_us),)
    return QuoteSheet(DAY - timedelta(days=3), Phase.CLOSED, now_us, quotes)


@contextmanager
def following():
    """The projections follow, beside what is tested."""
    is_over = threading.Event()

    def follow():
        while not is_over.wait(0.02):
            project_once()
        connection.close()

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@pytest.fixture
def firm(history, monkeypatch):
    """Ada holds 7 shares of KO and an order, Bob 15 shares, frozen, and Zoe none."""
    monkeypatch.setattr(applying, "HALT_KNOWN_SECONDS", 0.0)
    monkeypatch.setattr(applying, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(holders, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(applying, "BEHIND_SECONDS_MAX", 5.0)
    monkeypatch.setattr(applying, "CANCEL_SECONDS_MAX", 2.0)
    save_instruments(list(read_file(DEMO_FILE).values()), actor="test", reason="first")
    save_instruments([{"symbol": "KO", "lot_size": 1_000_000}], actor="test", reason="whole shares")
    for account_id in ALL:
        history.execute(account_id, OpenAccount("ada", "Savings", "USD"), DepositCash(1_000_000_000, "first"))
    history.buy(ADA, shares=7)
    history.buy(BOB, shares=15)
    history.buy(ZOE, "PG")
    history.orders = [history.place(ADA)]
    history.execute(BOB, FreezeAccount("look into it"))
    history.bus = InProcessBus(history.writer)
    with following():
        yield history


def announced(**terms):
    given = {"kind": "SPLIT", "symbol": "KO", "effective_date": DAY.isoformat(), **terms}
    (action,) = announce([parse_terms(given)], session_date=None, actor="olga", reason="the company said so")
    return action


def applier(firm, bus=None, **more):
    return Applier(bus=bus or firm.bus, store=firm.store, sheet=sheet, **more)


def applied(firm, action, **more):
    applier(firm, **more).apply(action)
    action.refresh_from_db()
    return action


def events(firm, kind):
    found = {}
    for account_id in ALL:
        of_kind = [each.data for each in firm.store.events(account_id) if isinstance(each.data, kind)]
        if of_kind:
            found[account_id] = of_kind
    return found


def states(firm, symbol="KO"):
    return [firm.writer.state(each)[0].positions.get(symbol) for each in ALL]


def test_a_reverse_split_is_applied_to_every_holder_with_cash_for_fractions(firm):
    action = applied(firm, announced(numerator="1", denominator="10"))
    assert (action.state, action.holders, action.fraction_price, action.lot_size) == (
        "APPLIED",
        2,
        5_000_000,
        1_000_000,
    )
    ada, bob, zoe = states(firm)
    assert (ada.quantity, bob.quantity, zoe) == (0, 1_000_000, None)
    assert action.cash_paid == 7 * PRICE + 5 * PRICE
    assert [len(each) for each in events(firm, SharesSplit).values()] == [1, 1]
    assert len(events(firm, OrderCancelled)[ADA]) == 1
    instrument = Instrument.objects.get(symbol="KO")
    assert (instrument.is_halted, instrument.is_tradable) == (False, True)
    changes = list(CorporateActionChange.objects.filter(action_id=action.pk).order_by("id"))
    assert [each.after["state"] for each in changes] == ["ANNOUNCED", "APPLYING", "APPLYING", "APPLIED"]
    assert {each.actor for each in changes[1:]} == {"platform/corporate actions"}


def test_a_dividend_is_paid_to_every_holder_the_frozen_too(firm):
    action = applied(firm, announced(kind="DIVIDEND", amount_per_share="0.24"))
    assert (action.state, action.holders, action.cash_paid, action.repriced_at) == ("APPLIED", 2, 22 * 2_400, None)
    assert [each[0].amount for each in events(firm, DividendPaid).values()] == [7 * 2_400, 15 * 2_400]


def test_a_change_of_symbol_moves_the_shares_and_ends_the_old_symbol(firm):
    action = applied(firm, announced(kind="SYMBOL_CHANGE", new_symbol="COKE", new_name="Coke"))
    assert action.state == State.APPLIED
    assert [each.quantity for each in states(firm, "COKE")[:2]] == [7_000_000, 15_000_000]
    assert [each.quantity for each in states(firm)[:2]] == [0, 0]
    assert len(events(firm, SymbolChanged)) == 2
    old, new = (Instrument.objects.get(symbol=symbol) for symbol in ("KO", "COKE"))
    assert (old.is_tradable, new.is_tradable, new.is_halted, new.name) == (False, True, False, "Coke")
    assert (new.currency, new.lot_size) == ("USD", 1_000_000)


class Dies(Exception):
    pass


class Killed(InProcessBus):
    """Dies right before or right after it has done what it was asked for the n-th time."""

    def __init__(self, writer, *, at, is_done):
        super().__init__(writer)
        self.left, self.is_done = at, is_done

    def submit(self, envelopes):
        self.left -= 1
        if self.left == 0 and not self.is_done:
            raise Dies
        results = super().submit(envelopes)
        if self.left == 0:
            raise Dies
        return results


@pytest.mark.parametrize("is_done", [False, True])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_whoever_goes_on_after_a_death_serves_nobody_twice(firm, monkeypatch, at, is_done):
    monkeypatch.setattr(applying, "HOLDERS_AT_ONCE_MAX", 1)
    action = announced(numerator="2", denominator="1")
    with pytest.raises(Dies):
        applied(firm, action, bus=Killed(firm.writer, at=at, is_done=is_done))
    action = applied(firm, CorporateAction.objects.get(pk=action.pk))
    assert (action.state, action.holders) == ("APPLIED", 2)
    assert [each.quantity for each in states(firm)[:2]] == [14_000_000, 30_000_000]
    assert {key: len(each) for key, each in events(firm, SharesSplit).items()} == {ADA: 1, BOB: 1}


def test_an_id_that_writers_do_not_remember_is_looked_up_in_the_events(firm, monkeypatch):
    action = announced(numerator="2", denominator="1")
    with pytest.raises(Dies):
        applied(firm, action, bus=Killed(firm.writer, at=2, is_done=True))
    CorporateActionHolder.objects.update(code="")

    class Forgetful(InProcessBus):
        """Refuses the ids of before by their time."""

        def submit(self, envelopes):
            asked = dict(CorporateActionHolder.objects.values_list("account_id", "asked_at_us"))
            old = {
                command_id_of(action.pk, account_id, asked_at_us=at) for account_id, at in asked.items() if at < begun
            }
            return [
                NotExecuted(each.account_id, each.command_id, "COMMAND_ID_EXPIRED", "")
                if each.command_id in old
                else super(Forgetful, self).submit([each])[0]
                for each in envelopes
            ]

    begun = time.time_ns() // 1_000
    action = applied(firm, CorporateAction.objects.get(pk=action.pk), bus=Forgetful(firm.writer))
    assert (action.state, action.holders) == ("APPLIED", 2)
    assert {key: len(each) for key, each in events(firm, SharesSplit).items()} == {ADA: 1, BOB: 1}


class Refusing(InProcessBus):
    """Answers for one account with a code, until it is told otherwise."""

    def __init__(self, writer, account_id, code):
        super().__init__(writer)
        self.account_id, self.code = account_id, code

    def submit(self, envelopes):
        return [
            NotExecuted(each.account_id, each.command_id, self.code, "")
            if each.account_id == self.account_id and self.code
            else super(Refusing, self).submit([each])[0]
            for each in envelopes
        ]


@pytest.mark.parametrize("is_asked_before", [False, True])
def test_what_one_account_refuses_hurts_nobody_else_is_said_and_is_asked_again(firm, is_asked_before):
    if is_asked_before:  # Zoe says that she holds none.
        DeadLetter.objects.create(account_id=ZOE, version=99, partition=0, seq=1, event_type="TradeExecuted", error="x")
    bus = Refusing(firm.writer, ADA, "VALUE_LIMIT_EXCEEDED")
    action = applied(firm, announced(numerator="2", denominator="1"), bus=bus)
    assert (action.state, action.holders) == ("FAILED", 1)
    assert progress_of(action).failures == {"VALUE_LIMIT_EXCEEDED": 1}
    assert CorporateActionHolder.objects.filter(account_id=ZOE).exists() is is_asked_before
    assert not Instrument.objects.get(symbol="KO").is_halted, "the others trade on"
    firm.buy(ZOE)
    working = firm.place(ZOE)
    assert applied(firm, action, bus=bus).state == "FAILED"
    bus.code = None
    action = applied(firm, action, bus=bus)
    assert (action.state, action.holders) == ("APPLIED", 2)
    assert working in firm.writer.state(ZOE)[0].orders, "orders of those who were served go on"
    assert [each.quantity for each in states(firm)] == [14_000_000, 30_000_000, 10_000_000], "Zoe bought new shares"
    assert events(firm, SharesSplit).keys() == {ADA, BOB}


def test_orders_that_could_not_be_cancelled_in_time_are_waited_for_with_the_halt(firm, monkeypatch):
    monkeypatch.setattr(applying, "CANCEL_SECONDS_MAX", 0.0)
    action = announced(numerator="2", denominator="1")
    with pytest.raises(Waiting, match="1 holders were not served yet: SYMBOL_HAS_ORDERS"):
        applied(firm, action)
    action.refresh_from_db()
    assert (action.state, progress_of(action).served) == ("APPLYING", 1)
    assert Instrument.objects.get(symbol="KO").is_halted
    monkeypatch.setattr(applying, "CANCEL_SECONDS_MAX", 2.0)
    assert applied(firm, action).state == "APPLIED"
    assert [each.quantity for each in states(firm)[:2]] == [14_000_000, 30_000_000]


def test_a_writer_that_is_away_is_waited_for_with_the_halt(firm):
    bus = Refusing(firm.writer, ADA, "STORE_UNAVAILABLE")
    action = announced(numerator="2", denominator="1")
    with pytest.raises(Waiting, match="1 holders were not served yet: STORE_UNAVAILABLE"):
        applied(firm, action, bus=bus)
    assert Instrument.objects.get(symbol="KO").is_halted
    assert progress_of(action).served == 1
    bus.code = None
    assert applied(firm, CorporateAction.objects.get(pk=action.pk), bus=bus).state == "APPLIED"
    assert [each.quantity for each in states(firm)[:2]] == [14_000_000, 30_000_000]


def test_an_account_that_the_tables_do_not_know_is_asked_too(firm):
    firm.buy(ZOE)
    time.sleep(0.3)  # The projections take it in.
    DeadLetter.objects.create(account_id=ZOE, version=99, partition=0, seq=1, event_type="TradeExecuted", error="x")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM trades WHERE account_id = %s", [ZOE])
        cursor.execute("DELETE FROM stored_positions WHERE account_id = %s", [ZOE])
    action = applied(firm, announced(numerator="2", denominator="1"))
    assert (action.state, action.holders) == ("APPLIED", 3)
    assert states(firm)[2].quantity == 20_000_000


@pytest.mark.parametrize("is_before", [True, False])
def test_a_halt_of_a_persons_stays_before_and_meanwhile(firm, is_before):
    action = announced(numerator="2", denominator="1")
    if is_before:
        set_halted(["KO"], is_halted=True, actor="olga", reason="news")

    class Meanwhile(InProcessBus):
        def submit(self, envelopes):
            if not is_before:
                set_halted(["KO"], is_halted=True, actor="olga", reason="news")
            with pytest.raises(InvalidInstrument, match=f"while corporate action {action.pk} is applied"):
                set_halted(["KO"], is_halted=False, actor="olga", reason="good news")
            return super().submit(envelopes)

    assert applied(firm, action, bus=Meanwhile(firm.writer)).state == "APPLIED"
    assert Instrument.objects.get(symbol="KO").is_halted


def test_without_a_price_nothing_begins(firm):
    action = announced(numerator="1", denominator="10")
    with pytest.raises(Waiting, match="there is no price of KO"):
        Applier(bus=firm.bus, store=firm.store, sheet=lambda: sheet(None)).apply(action)
    action.refresh_from_db()
    assert (action.state, action.began_at) == ("ANNOUNCED", None)
    assert not Instrument.objects.get(symbol="KO").is_halted


def test_what_was_announced_for_a_symbol_that_is_renamed_meanwhile_does_not_begin(firm):
    split = announced(numerator="2", denominator="1", effective_date="2019-03-05")
    assert obstacle_of(split) is None
    renamed = applied(firm, announced(kind="SYMBOL_CHANGE", new_symbol="COKE"))
    said = f"KO is not traded any more: it became COKE by corporate action {renamed.pk}; withdraw this action"
    with pytest.raises(Waiting, match=said):
        applied(firm, split)
    split.refresh_from_db()
    assert (split.state, split.began_at) == ("ANNOUNCED", None)
    assert said in str(obstacle_of(split))
    assert events(firm, SharesSplit) == {}
    withdraw(split.pk, actor="olga", reason="it is another symbol's")
    split.refresh_from_db()
    assert obstacle_of(split) is None
