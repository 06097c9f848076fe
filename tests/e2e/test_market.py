"""Pushed prices on a running platform: from the documented adapter to the API, the socket and a filled order; and a
market that is paused.
"""

import json
import subprocess
import sys
import time

import pytest

from tests.e2e.client import wait_until_open
from tests.e2e.test_path_of_a_trade import live, next_of
from tests.e2e.test_venue import ended
from tradingplatform.local.processes import BASE_DIR

ADAPTER = BASE_DIR / "docs" / "examples" / "feed_adapter.py"
OPERATE = 'mutation { %sMarket(reason: "a drill") { isChanged clock { phase } } }'


@pytest.fixture(scope="module", autouse=True)
def _venue(platform):
    platform.start("venue")
    yield
    platform.stop("venue")
    platform.manage("market", "forget", "PG")


@pytest.fixture(scope="module")
def feed(platform):
    """The key of a program that pushes prices."""
    return platform.api_key("ticker", role="feed")


def listed(api, symbol):
    return next(each for each in api.get("/api/market")["instruments"] if each["symbol"] == symbol)


def run_adapter(platform, key, *ticks):
    """Run the documented program over these ticks; return what it complained of."""
    done = subprocess.run(
        [sys.executable, str(ADAPTER)],
        input="".join(f"{json.dumps(tick)}\n" for tick in ticks),
        env={"TRADING_URL": platform.base_url, "TRADING_KEY": key},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


def test_the_documented_adapter_pushes_prices_that_all_see_and_orders_are_filled_at(platform, api, key, feed):
    with live(platform, "/ws/market?symbols=PG,NOPE", key) as socket:
        assert next_of(socket, "error")["symbol"] == "NOPE"
        assert [each["symbol"] for each in next_of(socket, "snapshot")["instruments"]] == ["PG"]
        ticks = [
            {"symbol": "PG", "price": "91.23", "bid": "91.22", "ask": "91.24", "bidSize": "50", "askSize": "10"},
            {"symbol": "NOPE", "price": "1"},
        ]
        assert run_adapter(platform, feed, *ticks) == (
            0,
            "NOPE was refused: UNKNOWN_SYMBOL: there is no instrument 'NOPE': add it first\n",
        )
        (price,) = next(
            found for found in iter(lambda: next_of(socket, "tick")["prices"], None) if found[0]["source"] == "PUSHED"
        )
        assert (price["symbol"], price["price"], price["is_stale"]) == ("PG", "91.2300", False)
    shown = listed(api, "PG")
    assert [shown[name] for name in ("price", "bid", "ask", "source")] == ["91.2300", "91.2200", "91.2400", "PUSHED"]
    assert listed(api, "KO")["source"] == "SIMULATED"
    account_id = api.open()
    placed = api.place(account_id, symbol="PG", type="MARKET", quantity=4, limitPrice=None)
    filled = ended(api, account_id, placed["order"]["orderId"])
    assert (filled["status"], filled["avg_fill_price"]) == ("FILLED", "91.2400")
    more = api.place(account_id, symbol="PG", type="LIMIT", quantity=9, limitPrice="95", timeInForce="GTC")
    time.sleep(1.5)
    (working,) = api.get(f"/api/accounts/{account_id}/orders")["results"]
    assert (working["order_id"], working["filled_quantity"]) == (more["order"]["orderId"], "6"), "ten were asked"


def test_an_adapter_without_the_right_says_so_and_ends(platform, key):
    code, said = run_adapter(platform, key, {"symbol": "PG", "price": "1"})
    assert (code, said.startswith("FORBIDDEN: your role on the platform is integrator")) == (1, True)


def test_nothing_is_filled_while_the_market_is_paused(platform, api, operator):
    wait_until_open(api)
    account_id = api.open()
    assert operator.ask(OPERATE % "pause", {})["clock"]["phase"] == "PAUSED"
    try:
        deadline = time.monotonic() + 5
        while api.get("/api/market")["session"]["phase"] != "PAUSED":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.5)
        placed = api.place(account_id, type="MARKET", quantity=1, limitPrice=None, timeInForce="GTC")
        assert placed["__typename"] == "OrderPlaced", "its price is known, as in a closed market"
        time.sleep(1.5)
        (working,) = api.get(f"/api/accounts/{account_id}/orders")["results"]
        assert working["filled_quantity"] == "0"
        assert not listed(api, "KO")["is_stale"]
    finally:
        operator.ask(OPERATE % "resume", {})
    wait_until_open(api)
    assert ended(api, account_id, placed["order"]["orderId"])["status"] == "FILLED"
