"""The page in a real browser: log in, see the portfolio change while trades happen elsewhere, trade, read a refusal."""

import json
import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.client import Api

VIEWPORTS = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 375, "height": 812}}


@pytest.fixture(scope="module")
def alice(platform):
    return Api(platform.base_url, platform.api_key("alice"))


@pytest.fixture
def account(alice):
    """An account of Alice's with some cash and one position."""
    account_id = alice.open("100000")
    alice.buy(account_id, symbol="PG", quantity=5, price="90")
    alice.get(f"/api/accounts/{account_id}", min_version=3)
    return account_id


class Screen:
    """A page of the platform; every error that the browser reports fails the test."""

    def __init__(self, browser: Browser, base_url: str, viewport: str) -> None:
        self.context = browser.new_context(viewport=VIEWPORTS[viewport])
        self.page: Page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: self._note(message))
        self.base_url = base_url

    def _note(self, message) -> None:
        if message.type == "error" and "401" not in message.text:
            self.errors.append(message.text)

    def find(self, name: str):
        return self.page.get_by_test_id(name)

    def log_in(self, path: str = "/") -> None:
        self.page.goto(self.base_url + path)
        self.find("login-username").fill("alice")
        self.find("login-password").fill("demo-password")
        self.find("login-submit").click()

    def go_to_account(self, account_id: str) -> None:
        self.log_in(f"/accounts/{account_id}")
        expect(self.find("connection-state")).to_contain_text("Live", timeout=15_000)


@pytest.fixture
def screen(browser, platform, request):
    opened = Screen(browser, platform.base_url, getattr(request, "param", "desktop"))
    yield opened
    opened.context.close()
    assert opened.errors == []


def test_a_wrong_password_is_refused_in_words(screen):
    screen.page.goto(screen.base_url)
    screen.find("login-username").fill("alice")
    screen.find("login-password").fill("wrong")
    screen.find("login-submit").click()
    expect(screen.find("login-error")).to_contain_text("wrong")


def test_the_portfolio_changes_live_while_trades_execute_elsewhere(screen, alice, account):
    screen.go_to_account(account)
    expect(screen.find("position-row-PG")).to_contain_text("5")
    expect(screen.find("trade-row")).to_have_count(1)
    alice.buy(account, symbol="KO", quantity=11, price="40")
    expect(screen.find("position-row-KO")).to_contain_text("11", timeout=3_000)
    expect(screen.find("trade-row")).to_have_count(2)
    expect(screen.find("cash")).to_have_text(re.compile(r"99,110\.00"))


@pytest.mark.parametrize("screen", ["desktop", "phone"], indirect=True)
def test_a_trade_is_executed_from_the_ticket(screen, alice, account):
    screen.go_to_account(account)
    if screen.page.viewport_size["width"] < 600:
        screen.find("nav-ticket").click()
    screen.find("ticket-symbol").fill("KO")
    screen.find("ticket-symbol").press("Enter")
    screen.find("ticket-side-buy").click()
    screen.find("ticket-quantity").fill("7")
    screen.find("ticket-price").fill("40.25")
    screen.find("ticket-submit").click()
    expect(screen.find("ticket-result").or_(screen.find("ticket-executed")).first).to_be_visible(timeout=5_000)
    if screen.page.viewport_size["width"] < 600:
        screen.find("nav-portfolio").click()
    expect(screen.find("position-row-KO")).to_contain_text("7", timeout=3_000)
    (trade,) = [t for t in alice.get(f"/api/accounts/{account}/trades")["results"] if t["symbol"] == "KO"]
    assert (trade["quantity"], trade["price"], trade["side"]) == ("7", "40.2500", "BUY")


@pytest.mark.parametrize("screen", ["desktop", "phone"], indirect=True)
def test_all_trades_are_downloaded(screen, account, request):
    screen.go_to_account(account)
    if "phone" in request.node.name:
        screen.page.get_by_role("link", name="Trades").or_(screen.page.get_by_role("button", name="Trades")).click()
    with screen.page.expect_download() as waiting:
        screen.find("trades-csv").click()
    assert waiting.value.suggested_filename == f"trades-{account}-v3.csv"
    names, trade = waiting.value.path().read_text().splitlines()
    assert (names.split(",")[2:5], trade.split(",")[2:5]) == (["symbol", "side", "quantity"], ["PG", "BUY", "5"])


def test_a_refusal_is_shown_with_its_figures(screen, account):
    screen.go_to_account(account)
    screen.find("ticket-symbol").fill("KO")
    screen.find("ticket-symbol").press("Enter")
    screen.find("ticket-quantity").fill("1000")
    screen.find("ticket-price").fill("40")
    screen.find("ticket-submit").click()
    expect(screen.find("ticket-result")).to_contain_text("POSITION_LIMIT_EXCEEDED")
    expect(screen.find("ticket-result")).to_contain_text("10,000.00")


def test_the_page_recovers_when_the_web_server_is_killed(screen, platform, alice, account):
    screen.go_to_account(account)
    platform.kill("web")
    expect(screen.find("connection-state")).not_to_contain_text("Live", timeout=10_000)
    platform.start("web")
    platform.wait_until_ready()
    expect(screen.find("connection-state")).to_contain_text("Live", timeout=40_000)
    alice.buy(account, symbol="XOM", quantity=3, price="50")
    expect(screen.find("position-row-XOM")).to_contain_text("3", timeout=3_000)
    screen.errors.clear()  # The browser reports the refused connections themselves.


def test_the_admin_shows_the_audit_trail_and_changes_nothing(screen, platform, account):
    page = screen.page
    page.goto(f"{screen.base_url}/admin/login/?next=/admin/readmodels/accountsummary/{account}/change/")
    page.fill("#id_username", "compliance")
    page.fill("#id_password", "demo-password")
    page.click("[type=submit]")
    expect(page.locator("body")).to_contain_text("Audit trail")
    for event in ("AccountOpened", "CashDeposited", "TradeExecuted"):
        expect(page.locator("table.trail").last).to_contain_text(event)
    expect(page.locator("input[name=_save]")).to_have_count(0)
    stored = platform.query("SELECT data FROM activity WHERE account_id = %s ORDER BY version", account)
    assert json.loads(json.dumps(stored[2][0]))["price"] == "90.0000"
