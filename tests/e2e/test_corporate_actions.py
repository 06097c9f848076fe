"""Corporate actions on a running platform, whose back office is killed again and again: everything adds up."""

import time
from datetime import date
from decimal import Decimal

import pytest

from market.calendar import day_index, trading_days
from tests.e2e.client import Api, wait_until_reconciled
from tests.services.platform import Platform
from tests.services.plugin import postgres

SECONDS_PER_DAY = 12
CASH = Decimal(1_000_000)
HELD = {"KO": 7, "PG": 25, "JNJ": 10, "XOM": 8}
"""How many shares each account buys: split, reverse split, dividend, change of symbol."""
STATE = "SELECT id, kind, symbol, state, fraction_price, holders, cash_paid FROM market_corporateaction ORDER BY id"


@pytest.fixture(scope="module")
def firm(tmp_path_factory):
    running = Platform(tmp_path_factory.mktemp("actions"), postgres, MARKET_SECONDS_PER_DAY=str(SECONDS_PER_DAY))
    try:
        running.set_up()
        running.start("writer", "snapshotter", "projector", "beat", "web", "market", "venue", "backoffice")
        running.wait_until_ready()
        yield running
    finally:
        running.stop_all()


@pytest.fixture(scope="module")
def operator(firm):
    return Api(firm.base_url, firm.api_key("olga", role="operator"))


def market(api):
    found = api.get("/api/market")
    return found["session"], {each["symbol"]: each for each in found["instruments"]}


def day_after(day, sessions):
    return trading_days()[day_index(date.fromisoformat(day)) + sessions].isoformat()


def made_file(folder, name, *lines):
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def wait_for(what, *, seconds=90):
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, what
        time.sleep(0.2)
    return found


def actions(platform):
    return {row[2]: row for row in platform.query(STATE)}


def test_actions_reach_every_holder_once_whenever_the_back_office_is_killed(firm, operator, tmp_path):
    lots = made_file(tmp_path, "lots.csv", "symbol,lot_size", *(f"{symbol},1" for symbol in HELD))
    assert firm.manage("import_instruments", lots).returncode == 0
    accounts = [operator.open(str(CASH)) for _ in range(12)]
    _, bought = market(operator)
    for account_id in accounts:
        for symbol, quantity in HELD.items():
            trade = operator.buy(account_id, symbol=symbol, quantity=quantity, price=bought[symbol]["price"])
            assert "tradeId" in trade, trade
            operator.place(account_id, symbol=symbol, limitPrice="1", timeInForce="GTC")
    before = {each: Decimal(operator.get(f"/api/accounts/{each}", min_version=10)["cash"]) for each in accounts}
    session, prices = market(operator)
    day = day_after(session["date"], 2)
    announced = firm.manage(
        "import_corporate_actions",
        made_file(
            tmp_path,
            "actions.csv",
            "kind,symbol,effective_date,numerator,denominator,amount_per_share,new_symbol,new_name",
            f"SPLIT,KO,{day},2,1,,,",
            f"SPLIT,PG,{day},1,10,,,",
            f"DIVIDEND,JNJ,{day},,,0.90,,",
            f"SYMBOL_CHANGE,XOM,{day},,,,XOMN,Exxon anew",
        ),
    )
    assert (announced.returncode, announced.stdout.strip()) == (0, "4 announced"), announced.stderr

    wait_for(lambda: "APPLYING" in {row[3] for row in firm.query(STATE)})
    for pause in (0.2, 3.0, 3.6, 4.2, 5.0):
        firm.kill("backoffice")
        firm.start("backoffice")
        time.sleep(pause)
    wait_for(lambda: {row[3] for row in firm.query(STATE)} == {"APPLIED"})

    done = actions(firm)
    fraction_price = Decimal(done["PG"][4]) / 10_000
    for account_id in accounts:
        portfolio = operator.get(f"/api/accounts/{account_id}/portfolio")
        held = {each["symbol"]: Decimal(each["quantity"]) for each in portfolio["positions"] if each["quantity"] != "0"}
        assert held == {"KO": 14, "PG": 2, "JNJ": 10, "XOMN": 8}
        paid = Decimal("9.00") + (fraction_price / 2).quantize(Decimal("0.0001"))
        assert Decimal(portfolio["account"]["cash"]) == before[account_id] + paid
        assert portfolio["account"]["open_orders"] == 0
        assert Decimal(portfolio["account"]["reserved_cash"]) == 0
    once = firm.query(
        "SELECT account_id, event_type, count(*) FROM activity WHERE event_type IN ('SharesSplit', 'DividendPaid', "
        "'SymbolChanged') GROUP BY account_id, event_type HAVING count(*) > CASE event_type WHEN 'SharesSplit' THEN 2 "
        "ELSE 1 END"
    )
    assert once == []
    assert all(row[5] >= len(accounts) for row in done.values())

    wait_for(lambda: "XOM" not in market(operator)[1], seconds=5)
    _, after = market(operator)
    for symbol, now, ratio in (("KO", "KO", 2), ("PG", "PG", Decimal("0.1")), ("XOM", "XOMN", 1)):
        expected = Decimal(prices[symbol]["price"]) / ratio
        assert abs(Decimal(after[now]["price"]) / expected - 1) < Decimal("0.15"), (
            "the market goes on by the new shares"
        )
    assert not any(after[symbol]["is_halted"] for symbol in ("KO", "PG", "JNJ", "XOMN"))
    price = after["XOMN"]["price"]
    assert operator.buy(accounts[0], symbol="XOMN", price=price).get("tradeId")
    assert operator.buy(accounts[0], symbol="XOM", price=price)["code"] == "INSTRUMENT_NOT_TRADABLE"

    marked = "SELECT count(*) FROM tradingplatform_sessionmark WHERE ended_at IS NOT NULL AND marked >= 12"
    wait_for(lambda: firm.query(marked)[0][0] >= 1, seconds=3 * SECONDS_PER_DAY)
    wait_until_reconciled(firm)
    verified = firm.manage("verify_events")
    assert verified.returncode == 0, verified.stdout + verified.stderr
