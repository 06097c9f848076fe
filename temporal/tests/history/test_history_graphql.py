"""Performance and what if over GraphQL: what REST shows, with errors that carry a code."""

import json

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from identity.api_keys import create_api_key
from identity.permissions import grant_ownership
from temporal.performance.history_shapes import AccountPerformance, AccountWhatIf
from temporal.tests.accounts_of_the_past.test_graphql import everything, snake
from temporal.tests.history.conftest import ADA, BOB

pytestmark = pytest.mark.django_db(transaction=True)
PERFORMANCE = (
    "query($id: ID!, $from: String, $to: String, $period: String, $zone: String) "
    "{ accountPerformance(id: $id, from: $from, to: $to, period: $period, zone: $zone) "
    + everything(AccountPerformance)
    + " }"
)
WHAT_IF = (
    "query($id: ID!, $limits: WhatIfLimitsInput!, $from: String, $to: String) "
    "{ accountWhatIf(id: $id, limits: $limits, from: $from, to: $to) " + everything(AccountWhatIf) + " }"
)


class Ada:
    def __init__(self):
        user = get_user_model().objects.create_user("ada", password="a long password")
        grant_ownership(user=user, account_id=ADA)
        self.headers = {"Authorization": f"Bearer {create_api_key(user=user, name='bot')}"}

    def ask(self, query, **variables):
        body = json.dumps({"query": query, "variables": {"id": ADA, **variables}})
        return Client().post("/graphql", body, content_type="application/json", headers=self.headers).json()

    def answer(self, query, **variables):
        (found,) = self.ask(query, **variables)["data"].values()
        return found

    def code(self, query, **variables):
        (error,) = self.ask(query, **variables)["errors"]
        return error["extensions"]["code"]

    def rest(self, path, body=None):
        path = f"/api/accounts/{ADA}/{path}"
        if body is None:
            return Client().get(path, headers=self.headers).json()
        return Client().post(path, json.dumps(body), content_type="application/json", headers=self.headers).json()


@pytest.fixture
def ada(db, histories):
    histories.at("2026-01-05T12:00:00Z").open()
    histories.buy(10, 50)
    histories.buy(100, 50)
    histories.at("2026-01-06T12:00:00Z").sell(20, 30)
    return Ada()


def test_performance_is_that_of_rest(ada):
    asked = {"from": "2026-01-05", "to": "2026-01-07", "period": "week", "zone": "America/New_York"}
    parameters = "&".join(f"{name}={value}" for name, value in asked.items())
    found = ada.answer(PERFORMANCE, **asked)
    assert snake(found) == ada.rest(f"performance?{parameters}")
    assert [period["trades"] for period in found["periods"]] == [3]


def test_what_if_is_that_of_rest(ada):
    found = ada.answer(WHAT_IF, limits={"maxTradeValue": "1000"}, to="2026-01-06T12:00:00Z")
    shown = ada.rest("what-if", {"limits": {"max_trade_value": "1000"}, "to": "2026-01-06T12:00:00Z"})
    assert snake(found) == shown
    assert (found["refusedNow"], found["knockOns"]) == (2, 1)


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        (PERFORMANCE, {"id": BOB}, "NOT_FOUND"),
        (WHAT_IF, {"id": BOB, "limits": {"maxTradeValue": "1"}}, "NOT_FOUND"),
        (PERFORMANCE, {"zone": "Mars/Olympus"}, "INVALID_MOMENT"),
        (PERFORMANCE, {"period": "hour"}, "INVALID_MOMENT"),
        (PERFORMANCE, {"from": "2026-01-07", "to": "2026-01-05"}, "INVALID_MOMENT"),
        (WHAT_IF, {"limits": {}}, "INVALID_LIMIT"),
        (WHAT_IF, {"limits": {"maxTradeValue": "1"}, "to": "2099-01-01T00:00:00Z"}, "FUTURE_INSTANT"),
    ],
)
def test_what_cannot_be_answered_has_its_code(ada, query, variables, code):
    assert ada.code(query, **variables) == code
