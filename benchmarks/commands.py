"""The command side: the whole pipeline in process, and single commands over HTTP beside a bare view of the same
server.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from accounts.codec import account_codec
from benchmarks.measure import Figure, median, percentile
from benchmarks.server import BenchmarkPlatform
from benchmarks.trades import GROUP, open_accounts, trade_requests
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.store import EventStore
from eventstore.writer.request import Committed

TRADES = 100_000
SINGLES = 1_500
PAUSE_SECONDS = 0.005
TRADE = """mutation($input: ExecuteTradeInput!) { executeTrade(input: $input) {
  ... on TradeExecuted { version } ... on CommandRefused { code } } }"""


def run() -> Iterator[Figure]:
    """Measure."""
    yield from _pipeline()
    yield from _singles()


def _pipeline() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        with EventStore.open(SQLiteEngine(Path(folder)), codec=account_codec(), partition_count=16) as store:
            writer = open_accounts(store)
            before = sum(batch.event_count for p in range(16) for batch in store.read_all(partition=p))
            requests = trade_requests(TRADES)
            started = time.perf_counter()
            outcomes = [o for start in range(0, TRADES, GROUP) for o in writer.execute(requests[start : start + GROUP])]
            seconds = time.perf_counter() - started
            assert all(isinstance(outcome, Committed) for outcome in outcomes)
            after = sum(batch.event_count for p in range(16) for batch in store.read_all(partition=p))
            assert after - before == TRADES, f"{TRADES} trades were acknowledged and {after - before} are there"
    refused = sum(type(o.commit.events[0]).__name__ == "CommandRefused" for o in outcomes if isinstance(o, Committed))
    note = f"decide, encode, hash, durable; {refused * 100 // TRADES} % refused; one core"
    yield Figure("commands.pipeline_trades_per_s", TRADES / seconds, "trades/s", note, ">= 100000")


def _singles() -> Iterator[Figure]:
    with BenchmarkPlatform("writer", "web") as platform:
        trades, bare = asyncio.run(_interleaved(platform))
        platform.assert_stored(SINGLES)
    ratio = percentile(trades, 0.99) / percentile(bare, 0.99)
    note = f"{SINGLES} executeTrade over GraphQL, one at a time, interleaved with a bare view"
    yield Figure("commands.single_p50_ms", median(trades), "ms", note)
    yield Figure("commands.single_p99_ms", percentile(trades, 0.99), "ms", note, "< 5")
    yield Figure("commands.bare_view_p50_ms", median(bare), "ms", "GET /api/health")
    yield Figure("commands.bare_view_p99_ms", percentile(bare, 0.99), "ms", "GET /api/health")
    yield Figure("commands.single_p99_ratio", ratio, "of the bare view", note, "<= 2")


async def _interleaved(platform: BenchmarkPlatform) -> tuple[list[float], list[float]]:
    trades: list[float] = []
    bare: list[float] = []
    headers = {"Authorization": f"Bearer {platform.key}"}
    async with httpx.AsyncClient(base_url=platform.base_url, headers=headers, timeout=10) as http:
        for number in range(SINGLES + 100):
            trade = {"accountId": platform.account_id, "symbol": "KO", "side": "BUY", "quantity": 1, "price": "1"}
            started = time.perf_counter()
            answer = await http.post("/graphql", json={"query": TRADE, "variables": {"input": trade}})
            middle = time.perf_counter()
            await http.get("/api/health")
            ended = time.perf_counter()
            assert answer.json()["data"]["executeTrade"]["version"], answer.text
            if number >= 100:  # The first ones warm up.
                trades.append((middle - started) * 1_000)
                bare.append((ended - middle) * 1_000)
            await asyncio.sleep(PAUSE_SECONDS)
    return trades, bare
