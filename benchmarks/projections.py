"""How fast events become rows: catching up with a prepared journal, and keeping up while trades come in through HTTP.

Trades are those of zipf.py: 10,000 accounts, the busiest with a tenth of all trades.
"""

import http.client
import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

import psycopg

from accounts.codec import account_codec
from benchmarks import zipf
from benchmarks.commands import TRADE
from benchmarks.curves import Curve, Plot
from benchmarks.instruments import HUNDRED_SYMBOLS
from benchmarks.measure import Figure, median, percentile
from benchmarks.server import BenchmarkPlatform
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.store import EventStore
from tradingplatform.local.processes import manage

CATCH_UP_TRADES: Final = 200_000
PEER_EVENTS: Final = 1_000
STAGE_SHOWN_US_MIN: Final = 0.05
LEVEL_SECONDS: Final = 12
QUERIED_RATE: Final = 20_000
"""Trades a second beside which queries are timed."""
KEPT_SECONDS: Final = 60
"""How long the highest level that was kept is kept once more: it is what is reported."""
LEVELS: Final = (5_000, 10_000, 15_000, 20_000, 25_000, 30_000, 40_000, 50_000, 62_500, 70_000)
"""Trades a second that are sent, one level after the other until the rows no longer keep up."""
BULK_TRADES: Final = 2_500
LAG_MS_MAX: Final = 500
CATCH_UP_SECONDS_MAX: Final = 90
SAMPLE_PAUSE_SECONDS: Final = 0.04
LOOK_PAUSE_SECONDS: Final = 0.002
VERSION: Final = "SELECT version FROM account_summary WHERE account_id = %s"
COUNT: Final = "SELECT count(*) FROM trades"


def catching_up() -> Iterator[Figure]:
    """Measure workers on a prepared journal, and the ORM row by row on the same database."""
    for workers in (1, 2):
        with BenchmarkPlatform(prepare=_journal) as platform:
            results, seconds = _project(platform, workers)
            events = sum(result["events"] for result in results)
            assert _value(platform, COUNT) == CATCH_UP_TRADES
            note = (
                f"{events:,} events, {CATCH_UP_TRADES:,} of them trades in 100 symbols, the rest openings of accounts; "
                f"{workers} worker(s), nothing else going on"
            )
            yield Figure(f"readmodels.catch_up_{workers}_workers_events_per_s", events / seconds, "events/s", note)
            if workers == 1:
                yield from _stages(platform)
                manage("reconcile", environment=platform.environment)


def _journal(folder: Path) -> None:
    with EventStore.open(SQLiteEngine(folder), codec=account_codec(), partition_count=16) as store:
        zipf.write_journal(store, trades=CATCH_UP_TRADES, symbols=HUNDRED_SYMBOLS)


def _more_trades(folder: Path) -> None:
    with EventStore.open(SQLiteEngine(folder), codec=account_codec(), partition_count=16) as store:
        zipf.execute_trades(store, trades=CATCH_UP_TRADES, symbols=HUNDRED_SYMBOLS, seed=5)


def _stages(platform: BenchmarkPlatform) -> Iterator[Figure]:
    """Project as many trades again, with a clock on every stage; then a few as a program with an ORM would."""
    _more_trades(platform.data_dir / "events")
    ((result,), _) = _project(platform, 1, "STAGES")
    trades = result["events"]
    note = "trades alone, one worker; wall clock, the database's time included"
    yield Figure("readmodels.catch_up_trades_per_s", trades / result["seconds"], "trades/s", note)
    for where in ("python", "postgresql"):
        spent = {stage: nanoseconds / trades / 1_000 for stage, nanoseconds in result[where].items()}
        note = "processor time, all stages; PostgreSQL's own processes beside the one that serves are not in it"
        yield Figure(f"readmodels.project_{where}_us", sum(spent.values()), "us a trade", note)
        for stage, note in _STAGE_NOTES.items():
            if spent.get(stage, 0.0) >= STAGE_SHOWN_US_MIN:
                yield Figure(f"readmodels.stage_{stage}_{where}_us", spent[stage], "us a trade", note)
    ((peer,), _) = _project(platform, 1, "ORM", str(PEER_EVENTS))
    note = f"{peer['events']:,} of the same trades into the same tables, save() and create() one row at a time"
    yield Figure("readmodels.peer.orm_trades_per_s", peer["events"] / peer["seconds"], "trades/s", note)
    ratio = trades / result["seconds"] / (peer["events"] / peer["seconds"])
    yield Figure("readmodels.peer_ratio", ratio, "times as fast", "one worker that catches up, against that")


_STAGE_NOTES: Final = {
    "read": "journal: read, verify, decompress, take apart, ids, join",
    "checkpoints": "which batches are next; locks",
    "classify": "which events are new, and of which kind; the accounts' versions",
    "encode": "rows of trades in binary, numbers of names",
    "copy": "COPY into trades",
    "accounts": "figures of accounts",
    "follow": "positions and days that follow",
    "sums": "sums over the firm",
    "publish": "whom to tell, and telling them: nobody here",
    "rest": "transactions, arrays",
}


def _project(platform: BenchmarkPlatform, workers: int, *arguments: str) -> tuple[list[Any], float]:
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.projecting", *arguments],
            stdout=subprocess.PIPE,
            text=True,
            env=platform.environment,
        )
        for _ in range(workers)
    ]
    results = [json.loads(process.communicate()[0].splitlines()[-1]) for process in running]
    return results, max(float(result["seconds"]) for result in results)


def keeping_up() -> Iterator[Figure | Plot]:
    """Raise the load until the rows are no longer there within the bound; report the last level that was kept."""
    with BenchmarkPlatform("writer", "projector", "beat", "web", prepare=_accounts) as platform:
        levels = _levels(platform)
        manage("reconcile", "--sums", environment=platform.environment)  # Every event of millions takes ten minutes.
        assert platform.count_trades() == sum(level.accepted + len(level.lags) for level in levels)
    cold, shown = levels[0], levels[-1]
    short = [level for level in levels[1:] if level.seconds == LEVEL_SECONDS]
    note = f"the first {LEVEL_SECONDS} s, at {cold.rate:,}/s: accounts, caches and connections of no process are warm"
    yield Figure("readmodels.lag_cold_p50_ms", median(cold.lags), "ms", note)
    yield Figure("readmodels.lag_cold_p99_ms", percentile(cold.lags, 0.99), "ms", note)
    note = (
        f"{shown.accepted:,} trades through HTTP in {shown.seconds} s, requests of {BULK_TRADES:,}, one worker, warm; "
        f"{len(HUNDRED_SYMBOLS)} symbols; {short[-1].rate:,}/s for {LEVEL_SECONDS} s was "
        f"{'kept' if short[-1].is_kept else 'not kept'}"
    )
    yield Figure("readmodels.projected_trades_per_s", shown.projected_per_s, "trades/s", note, ">= 60000")
    note = f"at that load, {len(shown.lags)} lone trades among it: acknowledged to visible row"
    yield Figure("readmodels.lag_p50_ms", median(shown.lags), "ms", note)
    yield Figure("readmodels.lag_p99_ms", percentile(shown.lags, 0.99), "ms", note, "< 500")
    level = next((level for level in short if level.rate == QUERIED_RATE), shown)
    note = f"at {level.rate:,} trades/s, {len(level.served)} portfolios of random accounts; Server-Timing"
    for share in (0.5, 0.95, 0.99):
        budget = "< 2" if share == 0.95 else ""
        name = f"readmodels.query_p{share * 100:.0f}_ms"
        yield Figure(name, percentile(level.served, share), "ms", note, budget)
    note = f"the same at the full load, {len(shown.served)} portfolios"
    yield Figure("readmodels.query_full_load_p95_ms", percentile(shown.served, 0.95), "ms", note)
    note = "the same by the client's clock"
    yield Figure("readmodels.query_client_p95_ms", percentile(shown.asked, 0.95), "ms", note)
    ratio = percentile(shown.asked, 0.95) / percentile(shown.bare, 0.95)
    note = "the same against a bare view, GET /api/health/live, asked in turn with them"
    yield Figure("readmodels.query_p95_ratio", ratio, "of the bare view", note, "<= 1.5")
    yield Plot(
        "readmodels-lag.svg",
        "From the acknowledgement of a trade to its row",
        "trades/s through HTTP",
        [
            Curve("lag p50", [(level.rate, median(level.lags)) for level in short]),
            Curve("lag p99", [(level.rate, percentile(level.lags, 0.99)) for level in short]),
            Curve("query p95", [(level.rate, percentile(level.served, 0.95)) for level in short]),
        ],
        limit_ms=LAG_MS_MAX,
    )


def _levels(platform: BenchmarkPlatform) -> list["_Level"]:
    """Run the first level cold, then all levels up to the first that is not kept; then, for longer, the highest that
    can be kept so: the last one of those returned. Every trade is counted.
    """
    levels: list[_Level] = []

    def run(rate: int, seconds: int) -> bool:
        level = _Level(platform, rate, seconds)
        level.run()
        levels.append(level)
        assert _value(platform, COUNT) == sum(each.accepted + len(each.lags) for each in levels)
        print(f"  {level}", file=sys.stderr)
        return level.is_kept

    run(LEVELS[0], LEVEL_SECONDS)
    kept = list(takewhile(lambda rate: run(rate, LEVEL_SECONDS), LEVELS))
    while kept and not run(kept.pop(), KEPT_SECONDS):
        pass
    return levels


def _accounts(folder: Path) -> None:
    with EventStore.open(SQLiteEngine(folder), codec=account_codec(), partition_count=16) as store:
        zipf.open_accounts(store)


class _Level:
    """One load, for some seconds: what was sent, and what was seen meanwhile."""

    def __init__(self, platform: BenchmarkPlatform, rate: int, seconds: int) -> None:
        self.rate = rate
        self.seconds = seconds
        self._platform = platform
        self.accepted = 0
        self.projected_per_s = 0.0
        self.lags: list[float] = []
        self.served: list[float] = []
        self.asked: list[float] = []
        self.bare: list[float] = []
        self._is_over = threading.Event()

    def run(self) -> None:
        """Send the load, look on, wait until everything is projected."""
        self._wait_until_projected()
        before = _value(self._platform, COUNT)
        requests = self.rate * self.seconds // BULK_TRADES
        arguments = [self._platform.base_url, self._platform.operator_key, str(requests), str(BULK_TRADES)]
        load = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.bulk_load", *arguments, str(self.rate / BULK_TRADES), "zipf"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert load.stdout is not None
        assert load.stdout.readline().strip() == "ready"
        started = time.perf_counter()
        watching = [threading.Thread(target=watch) for watch in (self._sample_lags, self._sample_queries)]
        for thread in watching:
            thread.start()
        _, accepted, self.sent_seconds, *_ = load.stdout.readline().split()
        load.wait()
        self._is_over.set()
        for thread in watching:
            thread.join()
        self.accepted = int(accepted)
        self._wait_until_projected()
        self.caught_up_seconds = time.perf_counter() - started
        self.projected_per_s = (_value(self._platform, COUNT) - before) / self.caught_up_seconds

    @property
    def is_kept(self) -> bool:
        """Tell whether the rows kept up: the load was taken at its rate, and lags stayed below the bound."""
        return percentile(self.lags, 0.99) < LAG_MS_MAX and float(self.sent_seconds) < self.seconds * 1.1

    def __str__(self) -> str:
        return (
            f"{self.rate:,}/s: {self.accepted:,} accepted in {float(self.sent_seconds):.1f} s, all projected after "
            f"{self.caught_up_seconds:.1f} s, lag p50 {median(self.lags):.0f} ms, "
            f"p99 {percentile(self.lags, 0.99):.0f} ms, query p95 {percentile(self.served, 0.95):.1f} ms"
        )

    def _wait_until_projected(self) -> None:
        deadline = time.monotonic() + CATCH_UP_SECONDS_MAX
        heads = self._platform.heads()
        with psycopg.connect(self._platform.environment["DATABASE_URL"], autocommit=True) as database:
            while time.monotonic() < deadline:
                seqs = dict(database.execute("SELECT partition, seq FROM projection_checkpoints").fetchall())
                if all(seqs.get(partition, 0) >= seq for partition, seq in heads.items()):
                    return
                time.sleep(0.02)
        raise RuntimeError(f"not everything was projected after {CATCH_UP_SECONDS_MAX} s")

    def _sample_lags(self) -> None:
        """Send lone trades among the load; look into the table until each is there."""
        account_id = self._platform.account_id
        connection = http.client.HTTPConnection(self._platform.base_url.removeprefix("http://"))
        headers = {"Authorization": f"Bearer {self._platform.key}", "Content-Type": "application/json"}
        trade = {"accountId": account_id, "symbol": "KO", "side": "BUY", "quantity": 1, "price": "1"}
        body = json.dumps({"query": TRADE, "variables": {"input": trade}})
        with psycopg.connect(self._platform.environment["DATABASE_URL"], autocommit=True) as database:
            while not self._is_over.is_set():
                connection.request("POST", "/graphql", body, headers)
                version = json.loads(connection.getresponse().read())["data"]["executeTrade"]["version"]
                acknowledged = time.perf_counter()
                while True:
                    found = database.execute(VERSION, [account_id], prepare=True).fetchone()
                    if found is not None and found[0] >= version:
                        break
                    time.sleep(LOOK_PAUSE_SECONDS)
                self.lags.append((time.perf_counter() - acknowledged) * 1_000)
                time.sleep(SAMPLE_PAUSE_SECONDS)
        connection.close()

    def _sample_queries(self) -> None:
        numbers = random.Random(6)
        ids = zipf.account_ids()
        connection = http.client.HTTPConnection(self._platform.base_url.removeprefix("http://"))
        headers = {"Authorization": f"Bearer {self._platform.operator_key}"}

        def ask(path: str, into: list[float]) -> http.client.HTTPResponse:
            started = time.perf_counter()
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            into.append((time.perf_counter() - started) * 1_000)
            assert answer.status == 200, answer.status
            return answer

        while not self._is_over.is_set():
            ask("/api/health/live", self.bare)
            answer = ask(f"/api/accounts/{numbers.choice(ids)}/portfolio", self.asked)
            self.served.append(float(answer.headers["Server-Timing"].partition("dur=")[2]))
            time.sleep(SAMPLE_PAUSE_SECONDS)
        connection.close()


def _value(platform: BenchmarkPlatform, query: str) -> int:
    with psycopg.connect(platform.environment["DATABASE_URL"], autocommit=True) as database:
        found = database.execute(query).fetchone()
        assert found is not None
        return int(found[0])
