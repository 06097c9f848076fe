"""Instruments in the admin: found, added, changed, halted with a confirmation, never deleted; and their history."""

import html
import re

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from identity.permissions import COMPLIANCE, OPERATOR, give_role
from market.instruments.changes import save_instruments
from market.models import Instrument, InstrumentChange
from market.tests.test_instruments import NEW

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "admin:market_instrument_changelist"
ADD = "admin:market_instrument_add"
CHANGE = "admin:market_instrument_change"
FORM = {
    "symbol": "SPY",
    "name": "SPDR S&P 500",
    "kind": "ETF",
    "sector": "",
    "exchange": "ARCA",
    "currency": "USD",
    "price_increment": "0.01",
    "lot_size": "0.5",
    "is_tradable": "on",
    "reason": "asked for",
}


def client_of(role):
    user = get_user_model().objects.create_user(role, password="a long password")
    give_role(user, role)
    made = Client()
    made.force_login(user)
    return made, f"user:{user.pk}/{role}"


@pytest.fixture
def olga():
    return client_of(OPERATOR)


@pytest.fixture(autouse=True)
def _instruments():
    save_instruments([NEW, {**NEW, "symbol": "KO", "name": "Coca-Cola"}], actor="test", reason="first")


def opened(client, symbol):
    """Return what a browser would send of an instrument's form, opened now and not touched."""
    page = text(client.get(reverse(CHANGE, args=[symbol])))
    form = re.search(r'<form[^>]*id="instrument_form".*?</form>', page, re.DOTALL)[0]
    sent = {}
    for tag in re.findall(r"<input[^>]*>", form):
        found = dict(re.findall(r'([a-z]+)="([^"]*)"', tag))
        if found["type"] in ("text", "hidden"):
            sent[found["name"]] = html.unescape(found.get("value", ""))
        elif found["type"] == "checkbox" and " checked" in tag:
            sent[found["name"]] = "on"
    for name, inside in re.findall(r'<select name="(\w+)".*?>(.*?)</select>', form, re.DOTALL):
        sent[name] = re.search(r'value="([^"]*)" selected', inside)[1]
    return {**sent, "reason": "asked for"}


def text(answer):
    assert answer.status_code == 200
    return answer.content.decode()


def test_instruments_are_listed_searched_and_filtered(olga):
    client, _ = olga
    page = text(client.get(reverse(LIST)))
    assert page.count('class="field-symbol') == 2
    assert "0.0100" in page
    assert text(client.get(reverse(LIST), {"q": "coca"})).count('class="field-symbol') == 1
    assert text(client.get(reverse(LIST), {"is_halted__exact": "1"})).count('class="field-symbol') == 0


def test_an_instrument_is_added_with_who_and_why(olga):
    client, actor = olga
    assert client.post(reverse(ADD), FORM).status_code == 302
    row = Instrument.objects.get(symbol="SPY")
    assert (row.price_increment, row.lot_size, row.is_tradable, row.is_halted) == (100, 500_000, True, False)
    change = InstrumentChange.objects.first()
    assert (change.symbol, change.actor, change.reason) == ("SPY", actor, "asked for")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("symbol", "spy", "a symbol is 1 to 12"),
        ("symbol", "KO", "already exists"),
        ("lot_size", "0", "a lot size is plain digits"),
        ("price_increment", "0.00001", "a price increment is plain digits"),
        ("currency", "usd", "a currency is three letters"),
        ("name", "", "required"),
        ("reason", "", "required"),
        ("kind", "OTHER", "not one of the available choices"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(olga, field, value, said):
    client, _ = olga
    page = text(client.post(reverse(ADD), {**FORM, field: value}))
    assert said in page
    assert (Instrument.objects.count(), InstrumentChange.objects.count()) == (2, 2)


def test_an_instrument_is_changed_and_keeps_its_symbol(olga):
    client, actor = olga
    page = text(client.get(reverse(CHANGE, args=["BRK.B"])))
    assert 'value="0.0100"' in page
    changed = {**FORM, "symbol": "OTHER", "name": "Berkshire Hathaway"}
    assert client.post(reverse(CHANGE, args=["BRK.B"]), changed).status_code == 302
    row = Instrument.objects.get(symbol="BRK.B")
    assert (row.name, row.lot_size) == ("Berkshire Hathaway", 500_000)
    assert InstrumentChange.objects.first().actor == actor
    assert not Instrument.objects.filter(symbol="OTHER").exists()


@pytest.mark.parametrize(("action", "is_halted"), [("halt", True), ("resume", False)])
def test_trading_is_halted_and_resumed_once_it_is_confirmed_with_a_reason(olga, action, is_halted):
    client, actor = olga
    save_instruments([{"symbol": "KO", "is_halted": not is_halted}], actor="test", reason="before")
    asked = {"action": action, "_selected_action": ["KO", "BRK.B"], "index": "0"}
    page = text(client.post(reverse(LIST), asked))
    assert "KO, Coca-Cola" in page
    assert Instrument.objects.get(symbol="KO").is_halted is not is_halted
    confirmed = {"action": action, "_selected_action": ["KO", "BRK.B"], "confirmed": "yes", "select_across": "0"}
    assert "a reason is" in text(client.post(reverse(LIST), confirmed))
    assert Instrument.objects.get(symbol="KO").is_halted is not is_halted
    assert client.post(reverse(LIST), {**confirmed, "reason": "news"}).status_code == 302
    assert {row.is_halted for row in Instrument.objects.all()} == {is_halted}
    change = InstrumentChange.objects.filter(symbol="KO").first()
    assert (change.actor, change.reason) == (actor, "news")


def test_all_instruments_of_a_list_are_halted_however_many(olga):
    client, _ = olga
    save_instruments([{**NEW, "symbol": f"S{number}"} for number in range(2_000)], actor="test", reason="many")
    asked = {"action": "halt", "_selected_action": ["KO"], "index": "0", "select_across": "1"}
    page = text(client.post(reverse(LIST), asked))
    assert "and 1902 more" in page
    assert page.count('name="_selected_action"') == 1
    confirmed = {**asked, "confirmed": "yes", "reason": "storm"}
    del confirmed["index"]
    assert client.post(reverse(LIST), confirmed).status_code == 302
    assert Instrument.objects.filter(is_halted=True).count() == 2_002


def test_the_history_says_who_changed_what_and_why(olga):
    client, _ = olga
    form = opened(client, "BRK.B")
    client.post(reverse(CHANGE, args=["BRK.B"]), {**form, "sector": "", "lot_size": "0.5"})
    page = text(client.get(reverse("admin:market_instrument_history", args=["BRK.B"])))
    assert "sector Financials → none, lot_size 1 → 0.5" in page
    assert "asked for" in page
    assert "operator" in page
    log = text(client.get(reverse("admin:market_instrumentchange_changelist")))
    assert log.count('class="field-symbol') == 3


def test_nobody_deletes_and_nobody_writes_the_log(olga):
    superuser = Client()
    superuser.force_login(get_user_model().objects.create_superuser("root", password="a long password"))
    change = InstrumentChange.objects.first()
    for client in (olga[0], superuser):
        answers = [
            client.post(reverse("admin:market_instrument_delete", args=["KO"]), {"post": "yes"}),
            client.post(reverse("admin:market_instrumentchange_add"), {"symbol": "KO"}),
            client.post(reverse("admin:market_instrumentchange_change", args=[change.pk]), {"actor": "nobody"}),
            client.post(reverse("admin:market_instrumentchange_delete", args=[change.pk]), {"post": "yes"}),
        ]
        assert [answer.status_code for answer in answers] == [403] * 4
        client.post(reverse(LIST), {"action": "delete_selected", "_selected_action": ["KO"], "post": "yes"})
    assert (Instrument.objects.count(), InstrumentChange.objects.count()) == (2, 2)


def test_compliance_looks_and_changes_nothing():
    client, _ = client_of(COMPLIANCE)
    assert text(client.get(reverse(LIST))).count('class="field-symbol') == 2
    assert client.post(reverse(ADD), FORM).status_code == 403
    assert client.post(reverse(CHANGE, args=["KO"]), FORM).status_code == 403
    confirmed = {"action": "halt", "_selected_action": ["KO"], "confirmed": "yes", "reason": "news"}
    client.post(reverse(LIST), confirmed)
    assert not Instrument.objects.get(symbol="KO").is_halted
    assert Instrument.objects.count() == 2


def test_a_form_that_was_opened_before_others_changed_the_instrument_undoes_nothing(olga):
    client, _ = olga
    form = opened(client, "KO")
    assert (form["name"], form["is_tradable"]) == ("Coca-Cola", "on")
    others = {"is_halted": True, "is_tradable": False, "exchange": "XOFF", "lot_size": 7, "sector": ""}
    save_instruments([{"symbol": "KO", **others}], actor="boss", reason="emergency")
    assert client.post(reverse(CHANGE, args=["KO"]), {**form, "name": "Coca-Cola Co."}).status_code == 302
    (row,) = Instrument.objects.filter(symbol="KO").values(*others, "name")
    assert row == {**others, "name": "Coca-Cola Co."}


def test_the_form_neither_shows_nor_takes_a_halt(olga):
    client, _ = olga
    form = opened(client, "KO")
    assert not [name for name in form if "is_halted" in name]
    client.post(reverse(CHANGE, args=["KO"]), {**form, "is_halted": "on", "name": "Coke"})
    client.post(reverse(ADD), {**FORM, "is_halted": "on"})
    assert set(Instrument.objects.values_list("name", "is_halted")) == {
        ("Coke", False),
        ("SPDR S&P 500", False),
        (Instrument.objects.get(symbol="BRK.B").name, False),
    }


def test_a_box_that_is_cleared_in_the_form_is_cleared(olga):
    client, _ = olga
    form = opened(client, "KO")
    del form["is_tradable"]
    client.post(reverse(CHANGE, args=["KO"]), form)
    assert not Instrument.objects.get(symbol="KO").is_tradable
