"""Orders on a running platform: the venue fills them or ends them by itself, whenever it is killed."""

import json
import time
import uuid

import pytest

from tests.e2e.client import wait_until_open, wait_until_reconciled
from tests.e2e.test_path_of_a_trade import live, next_of

SUBMIT = "mutation($orders: OrderBatch!) { submitOrders(orders: $orders) { outcomes } }"
CANCEL = """mutation($input: CancelOrderInput!) { cancelOrder(input: $input) { __typename
  ... on CommandRefused { code } } }"""


@pytest.fixture(scope="module", autouse=True)
def _venue(platform):
    platform.start("venue")
    yield
    platform.stop("venue")


@pytest.fixture(autouse=True)
def _open_market(api):
    wait_until_open(api)


def price_of(api, symbol="KO"):
    (found,) = [each for each in api.get("/api/market")["instruments"] if each["symbol"] == symbol]
    return float(found["price"])


def ended(api, account_id, order_id, seconds=20):
    """Return an order once it works no more."""
    deadline = time.monotonic() + seconds
    while True:
        closed = api.get(f"/api/accounts/{account_id}/orders", status="closed")["results"]
        found = [each for each in closed if each["order_id"] == order_id]
        if found:
            return found[0]
        assert time.monotonic() < deadline, "it works on"
        time.sleep(0.05)


def test_a_market_order_is_filled_by_itself_and_the_socket_says_so(platform, api, key):
    account_id = api.open()
    api.get(f"/api/accounts/{account_id}", min_version=2)
    with live(platform, f"/ws/accounts/{account_id}", key) as socket:
        next_of(socket, "snapshot")
        placed = api.place(account_id, type="MARKET", quantity=7, limitPrice=None)
        order_id = placed["order"]["orderId"]
        seen = []
        while not seen or seen[-1]["status"] != "FILLED":
            seen += [each for each in next_of(socket, "delta").get("orders", []) if each["order_id"] == order_id]
    assert seen[-1]["filled_quantity"] == "7"
    portfolio = api.get(f"/api/accounts/{account_id}/portfolio", min_version=placed["version"] + 2)
    (position,) = portfolio["positions"]
    assert (position["symbol"], position["quantity"]) == ("KO", "7")
    assert portfolio["account"]["reserved_cash"] == "0.0000"
    assert 100_000 - float(portfolio["account"]["cash"]) == pytest.approx(7 * price_of(api), rel=0.05)


def test_a_limit_is_never_passed_and_a_better_price_is_given(api):
    account_id = api.open()
    dear = api.place(account_id, limitPrice=f"{price_of(api) * 1.1:.2f}", quantity=10)
    filled = ended(api, account_id, dear["order"]["orderId"])
    assert (filled["status"], filled["filled_quantity"]) == ("FILLED", "10")
    assert float(filled["avg_fill_price"]) < price_of(api) * 1.05, "filled at the market's price, not at its limit"
    cheap = api.place(account_id, limitPrice=f"{price_of(api) / 2:.2f}", timeInForce="GTC")
    time.sleep(1.5)
    (waiting,) = api.get(f"/api/accounts/{account_id}/orders")["results"]
    assert (waiting["order_id"], waiting["status"]) == (cheap["order"]["orderId"], "PENDING")
    api.ask(CANCEL, {"input": {"accountId": account_id, "orderId": waiting["order_id"]}})
    assert ended(api, account_id, waiting["order_id"])["status"] == "CANCELLED"


def test_a_bracket_buys_and_gets_out_by_its_trailing_stop(api):
    account_id = api.open()
    exits = {"takeProfit": {"limitPrice": f"{price_of(api) * 2:.2f}"}, "stopLoss": {"trailAmount": "0.01"}}
    placed = api.place(account_id, type="MARKET", limitPrice=None, quantity=3, timeInForce="GTC", **exits)
    entry = placed["order"]["orderId"]
    assert ended(api, account_id, entry)["status"] == "FILLED"
    deadline = time.monotonic() + 60
    while (account := api.get(f"/api/accounts/{account_id}"))["open_orders"]:
        assert time.monotonic() < deadline, "the price falls by a cent within a minute"
        time.sleep(0.2)
    orders = api.get(f"/api/accounts/{account_id}/orders", status="closed", min_version=account["version"])["results"]
    loss, profit = sorted(
        (each for each in orders if each["order_id"] != entry), key=lambda each: each["order_type"], reverse=True
    )
    assert [each["parent_order_id"] for each in (loss, profit)] == [entry, entry]
    assert (loss["order_type"], loss["status"], loss["filled_quantity"]) == ("TRAILING_STOP", "FILLED", "3")
    assert float(loss["trigger_price"]) <= float(loss["stop_price"])
    assert (profit["status"], profit["reason"]) == ("CANCELLED", f"order {loss['order_id']} was filled")
    portfolio = api.get(f"/api/accounts/{account_id}/portfolio")
    assert (portfolio["account"]["reserved_cash"], portfolio["positions"]) == ("0.0000", [])


@pytest.mark.parametrize("time_in_force", ["IOC", "FOK"])
def test_an_immediate_order_that_nobody_takes_ends_at_once(api, time_in_force):
    account_id = api.open()
    placed = api.place(account_id, limitPrice=f"{price_of(api) / 2:.2f}", timeInForce=time_in_force)
    order = ended(api, account_id, placed["order"]["orderId"], seconds=10)
    assert (order["status"], order["reason"]) == ("EXPIRED", "nobody filled it at once")


def test_a_venue_that_is_killed_again_and_again_fills_every_order_once(platform, api):
    accounts = [api.open("1000000") for _ in range(4)]
    placed = []
    for round_ in range(5):
        entries = [
            {
                "accountId": accounts[number % 4],
                "symbol": ("KO", "PG", "XOM")[number % 3],
                "side": "BUY",
                "quantity": 1 + number % 3,
                "type": "MARKET",
                "timeInForce": "GTC",
                "clientOrderId": str(uuid.uuid4()),
            }
            for number in range(60)
        ]
        answered = api.ask(SUBMIT, {"orders": entries})["outcomes"]
        outcomes = json.loads(answered) if isinstance(answered, str) else answered
        assert all("orderId" in each for each in outcomes), outcomes
        placed += entries
        time.sleep(0.05 * round_)
        platform.kill("venue")
        platform.start("venue")
    deadline = time.monotonic() + 60
    while any(api.get(f"/api/accounts/{each}")["open_orders"] for each in accounts):
        assert time.monotonic() < deadline, "an order was forgotten"
        time.sleep(0.2)
    for account_id in accounts:
        wanted = {}
        for each in placed:
            if each["accountId"] == account_id:
                wanted[each["symbol"]] = wanted.get(each["symbol"], 0) + each["quantity"]
        positions = api.get(f"/api/accounts/{account_id}/portfolio")["positions"]
        assert {each["symbol"]: int(each["quantity"]) for each in positions} == wanted
    wait_until_reconciled(platform)
