"""Orders in a real browser: placed from the ticket, told of as they are filled and end, cancelled from the panel.

Most run without the venue: what fills an order is booked by an operator's key, as who executed elsewhere does it, so
that each step can be looked at.
"""

from contextlib import contextmanager
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from tests.e2e.client import CANCEL, wait_until_open

FEES = """mutation($input: ChangeFeeScheduleInput!) { changeFeeSchedule(input: $input) { __typename } }"""
SIZES = pytest.mark.parametrize("screen", ["desktop", "phone"], indirect=True)


@pytest.fixture
def _venue(platform, alice):
    """The venue, and the market open."""
    platform.start("venue")
    wait_until_open(alice)
    yield
    platform.stop("venue")


@pytest.fixture
def limit(alice):
    """A price of KO a little below the market, at which a buy waits."""
    instruments = alice.get("/api/market")["instruments"]
    (price,) = [Decimal(each["price"]) for each in instruments if each["symbol"] == "KO"]
    return str((price * Decimal("0.97")).quantize(Decimal("0.01")))


@contextmanager
def lost_answers(screen):
    """Let placements reach the platform and no answer come back; gives the ids that they had, as they come."""
    sent = []

    def lose(route):
        if "placeOrder" not in (route.request.post_data or ""):
            route.continue_()
            return
        sent.append(route.request.post_data_json["variables"]["input"]["clientOrderId"])
        route.fetch()
        route.abort()

    screen.page.route("**/graphql", lose)
    yield sent
    screen.page.unroute("**/graphql", lose)
    screen.errors[:] = [each for each in screen.errors if "ERR_FAILED" not in each]


def orders_of(alice, account, **parameters):
    return alice.get(f"/api/accounts/{account}/orders", **parameters)["results"]


@SIZES
def test_an_order_is_placed_and_each_of_its_fills_is_told(screen, alice, operator, account, limit):
    screen.go_to_account(account)
    screen.fill_ticket("BUY", "7", "KO", type="LIMIT", time_in_force="GTC", limit=limit)
    expect(screen.find("estimate-reserved")).to_have_attribute("data-value", f"{7 * Decimal(limit):.4f}")
    screen.find("ticket-submit").click()
    outcome = screen.find("ticket-placed")
    expect(outcome).to_contain_text(f"Order placed: BUY 7 KO limit {limit}", timeout=5_000)
    (order,) = orders_of(alice, account, min_version=4)
    assert (order["quantity"], order["order_type"], order["time_in_force"], order["limit_price"]) == (
        *("7", "LIMIT", "GTC"),
        f"{limit}00",
    )
    fill = {"symbol": "KO", "price": limit, "orderId": order["order_id"]}
    operator.buy(account, quantity="2.5", **fill)
    expect(outcome).to_contain_text("Partially filled: 2.5 of 7 KO", timeout=3_000)
    operator.buy(account, quantity="4.5", **fill)
    expect(outcome).to_contain_text("Filled: bought 7 KO", timeout=3_000)
    expect(outcome).to_contain_text(f"Bought at {limit} on average.")
    expect(screen.find("toasts")).to_contain_text("Filled: bought 7 KO")
    screen.show("portfolio")
    expect(screen.find("position-row-KO")).to_contain_text("7")
    screen.show("orders")
    screen.find("orders-ended").click()
    expect(screen.find("order-status")).to_have_text("Filled")


@SIZES
@pytest.mark.usefixtures("_venue")
def test_a_market_order_is_filled_by_itself_and_one_below_the_market_waits(screen, alice, account):
    screen.go_to_account(account)
    screen.fill_ticket("BUY", "2.5", "KO", type="LIMIT", time_in_force="GTC", limit="9.5")
    screen.find("ticket-submit").click()
    expect(screen.find("ticket-placed")).to_contain_text("Order placed: BUY 2.5 KO limit 9.50", timeout=5_000)
    screen.fill_ticket("BUY", "7", "KO", type="MARKET", time_in_force="DAY")
    screen.find("ticket-submit").click()
    expect(screen.find("ticket-placed")).to_contain_text("Filled: bought 7 KO", timeout=10_000)
    filled, *others = orders_of(alice, account, status="closed")
    assert (filled["quantity"], filled["order_type"], others) == ("7", "MARKET", [])
    expect(screen.find("ticket-placed")).to_contain_text(f"Bought at {filled['avg_fill_price'].rstrip('0')}")
    screen.show("portfolio")
    expect(screen.find("position-row-KO")).to_contain_text("7")
    screen.show("orders")
    expect(screen.find("order-row")).to_have_count(1)
    expect(screen.find("order-row")).to_contain_text("9.50")


@SIZES
def test_a_market_order_waits_with_what_it_reserves_and_is_cancelled(screen, alice, account):
    screen.go_to_account(account)
    screen.fill_ticket("BUY", "0.5", "KO")
    screen.find("ticket-submit").click()
    expect(screen.find("ticket-placed")).to_contain_text("Order placed: BUY 0.5 KO at market", timeout=5_000)
    (order,) = orders_of(alice, account, min_version=4)
    assert (order["order_type"], order["time_in_force"], order["side"]) == ("MARKET", "DAY", "BUY")
    reserved = alice.get(f"/api/accounts/{account}")["reserved_cash"]
    screen.show("orders")
    expect(screen.find("order-reserved")).to_have_attribute("data-value", reserved)
    screen.page.get_by_role("button", name="Cancel BUY 0.5 KO at market").click()
    expect(screen.find("order-row")).to_have_count(0, timeout=3_000)
    screen.find("orders-ended").click()
    expect(screen.find("order-status")).to_have_text("Cancelled")
    account_now = alice.get(f"/api/accounts/{account}", min_version=5)
    assert (account_now["reserved_cash"], account_now["open_orders"]) == ("0.0000", 0)


def test_an_order_whose_answer_is_lost_is_placed_once(screen, alice, account, limit):
    screen.go_to_account(account)
    with lost_answers(screen) as sent:
        screen.fill_ticket("BUY", "3", "KO", type="LIMIT", limit=limit)
        screen.find("ticket-submit").click()
        expect(screen.find("ticket-result")).to_contain_text("It was placed: version 4", timeout=5_000)
    screen.find("ticket-retry").click()
    expect(screen.find("ticket-placed")).to_contain_text(f"Order placed: BUY 3 KO limit {limit}", timeout=5_000)
    (order,) = orders_of(alice, account, status="all")
    assert sent == [order["client_order_id"]]


def test_an_order_that_was_filled_while_its_answer_was_lost_is_placed_once(screen, alice, operator, account, limit):
    screen.go_to_account(account)
    with lost_answers(screen):
        screen.fill_ticket("BUY", "3", "KO", type="LIMIT", limit=limit)
        screen.find("ticket-submit").click()
        expect(screen.find("ticket-retry")).to_be_visible(timeout=5_000)
    (order,) = orders_of(alice, account, min_version=4)
    filled = operator.buy(account, symbol="KO", quantity=3, price=limit, orderId=order["order_id"])
    alice.get(f"/api/accounts/{account}", min_version=filled["version"])
    screen.find("ticket-retry").click()
    expect(screen.find("ticket-placed")).to_contain_text("Filled: bought 3 KO", timeout=5_000)
    assert [each["order_id"] for each in orders_of(alice, account, status="all")] == [order["order_id"]]
    assert alice.get(f"/api/accounts/{account}")["trade_count"] == 2


def test_a_refusal_is_shown_with_its_figures(screen, account):
    screen.go_to_account(account)
    screen.fill_ticket("BUY", "1000", "KO", type="LIMIT", limit="40")
    expect(
        screen.page.get_by_text("Position limit exceeded (largest position 10,000.00): would be refused.")
    ).to_be_visible()
    screen.find("ticket-submit").click()
    expect(screen.find("ticket-result")).to_contain_text("POSITION_LIMIT_EXCEEDED")
    expect(screen.find("ticket-result")).to_contain_text("10,000.00")


def test_what_working_orders_reserve_is_not_offered(screen, alice, account):
    alice.place(account, symbol="KO", side="BUY", quantity=100, limitPrice="9.5")
    placed = alice.place(account, symbol="PG", side="SELL", quantity=3, limitPrice="900")
    alice.get(f"/api/accounts/{account}", min_version=placed["version"])
    screen.go_to_account(account)
    expect(screen.find("reserved-cash")).to_have_text("950.00")
    expect(screen.find("position-available")).to_have_text("2 free")
    screen.find("position-row-PG").click()
    expect(screen.find("ticket-quantity")).to_have_value("2")
    screen.find("ticket-type").select_option("LIMIT")
    screen.find("ticket-limit").fill("905")
    screen.find("ticket-submit").click()
    expect(screen.find("ticket-placed")).to_contain_text("SELL 2 PG limit 905.00", timeout=5_000)
    expect(screen.find("position-available")).to_have_text("0 free", timeout=3_000)
    screen.find("withdraw").click()
    screen.find("cash-amount-action").click()
    expect(screen.find("cash-amount")).to_have_value("98,650.00")
    screen.find("cash-review").click()
    screen.find("cash-confirm").click()
    expect(screen.find("cash-result")).to_contain_text("98,650.00 USD withdrawn")


@SIZES
def test_all_orders_are_cancelled_after_a_question(screen, alice, account):
    for quantity in (1, 2, 3):
        placed = alice.place(account, symbol="KO", side="BUY", quantity=quantity, limitPrice="9.5")
    alice.get(f"/api/accounts/{account}", min_version=placed["version"])
    screen.go_to_account(account)
    screen.show("orders")
    expect(screen.find("order-row")).to_have_count(3)
    screen.find("orders-cancel-all").click()
    expect(screen.page.get_by_role("dialog")).to_contain_text("Cancel 3 orders of “E2E”")
    expect(screen.find("cancel-all-cash")).to_have_text("57.00")
    expect(screen.page.get_by_role("button", name="Keep them")).to_be_focused()
    screen.page.keyboard.press("Enter")
    expect(screen.find("order-row")).to_have_count(3)
    screen.find("orders-cancel-all").click()
    screen.find("cancel-all-confirm").click()
    expect(screen.find("cancel-all-result")).to_contain_text("3 orders cancelled")
    screen.page.get_by_role("button", name="Done").click()
    expect(screen.page.get_by_text("No working orders")).to_be_visible(timeout=3_000)
    expect(screen.find("orders-working")).to_be_focused()
    assert orders_of(alice, account) == []


def test_a_cancel_that_comes_too_late_is_refused_in_words(screen, alice, account):
    placed = alice.place(account, symbol="KO", side="BUY", quantity=1, limitPrice="9.5")
    alice.get(f"/api/accounts/{account}", min_version=placed["version"])
    screen.go_to_account(account)

    def be_first(route):
        alice.command(CANCEL, accountId=account, orderId=placed["order"]["orderId"])
        route.continue_()

    screen.page.route("**/graphql", be_first)
    screen.find("order-cancel").click()
    expect(screen.find("orders-problem")).to_contain_text("ORDER_NOT_OPEN", timeout=5_000)
    expect(screen.find("orders-problem")).to_contain_text("Not cancelled: BUY 1 KO limit 9.50")
    screen.find("orders-dismiss").click()
    expect(screen.find("orders-problem")).to_have_count(0)


@SIZES
def test_the_estimate_knows_fees_and_steps(screen, operator, account, limit):
    fees = {"perOrder": "1", "perShare": "0.01", "percent": "0.1", "minimum": "2"}
    assert operator.command(FEES, accountId=account, **fees)["__typename"] == "FeeScheduleChanged"
    screen.go_to_account(account)
    screen.fill_ticket("BUY", "20", "KO", type="LIMIT", time_in_force="GTC", limit=limit)
    value = 20 * Decimal(limit)
    fee = 1 + max(Decimal(2), Decimal("0.2") + (value * Decimal("0.001")).quantize(Decimal("0.0001")))
    expect(screen.find("estimate-fee")).to_have_attribute("data-value", f"{fee:.4f}")
    expect(screen.find("estimate-total")).to_have_attribute("data-value", f"{value + fee:.4f}")
    screen.find("ticket-quantity").fill("0.0000001")
    expect(screen.page.get_by_role("alert")).to_contain_text("At most 6 decimals")
    assert screen.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
