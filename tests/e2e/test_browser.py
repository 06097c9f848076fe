"""The page in a real browser: log in, see the portfolio change while trades happen elsewhere, move cash, recover."""

import json
import re

import pytest
from playwright.sync_api import expect


def test_a_wrong_password_is_refused_in_words(screen):
    screen.page.goto(screen.base_url)
    screen.find("login-username").fill("alice")
    screen.find("login-password").fill("wrong")
    screen.find("login-submit").click()
    expect(screen.find("login-error")).to_contain_text("wrong")


def test_the_portfolio_changes_live_while_trades_execute_elsewhere(screen, operator, account):
    screen.go_to_account(account)
    expect(screen.find("position-row-PG")).to_contain_text("5")
    expect(screen.find("trade-row")).to_have_count(1)
    operator.buy(account, symbol="KO", quantity=11, price="40")
    expect(screen.find("position-row-KO")).to_contain_text("11", timeout=3_000)
    expect(screen.find("trade-row")).to_have_count(2)
    expect(screen.find("cash")).to_have_text(re.compile(r"99,160\.00"))


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


def test_a_figure_that_could_mean_two_things_is_refused_and_the_understood_one_is_shown(screen, alice, account):
    screen.go_to_account(account)
    screen.find("deposit").click()
    expect(screen.find("cash-amount")).to_be_focused()
    screen.find("cash-amount").fill("1000,50")
    expect(screen.page.get_by_role("alert")).to_have_text("Write it like 1,000.50")
    expect(screen.find("cash-review")).to_be_disabled()
    screen.find("cash-amount").fill("1,000.50")
    expect(screen.page.get_by_role("dialog")).to_contain_text("Deposit 1,000.50 USD into")
    screen.find("cash-review").click()
    screen.find("cash-confirm").click()
    expect(screen.find("cash-result")).to_contain_text("1,000.50 USD deposited")
    assert alice.get(f"/api/accounts/{account}", min_version=4)["cash"] == "100600.5000"


def test_the_currencies_that_are_offered_are_taken(screen, account):
    screen.go_to_account(account)
    screen.find("account-switcher").click()
    screen.find("open-account").click()
    options = screen.find("open-account-currency").locator("option").all_inner_texts()
    assert options == screen.page.request.get(f"{screen.base_url}/api/session").json()["currencies"]
    screen.find("open-account-name").fill("In another currency")
    screen.find("open-account-currency").select_option(options[-1])
    screen.find("open-account-submit").click()
    expect(screen.find("toasts")).to_contain_text("In another currency", timeout=5_000)


def test_the_page_recovers_when_the_web_server_is_killed(screen, platform, operator, account):
    screen.go_to_account(account)
    platform.kill("web")
    expect(screen.find("connection-state")).not_to_contain_text("Live", timeout=10_000)
    platform.start("web")
    platform.wait_until_ready()
    expect(screen.find("connection-state")).to_contain_text("Live", timeout=40_000)
    operator.buy(account, symbol="XOM", quantity=3, price="55")
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
    assert json.loads(json.dumps(stored[2][0]))["price"] == "80.0000"
