"""The command side: the whole pipeline in process, and single commands over HTTP beside a bare view of the same
server.
"""

import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from accounts.api.bulk import answer_to
from accounts.api.parsing.batches import decode_trades, parsed_trades
from accounts.codec import account_codec
from accounts.domain.commands import AccountCommand, ExecuteTrade
from accounts.domain.values import SHARE, format_amount
from accounts.writer.bus.ports import SilentNotifier
from accounts.writer.handlers import CommandHandler
from benchmarks.measure import Figure, as_in_the_writer, median, percentile
from benchmarks.server import BenchmarkPlatform
from benchmarks.stages import timed_stages
from benchmarks.trades import open_accounts, trade_requests
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.store import EventStore
from eventstore.writer.request import Request

TRADES = 200_000
SINGLES = 1_500
PAUSE_SECONDS = 0.005
WARM_UPS = 100
BULK_TRADES = 5_000
BULK_REQUESTS = 80
UNDER_BULK_SECONDS = 10
REST = "the pipeline less its stages: partitions, remembered ids, outcomes and metrics"
KILLS = 3
KILL_SECONDS = 4.0
TRADE = """mutation($input: ExecuteTradeInput!) { executeTrade(input: $input) {
  ... on TradeExecuted { version } ... on CommandRefused { code } } }"""


def run() -> Iterator[Figure]:
    """Measure."""
    yield from _pipeline()
    yield from _singles()
    yield from _bulk()
    yield from _takeover()


def _pipeline() -> Iterator[Figure]:
    """Take batches as they come in JSON the way that web and writer take them, in one thread of one process."""
    requests = trade_requests(TRADES)
    parts = [requests[start : start + BULK_TRADES] for start in range(0, TRADES, BULK_TRADES)]
    bodies = [msgspec.Raw(msgspec.json.encode([entry_of(trade) for trade in part])) for part in parts]
    with tempfile.TemporaryDirectory() as folder:
        with EventStore.open(SQLiteEngine(Path(folder)), codec=account_codec(), partition_count=16) as store:
            writer = open_accounts(store)
            handler = CommandHandler(writer, SilentNotifier())
            before = sum(batch.event_count for p in range(16) for batch in store.read_all(partition=p))
            with as_in_the_writer(), timed_stages() as stages:
                started = time.perf_counter()
                answers = [_answered(body, handler) for body in bodies]
                seconds = time.perf_counter() - started
            after = sum(batch.event_count for p in range(16) for batch in store.read_all(partition=p))
            assert after - before == TRADES, f"{TRADES} trades were acknowledged and {after - before} are there"
    outcomes = [outcome for answer in answers for outcome in json.loads(answer)]
    assert len(outcomes) == TRADES
    assert all("version" in outcome for outcome in outcomes)
    refused = sum("code" in outcome for outcome in outcomes)
    note = f"decode, decide, encode, hash, durable, answer; {refused * 100 // TRADES} % refused; one core"
    yield Figure("commands.pipeline_trades_per_s", TRADES / seconds, "trades/s", note, ">= 200000")
    staged = list(stages.figures(TRADES))
    yield from staged
    rest = seconds / TRADES * 1e6 - sum(stage.value for stage in staged)
    yield Figure("commands.stage_rest_us", rest, "us a trade", REST)


def _answered(body: msgspec.Raw, handler: CommandHandler) -> bytes:
    """Return the JSON of a batch's outcomes."""
    decoded: Any = decode_trades(body)
    batch = parsed_trades(decoded, "bench")
    handled = handler.execute(batch.commands)
    return bytes(answer_to(batch, handled.tell_in_short(0, len(batch.commands))).outcomes)


def entry_of(request: Request[AccountCommand]) -> dict[str, object]:
    """Return a trade as an entry of submitTrades."""
    trade = request.command
    assert isinstance(trade, ExecuteTrade)
    return {
        "accountId": request.aggregate_id,
        "commandId": request.command_id,
        "symbol": trade.symbol,
        "side": trade.side,
        "quantity": trade.quantity // SHARE,
        "price": format_amount(trade.price),
    }


def _singles() -> Iterator[Figure]:
    with BenchmarkPlatform("writer", "web") as platform:
        trades, bare = _interleaved(platform)
        platform.assert_stored(SINGLES)
    ratio = percentile(trades, 0.99) / percentile(bare, 0.99)
    note = f"{SINGLES} executeTrade over GraphQL, one at a time, interleaved with a bare view"
    yield Figure("commands.single_p50_ms", median(trades), "ms", note)
    yield Figure("commands.single_p99_ms", percentile(trades, 0.99), "ms", note, "< 5")
    yield Figure("commands.bare_view_p50_ms", median(bare), "ms", "GET /api/health/live")
    yield Figure("commands.bare_view_p99_ms", percentile(bare, 0.99), "ms", "GET /api/health/live")
    yield Figure("commands.single_p99_ratio", ratio, "of the bare view", note, "<= 2")


def _bulk() -> Iterator[Figure]:
    """Measure batches over HTTP at full speed; then single trades while batches come at half of that."""
    with BenchmarkPlatform("writer", "web", prepare=_with_accounts) as platform:
        before = {name: platform.cpu_seconds(name) for name in ("web", "writer")}
        sent, accepted, seconds = _load(platform, requests=BULK_REQUESTS, requests_per_s=0)
        taken = {name: platform.cpu_seconds(name) - seconds_before for name, seconds_before in before.items()}
        assert platform.count_trades() == accepted, f"{accepted} trades were acknowledged"
        speed = sent / seconds
        note = (
            f"{sent:,} trades in requests of {BULK_TRADES:,}, {(sent - accepted) * 100 // sent} % refused; one web "
            "process, one writer, the load from a third; acknowledged when durable"
        )
        yield Figure("commands.bulk_http_trades_per_s", speed, "trades/s", note, ">= 120000")
        for name, processor_seconds in taken.items():
            cost = processor_seconds / sent * 1e6
            yield Figure(f"commands.bulk_{name}_us", cost, "us a trade", f"processor time of the {name} process")
        with ThreadPoolExecutor(1) as pool:
            half = speed / BULK_TRADES / 2
            load = pool.submit(_load, platform, requests=max(4, round(half * UNDER_BULK_SECONDS)), requests_per_s=half)
            trades, _ = _interleaved(platform, until=load.done)
            load.result()
    note = f"{len(trades)} executeTrade one at a time, while batches come at half their greatest rate"
    yield Figure("commands.single_p50_under_bulk_ms", median(trades), "ms", note)
    yield Figure("commands.single_p99_under_bulk_ms", percentile(trades, 0.99), "ms", note, "< 25")


def _takeover() -> Iterator[Figure]:
    """Kill the writer under load, with a standby beside it; every trade that was acknowledged is counted afterwards."""
    longest: list[float] = []
    with BenchmarkPlatform("writer", "standby", "web") as platform:
        acknowledged = 0
        for _ in range(KILLS):
            platform.wait_for_standby()
            with ThreadPoolExecutor(1) as pool:
                trading = pool.submit(_interleaved, platform, until=_after(KILL_SECONDS))
                time.sleep(KILL_SECONDS / 2)
                platform.kill_writer()
                trades, _ = trading.result()
            longest.append(max(trades))
            acknowledged += len(trades) + WARM_UPS
        platform.assert_stored(acknowledged)
    note = f"kill -9 of the writer under single trades, a standby beside it: longest answer, median of {KILLS} kills"
    yield Figure("commands.writer_killed_ms", median(longest), "ms", note)


def _after(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def _with_accounts(folder: Path) -> None:
    with EventStore.open(SQLiteEngine(folder), codec=account_codec(), partition_count=16) as store:
        open_accounts(store)


def _load(platform: BenchmarkPlatform, *, requests: int, requests_per_s: float) -> tuple[int, int, float]:
    """Send batches from a process of its own; return how many trades were sent and accepted, and the seconds."""
    arguments = [platform.base_url, platform.operator_key, str(requests), str(BULK_TRADES), str(requests_per_s)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bulk_load", *arguments], capture_output=True, text=True, check=True
    )
    sent, accepted, seconds = done.stdout.splitlines()[-1].split()
    return int(sent), int(accepted), float(seconds)


def _interleaved(
    platform: BenchmarkPlatform, *, until: Callable[[], bool] | None = None
) -> tuple[list[float], list[float]]:
    """Return the milliseconds of single trades and of a bare view, by turns, a number of them or until that is true."""
    trades: list[float] = []
    bare: list[float] = []
    connection = http.client.HTTPConnection(platform.base_url.removeprefix("http://"))
    headers = {"Authorization": f"Bearer {platform.key}", "Content-Type": "application/json"}
    trade = {"accountId": platform.account_id, "symbol": "KO", "side": "BUY", "quantity": 1, "price": "1"}
    body = json.dumps({"query": TRADE, "variables": {"input": trade}})

    def ask(method: str, path: str, body: str | None = None) -> tuple[float, bytes]:
        started = time.perf_counter()
        connection.request(method, path, body, headers)
        answer = connection.getresponse().read()
        return (time.perf_counter() - started) * 1_000, answer

    for _ in range(WARM_UPS):
        ask("POST", "/graphql", body)
        ask("GET", "/api/health/live")
    while len(trades) < SINGLES if until is None else not until():
        milliseconds, answer = ask("POST", "/graphql", body)
        assert json.loads(answer)["data"]["executeTrade"]["version"], answer
        trades.append(milliseconds)
        bare.append(ask("GET", "/api/health/live")[0])
        time.sleep(PAUSE_SECONDS)
    connection.close()
    return trades, bare
