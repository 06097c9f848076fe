"""What is due when, what each account is marked at, and that only one process works."""

import threading
import time
from datetime import date, timedelta

import pytest
from django.core.management import CommandError, call_command

from accounts.domain.commands import CancelOrder
from accounts.domain.events import DividendPaid, PositionsMarked
from accounts.writer.bus.in_process import InProcessBus
from accounts.writer.bus.ports import set_bus_factory
from accounts.writer.envelope import NotExecuted
from market.corporate_actions.announcing import announce
from market.corporate_actions.definition import parse_terms
from market.instruments.changes import recorded_as, save_instruments
from market.instruments.csv_file import DEMO_FILE, read_file
from market.models import CorporateAction, Instrument
from market.quotes import Quote, QuoteSheet
from market.replay import Phase
from readmodels.tests.conftest import ADA, BOB, ZOE, history
from tradingplatform import session_marks
from tradingplatform.corporate_actions import office
from tradingplatform.corporate_actions.office import (
    AlreadyWorking,
    BackOffice,
    alone,
    due_actions,
    earlier_action,
    is_due,
)
from tradingplatform.corporate_actions.tests.test_applying import announced, events, firm, states
from tradingplatform.models import SessionMark
from tradingplatform.session_marks import SessionMarks

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["firm", "history"]
MONDAY = date(2019, 3, 4)
FRIDAY = MONDAY - timedelta(days=3)


def sheet(day=FRIDAY, phase=Phase.CLOSED, *, closed_at=None, **prices):
    now_us = time.time_ns() // 1_000
    quotes = tuple(Quote(symbol, price, price, price, price, price, at_us=now_us) for symbol, price in prices.items())
    closed_at_us = now_us if closed_at is None else closed_at
    return QuoteSheet(day, phase, now_us, quotes, closed_at_us=closed_at_us, market_time_us=1)


@pytest.mark.parametrize(
    ("day", "phase", "expected"),
    [
        (MONDAY, Phase.OPEN, True),
        (MONDAY + timedelta(days=8), Phase.OPEN, True),
        (FRIDAY, Phase.CLOSED, True),
        (FRIDAY, Phase.OPEN, False),
        (FRIDAY, Phase.PAUSED, False),
        (FRIDAY - timedelta(days=1), Phase.CLOSED, False),
        (MONDAY, Phase.STALE, False),
    ],
)
def test_an_action_is_due_from_the_close_before_its_session_on(day, phase, expected):
    save_instruments(list(read_file(DEMO_FILE).values()), actor="test", reason="first")
    action = CorporateAction(kind="SPLIT", symbol="KO", effective_date=MONDAY)
    assert is_due(action, sheet(day, phase)) is expected


def test_dividends_of_a_day_come_before_its_splits_and_older_days_first():
    save_instruments(list(read_file(DEMO_FILE).values()), actor="test", reason="first")
    split = {"kind": "SPLIT", "symbol": "KO", "effective_date": "2019-03-05", "numerator": "2", "denominator": "1"}
    dividend = {"kind": "DIVIDEND", "symbol": "KO", "effective_date": "2019-03-05", "amount_per_share": "1"}
    given = [split, dividend, {**split, "symbol": "PG", "effective_date": "2019-03-04"}]
    announce([parse_terms(each) for each in given], session_date=None, actor="olga", reason="a test")
    due = due_actions(sheet(date(2019, 3, 5), Phase.OPEN))
    assert [(each.kind, each.symbol) for each in due] == [("SPLIT", "PG"), ("DIVIDEND", "KO"), ("SPLIT", "KO")]


@pytest.fixture
def back_office(firm, monkeypatch):
    """The back office of the firm, whose market is what a test says."""
    set_bus_factory(lambda: firm.bus)
    made = BackOffice(is_stopped=lambda: False)

    def look(shown):
        monkeypatch.setattr(office, "latest_sheet", lambda: shown)
        made._applier._sheet = lambda: shown
        made.look()

    made.look_at = look
    return made


def test_accounts_are_marked_at_the_close_before_the_shares_become_others(firm, back_office):
    action = announced(numerator="2", denominator="1")
    back_office.look_at(sheet(KO=600_000))
    action.refresh_from_db()
    assert action.state == "APPLIED"
    found = events(firm, PositionsMarked)
    assert {key: each[0].prices for key, each in found.items()} == {ADA: {"KO": 600_000}, BOB: {"KO": 600_000}}
    assert found[ADA][0].portfolio_value == found[ADA][0].cash_after + 7 * 600_000
    ada, bob, _ = states(firm)
    assert (ada.quantity, ada.mark, bob.mark) == (14_000_000, 300_000, 300_000)
    mark = SessionMark.objects.get()
    assert (mark.session_date, mark.marked, mark.left_out) == (FRIDAY, 2, 0)


def test_what_marks_raise_stops_no_action_and_they_are_tried_again(firm, back_office, monkeypatch):
    monkeypatch.setattr(office, "RETRY_SECONDS", 0.0)
    action = announced(kind="DIVIDEND", amount_per_share="1")
    shown = sheet(KO=600_000)

    class Broken(InProcessBus):
        async def asubmit_batch(self, commands):
            raise ValueError("zip() argument 2 is shorter than argument 1")

    back_office._marks._bus = Broken(firm.writer)
    back_office.look_at(shown)
    action.refresh_from_db()
    assert action.state == "APPLIED"
    assert events(firm, PositionsMarked) == {}
    back_office._marks._bus = firm.bus
    back_office.look_at(shown)
    assert events(firm, PositionsMarked).keys() == {ADA, BOB}


class Refusing(InProcessBus):
    """Executes no split and no dividend of an account, until it is told otherwise."""

    def __init__(self, writer, account_id, code):
        super().__init__(writer)
        self.account_id, self.code = account_id, code

    def submit(self, envelopes):
        return [
            NotExecuted(each.account_id, each.command_id, self.code, "")
            if each.account_id == self.account_id and self.code and not isinstance(each.command, CancelOrder)
            else super(Refusing, self).submit([each])[0]
            for each in envelopes
        ]


def test_a_later_action_of_a_symbol_waits_for_the_earlier_one(firm, back_office, monkeypatch):
    """A dividend waits for an account; the change of symbol, and what the new symbol has before it, wait for that."""
    bus = Refusing(firm.writer, ADA, "STORE_UNAVAILABLE")
    back_office._applier._bus = bus
    dividend = announced(kind="DIVIDEND", amount_per_share="1")
    renamed = announced(kind="SYMBOL_CHANGE", new_symbol="PEP")
    split = announced(symbol="PEP", numerator="2", denominator="1", effective_date="2019-03-05")
    other = announced(symbol="PG", numerator="2", denominator="1", effective_date="2019-03-05")
    shown = sheet(date(2019, 3, 5), Phase.OPEN, KO=600_000, PG=900_000, PEP=900_000)

    def look():
        back_office.look_at(shown)
        return [CorporateAction.objects.get(pk=each.pk).state for each in (dividend, renamed, split, other)]

    assert look() == ["APPLYING", "ANNOUNCED", "ANNOUNCED", "APPLIED"]
    assert look() == ["APPLYING", "ANNOUNCED", "ANNOUNCED", "APPLIED"]
    set_bus_factory(lambda: bus)
    monkeypatch.setattr("tradingplatform.management.commands.corporate_actions.latest_sheet", lambda: shown)
    with pytest.raises(CommandError, match=f"it waits for corporate action {dividend.pk}: DIVIDEND of KO"):
        call_command("corporate_actions", "apply", str(renamed.pk))
    bus.code = None
    assert look() == ["APPLIED"] * 4
    assert [each[0].amount for each in events(firm, DividendPaid).values()] == [70_000, 150_000]
    assert [each.quantity for each in states(firm, "PEP")[:2]] == [14_000_000, 30_000_000]
    halted = Instrument.objects.filter(is_halted=True)
    assert not halted.exists(), "nothing that waited took the other's halt for a person's"


def test_what_waits_to_begin_keeps_its_turn_and_what_has_begun_goes_first(firm, back_office):
    dividend = announced(kind="DIVIDEND", amount_per_share="1")
    reverse = announced(numerator="1", denominator="10")
    later = announced(kind="DIVIDEND", amount_per_share="2", effective_date="2019-03-05")

    def become(state):
        with recorded_as(actor="test", reason="a test"):
            CorporateAction.objects.filter(pk=reverse.pk).update(state=state)

    become("APPLYING")
    shown = sheet(date(2019, 3, 5), Phase.OPEN, KO=600_000)
    due = due_actions(shown)
    assert [each.pk for each in due] == [reverse.pk, dividend.pk, later.pk]
    assert [getattr(earlier_action(each, due), "pk", None) for each in due] == [None, reverse.pk, reverse.pk]
    become("FAILED")
    due = due_actions(shown)
    assert [each.pk for each in due] == [dividend.pk, reverse.pk, later.pk]
    assert [getattr(earlier_action(each, due), "pk", None) for each in due] == [None, None, dividend.pk]


def test_what_has_no_price_to_begin_by_is_not_overtaken_while_it_is_left_alone(firm, back_office):
    split = announced(numerator="1", denominator="10")
    dividend = announced(kind="DIVIDEND", amount_per_share="2", effective_date="2019-03-05")
    for _ in range(2):
        back_office.look_at(sheet(date(2019, 3, 5), Phase.OPEN, PG=900_000))
        states_now = [CorporateAction.objects.get(pk=each.pk).state for each in (split, dividend)]
        assert states_now == ["ANNOUNCED", "ANNOUNCED"]


def test_a_close_is_marked_once_and_the_next_one_again(firm, back_office):
    first = sheet(KO=600_000, PG=900_000)
    back_office.look_at(first)
    back_office.look_at(first)
    back_office.look_at(sheet(MONDAY, Phase.OPEN, closed_at=first.closed_at_us, KO=610_000))
    assert {key: len(each) for key, each in events(firm, PositionsMarked).items()} == {ADA: 1, BOB: 1, ZOE: 1}
    back_office.look_at(sheet(MONDAY, KO=620_000))
    back_office.look_at(sheet(FRIDAY, KO=630_000))
    sessions = [each.session for each in events(firm, PositionsMarked)[ADA]]
    assert sessions == [
        (FRIDAY - date(1970, 1, 1)).days,
        *(number + (MONDAY - date(1970, 1, 1)).days for number in (0, 1)),
    ]
    assert len(events(firm, PositionsMarked)[ZOE]) == 1, "its only share has no price at the later closes"


def test_a_close_that_nobody_saw_is_not_made_up_for(firm, back_office):
    back_office.look_at(sheet(MONDAY, Phase.OPEN, KO=600_000))
    assert events(firm, PositionsMarked) == {}


class CountingBus(InProcessBus):
    """Notes what it was asked for."""

    def __init__(self, writer, asked):
        super().__init__(writer)
        self.asked = asked

    async def asubmit_batch(self, commands):
        self.asked.append(len(commands))
        return await super().asubmit_batch(commands)


def test_whoever_goes_on_marks_nobody_twice(firm, monkeypatch):
    monkeypatch.setattr(session_marks, "ACCOUNTS_AT_ONCE_MAX", 1)
    shown = sheet(KO=600_000, PG=900_000)
    asked = []
    SessionMarks(bus=CountingBus(firm.writer, asked), store=firm.store, is_stopped=lambda: len(asked) == 2).mark(shown)
    close = SessionMark.objects.get()
    assert (close.marked, close.ended_at) == (2, None)
    SessionMark.objects.update(after_account=None, marked=0)  # It died before it wrote down how far it was.
    assert SessionMarks(bus=firm.bus, store=firm.store).mark(shown).marked == 3
    assert {key: len(each) for key, each in events(firm, PositionsMarked).items()} == {ADA: 1, BOB: 1, ZOE: 1}


def test_old_prices_are_left_out(firm):
    shown = sheet(KO=600_000, PG=900_000)
    old = Quote("PG", *[900_000] * 5, at_us=shown.made_at_us - 11_000_000)
    marked = SessionMarks(bus=firm.bus, store=firm.store).mark(
        QuoteSheet(**{**fields(shown), "quotes": (shown.quotes[0], old)})
    )
    assert marked.prices == {"KO": 600_000}


def fields(shown):
    return {name: getattr(shown, name) for name in QuoteSheet.__slots__}


def test_only_one_process_works(firm, back_office):
    announced(numerator="2", denominator="1")
    outcome = []

    def other():
        try:
            with alone():
                outcome.append("alone")
        except AlreadyWorking:
            outcome.append("not alone")

    with alone():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        back_office.look_at(sheet(KO=600_000))
    assert outcome == ["not alone"]
    assert CorporateAction.objects.get().state == "ANNOUNCED"


def test_the_command_lists_applies_and_withdraws(firm, monkeypatch, capsys):
    set_bus_factory(lambda: firm.bus)
    later = announced(numerator="2", denominator="1")
    command = "tradingplatform.management.commands.corporate_actions"
    monkeypatch.setattr(f"{command}.latest_sheet", lambda: sheet(FRIDAY, Phase.OPEN))
    with pytest.raises(CommandError, match="which the market has not reached"):
        call_command("corporate_actions", "apply", str(later.pk))
    monkeypatch.setattr(f"{command}.latest_sheet", lambda: sheet(KO=600_000))
    call_command("corporate_actions", "apply", str(later.pk))
    assert "2 of 2 holders served, 0.0000 paid" in capsys.readouterr().out
    with pytest.raises(CommandError, match="is APPLIED: there is nothing to apply"):
        call_command("corporate_actions", "apply", str(later.pk))
    off = announced(kind="DIVIDEND", amount_per_share="1")
    call_command("corporate_actions", "withdraw", str(off.pk), "--reason", "it is off")
    call_command("corporate_actions", "list")
    shown = capsys.readouterr().out
    assert [line.split()[:4] for line in shown.splitlines()[-2:]] == [
        [str(off.pk), "2019-03-04", "WITHDRAWN", "KO"],
        [str(later.pk), "2019-03-04", "APPLIED", "KO"],
    ]
    with pytest.raises(CommandError, match="there is no corporate action 999"):
        call_command("corporate_actions", "status", "999")
