"""The kill switch in the admin: who sees what, nothing without a confirmation, what a run says, and the history."""

import html
import re
import time
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.domain.events import OrderCancelled
from identity.permissions import COMPLIANCE, INTEGRATOR, OPERATOR, TRADER, VIEWER, give_role
from market.instruments.changes import recorded_as, save_instruments
from market.models import CorporateAction, Instrument, InstrumentChange, VenueChange
from market.tests.test_instruments import NEW
from market.venue.changes import stored_state
from readmodels.tests.conftest import ADA, BOB, ZOE, history
from tradingplatform.kill_switch import pages
from tradingplatform.kill_switch.models import SILENT_MAX, KillSwitchRun
from tradingplatform.kill_switch.tests.test_kill_switch import Slow, firm, left, projecting, use

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["firm", "history", "projecting"]
HOME = "/admin/kill-switch/"
ACCOUNTS = "admin:readmodels_accountsummary_changelist"
CANCELS = [("account", {"value": ADA}), ("user", {"value": "ada"}), ("symbol", {"value": "KO"}), ("firm", {})]


def client_of(role):
    user = get_user_model().objects.create_user(f"a-{role}", password="a long password")
    if role == "superuser":
        user.is_superuser = user.is_staff = True
        user.save()
    elif role == "staff":
        user.is_staff = True
        user.save()
    else:
        give_role(user, role)
    made = Client()
    made.force_login(user)
    return made


def text(answer):
    assert answer.status_code == 200, answer
    return html.unescape(re.sub(r"\s+", " ", answer.content.decode()))


def confirmed(client, address, fields, **more):
    return client.post(
        HOME + address, {**fields, "confirmed": "yes", "reason": "a runaway program", **more}, follow=True
    )


@pytest.fixture
def olga():
    return client_of(OPERATOR)


@pytest.fixture
def instruments():
    save_instruments([{**NEW, "symbol": "KO", "name": "Coca-Cola"}], actor="test", reason="first")


@pytest.mark.parametrize(("whose", "fields"), CANCELS)
def test_each_says_how_many_it_would_end_before_it_is_confirmed(firm, olga, whose, fields):
    counts = {"account": 3, "user": 6, "symbol": 6, "firm": 9}
    page = text(olga.get(f"{HOME}cancel/{whose}", fields))
    assert f"This ends {counts[whose]} working orders" in page
    assert ("Type <strong>firm</strong>" in page) is (whose == "firm")
    assert left(firm) == [3, 3, 3]
    assert KillSwitchRun.objects.count() == 0


@pytest.mark.parametrize(
    ("whose", "fields", "expected"),
    [
        (*CANCELS[0], [0, 3, 3]),
        (*CANCELS[1], [0, 0, 3]),
        (*CANCELS[2], [1, 1, 1]),
        ("firm", {"word": "firm"}, [0, 0, 0]),
    ],
)
@pytest.mark.parametrize("role", [OPERATOR, COMPLIANCE, "superuser"])
def test_confirmed_it_is_done_and_its_page_says_what_came_of_it(firm, projecting, whose, fields, expected, role):
    client = client_of(role)
    answer = confirmed(client, f"cancel/{whose}", fields)
    page = text(answer)
    run = KillSwitchRun.objects.get()
    assert answer.redirect_chain == [(f"{HOME}runs/{run.pk}", 302)]
    assert left(firm) == expected
    assert (run.state, run.cancelled, run.asked, run.reason) == (
        "complete",
        *[9 - sum(expected)] * 2,
        "a runaway program",
    )
    assert f"<dt>Cancelled</dt><dd>{9 - sum(expected)}</dd>" in page
    assert f'by <span title="{run.actor}">a-{role}</span>: a runaway program' in page
    ended = [each for each in firm.store.events(ADA) if isinstance(each.data, OrderCancelled)]
    assert {each.actor for each in ended} == {run.actor}
    assert "complete" in text(client.get(HOME))
    assert "a runaway program" in text(client.get(reverse("admin:kill_switch_killswitchrun_changelist")))


@pytest.mark.parametrize(
    ("address", "fields", "message"),
    [
        ("cancel/firm", {}, "type the word firm"),
        ("cancel/firm", {"word": "Firm!"}, "type the word firm"),
        ("cancel/account", {"value": ADA, "reason": ""}, "say why"),
        ("cancel/account", {"value": "mine"}, "lower-case UUID"),
        ("cancel/account", {}, "lower-case UUID"),
        ("cancel/user", {"value": "nobody"}, "no user"),
        ("cancel/symbol", {"value": "ko"}, "a symbol is"),
        ("cancel/accounts", {}, "select 1 to 1,000"),
        ("cancel/accounts", {"account": [ADA, "mine"]}, "lower-case UUID"),
        ("venue/stop", {"reason": ""}, "1 to 140 printable"),
        ("instrument/halt", {"symbol": "NONE"}, "there is no instrument"),
    ],
)
def test_what_is_not_clear_or_not_confirmed_in_full_does_nothing(firm, olga, address, fields, message):
    page = text(confirmed(olga, address, {}, **fields))
    assert message in page
    assert left(firm) == [3, 3, 3]
    assert (KillSwitchRun.objects.count(), VenueChange.objects.count()) == (0, 0)


@pytest.mark.parametrize("role", [VIEWER, TRADER, INTEGRATOR, "staff"])
def test_nobody_else_sees_or_does_any_of_it(firm, role, instruments):
    client, expected = client_of(role), 403 if role == "staff" else 302
    for address in ("", "cancel/firm", "instrument/halt", "venue/stop"):
        assert client.get(HOME + address, {"symbol": "KO"}).status_code == expected, address
    for address in ("cancel/firm", "instrument/halt", "venue/stop"):
        sent = {"confirmed": "yes", "reason": "x", "word": "firm", "symbol": "KO"}
        assert client.post(HOME + address, sent).status_code == expected, address
    assert client.post(reverse(ACCOUNTS), {"action": "cancel_orders", "_selected_action": ADA}).status_code in (
        302,
        403,
    )
    assert left(firm) == [3, 3, 3]
    assert (KillSwitchRun.objects.count(), VenueChange.objects.count()) == (0, 0)
    assert not Instrument.objects.get(symbol="KO").is_halted


def test_compliance_cancels_and_neither_halts_nor_stops(firm, instruments):
    client = client_of(COMPLIANCE)
    page = text(client.get(HOME))
    assert ("Cancel orders" in page, "Halt an instrument" in page, "Stop the venue" in page) == (True, False, False)
    for address in ("instrument/halt", "venue/stop"):
        assert confirmed(client, address, {"symbol": "KO"}).status_code == 403
    assert (stored_state().is_stopped, Instrument.objects.get(symbol="KO").is_halted) == (False, False)


def test_an_instrument_is_halted_and_resumed(firm, olga, instruments):
    assert "6 working orders stay" in text(olga.get(f"{HOME}instrument/halt", {"symbol": "KO"}))
    assert "KO is halted." in text(confirmed(olga, "instrument/halt", {"symbol": "KO"}))
    assert Instrument.objects.get(symbol="KO").is_halted
    assert InstrumentChange.objects.first().reason == "a runaway program"
    assert "KO is halted, and was before." in text(confirmed(olga, "instrument/halt", {"symbol": "KO"}))
    assert "KO is traded again." in text(confirmed(olga, "instrument/resume", {"symbol": "KO"}))
    assert not Instrument.objects.get(symbol="KO").is_halted


def test_the_halt_of_a_running_corporate_action_is_not_ended_and_the_page_says_so(firm, olga, instruments):
    with recorded_as(actor="test", reason="a test"):
        action = CorporateAction.objects.create(
            kind="DIVIDEND", symbol="KO", effective_date="2019-03-04", amount_per_share=100, state="APPLYING"
        )
    assert "KO is halted." in text(confirmed(olga, "instrument/halt", {"symbol": "KO"}))
    said = f"Nothing was changed: KO is halted while corporate action {action.pk} is applied"
    assert said in text(confirmed(olga, "instrument/resume", {"symbol": "KO"}))
    assert Instrument.objects.get(symbol="KO").is_halted


def test_the_venue_is_stopped_and_started_and_the_page_says_by_whom(firm, olga):
    assert "9 orders work" in text(olga.get(f"{HOME}venue/stop"))
    assert not stored_state().is_stopped
    page = text(confirmed(olga, "venue/stop", {}))
    assert "The venue is stopped." in page
    assert re.search(r"Stopped by a-operator at [\d-]+ [\d:]+ UTC: a runaway program", page)
    assert stored_state().is_stopped
    assert "The venue is stopped, and was before." in text(confirmed(olga, "venue/stop", {}))
    assert "The venue is started." in text(confirmed(olga, "venue/start", {}))
    assert not stored_state().is_stopped
    assert text(olga.get(reverse("admin:market_venuechange_changelist"))).count("a-operator") >= 2


def test_selected_accounts_are_asked_about_and_then_emptied(firm, projecting, olga):
    sent = {"action": "cancel_orders", "_selected_action": [ADA, ZOE]}
    page = text(olga.post(reverse(ACCOUNTS), sent))
    assert "This ends 6 working orders of 2 selected accounts" in page
    assert left(firm) == [3, 3, 3]
    ids = re.findall(r'name="account" value="([^"]+)"', page)
    text(confirmed(olga, "cancel/accounts", {"account": ids}))
    assert left(firm) == [0, 3, 0]
    assert KillSwitchRun.objects.get().account_ids == sorted([ADA, ZOE])


def test_who_may_not_is_offered_no_action_on_accounts(firm):
    assert "Cancel all working orders" in text(client_of(COMPLIANCE).get(reverse(ACCOUNTS)))
    staff = client_of("staff")
    get_user_model().objects.get(username="a-staff").user_permissions.add(
        *Permission.objects.filter(codename="view_accountsummary")
    )
    assert "Cancel all working orders" not in text(staff.get(reverse(ACCOUNTS)))


def test_a_long_run_shows_how_far_it_is_and_then_its_end(firm, projecting, olga, monkeypatch):
    monkeypatch.setattr(pages, "ANSWER_SECONDS_MAX", 0.2)
    use(Slow(firm.writer, 1.0))
    answer = confirmed(olga, "cancel/account", {"value": ADA})
    assert "<strong>Running</strong>" in text(answer)
    assert answer.headers["Refresh"] == "1"
    again = confirmed(olga, "cancel/account", {"value": BOB})
    assert "your run before this one is not over" in text(again)
    run = KillSwitchRun.objects.last()
    deadline = time.monotonic() + 20
    while "Running" in text(answer := olga.get(f"{HOME}runs/{run.pk}")) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert "Complete" in text(answer)
    assert "Refresh" not in answer.headers
    assert left(firm) == [0, 3, 3]


def test_a_run_whose_process_was_killed_is_said_to_be_interrupted(firm, olga):
    then = timezone.now() - SILENT_MAX - timedelta(seconds=1)
    run = KillSwitchRun.objects.create(started_at=then, heard_at=then, actor="user:1/ada", reason="x", whose="KO")
    assert '<strong class="bad">Interrupted</strong>' in text(olga.get(f"{HOME}runs/{run.pk}"))


def test_a_run_that_fails_says_why(firm, olga):
    class Broken(Slow):
        def submit(self, envelopes):
            raise RuntimeError("the bus is broken")

    use(Broken(firm.writer, 0))
    assert "RuntimeError: the bus is broken" in text(confirmed(olga, "cancel/account", {"value": ADA}))
    assert KillSwitchRun.objects.get().state == "failed"
    assert left(firm) == [3, 3, 3]
