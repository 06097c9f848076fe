"""The venue: a quote against many working orders, orders in bulk until they are filled, and one order until its fill is
on the account's socket.
"""

import http.client
import json
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
from websockets.sync.client import connect

from accounts.codec import account_codec
from accounts.domain.events import OrderFilled, OrderPlaced
from accounts.domain.values import SHARE
from accounts.kernels.orders import UNTIL_CANCELLED
from benchmarks.instruments import DEMO_SYMBOLS
from benchmarks.measure import Figure, median, percentile, timed
from benchmarks.server import BenchmarkPlatform
from benchmarks.trades import account_ids, open_accounts
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.kernels.texts import pack_texts
from eventstore.store import EventStore
from tradingplatform.venue.matcher import Quote
from tradingplatform.venue.order_events import Changed, Ended, Filled, Freezes, OrderEvents, Placed
from tradingplatform.venue.working_orders import WorkingOrders

WORKING_ORDERS: Final = 100_000
SYMBOLS: Final = 100
TICKS: Final = 50
BULK_ORDERS: Final = 5_000
REQUESTS: Final = 40
CONNECTIONS: Final = 3
FILLED_SECONDS_MAX: Final = 120
SINGLES: Final = 400
PAUSE_SECONDS: Final = 0.03
MEASURED: Final = ("web", "writer", "venue")
ENVIRONMENT: Final = {
    "MARKET_SECONDS_PER_DAY": "86400",  # The session does not close meanwhile.
    "VENUE_DISPLAYED_VALUE": "1000000000",
}
SUBMIT: Final = "mutation($orders: OrderBatch!) { submitOrders(orders: $orders) { accepted } }"
PLACE: Final = """mutation($input: PlaceOrderInput!) { placeOrder(input: $input) {
  ... on OrderPlaced { version order { orderId } } ... on CommandRefused { code } } }"""
_FILLED: Final = str(OrderFilled.__struct_config__.tag)


def run() -> Iterator[Figure]:
    """Measure."""
    yield from _ticks()
    yield from _fills()
    yield from _order_to_fill()


def _ticks() -> Iterator[Figure]:
    """Take a quote of every symbol against orders whose limits are far from it."""
    orders = WorkingOrders(partitions_of=lambda account_ids: np.zeros(len(account_ids), np.int64))
    orders.apply(_resting())
    times: list[float] = []
    for tick in range(TICKS):
        price = 1_000_000 + tick
        quotes = {f"S{symbol}": Quote(price, price, 10**12, 10**12) for symbol in range(SYMBOLS)}
        with timed(times):
            orders.quote(quotes, now=tick)
            asks = orders.next_asks()
        assert len(asks) == 0
    note = f"a quote of each of {SYMBOLS} symbols against {WORKING_ORDERS:,} working orders, none of which it fills"
    yield Figure("market.tick_ms", median(times), "ms", note, "< 5")


def _resting() -> OrderEvents:
    numbers, nobody = np.arange(WORKING_ORDERS), pack_texts([])
    are_buys, none, nowhere = numbers % 2 == 1, np.zeros(0, np.int64), np.zeros(0, bool)
    placed = Placed(
        account_ids=pack_texts([f"account-{number % 5_000}" for number in range(WORKING_ORDERS)]),
        order_ids=pack_texts([f"order-{number}" for number in range(WORKING_ORDERS)]),
        symbols=[f"S{number}" for number in range(SYMBOLS)],
        symbol_of=numbers % SYMBOLS,
        are_buys=are_buys,
        quantities=np.full(WORKING_ORDERS, SHARE),
        filled_quantities=0 * numbers,
        limit_prices=np.where(are_buys, 500_000, 2_000_000),
        stop_prices=0 * numbers,
        trail_amounts=0 * numbers,
        trail_bps=0 * numbers,
        are_triggered=np.zeros(WORKING_ORDERS, bool),
        are_held=np.zeros(WORKING_ORDERS, bool),
        expires_at=0 * numbers,
        times_in_force=np.full(WORKING_ORDERS, UNTIL_CANCELLED),
        placed_at=numbers,
        positions=numbers,
    )
    filled = Filled(nobody, nobody, nobody, none, nowhere)
    changed = Changed(nobody, nobody, nobody, none)
    return OrderEvents(
        placed=placed,
        activated=changed,
        stops=changed,
        triggered=changed,
        reduced=changed,
        filled=filled,
        ended=Ended(nobody, nobody),
        freezes=Freezes(nobody, nowhere),
    )


def _fills() -> Iterator[Figure]:
    """Place market orders over HTTP, thousands in a request, until the journal holds the fill of each."""
    with BenchmarkPlatform(
        "writer", "web", "market", "venue", prepare=_with_accounts, environment=ENVIRONMENT
    ) as platform:
        platform.give_access(account_ids())
        _wait_for_quotes(platform)
        wanted = REQUESTS * BULK_ORDERS
        bodies = iter(_bodies())
        before = {name: platform.cpu_seconds(name) for name in MEASURED}
        started = time.perf_counter()
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            accepted = sum(pool.map(lambda _: _submit(platform, bodies), range(CONNECTIONS)))
        placed_seconds = time.perf_counter() - started
        assert accepted == wanted, f"{accepted:,} of {wanted:,} orders were placed"
        while (filled := platform.count_events(_FILLED)) < wanted:
            assert time.perf_counter() - started < FILLED_SECONDS_MAX, f"{filled:,} of {wanted:,} orders were filled"
            time.sleep(0.2)
        seconds = time.perf_counter() - started
        taken = {name: platform.cpu_seconds(name) - before[name] for name in MEASURED}
        assert platform.count_events(_FILLED) == platform.count_trades() == wanted
    note = (
        f"{wanted:,} market orders over GraphQL in requests of {BULK_ORDERS:,}, placed in {placed_seconds:.1f} s, each "
        "filled by the venue, durable"
    )
    yield Figure("market.fills_per_s", wanted / seconds, "fills/s", note, ">= 20000")
    for name, processor_seconds in taken.items():
        cost = processor_seconds / wanted * 1e6
        yield Figure(f"market.fill_{name}_us", cost, "us an order", f"processor time of the {name} process")


def _submit(platform: BenchmarkPlatform, bodies: Iterator[str]) -> int:
    connection = http.client.HTTPConnection(platform.base_url.removeprefix("http://"), timeout=60)
    headers = {"Authorization": f"Bearer {platform.key}", "Content-Type": "application/json"}
    accepted = 0
    for body in bodies:
        connection.request("POST", "/graphql", body, headers)
        accepted += json.loads(connection.getresponse().read())["data"]["submitOrders"]["accepted"]
    connection.close()
    return accepted


def _bodies() -> list[str]:
    ids, symbols = account_ids(), DEMO_SYMBOLS
    return [
        json.dumps(
            {
                "query": SUBMIT,
                "variables": {
                    "orders": [
                        {
                            "accountId": ids[(request * BULK_ORDERS + number) % len(ids)],
                            "clientOrderId": str(uuid.uuid4()),
                            "symbol": symbols[(request + number) % len(symbols)],
                            "side": "BUY",
                            "quantity": 1,
                            "type": "MARKET",
                        }
                        for number in range(BULK_ORDERS)
                    ]
                },
            }
        )
        for request in range(REQUESTS)
    ]


def _order_to_fill() -> Iterator[Figure]:
    """Place market orders one at a time, and wait for each on the account's socket."""
    waits: list[float] = []
    answers: list[float] = []
    heard_at: dict[str, float] = {}
    with BenchmarkPlatform(
        "writer", "web", "market", "venue", "projector", "beat", environment=ENVIRONMENT
    ) as platform:
        _wait_for_quotes(platform)
        _wait_for_account(platform)
        headers = {"Authorization": f"Bearer {platform.key}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection(platform.base_url.removeprefix("http://"))
        url = platform.base_url.replace("http", "ws") + f"/ws/accounts/{platform.account_id}"
        with connect(url, additional_headers=headers) as socket:
            while json.loads(socket.recv(timeout=10))["type"] != "snapshot":
                pass
            for _ in range(SINGLES):
                order = {
                    "accountId": platform.account_id,
                    "symbol": "KO",
                    "side": "BUY",
                    "quantity": 1,
                    "type": "MARKET",
                }
                body = json.dumps({"query": PLACE, "variables": {"input": order}})
                started = time.perf_counter()
                connection.request("POST", "/graphql", body, headers)
                placed = json.loads(connection.getresponse().read())["data"]["placeOrder"]
                answers.append((time.perf_counter() - started) * 1_000)
                order_id = placed["order"]["orderId"]
                while not _is_filled(json.loads(socket.recv(timeout=10)), order_id, placed["version"]):
                    pass
                heard_at[order_id] = time.time()
                waits.append((time.perf_counter() - started) * 1_000)
                time.sleep(PAUSE_SECONDS)
        platform.assert_stored(2 * SINGLES)
        placed_at, filled_at = _recorded_at(platform)
    note = f"{SINGLES} market orders over GraphQL, one at a time, each until its fill came over the account's WebSocket"
    yield Figure("market.order_answer_p50_ms", median(answers), "ms", "of these, until the order was placed")
    filling = [(filled_at[order_id] - placed_at[order_id]) * 1_000 for order_id in heard_at]
    pushing = [(at - filled_at[order_id]) * 1_000 for order_id, at in heard_at.items()]
    yield Figure(
        "market.order_filling_p50_ms", median(filling), "ms", "from the decision to place it to that to fill it"
    )
    yield Figure("market.order_pushing_p50_ms", median(pushing), "ms", "from the decision to fill it to the socket")
    yield Figure("market.order_to_fill_p50_ms", median(waits), "ms", note)
    yield Figure("market.order_to_fill_p99_ms", percentile(waits, 0.99), "ms", note, "< 50")


def _recorded_at(platform: BenchmarkPlatform) -> tuple[dict[str, float], dict[str, float]]:
    """Return when each order of the account was placed and when it was filled, in UTC seconds."""
    placed: dict[str, float] = {}
    filled: dict[str, float] = {}
    with EventStore.open(
        SQLiteEngine(platform.data_dir / "events"), codec=account_codec(), partition_count=16
    ) as store:
        for recorded in store.events(platform.account_id):
            if isinstance(recorded.data, OrderPlaced | OrderFilled):
                times = placed if isinstance(recorded.data, OrderPlaced) else filled
                times[recorded.data.order_id] = recorded.timestamp / 1e6
    return placed, filled


def _is_filled(message: dict[str, Any], order_id: str, placed_version: int) -> bool:
    """Tell whether a message says that an order is filled: a change, or a snapshot, which has the working ones only."""
    orders = message.get("orders", [])
    if message["type"] == "snapshot":
        return message["version"] > placed_version and all(order["order_id"] != order_id for order in orders)
    return any(order["order_id"] == order_id and order["status"] == "FILLED" for order in orders)


def _wait_for_quotes(platform: BenchmarkPlatform) -> None:
    connection = http.client.HTTPConnection(platform.base_url.removeprefix("http://"))
    deadline = time.monotonic() + 30
    while True:
        connection.request("GET", "/api/market", headers={"Authorization": f"Bearer {platform.key}"})
        if json.loads(connection.getresponse().read())["session"]["phase"] == "OPEN":
            return
        assert time.monotonic() < deadline, "the market does not open"
        time.sleep(0.1)


def _wait_for_account(platform: BenchmarkPlatform) -> None:
    """Return when the account has been projected, with its deposit."""
    connection = http.client.HTTPConnection(platform.base_url.removeprefix("http://"))
    path = f"/api/accounts/{platform.account_id}?min_version=2"
    deadline = time.monotonic() + 30
    while True:
        connection.request("GET", path, headers={"Authorization": f"Bearer {platform.key}"})
        answer = connection.getresponse()
        answer.read()
        if answer.status == http.client.OK:
            return
        assert time.monotonic() < deadline, f"the account is not projected: {answer.status}"
        time.sleep(0.1)


def _with_accounts(folder: Path) -> None:
    with EventStore.open(SQLiteEngine(folder), codec=account_codec(), partition_count=16) as store:
        open_accounts(store)
