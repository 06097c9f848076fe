"""Orders over GraphQL: their whole life, what is refused and how, and that a retry is safe."""

import time

import pytest

from accounts.domain.errors import Code
from accounts.tests.integration.test_graphql import FREEZE, TRADE, Api, events
from identity.permissions import INTEGRATOR, OPERATOR

pytestmark = pytest.mark.django_db(transaction=True)

ORDER = """order { orderId clientOrderId symbol side quantity type timeInForce limitPrice stopPrice status
  filledQuantity replaces placedAt }"""
REFUSED = "... on CommandRefused { code message limit actual version commandId }"
PLACE = f"""mutation($input: PlaceOrderInput!) {{ placeOrder(input: $input) {{ __typename
  ... on OrderPlaced {{ accountId version commandId {ORDER} reservedCash }} {REFUSED} }} }}"""
REPLACE = f"""mutation($input: ReplaceOrderInput!) {{ replaceOrder(input: $input) {{ __typename
  ... on OrderReplaced {{ version orderId {ORDER} reservedCash }} {REFUSED} }} }}"""
ENDED = "version orderId quantity filledQuantity reason reservedCash"
CANCEL = f"""mutation($input: CancelOrderInput!) {{ cancelOrder(input: $input) {{ __typename
  ... on OrderCancelled {{ {ENDED} }} {REFUSED} }} }}"""
EXPIRE = f"""mutation($input: ExpireOrderInput!) {{ expireOrder(input: $input) {{ __typename
  ... on OrderExpired {{ {ENDED} }} {REFUSED} }} }}"""
REJECT = f"""mutation($input: RejectOrderInput!) {{ rejectOrder(input: $input) {{ __typename
  ... on OrderRejected {{ {ENDED} }} {REFUSED} }} }}"""
CLOSE = f"""mutation($input: CloseAccountInput!) {{ closeAccount(input: $input) {{ __typename
  ... on AccountClosed {{ version reason }} {REFUSED} }} }}"""
FILL = """mutation($input: ExecuteTradeInput!) { executeTrade(input: $input) { __typename
  ... on TradeExecuted { version orderId orderStatus orderFilledQuantity positionQuantity }
  ... on CommandRefused { code limit actual } } }"""
WITHDRAW = """mutation($input: WithdrawCashInput!) { withdrawCash(input: $input) { __typename } }"""


@pytest.fixture
def ada(store):
    return Api("ada", role=INTEGRATOR)


@pytest.fixture
def staff(store):
    return Api("grace", is_staff=True)


@pytest.fixture
def operator(store):
    return Api("olga", role=OPERATOR)


def limit_order(account_id, **input):
    terms = {"symbol": "KO", "side": "BUY", "quantity": 10, "type": "LIMIT", "limitPrice": "50"}
    return {"accountId": account_id, **terms, **input}


def test_the_whole_life_of_an_order(ada, store):
    account_id = ada.open()
    placed = ada.run(PLACE, **limit_order(account_id, clientOrderId="mine-1"))
    order = placed["order"]
    assert (placed["__typename"], placed["version"], placed["reservedCash"]) == ("OrderPlaced", 3, "500.0000")
    assert (placed["commandId"], order["clientOrderId"], order["status"]) == ("mine-1", "mine-1", "PENDING")
    assert (order["timeInForce"], order["limitPrice"], order["stopPrice"]) == ("DAY", "50.0000", None)
    fill = {"accountId": account_id, "symbol": "KO", "side": "BUY", "price": "49", "orderId": order["orderId"]}
    filled = ada.run(FILL, **fill, quantity=4)
    assert filled["version"] == 5, "the trade and what it made of the order"
    assert (filled["orderId"], filled["orderStatus"], filled["orderFilledQuantity"]) == (
        order["orderId"],
        "PARTIALLY_FILLED",
        "4",
    )
    replaced = ada.run(REPLACE, accountId=account_id, orderId=order["orderId"], limitPrice="45", quantity=6)
    new = replaced["order"]
    assert (replaced["orderId"], new["replaces"]) == (order["orderId"], order["orderId"])
    assert (new["status"], new["quantity"], new["filledQuantity"]) == ("PARTIALLY_FILLED", "6", "4")
    assert replaced["reservedCash"] == "90.0000"
    filled = ada.run(FILL, **{**fill, "orderId": new["orderId"], "price": "45"}, quantity=2)
    assert (filled["orderStatus"], filled["orderFilledQuantity"]) == ("FILLED", "6")
    late = ada.run(CANCEL, accountId=account_id, orderId=new["orderId"])
    assert (late["code"], late["version"]) == ("ORDER_NOT_OPEN", 10)
    kinds = [type(event).__name__ for _, event in events(store)][2:]
    assert kinds == [
        "OrderPlaced", "TradeExecuted", "OrderFilled", "OrderReplaced", "OrderPlaced", "TradeExecuted", "OrderFilled",
        "CommandRefused",
    ]  # fmt: skip


def test_an_order_over_parts_of_shares_reserves_what_they_cost_rounded_up(ada):
    account_id = ada.open()
    placed = ada.run(PLACE, **limit_order(account_id, quantity="2.25", limitPrice="49.9999"))
    assert (placed["order"]["quantity"], placed["reservedCash"]) == ("2.25", "112.4998")  # 112.499775
    order_id = placed["order"]["orderId"]
    fill = fill_of(account_id, order_id, quantity="0.75")
    filled = ada.run(FILL, **fill)
    assert (filled["orderStatus"], filled["orderFilledQuantity"]) == ("PARTIALLY_FILLED", "0.75")
    assert filled["positionQuantity"] == "0.75"
    refused = ada.run(FILL, **{**fill, "quantity": "1.500001"})
    assert (refused["code"], refused["limit"], refused["actual"]) == ("ORDER_QUANTITY_EXCEEDED", "1.5", "1.500001")
    cancelled = ada.run(CANCEL, accountId=account_id, orderId=order_id)
    assert (cancelled["quantity"], cancelled["filledQuantity"]) == ("2.25", "0.75")
    assert cancelled["reservedCash"] == "0.0000"


def test_an_order_is_cancelled_with_its_reason(ada):
    account_id = ada.open()
    order_id = ada.run(PLACE, **limit_order(account_id))["order"]["orderId"]
    cancelled = ada.run(CANCEL, accountId=account_id, orderId=order_id, reason="changed my mind")
    assert cancelled == {
        "__typename": "OrderCancelled", "version": 4, "orderId": order_id, "quantity": "10", "filledQuantity": "0",
        "reason": "changed my mind", "reservedCash": "0.0000",
    }  # fmt: skip


def test_an_order_that_is_sent_again_is_placed_once_and_answered_as_it_stands_now(ada, store):
    account_id = ada.open()
    mine = limit_order(account_id, clientOrderId="mine-1")
    first = ada.run(PLACE, **mine)
    assert ada.run(PLACE, **mine) == first
    assert len(events(store)) == 3
    ada.run(FILL, **fill_of(account_id, first["order"]["orderId"], quantity=4))
    again = ada.run(PLACE, **mine)
    assert (again["version"], again["order"]["orderId"]) == (first["version"], first["order"]["orderId"])
    assert (again["order"]["status"], again["order"]["filledQuantity"]) == ("PARTIALLY_FILLED", "4")
    assert again["reservedCash"] == "300.0000"


def fill_of(account_id, order_id, *, quantity, price="49"):
    terms = {"symbol": "KO", "side": "BUY", "quantity": quantity, "price": price}
    return {"accountId": account_id, "orderId": order_id, **terms}


@pytest.mark.parametrize("ending", ["cancel", "fill", "replace"])
def test_the_client_order_id_of_an_order_that_has_ended_is_spent(ada, store, ending):
    account_id = ada.open()
    mine = limit_order(account_id, clientOrderId="s-1")
    order_id = ada.run(PLACE, **mine)["order"]["orderId"]
    if ending == "cancel":
        ada.run(CANCEL, accountId=account_id, orderId=order_id)
    elif ending == "fill":
        ada.run(FILL, **fill_of(account_id, order_id, quantity=10))
    else:
        ada.run(REPLACE, accountId=account_id, orderId=order_id, quantity=5)
    before = len(events(store))
    refused = ada.run(PLACE, **mine)
    assert (refused["code"], refused["version"], refused["commandId"]) == ("CLIENT_ORDER_ID_SPENT", None, "s-1")
    assert order_id in refused["message"]
    assert len(events(store)) == before, "nothing is executed, and nothing is recorded"
    assert ada.run(PLACE, **{**mine, "clientOrderId": "s-2"})["order"]["status"] == "PENDING"


def test_a_replacement_that_is_sent_again_is_answered_as_it_stands_now_or_refused_as_spent(ada):
    account_id = ada.open()
    order_id = ada.run(PLACE, **limit_order(account_id))["order"]["orderId"]
    mine = {"accountId": account_id, "orderId": order_id, "quantity": 8, "clientOrderId": "r-1"}
    new_id = ada.run(REPLACE, **mine)["order"]["orderId"]
    ada.run(FILL, **fill_of(account_id, new_id, quantity=3))
    again = ada.run(REPLACE, **mine)
    assert (again["orderId"], again["order"]["orderId"]) == (order_id, new_id)
    assert (again["order"]["status"], again["order"]["filledQuantity"]) == ("PARTIALLY_FILLED", "3")
    ada.run(CANCEL, accountId=account_id, orderId=new_id)
    assert ada.run(REPLACE, **mine)["code"] == "CLIENT_ORDER_ID_SPENT"


def test_what_is_left_of_an_immediate_order_expires_with_its_fill(ada, store):
    account_id = ada.open()
    order_id = ada.run(PLACE, **limit_order(account_id, timeInForce="IOC"))["order"]["orderId"]
    filled = ada.run(FILL, **fill_of(account_id, order_id, quantity=4))
    assert (filled["version"], filled["orderStatus"], filled["orderFilledQuantity"]) == (6, "EXPIRED", "4")
    assert [type(event).__name__ for _, event in events(store)][3:] == ["TradeExecuted", "OrderFilled", "OrderExpired"]
    assert ada.run(CANCEL, accountId=account_id, orderId=order_id)["code"] == "ORDER_NOT_OPEN"


def test_a_stop_order_is_not_filled_before_it_is_triggered(ada):
    account_id = ada.open()
    ada.run(TRADE, accountId=account_id, symbol="KO", side="BUY", quantity=10, price="50")
    stop = limit_order(account_id, side="SELL", type="STOP", limitPrice=None, stopPrice="40")
    order_id = ada.run(PLACE, **stop)["order"]["orderId"]
    fill = {**fill_of(account_id, order_id, quantity=10, price="50"), "side": "SELL"}
    refused = ada.run(
        f"""mutation($input: ExecuteTradeInput!) {{ executeTrade(input: $input) {{ {REFUSED} }} }}""", **fill
    )
    assert (refused["code"], refused["limit"], refused["actual"]) == ("ORDER_NOT_TRIGGERED", "40.0000", "50.0000")
    assert ada.run(FILL, **{**fill, "price": "40"})["orderStatus"] == "FILLED"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"symbol": "ko"}, "UNKNOWN_SYMBOL"),
        ({"symbol": "КО"}, "UNKNOWN_SYMBOL"),
        ({"side": "buy"}, "INVALID_SIDE"),
        ({"quantity": 0}, "INVALID_QUANTITY"),
        ({"quantity": "1.2345678"}, "INVALID_QUANTITY"),
        ({"type": "ICEBERG"}, "INVALID_ORDER_TYPE"),
        ({"timeInForce": "OPG"}, "INVALID_TIME_IN_FORCE"),
        ({"limitPrice": "1e2"}, "INVALID_LIMIT_PRICE"),
        ({"limitPrice": "50.00001"}, "INVALID_LIMIT_PRICE"),
        ({"limitPrice": "NaN"}, "INVALID_LIMIT_PRICE"),
        ({"limitPrice": None}, "INVALID_LIMIT_PRICE"),
        ({"stopPrice": "49"}, "INVALID_STOP_PRICE"),
        ({"type": "STOP", "limitPrice": None}, "INVALID_STOP_PRICE"),
        ({"type": "STOP", "limitPrice": None, "stopPrice": "-1"}, "INVALID_STOP_PRICE"),
        ({"type": "STOP_LIMIT", "stopPrice": "49", "timeInForce": "IOC"}, "INVALID_TIME_IN_FORCE"),
        ({"type": "STOP_LIMIT", "stopPrice": "50.0001"}, "INVALID_STOP_LIMIT"),
        ({"clientOrderId": ""}, "INVALID_COMMAND_ID"),
        ({"clientOrderId": "x" * 65}, "INVALID_COMMAND_ID"),
    ],
)
def test_a_malformed_order_is_refused_and_leaves_no_trace(ada, store, change, code):
    account_id = ada.open()
    refused = ada.run(PLACE, **limit_order(account_id, **change))
    assert (refused["code"], refused["version"]) == (code, None)
    assert len(events(store)) == 2


def test_an_order_that_a_rule_forbids_is_recorded_with_its_figures(ada, store):
    account_id = ada.open()
    refused = ada.run(PLACE, **limit_order(account_id, quantity=201))
    assert (refused["code"], refused["limit"], refused["actual"]) == (
        "POSITION_LIMIT_EXCEEDED",
        "10000.0000",
        "10050.0000",
    )
    assert refused["version"] == 3
    ((_, event),) = events(store)[2:]
    assert (event.command, event.arguments["limit_price"], event.arguments["quantity"]) == (
        "PlaceOrder",
        500_000,
        201_000_000,
    )
    refused = ada.run(PLACE, **limit_order(account_id, side="SELL"))
    assert (refused["code"], refused["limit"], refused["actual"]) == ("INSUFFICIENT_POSITION", "0", "10")


def test_only_operators_say_for_the_venue_that_an_order_has_ended(ada, staff, operator):
    account_id = ada.open()
    first, second = (ada.run(PLACE, **limit_order(account_id))["order"]["orderId"] for _ in range(2))
    assert ada.error(EXPIRE, accountId=account_id, orderId=first) == "FORBIDDEN"
    assert ada.error(REJECT, accountId=account_id, orderId=first, reason="halted") == "FORBIDDEN"
    assert staff.error(EXPIRE, accountId=account_id, orderId=first) == "FORBIDDEN"
    assert operator.run(EXPIRE, accountId=account_id, orderId=first)["__typename"] == "OrderExpired"
    assert operator.run(REJECT, accountId=account_id, orderId=second, reason="halted")["reason"] == "halted"


def test_an_account_is_closed_by_its_owner_when_it_is_empty(ada):
    account_id = ada.open("100")
    order_id = ada.run(PLACE, **limit_order(account_id, quantity=1, limitPrice="5"))["order"]["orderId"]
    refused = ada.run(CLOSE, accountId=account_id, reason="moved")
    assert (refused["code"], refused["limit"], refused["actual"]) == ("ACCOUNT_HAS_ORDERS", "0", "1")
    ada.run(CANCEL, accountId=account_id, orderId=order_id)
    assert ada.run(CLOSE, accountId=account_id, reason="moved")["code"] == "ACCOUNT_HAS_CASH"
    ada.run(WITHDRAW, accountId=account_id, amount="100")
    assert ada.run(CLOSE, accountId=account_id, reason="moved")["__typename"] == "AccountClosed"
    trade = {"accountId": account_id, "symbol": "KO", "side": "BUY", "quantity": 1, "price": "1"}
    assert ada.run(TRADE, **trade)["code"] == "ACCOUNT_CLOSED"


def test_the_orders_of_a_frozen_account_can_be_cancelled(ada, staff):
    account_id = ada.open()
    order_id = ada.run(PLACE, **limit_order(account_id))["order"]["orderId"]
    staff.run(FREEZE, accountId=account_id, reason="audit")
    assert ada.run(PLACE, **limit_order(account_id))["code"] == "ACCOUNT_NOT_ACTIVE"
    assert ada.run(CANCEL, accountId=account_id, orderId=order_id)["__typename"] == "OrderCancelled"


def test_a_market_order_reserves_by_what_the_market_says(ada, market):
    account_id = ada.open()
    market(500_000, made_at_us=time.time_ns() // 1_000)
    placed = ada.run(PLACE, **limit_order(account_id, type="MARKET", limitPrice=None, timeInForce="IOC"))
    assert placed["reservedCash"] == "520.0000", "ten shares at 50 and four percent"


def test_a_market_order_that_is_sent_again_is_recognised_when_the_market_has_gone_silent(ada, market, store):
    account_id = ada.open()
    market(500_000, made_at_us=time.time_ns() // 1_000)
    mine = limit_order(account_id, type="MARKET", limitPrice=None, clientOrderId="m-1")
    first = ada.run(PLACE, **mine)
    market(500_000, made_at_us=time.time_ns() // 1_000 - 60_000_000)
    assert ada.run(PLACE, **mine)["order"]["orderId"] == first["order"]["orderId"]
    assert len(events(store)) == 3


@pytest.mark.parametrize("age_seconds", [None, 60])
def test_a_market_order_is_refused_when_the_market_says_nothing_new(ada, market, store, age_seconds):
    account_id = ada.open()
    if age_seconds is not None:
        market(500_000, made_at_us=time.time_ns() // 1_000 - age_seconds * 1_000_000)
    refused = ada.run(PLACE, **limit_order(account_id, type="MARKET", limitPrice=None))
    assert (refused["code"], refused["version"]) == (Code.MARKET_UNAVAILABLE.value, None)
    assert "place a LIMIT order" in refused["message"]
    assert len(events(store)) == 2


def test_a_market_order_is_refused_when_the_price_of_its_symbol_alone_is_too_old(ada, market):
    account_id = ada.open()
    mine = limit_order(account_id, type="MARKET", limitPrice=None, timeInForce="IOC")
    now_us = time.time_ns() // 1_000
    for age_us, is_placed in ((11_000_000, False), (0, True)):
        market(500_000, made_at_us=now_us, at_us=now_us - age_us)
        assert (ada.run(PLACE, **mine)["__typename"] == "OrderPlaced") is is_placed
