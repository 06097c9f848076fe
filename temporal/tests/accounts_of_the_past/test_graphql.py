"""Accounts of the past over GraphQL: what REST shows, with errors that carry a code."""

import json

import pytest
from django.test import Client

from accounts.domain.commands import FreezeAccount, PlaceOrder
from accounts.domain.values import SHARE
from temporal.as_of.shapes import AccountAsOf, AccountDiff
from temporal.tests.accounts_of_the_past.conftest import ADA, BOB, Reader
from tradingplatform.schema import schema

pytestmark = pytest.mark.django_db(transaction=True)
ORDER = "1f0e4a52-0000-4000-8000-000000000001"


def selection(type_):
    """Return a selection of every field of a type, and of what is below it."""
    fields = []
    for name, field in type_.fields.items():
        below = field.type
        while hasattr(below, "of_type"):
            below = below.of_type
        fields.append(f"{name} {selection(below)}" if hasattr(below, "fields") else name)
    return "{ " + " ".join(fields) + " }"


def everything(type_):
    return selection(schema.graphql_schema.type_map[type_.__name__])


AS_OF = (
    "query($id: ID!, $at: String, $version: BigInt, $valued: Boolean) "
    "{ accountAsOf(id: $id, at: $at, version: $version, valued: $valued) " + everything(AccountAsOf) + " }"
)
DIFF = (
    "query($id: ID!, $fromAt: String, $fromVersion: BigInt, $toAt: String, $toVersion: BigInt, $limit: Int, "
    "$cursor: String) "
    "{ accountDiff(id: $id, fromAt: $fromAt, fromVersion: $fromVersion, toAt: $toAt, toVersion: $toVersion, "
    "limit: $limit, cursor: $cursor) " + everything(AccountDiff) + " }"
)


def ask(reader, query, **variables):
    body = json.dumps({"query": query, "variables": variables})
    answer = Client().post("/graphql", body, content_type="application/json", headers=reader.headers).json()
    if "errors" in answer:
        (error,) = answer["errors"]
        return error["extensions"]["code"]
    (found,) = answer["data"].values()
    return found


def snake(found):
    """Return an answer with the names that REST has, without what is null because it was not asked for."""
    if isinstance(found, list):
        return [snake(each) for each in found]
    if not isinstance(found, dict):
        return found
    return {"".join(f"_{c.lower()}" if c.isupper() else c for c in name): snake(of) for name, of in found.items()}


@pytest.fixture
def traded(past):
    order = PlaceOrder(ORDER, "mine", "KO", "BUY", 3 * SHARE, "LIMIT", "GTC", 400_000, None, 0)
    past.at("2026-01-05T13:00:00Z").buy(10, 50).execute(ADA, order)
    return past.at("2026-01-06T12:00:00Z").execute(ADA, FreezeAccount("audit"), actor="officer")


@pytest.mark.parametrize("moment", [{"at": "2026-01-05T13:30:00Z"}, {"version": 5}, {"version": 2}])
def test_an_account_of_the_past_is_what_rest_shows(traded, ada, moment):
    found = snake(ask(ada, AS_OF, id=ADA, valued=True, **moment))
    assert found == ada.get(f"accounts/{ADA}/as-of", valued="true", **moment).json()
    assert ask(ada, AS_OF, id=ADA, **moment)["valuation"] is None


def test_what_changed_is_what_rest_shows(traded, ada):
    found = snake(ask(ada, DIFF, id=ADA, fromAt="2026-01-05T12:30:00Z", toVersion=6, limit=2))
    expected = ada.get(f"accounts/{ADA}/diff", from_at="2026-01-05T12:30:00Z", to_version=6, limit=2).json()
    assert found == expected
    rest = ask(ada, DIFF, id=ADA, fromAt="2026-01-05T12:30:00Z", limit=2, cursor=found["next"])
    assert [(event["version"], event["reason"]) for event in rest["events"]] == [(6, "audit")]
    assert ask(ada, DIFF, id=ADA)["fromVersion"] == 1


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        (AS_OF, {"at": "2026-01-05T11:59:59Z"}, "BEFORE_OPENING"),
        (AS_OF, {"at": "2026-01-05T12:00:00"}, "INVALID_MOMENT"),
        (AS_OF, {"at": "2026-01-05T12:00:00Z", "version": 1}, "INVALID_MOMENT"),
        (AS_OF, {"version": 7}, "INVALID_MOMENT"),
        (AS_OF, {"version": -1}, "INVALID_MOMENT"),
        (AS_OF, {"version": 2**63 - 1}, "INVALID_MOMENT"),
        (AS_OF, {"version": 2**63}, "BAD_REQUEST"),
        (AS_OF, {"at": "9" * 100_000}, "INVALID_MOMENT"),
        (DIFF, {"fromVersion": 1, "toVersion": 2**63 - 1}, "INVALID_MOMENT"),
        (AS_OF, {"at": "9999-01-01T00:00:00Z"}, "FUTURE_INSTANT"),
        (AS_OF, {"id": BOB}, "NOT_FOUND"),
        (AS_OF, {"id": "x"}, "NOT_FOUND"),
        (DIFF, {"id": BOB}, "NOT_FOUND"),
        (DIFF, {"fromVersion": 3, "toVersion": 2}, "INVALID_MOMENT"),
        (DIFF, {"limit": 501}, "INVALID_MOMENT"),
        (DIFF, {"cursor": "-1"}, "INVALID_MOMENT"),
    ],
)
def test_an_error_carries_its_code(traded, ada, query, variables, code):
    traded.open(BOB)
    assert ask(ada, query, **{"id": ADA, **variables}) == code


def test_who_may_see_it_sees_it_and_nobody_else(traded, ada):
    class Nobody:
        headers = {}

    assert ask(Nobody, AS_OF, id=ADA) == "UNAUTHENTICATED"
    assert ask(Nobody, AS_OF, id="x") == "UNAUTHENTICATED"
    assert ask(Reader("stranger"), AS_OF, id=ADA) == "NOT_FOUND"
    officer = Reader("officer", is_staff=True)
    assert ask(officer, AS_OF, id=ADA)["status"] == "FROZEN"
    assert ask(officer, AS_OF, id=BOB) == "ACCOUNT_NOT_FOUND"
