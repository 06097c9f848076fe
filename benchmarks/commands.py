"""The command side: the whole pipeline in process, and single commands over HTTP beside a bare view of the same
server.
"""

import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from accounts.api.bulk import answer_to
from accounts.api.parsing.batches import decode_trades, parsed_scanned, trade_envelope
from accounts.codec import account_codec
from accounts.domain.commands import AccountCommand, ExecuteTrade
from accounts.domain.values import SHARE, format_amount
from accounts.writer.bus.ports import SilentNotifier
from accounts.writer.handlers import CommandHandler
from benchmarks.curves import Curve, Plot
from benchmarks.instruments import SYMBOLS, instruments
from benchmarks.measure import Figure, as_in_the_writer, median, percentile, timed
from benchmarks.server import BenchmarkPlatform
from benchmarks.stages import timed_stages
from benchmarks.trades import open_accounts, trade_requests
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.store import EventStore
from eventstore.writer.request import Request
from market.instruments.current import hold_instruments

TRADES = 200_000
SINGLES = 1_500
PAUSE_SECONDS = 0.005
WARM_UPS = 100
BLOCK_BYTES = 4_096
BULK_TRADES = 5_000
BULK_SECONDS = 60
UNDER_BULK_SECONDS = 10
REST = "the pipeline less its stages: partitions, remembered ids, outcomes and metrics"
KILLS = 3
KILL_SECONDS = 4.0
CURVE_SECONDS = 4
CURVE_MS_MAX = 500
CURVE_CONNECTIONS = 16
SINGLE_RATES = (25, 50, 100, 150, 200, 300, 400, 600, 800)
BULK_RATES = (10_000, 20_000, 40_000, 60_000, 80_000, 100_000, 120_000, 150_000, 200_000)
TRADE = """mutation($input: ExecuteTradeInput!) { executeTrade(input: $input) {
  ... on TradeExecuted { version } ... on CommandRefused { code } } }"""


def run() -> Iterator[Figure | Plot]:
    """Measure."""
    yield from _pipeline()
    yield from _singles()
    yield from _bulk()
    yield from _takeover()
    yield from _curves()


def _pipeline() -> Iterator[Figure]:
    """Take batches as they come in JSON the way that web and writer take them, in one thread of one process."""
    requests = trade_requests(TRADES, symbols=SYMBOLS)
    hold_instruments(instruments())
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
    note = f"{len(SYMBOLS):,} instruments; {note}"
    yield Figure("commands.pipeline_trades_per_s", TRADES / seconds, "trades/s", note, ">= 200000")
    staged = list(stages.figures(TRADES))
    yield from staged
    rest = seconds / TRADES * 1e6 - sum(stage.value for stage in staged)
    yield Figure("commands.stage_rest_us", rest, "us a trade", REST)


def _answered(body: msgspec.Raw, handler: CommandHandler) -> bytes:
    """Return the JSON of a batch's outcomes."""
    decoded: Any = decode_trades(body)
    batch = parsed_scanned(decoded, "bench", trade_envelope)
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
        disk: list[float] = []
        trades, bare = _interleaved(platform, disk=disk)
        platform.assert_stored(SINGLES)
    ratio = percentile(trades, 0.99) / percentile(bare, 0.99)
    note = f"{SINGLES} executeTrade over GraphQL, one at a time, interleaved with a bare view"
    yield Figure("commands.single_p50_ms", median(trades), "ms", note)
    yield Figure("commands.single_p99_ms", percentile(trades, 0.99), "ms", note, "< 5")
    yield Figure("commands.bare_view_p50_ms", median(bare), "ms", "GET /api/health/live")
    yield Figure("commands.bare_view_p99_ms", percentile(bare, 0.99), "ms", "GET /api/health/live")
    yield Figure("commands.single_p99_ratio", ratio, "of the bare view", note, "<= 2")
    note = f"{BLOCK_BYTES:,} bytes over a file of their own and an fdatasync, in turn with the trades"
    yield Figure("commands.disk_p50_ms", median(disk), "ms", note)
    yield Figure("commands.disk_p99_ms", percentile(disk, 0.99), "ms", note)


def _bulk() -> Iterator[Figure]:
    """Measure batches over HTTP at full speed; then single trades while batches come at half of that."""
    with BenchmarkPlatform("writer", "web", prepare=_with_accounts) as platform:
        before = {name: platform.cpu_seconds(name) for name in ("web", "writer")}
        sent, accepted, seconds, *_ = _load(platform, requests=f"{BULK_SECONDS}s", requests_per_s=0)
        taken = {name: platform.cpu_seconds(name) - seconds_before for name, seconds_before in before.items()}
        assert platform.count_trades() == accepted, (
            f"{accepted} trades were acknowledged, {platform.count_trades()} are there"
        )
        speed = sent / seconds
        note = (
            f"{sent:,} trades in {seconds:.0f} s, in requests of {BULK_TRADES:,}, {(sent - accepted) * 100 // sent} % "
            f"refused; {len(SYMBOLS):,} instruments; one web process, one writer, the load from a third; acknowledged "
            "when durable"
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


def _curves() -> Iterator[Plot]:
    """Raise the rates until they are not taken any more: how long single trades, and batches, wait for their answers.

    Waits are counted from the instant at which a request is due, so those that it could not be sent for are in them.
    """
    singles: list[tuple[float, list[float]]] = []
    batches: list[tuple[float, Load]] = []
    with BenchmarkPlatform("writer", "web", prepare=_with_accounts) as platform:
        for rate in SINGLE_RATES:
            waits = _singles_at(platform, rate)
            singles.append((rate, waits))
            if percentile(waits, 0.99) > CURVE_MS_MAX:
                break
        for rate in BULK_RATES:
            requests_per_s = rate / BULK_TRADES
            load = _load(platform, requests=round(requests_per_s * CURVE_SECONDS), requests_per_s=requests_per_s)
            batches.append((rate, load))
            if load.p99_ms > CURVE_MS_MAX:
                break
        stored = sum(load.accepted for _, load in batches) + sum(len(waits) for _, waits in singles)
        assert platform.count_trades() == stored, f"{stored} trades were acknowledged"
    yield Plot(
        "commands-single.svg",
        "Single trades over GraphQL: from due to answered",
        "trades/s",
        [
            Curve("p50", [(rate, median(waits)) for rate, waits in singles]),
            Curve("p99", [(rate, percentile(waits, 0.99)) for rate, waits in singles]),
        ],
        limit_ms=5,
    )
    yield Plot(
        "commands-bulk.svg",
        f"Batches of {BULK_TRADES:,} trades over GraphQL: from due to answered",
        "trades/s",
        [
            Curve("p50", [(rate, load.p50_ms) for rate, load in batches]),
            Curve("p99", [(rate, load.p99_ms) for rate, load in batches]),
        ],
    )


def _singles_at(platform: BenchmarkPlatform, rate: float) -> list[float]:
    """Send single trades at a rate over some connections; return how many milliseconds each waited."""
    headers = {"Authorization": f"Bearer {platform.key}", "Content-Type": "application/json"}
    trade = {"accountId": platform.account_id, "symbol": "KO", "side": "BUY", "quantity": 1, "price": "1"}
    body = json.dumps({"query": TRADE, "variables": {"input": trade}})
    numbers = iter(range(round(rate * CURVE_SECONDS)))
    started = time.perf_counter()

    def send(_: int) -> list[float]:
        waits: list[float] = []
        connection = http.client.HTTPConnection(platform.base_url.removeprefix("http://"))
        for number in numbers:  # Shared: each takes the next one that is due.
            due_at = started + number / rate
            time.sleep(max(0.0, due_at - time.perf_counter()))
            connection.request("POST", "/graphql", body, headers)
            answer = json.loads(connection.getresponse().read())
            assert answer["data"]["executeTrade"]["version"], answer
            waits.append((time.perf_counter() - due_at) * 1_000)
        connection.close()
        return waits

    with ThreadPoolExecutor(CURVE_CONNECTIONS) as pool:
        return [wait for waits in pool.map(send, range(CURVE_CONNECTIONS)) for wait in waits]


def _after(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def _with_accounts(folder: Path) -> None:
    with EventStore.open(SQLiteEngine(folder), codec=account_codec(), partition_count=16) as store:
        open_accounts(store)


class Load(NamedTuple):
    """What came of batches: trades sent and accepted, seconds, and how long a batch waited."""

    sent: int
    accepted: int
    seconds: float
    p50_ms: float
    p99_ms: float


def _load(platform: BenchmarkPlatform, *, requests: int | str, requests_per_s: float) -> Load:
    """Send so many batches, or for so many seconds ("60s"), from a process of its own."""
    arguments = [platform.base_url, platform.operator_key, str(requests), str(BULK_TRADES), str(requests_per_s)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bulk_load", *arguments], capture_output=True, text=True, check=True
    )
    sent, accepted, *times = done.stdout.splitlines()[-1].split()
    return Load(int(sent), int(accepted), *map(float, times))


def _interleaved(
    platform: BenchmarkPlatform, *, until: Callable[[], bool] | None = None, disk: list[float] | None = None
) -> tuple[list[float], list[float]]:
    """Return the milliseconds of single trades and of a bare view, by turns, a number of them or until that is true;
    add to `disk` those that the disk of the journal takes for one small write.
    """
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
    file = (platform.data_dir / "block").open("wb", buffering=0)
    while len(trades) < SINGLES if until is None else not until():
        milliseconds, answer = ask("POST", "/graphql", body)
        assert json.loads(answer)["data"]["executeTrade"]["version"], answer
        trades.append(milliseconds)
        bare.append(ask("GET", "/api/health/live")[0])
        if disk is not None:
            with timed(disk):
                os.pwrite(file.fileno(), os.urandom(BLOCK_BYTES), 0)
                os.fdatasync(file.fileno())
        time.sleep(PAUSE_SECONDS)
    connection.close()
    file.close()
    return trades, bare
