"""The kill switch in a real browser, and a venue that is stopped while it runs: within about a second nothing fills."""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.e2e.client import wait_until_open

SECONDS_MAX = 3.0
STOP = "mutation($reason: String!) { stopVenue(reason: $reason) { isChanged } }"
START = "mutation($reason: String!) { startVenue(reason: $reason) { isChanged } }"


@pytest.fixture
def _venue(platform, alice, operator):
    """The venue, and the market open."""
    platform.start("venue")
    wait_until_open(alice)
    yield
    operator.ask(START, {"reason": "the test is over"})
    platform.stop("venue")


def status_of(alice, account, order_id):
    path = f"/api/accounts/{account}/orders"
    results = alice.get(path)["results"] + alice.get(path, status="closed")["results"]
    return next((each["status"] for each in results if each["order_id"] == order_id), None)


def market_order(alice, account):
    return alice.place(account, type="MARKET", limitPrice=None, timeInForce="GTC")["order"]["orderId"]


def wait_for(is_so, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.usefixtures("_venue")
def test_a_stop_counts_in_the_running_venue_and_after_it_was_begun_again(platform, alice, operator, account):
    first = market_order(alice, account)
    wait_for(lambda: status_of(alice, account, first) == "FILLED")
    assert operator.ask(STOP, {"reason": "a test"})["isChanged"]
    time.sleep(SECONDS_MAX / 2)
    waiting = market_order(alice, account)
    platform.stop("venue")
    platform.start("venue")
    time.sleep(SECONDS_MAX)
    assert status_of(alice, account, waiting) == "PENDING"
    shown = alice.get("/api/market")["venue"]
    assert (shown["is_stopped"], shown["reason"]) == (True, "a test")
    wait_until_open(alice)
    operator.ask(START, {"reason": "the test is over"})
    wait_for(lambda: status_of(alice, account, waiting) == "FILLED", seconds=20)


@pytest.mark.parametrize("screen", ["desktop", "phone"], indirect=True)
def test_an_account_is_emptied_and_the_venue_stopped_from_the_admin(screen, alice, operator, account):
    for _ in range(3):
        alice.place(account)
    page = screen.page
    page.goto(f"{screen.base_url}/admin/login/?next=/admin/kill-switch/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", "demo-password")
    page.click("input[type=submit]")
    expect(page.get_by_test_id("venue-state")).to_contain_text("The venue")
    assert_fits(page)
    page.get_by_label("Account (its id)").fill(account)
    page.locator("form", has=page.get_by_label("Account (its id)")).get_by_role("button").click()
    expect(page.locator("#content")).to_contain_text("This ends 3 working orders")
    assert_fits(page)
    page.get_by_label("Reason (recorded)").fill("a test")
    page.get_by_role("button", name="Yes, cancel 3 working orders").click()
    expect(page.get_by_test_id("run-state")).to_contain_text("Complete", timeout=20_000)
    expect(page.locator(".run-facts")).to_contain_text(re.compile(r"Cancelled\s*3"))
    assert_fits(page)
    page.goto(f"{screen.base_url}/admin/kill-switch/venue/stop")
    page.get_by_label("Reason (recorded)").fill("a runaway program")
    page.get_by_role("button", name="Yes, stop the venue").click()
    try:
        expect(page.get_by_test_id("venue-state")).to_contain_text(
            re.compile(r"Stopped by admin at .*: a runaway program")
        )
        assert_fits(page)
        page.context.clear_cookies()
        screen.go_to_account(account)
        expect(screen.find("venue-stopped")).to_contain_text("The venue is stopped.")
        expect(screen.find("venue-stopped")).to_contain_text("By admin since")
        assert screen.find("venue-stopped").bounding_box()["height"] < 60
        line, panels = screen.find("venue-stopped").bounding_box(), page.locator(".workspace").bounding_box()
        assert line["y"] + line["height"] <= panels["y"] + 1
        assert_fits(page)
    finally:
        operator.ask(START, {"reason": "the test is over"})
    expect(screen.find("venue-stopped")).to_have_count(0, timeout=10_000)


def assert_fits(page):
    """Nothing is wider than the window."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
