"""Trailing stops, GTD orders, brackets and OCO groups over GraphQL: placed, refused with a reason, and sent again."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from accounts.tests.integration.test_bulk import ORDERS, submit
from accounts.tests.integration.test_graphql import Api, events
from accounts.tests.integration.test_orders_graphql import FILL, REFUSED, REPLACE, fill_of, limit_order
from identity.permissions import INTEGRATOR

pytestmark = pytest.mark.django_db(transaction=True)

TERMS = """orderId clientOrderId type timeInForce limitPrice stopPrice trailAmount trailPercent expiresAt orderClass
  status quantity"""
PLACED = f"""__typename ... on OrderPlaced {{ version duplicate reservedCash order {{ {TERMS} }} legs {{ {TERMS} }} }}
  {REFUSED}"""
PLACE = f"mutation($input: PlaceOrderInput!) {{ placeOrder(input: $input) {{ {PLACED} }} }}"
PLACE_OCO = f"mutation($input: PlaceOcoOrderInput!) {{ placeOcoOrder(input: $input) {{ {PLACED} }} }}"
EXITS = {"takeProfit": {"limitPrice": "60"}, "stopLoss": {"stopPrice": "45", "limitPrice": "44"}}


@pytest.fixture
def ada(store):
    return Api("ada", role=INTEGRATOR)


def test_a_bracket_is_one_command_and_is_answered_with_its_legs(ada, store):
    account_id = ada.open()
    bracket = limit_order(account_id, clientOrderId="mine", timeInForce="GTC", **EXITS)
    placed = ada.run(PLACE, **bracket)
    assert (placed["version"], placed["reservedCash"]) == (5, "500.0000")
    order, (profit, loss) = placed["order"], placed["legs"]
    assert [order["status"], profit["status"], loss["status"]] == ["PENDING", "HELD", "HELD"]
    assert (order["orderClass"], order["clientOrderId"]) == ("BRACKET", "mine")
    assert (profit["type"], profit["limitPrice"], profit["timeInForce"]) == ("LIMIT", "60.0000", "GTC")
    assert (loss["type"], loss["stopPrice"], loss["limitPrice"]) == ("STOP_LIMIT", "45.0000", "44.0000")
    again = ada.run(PLACE, **bracket)
    assert (again["duplicate"], again["order"], again["legs"]) == (True, order, [profit, loss])
    ada.run(FILL, **fill_of(account_id, order["orderId"], quantity=10, price="50"))
    assert [type(event).__name__ for _, event in events(store)][5:] == [
        "TradeExecuted", "OrderFilled", "OrderActivated", "OrderActivated"
    ]  # fmt: skip
    again = ada.run(PLACE, **bracket)
    assert (again["order"]["orderId"], again["order"]["status"]) == (profit["orderId"], "PENDING")
    assert ada.run(PLACE, **{**bracket, "takeProfit": {"limitPrice": "61"}})["code"] == "COMMAND_ID_REUSED"


def test_exits_of_what_is_held_are_placed_together(ada):
    account_id = ada.open()
    order_id = ada.run(PLACE, **limit_order(account_id))["order"]["orderId"]
    ada.run(FILL, **fill_of(account_id, order_id, quantity=10, price="50"))
    terms = {"accountId": account_id, "symbol": "KO", "side": "SELL", "quantity": 10, **EXITS}
    placed = ada.run(PLACE_OCO, **terms, clientOrderId="out")
    assert [each["orderClass"] for each in (placed["order"], *placed["legs"])] == ["OCO", "OCO"]
    assert ada.run(PLACE_OCO, **terms)["code"] == "INSUFFICIENT_POSITION"
    moved = ada.run(REPLACE, accountId=account_id, orderId=placed["legs"][0]["orderId"], stopPrice="46")
    assert moved["__typename"] == "OrderReplaced"
    refused = ada.run(REPLACE, accountId=account_id, orderId=placed["order"]["orderId"], quantity=3)
    assert refused["code"] == "ORDER_IN_GROUP"


def test_a_trailing_stop_begins_at_its_trail_from_the_market(ada, market):
    account_id = ada.open()
    terms = limit_order(account_id, type="TRAILING_STOP", limitPrice=None, timeInForce="GTC", clientOrderId="t-1")
    assert ada.run(PLACE, **terms, trailPercent="2.5")["code"] == "MARKET_UNAVAILABLE"
    market(500_000, made_at_us=time.time_ns() // 1_000)
    placed = ada.run(PLACE, **terms, trailPercent="2.5")
    assert (placed["order"]["stopPrice"], placed["order"]["trailPercent"]) == ("51.2500", "2.50")
    market(510_000, made_at_us=time.time_ns() // 1_000)
    again = ada.run(PLACE, **terms, trailPercent="2.5")
    assert (again["duplicate"], again["order"]) == (True, placed["order"])


def test_a_good_till_order_has_an_instant(ada):
    account_id = ada.open()
    at = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    placed = ada.run(PLACE, **limit_order(account_id, timeInForce="GTD", expiresAt=at.isoformat()))
    assert placed["order"]["expiresAt"] == at.strftime("%Y-%m-%dT%H:%M:%S.000000Z")


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"timeInForce": "GTD"}, "INVALID_EXPIRES_AT"),
        ({"expiresAt": "2030-01-01T00:00:00Z"}, "INVALID_EXPIRES_AT"),
        ({"timeInForce": "GTD", "expiresAt": "tomorrow"}, "INVALID_EXPIRES_AT"),
        ({"timeInForce": "GTD", "expiresAt": "2020-01-01T00:00:00Z"}, "INVALID_EXPIRES_AT"),
        ({"timeInForce": "GTD", "expiresAt": "2999-01-01T00:00:00Z"}, "INVALID_EXPIRES_AT"),
        ({"trailAmount": "1"}, "INVALID_TRAIL"),
        ({"type": "TRAILING_STOP", "limitPrice": None}, "INVALID_TRAIL"),
        ({"type": "TRAILING_STOP", "limitPrice": None, "trailAmount": "1", "trailPercent": "1"}, "INVALID_TRAIL"),
        ({"type": "TRAILING_STOP", "limitPrice": None, "trailPercent": "100"}, "INVALID_TRAIL"),
        ({"type": "TRAILING_STOP", "trailAmount": "1"}, "INVALID_LIMIT_PRICE"),
        (
            {"type": "TRAILING_STOP", "limitPrice": None, "trailAmount": "1", "timeInForce": "IOC"},
            "INVALID_TIME_IN_FORCE",
        ),
        ({"timeInForce": "FOK", "takeProfit": {"limitPrice": "60"}}, "INVALID_TIME_IN_FORCE"),
        ({"takeProfit": {"limitPrice": "50"}}, "INVALID_EXIT"),
        ({"takeProfit": {"limitPrice": "60"}, "stopLoss": {"stopPrice": "50"}}, "INVALID_EXIT"),
        ({"stopLoss": {}}, "INVALID_EXIT"),
        ({"stopLoss": {"stopPrice": "40", "trailAmount": "1"}}, "INVALID_EXIT"),
        ({"stopLoss": {"limitPrice": "40", "trailAmount": "1"}}, "INVALID_EXIT"),
        ({"stopLoss": {"stopPrice": "40", "limitPrice": "41"}}, "INVALID_STOP_LIMIT"),
        ({"takeProfit": {"limitPrice": "60.00001"}}, "INVALID_LIMIT_PRICE"),
    ],
)
def test_terms_that_do_not_go_together_are_refused(ada, store, terms, code):
    account_id = ada.open()
    refused = ada.run(PLACE, **limit_order(account_id, **terms))
    assert (refused.get("code"), refused.get("version")) == (code, None)
    assert len(events(store)) == 2


def test_a_batch_takes_trailing_stops_and_good_till_orders_and_no_groups(ada, market):
    account_id = ada.open()
    market(500_000, made_at_us=time.time_ns() // 1_000)
    plain = {"accountId": account_id, "symbol": "KO", "side": "BUY", "quantity": 1, "type": "LIMIT", "limitPrice": "50"}
    at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    trailing = {**plain, "type": "TRAILING_STOP", "limitPrice": None, "trailAmount": "1"}
    entries = [plain, {**plain, "timeInForce": "GTD", "expiresAt": at}, trailing, {**plain, **EXITS}]
    answer = submit(ada, ORDERS, orders=entries)
    assert (answer["accepted"], answer["refused"]) == (3, 1)
    assert "an entry has no field stopLoss, takeProfit" in answer["outcomes"][3]["message"]
