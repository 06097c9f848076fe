"""Two venue processes that share the symbols: one is killed, the orders of its symbols wait for it, and the other one's
are filled meanwhile. A second process with the same share harms nobody.
"""

import time

import pytest

from tests.e2e.client import Api, wait_until_open, wait_until_reconciled
from tests.services.platform import Platform
from tests.services.plugin import postgres
from tradingplatform.venue.shares import parse_share

SYMBOLS = ("KO", "PG", "XOM", "AAPL", "MSFT", "JNJ", "WMT", "CVX")
FIRST = [symbol for symbol in SYMBOLS if parse_share("1/2").has(symbol)]
SECOND = [symbol for symbol in SYMBOLS if parse_share("2/2").has(symbol)]


@pytest.fixture(scope="module")
def two_venues(tmp_path_factory):
    running = Platform(tmp_path_factory.mktemp("two-venues"), postgres, VENUE_PROCESSES="2")
    try:
        running.set_up()
        running.start("writer", "market", "venue-1", "venue-2", "projector", "beat", "web")
        running.wait_until_ready()
        yield running
    finally:
        running.stop_all()


@pytest.fixture
def api(two_venues):
    found = Api(two_venues.base_url, two_venues.api_key("integrator"))
    wait_until_open(found)
    return found


def place(api, account_id, symbols):
    for symbol in symbols:
        api.place(account_id, symbol=symbol, type="MARKET", quantity=1, limitPrice=None, timeInForce="GTC")


def wait_until_working(api, account_id, expected, seconds=30):
    deadline = time.monotonic() + seconds
    while (found := sorted(each["symbol"] for each in api.get(f"/api/accounts/{account_id}/orders")["results"])) != (
        sorted(expected)
    ):
        assert time.monotonic() < deadline, f"{found} work, not {expected}"
        time.sleep(0.1)


def held(api, account_id):
    positions = api.get(f"/api/accounts/{account_id}/portfolio")["positions"]
    return {each["symbol"]: int(each["quantity"]) for each in positions}


def test_the_orders_of_a_venue_that_is_killed_wait_for_it_alone(two_venues, api):
    assert FIRST
    assert SECOND
    account_id = api.open("1000000")
    place(api, account_id, SYMBOLS)
    wait_until_working(api, account_id, [])
    two_venues.kill("venue-1")
    place(api, account_id, SYMBOLS)
    wait_until_working(api, account_id, FIRST)
    two_venues.start("venue-1")
    wait_until_working(api, account_id, [])
    assert held(api, account_id) == dict.fromkeys(SYMBOLS, 2)
    wait_until_reconciled(two_venues)


def test_two_processes_with_one_share_fill_every_order_once(two_venues, api):
    account_id = api.open("1000000")
    twin = two_venues.start_twin("venue-1")
    try:
        for _ in range(5):
            place(api, account_id, SYMBOLS)
        wait_until_working(api, account_id, [])
    finally:
        two_venues.stop(twin)
    assert held(api, account_id) == dict.fromkeys(SYMBOLS, 5)
    wait_until_reconciled(two_venues)
