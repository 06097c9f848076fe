"""What is due when, what each account is marked at, and that only one process works."""

import threading
import time
from datetime import date, timedelta

import pytest
from django.core.management import CommandError, call_command

from accounts.domain.events import PositionsMarked
from accounts.writer.bus.in_process import InProcessBus
from accounts.writer.bus.ports import set_bus_factory
from market.corporate_actions.announcing import announce
from market.corporate_actions.definition import parse_terms
from market.instruments.changes import save_instruments
from market.instruments.csv_file import DEMO_FILE, read_file
from market.models import CorporateAction
from market.quotes import Quote, QuoteSheet
from market.replay import Phase
from readmodels.tests.conftest import ADA, BOB, ZOE, history
from tradingplatform import session_marks
from tradingplatform.corporate_actions import office
from tradingplatform.corporate_actions.office import AlreadyWorking, BackOffice, alone, due_actions, is_due
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
