"""A running web process follows the instruments: what is halted, added or changed counts within two seconds."""

import time

import pytest

from tests.e2e.client import Api

SECONDS_MAX = 2.0
TRADES = "mutation($trades: TradeBatch!) { submitTrades(trades: $trades) { outcomes } }"
HALT = """mutation($input: HaltInstrumentInput!) { haltInstrument(input: $input) { isChanged } }"""
RESUME = """mutation($input: HaltInstrumentInput!) { resumeInstrument(input: $input) { isChanged } }"""


@pytest.fixture(scope="module")
def operator(platform):
    return Api(platform.base_url, platform.api_key("halter", role="operator"))


@pytest.fixture(scope="module")
def account_id(operator):
    return operator.open()


def batch_of_one(api, account_id, symbol):
    entry = {"accountId": account_id, "symbol": symbol, "side": "BUY", "quantity": 1, "price": "10"}
    return api.ask(TRADES, {"trades": [entry]})["outcomes"][0]


def wait_for(outcome, code):
    """Return the seconds until both ways are answered with a code; None means that it is booked."""
    began = time.monotonic()
    while (found := outcome()) != [code, code]:
        assert time.monotonic() - began < SECONDS_MAX, found
        time.sleep(0.05)


def outcomes(api, account_id, symbol):
    return [
        api.buy(account_id, symbol=symbol, price="10").get("code"),
        batch_of_one(api, account_id, symbol).get("code"),
    ]


def test_a_halt_counts_within_two_seconds_and_so_does_its_end(operator, account_id):
    reason = {"symbol": "RRC", "reason": "a test"}
    assert outcomes(operator, account_id, "RRC") == [None, None]
    assert operator.ask(HALT, {"input": reason})["isChanged"] is True
    try:
        wait_for(lambda: outcomes(operator, account_id, "RRC"), "INSTRUMENT_HALTED")
        listed = {each["symbol"]: each for each in operator.get("/api/market")["instruments"]}
        assert [symbol for symbol, each in listed.items() if each["is_halted"]] == ["RRC"]
    finally:
        operator.ask(RESUME, {"input": reason})
    wait_for(lambda: outcomes(operator, account_id, "RRC"), None)


def test_what_is_imported_is_traded_within_two_seconds(platform, operator, account_id, tmp_path):
    header = "symbol,name,kind,sector,exchange,currency,price_increment,lot_size,is_tradable"
    file = tmp_path / "new.csv"
    file.write_text(f"{header}\nNEW-1,New,ETF,,NYSE,USD,0.05,1,true\n")
    assert outcomes(operator, account_id, "NEW-1") == ["UNKNOWN_SYMBOL", "UNKNOWN_SYMBOL"]
    done = platform.manage("import_instruments", str(file))
    assert (done.returncode, done.stdout.strip()) == (0, "1 are new, 0 changed, 0 unchanged")
    wait_for(lambda: outcomes(operator, account_id, "NEW-1"), None)
    assert operator.buy(account_id, symbol="NEW-1", price="1", quantity="1.5")["code"] == "INVALID_LOT"
    assert operator.buy(account_id, symbol="NEW-1", price="1.01")["code"] == "INVALID_PRICE_INCREMENT"
    (new,) = [each for each in operator.get("/api/market")["instruments"] if each["symbol"] == "NEW-1"]
    assert (new["price"], new["price_increment"], new["lot_size"], new["kind"]) == (None, "0.0500", "1", "ETF")
    file.write_text("symbol,is_tradable\nNEW-1,false\n")
    assert platform.manage("import_instruments", str(file)).stdout.strip() == "0 are new, 1 changed, 0 unchanged"
    wait_for(lambda: outcomes(operator, account_id, "NEW-1"), "INSTRUMENT_NOT_TRADABLE")
    assert "NEW-1" not in {each["symbol"] for each in operator.get("/api/market")["instruments"]}
    held = operator.get(f"/api/accounts/{account_id}/portfolio")["positions"]
    assert "NEW-1" in {each["symbol"] for each in held}, "what was bought is still shown"
    assert operator.get(f"/api/accounts/{account_id}/as-of", valued="true")["positions"]
