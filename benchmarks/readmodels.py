"""The query side: from the acknowledgement of a lone trade to the row that one can read, and to the WebSocket
message; then many trades (projections.py).
"""

import json
import time
from collections.abc import Iterator

import httpx
from websockets.sync.client import connect

from benchmarks.commands import TRADE
from benchmarks.curves import Plot
from benchmarks.measure import Figure, median, percentile, timed
from benchmarks.projections import catching_up, keeping_up
from benchmarks.server import BenchmarkPlatform
from benchmarks.websockets import run_websockets

TRADES = 300
PAUSE_SECONDS = 0.15
"""Longer than changes of an account are gathered for a client: these trades are alone."""


def run() -> Iterator[Figure | Plot]:
    """Measure."""
    rows: list[float] = []
    pushes: list[float] = []
    queries: list[float] = []
    with BenchmarkPlatform("writer", "projector", "beat", "web") as platform:
        _trade(platform, rows, pushes, queries)
        platform.assert_stored(TRADES)
    note = f"{TRADES} trades one after another, nothing else going on"
    yield Figure("readmodels.lone_lag_p50_ms", median(rows), "ms", note)
    yield Figure("readmodels.lone_lag_p99_ms", percentile(rows, 0.99), "ms", note, "< 500")
    yield Figure("readmodels.lone_websocket_p95_ms", percentile(pushes, 0.95), "ms", note, "< 100")
    yield Figure(
        "readmodels.lone_query_p95_ms", percentile(queries, 0.95), "ms", "portfolio over HTTP, by the client's clock"
    )
    yield from run_websockets()
    yield from catching_up()
    yield from keeping_up()


def _trade(platform: BenchmarkPlatform, rows: list[float], pushes: list[float], queries: list[float]) -> None:
    headers = {"Authorization": f"Bearer {platform.key}"}
    path = f"/api/accounts/{platform.account_id}"
    trade = {"accountId": platform.account_id, "symbol": "KO", "side": "BUY", "quantity": 1, "price": "1"}
    with httpx.Client(base_url=platform.base_url, headers=headers, timeout=10) as http:
        http.get(path, params={"min_version": 2}).raise_for_status()
        url = platform.base_url.replace("http", "ws") + f"/ws/accounts/{platform.account_id}"
        with connect(url, additional_headers=headers) as socket:
            assert json.loads(socket.recv())["type"] == "snapshot"
            for _ in range(TRADES):
                sent = time.perf_counter()
                answer = http.post("/graphql", json={"query": TRADE, "variables": {"input": trade}}).json()
                version = answer["data"]["executeTrade"]["version"]
                with timed(rows):
                    http.get(path, params={"min_version": version}).raise_for_status()
                while json.loads(socket.recv(timeout=5)).get("version") != version:
                    pass
                pushes.append((time.perf_counter() - sent) * 1_000)
                with timed(queries):
                    http.get(f"{path}/portfolio").raise_for_status()
                time.sleep(PAUSE_SECONDS)
