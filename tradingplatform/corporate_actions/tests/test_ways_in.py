"""Announcing and withdrawing in the admin, with a preview, and over GraphQL; who may."""

import time

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.tests.integration.test_graphql import Api
from identity.permissions import COMPLIANCE, OPERATOR, give_role
from market.instruments.changes import save_instruments
from market.models import CorporateAction, CorporateActionChange
from readmodels.tests.conftest import history
from tradingplatform.corporate_actions import admin as corporate_actions_admin
from tradingplatform.corporate_actions.tests.test_applying import announced, applied, firm
from tradingplatform.corporate_actions.tests.test_office import sheet

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["firm", "history"]
LIST = "admin:market_corporateaction_changelist"
ADD = "admin:market_corporateaction_add"
FORM = {
    "kind": "SPLIT",
    "symbol": "KO",
    "effective_date": "2019-03-04",
    "numerator": "1",
    "denominator": "10",
    "reason": "the company said so",
}
FIELDS = "id kind symbol effectiveDate terms numerator denominator newSymbol amountPerShare state"
ANNOUNCE = (
    f"mutation($input: AnnounceCorporateActionInput!) {{ announceCorporateAction(input: $input) {{ {FIELDS} }} }}"
)
WITHDRAW = "mutation($input: WithdrawCorporateActionInput!) { withdrawCorporateAction(input: $input) { state } }"
LISTED = f"""query($first: Int, $after: String, $state: String) {{ corporateActions(first: $first, after: $after,
  state: $state) {{ nodes {{ {FIELDS} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
PROGRESS = """query($id: ID!) { corporateActionProgress(id: $id) {
  asked served cashPaid obstacle failures { code holders } } }"""


def client_of(role):
    api = Api(role)
    give_role(api.user, role)
    made = Client()
    made.force_login(api.user)
    return made, f"user:{api.user.pk}/{role}"


def asked(api, query, **variables):
    """Return the one answer to a query."""
    body = {"query": query, "variables": variables}
    headers = {"Authorization": f"Bearer {api.key}"}
    answer = api.client.post("/graphql", body, content_type="application/json", headers=headers).json()
    assert "errors" not in answer, answer
    return answer["data"]


def text(answer):
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_admin_shows_what_an_action_comes_to_before_it_is_announced(firm, monkeypatch):
    monkeypatch.setattr(corporate_actions_admin, "latest_sheet", lambda: sheet(KO=500_000))
    client, actor = client_of(OPERATOR)
    assert "First session on the new terms" in text(client.get(reverse(ADD)))
    deadline = time.monotonic() + 10
    while "2 holders" not in text(client.post(reverse(ADD), FORM)) and time.monotonic() < deadline:
        time.sleep(0.05)  # The tables follow.
    page = text(client.post(reverse(ADD), FORM))
    for said in ("1 for 10, from 2019-03-04 on", "2 holders", "1 working orders", "price of now: 600.0000"):
        assert said in page
    assert not CorporateAction.objects.exists()
    assert client.post(reverse(ADD), {**FORM, "confirmed": "yes"}).status_code == 302
    change = CorporateActionChange.objects.get()
    assert (change.actor, change.reason) == (actor, "the company said so")
    page = text(client.get(reverse(LIST)))
    assert "1 for 10" in page


def test_the_admin_says_what_is_wrong_at_its_field_and_keeps_what_is_announced(firm, monkeypatch):
    monkeypatch.setattr(corporate_actions_admin, "latest_sheet", lambda: sheet(KO=500_000))
    client, _ = client_of(OPERATOR)
    for wrong, said in (
        ({"numerator": "10"}, "10 for 10 changes nothing"),
        ({"symbol": "NONE"}, "there is no instrument NONE"),
        ({"reason": ""}, "This field is required"),
    ):
        assert said in text(client.post(reverse(ADD), {**FORM, "confirmed": "yes", **wrong}))
    assert not CorporateAction.objects.exists()
    action = applied(firm, announced(numerator="1", denominator="10"))
    page = text(client.get(reverse("admin:market_corporateaction_change", args=[action.pk])))
    assert "2 of 2 holders, 600.0000 paid" in page
    assert 'name="_save"' not in page


def test_the_admin_withdraws_with_a_reason(firm):
    client, actor = client_of(OPERATOR)
    action = announced(numerator="1", denominator="10")
    chosen = {"action": "withdraw", "_selected_action": [action.pk]}
    assert "1 for 10, ANNOUNCED" in text(client.post(reverse(LIST), chosen))
    client.post(reverse(LIST), {**chosen, "confirmed": "yes", "reason": "it is off"})
    action.refresh_from_db()
    assert action.state == "WITHDRAWN"
    assert CorporateActionChange.objects.first().actor == actor
    assert "it is off" in text(client.get(reverse("admin:market_corporateactionchange_changelist")))


def test_compliance_looks_and_announces_nothing(firm):
    client, _ = client_of(COMPLIANCE)
    announced(numerator="1", denominator="10")
    assert "1 for 10" in text(client.get(reverse(LIST)))
    assert client.post(reverse(ADD), {**FORM, "confirmed": "yes"}).status_code == 403


@pytest.fixture
def operator(firm):
    api = Api("olga")
    give_role(api.user, OPERATOR)
    return api


def test_an_action_is_announced_listed_and_withdrawn_over_graphql(firm, operator):
    terms = {name: FORM[name] for name in ("symbol", "numerator", "denominator", "reason")}
    split = operator.run(ANNOUNCE, kind="SPLIT", effectiveDate="2019-03-04", **terms)
    assert (split["terms"], split["state"], split["numerator"]) == ("1 for 10", "ANNOUNCED", 1)
    paid = operator.run(
        ANNOUNCE, kind="DIVIDEND", symbol="PG", effectiveDate="2019-03-05", amountPerShare="0.7172", reason="news"
    )
    assert (paid["amountPerShare"], paid["terms"]) == ("0.7172", "0.7172 per share")
    page = asked(operator, LISTED, first=1)["corporateActions"]
    assert ([each["id"] for each in page["nodes"]], page["pageInfo"]["hasNextPage"]) == ([paid["id"]], True)
    page = asked(operator, LISTED, first=1, after=page["pageInfo"]["endCursor"])["corporateActions"]
    assert ([each["id"] for each in page["nodes"]], page["pageInfo"]["hasNextPage"]) == ([split["id"]], False)
    assert operator.run(WITHDRAW, id=split["id"], reason="it is off") == {"state": "WITHDRAWN"}
    listed = asked(operator, LISTED, state="ANNOUNCED")["corporateActions"]["nodes"]
    assert [each["id"] for each in listed] == [paid["id"]]


def test_graphql_shows_how_far_an_action_is(firm, operator):
    action = applied(firm, announced(numerator="1", denominator="10"))
    found = asked(operator, PROGRESS, id=str(action.pk))["corporateActionProgress"]
    assert found == {"asked": 2, "served": 2, "cashPaid": "600.0000", "obstacle": None, "failures": []}


def test_every_way_to_look_says_why_an_action_cannot_begin(firm, operator, capsys):
    split = announced(numerator="2", denominator="1", effective_date="2019-03-05")
    save_instruments([{"symbol": "KO", "is_tradable": False}], actor="olga", reason="it left the exchange")
    said = "KO is not traded any more: withdraw this action, or let KO be traded again"
    found = asked(operator, PROGRESS, id=str(split.pk))["corporateActionProgress"]
    assert found == {"asked": 0, "served": 0, "cashPaid": "0.0000", "obstacle": said, "failures": []}
    client, _ = client_of(COMPLIANCE)
    assert said in text(client.get(reverse(LIST)))
    call_command("corporate_actions", "status", str(split.pk))
    assert f"it cannot begin: {said}" in capsys.readouterr().out
