"""Time travel: an account of the past, performance over spans of time, and replays of up to ten million events.

Stores are made for the run in a temporary folder and are gone afterwards. Reference figures in the notes are those that
comparable systems publish, on machines of their own: an order of magnitude, not a race.
"""

import functools
import multiprocessing
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from accounts.codec import account_codec
from accounts.domain.commands import AccountCommand, ChangeRiskLimits, DepositCash, ExecuteTrade, OpenAccount
from accounts.domain.values import SHARE
from accounts.writer.machine import AccountDecider
from benchmarks.measure import Figure, median, percentile, timed
from benchmarks.trades import account_ids, trade_requests
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.record import microseconds, partition_of
from eventstore.store import EventStore, reset_store, set_store_factory
from eventstore.writer.request import Committed, Request
from temporal.as_of.as_of import Moment, account_as_of
from temporal.performance.history import performance
from temporal.performance.periods import periods_of
from temporal.replay import partition_jobs, replay_here, replay_in_processes

PARTITIONS: Final = 16
GROUP: Final = 1_000
POOL: Final = 100_000
TIMES: Final = 3
SPANS_DAYS: Final = {"1_day": 1, "1_week": 7, "1_month": 30, "1_year": 365, "2_years": 730}
PUBLISHED_MS: Final = {"1_week": 45, "1_month": 180, "1_year": 650, "2_years": 2_100}
PUBLISHED_S: Final = {100_000: 2.3, 1_000_000: 18.7, 10_000_000: 192.0}
ACCOUNT: Final = "00000000-0000-4000-8000-000000000001"


class Sizes(NamedTuple):
    """How much is measured."""

    history_events: int = 1_000_000
    looks: int = 300
    cold_looks: int = 50
    replayed_events: tuple[int, ...] = (100_000, 1_000_000, 10_000_000)


FULL: Final = Sizes()
SMALL: Final = Sizes(history_events=2_000, looks=5, cold_looks=2, replayed_events=(3_000,))


def run(sizes: Sizes = FULL) -> Iterator[Figure]:
    """Measure."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _history(Path(folder), sizes)
    for events in sizes.replayed_events:
        with tempfile.TemporaryDirectory() as folder:
            yield from _replays(Path(folder), events)


def open_store(folder: Path) -> EventStore:
    """Open a store of the benchmark; replaying processes do so by themselves."""
    return EventStore.open(SQLiteEngine(folder), codec=account_codec(), partition_count=PARTITIONS)


# The past of one account.


def _history(folder: Path, sizes: Sizes) -> Iterator[Figure]:
    now = datetime.now(UTC)
    _write_history(folder, sizes.history_events, now)
    with _as_platform(folder):
        yield from _looks(sizes, now)
        yield from _performance(sizes, now)


@contextmanager
def _as_platform(folder: Path) -> Iterator[None]:
    """Let the store be the one that the apps read."""
    set_store_factory(functools.partial(open_store, folder))
    try:
        yield
    finally:
        reset_store()


def _write_history(folder: Path, events: int, now: datetime) -> None:
    """Write two years of one account, evenly; all in pages but the last group."""
    began = microseconds(now - timedelta(days=731))
    step = (microseconds(now) - began) // events
    instant = began
    decider = AccountDecider()
    with open_store(folder) as store:
        writer = store.writer(decider, clock=lambda: instant)
        commands: list[AccountCommand] = [
            OpenAccount("bench", "Benchmark", "USD"),
            ChangeRiskLimits(10_000, 10**15, 10**12),
            DepositCash(10**13, ""),
        ]
        deposit_every = max(events // 24, 1)
        for number in range(3, events):
            side = "SELL" if number % 2 == 0 and number > 3 else "BUY"
            trade = ExecuteTrade("KO", side, SHARE, 500_000 + number % 999, None)
            commands.append(DepositCash(10**9, "") if number % deposit_every == 0 else trade)
        size = 50  # A group has one instant: about an hour of the account's life.
        for start in range(0, events, size):
            instant = began + start * step
            group = enumerate(commands[start : start + size], start)
            outcomes = writer.execute([Request(ACCOUNT, _command_id(n), "bench", command) for n, command in group])
            assert all(isinstance(outcome, Committed) for outcome in outcomes)
        partition = store.partition_of(ACCOUNT)
        head = store.heads()[partition]
        snapshotter = store.snapshotter(decider)
        for through in [*range(200, head - 1, 200), head - 1]:
            snapshotter.write(partition=partition, through_seq=through)
        assert store.state(decider, ACCOUNT).version == events


def _looks(sizes: Sizes, now: datetime) -> Iterator[Figure]:
    """Look at random instants around each span ago: with everything at hand, and with a store that was just opened."""
    numbers = random.Random(4)
    every: list[float] = []
    p95: dict[str, float] = {}
    for name, days in SPANS_DAYS.items():
        for kind, looks in (("", sizes.looks), ("cold_", sizes.cold_looks)):
            times: list[float] = []
            for _ in range(looks):
                at = now - timedelta(days=days) + timedelta(seconds=numbers.randint(-40_000, 40_000))
                if kind:
                    reset_store()
                with timed(times):
                    found = account_as_of(ACCOUNT, Moment(at=at))
                assert found.recorded_at <= at
            note = f"{looks} looks at instants around {name.replace('_', ' ')} ago; {sizes.history_events:,} events"
            if kind:
                note += "; the store opened anew for each"
            else:
                every += times
                p95[name] = percentile(times, 0.95)
            yield Figure(f"temporal.as_of_{kind}p50_ms_{name}", median(times), "ms", note)
            reached = percentile(times, 0.95)
            yield Figure(f"temporal.as_of_{kind}p95_ms_{name}", reached, "ms", note + _against(name, reached))
    note = f"all spans together, {len(every):,} looks at an account with {sizes.history_events:,} events"
    yield Figure("temporal.as_of_p95_ms", percentile(every, 0.95), "ms", note, "< 2")
    ratio = max(p95.values()) / min(p95.values())
    yield Figure("temporal.as_of_flatness", ratio, "ratio", "p95 of the slowest span to that of the fastest")


def _performance(sizes: Sizes, now: datetime) -> Iterator[Figure]:
    """Reckon the days of each span, up to today."""
    zone = ZoneInfo("UTC")
    found = None
    for name, days in SPANS_DAYS.items():
        periods = periods_of((now - timedelta(days=days - 1)).date(), now.date(), "day", today=now.date())
        times: list[float] = []
        for _ in range(TIMES):
            with timed(times):
                found = performance(ACCOUNT, periods=periods, kind="day", zone=zone)
        reached = median(times)
        note = f"{len(periods)} days, {found.totals.trades if found else 0:,} trades, median of {TIMES}"
        yield Figure(f"temporal.performance_ms_{name}", reached, "ms", note + _against(name, reached))
    with timed(times):
        assert performance(ACCOUNT, periods=periods, kind="day", zone=zone, is_skipping=False) == found
    note = "the same figures by reading every event, for comparison"
    yield Figure("temporal.performance_every_event_ms_2_years", times[-1], "ms", note)


def _against(name: str, reached_ms: float) -> str:
    published = PUBLISHED_MS.get(name)
    return "" if published is None else f"; published elsewhere: {published:,} ms, {published / reached_ms:,.0f} times"


# Replays.


def _replays(folder: Path, events: int) -> Iterator[Figure]:
    began = time.perf_counter()
    _write_trades(folder, events)
    made = time.perf_counter() - began
    name = f"{events // 1_000_000}m" if events >= 1_000_000 else f"{events // 1_000}k"
    with open_store(folder) as store:
        jobs = partition_jobs(store)
    for process_count in (2, 1):
        began = time.perf_counter()
        if process_count == 1:
            with open_store(folder) as store:
                results = [update.result for update in replay_here(store, jobs)]
        else:
            opened = functools.partial(open_store, folder)
            updates = replay_in_processes(opened, jobs, process_count=process_count)
            results = [update.result for update in updates]
        seconds = time.perf_counter() - began
        counted = sum(result.events for result in results if result is not None)
        assert counted == events, f"{events} events were written and {counted} replayed"
        note = f"{events:,} events read, verified and folded by {process_count} process(es); made in {made:,.0f} s"
        if events in PUBLISHED_S:
            note += f"; published elsewhere: {PUBLISHED_S[events]} s, {PUBLISHED_S[events] / seconds:,.1f} times"
        is_headline = (events, process_count) == (10_000_000, 2)
        suffix = "" if process_count == 2 else "_one_process"
        yield Figure(f"temporal.replay_{name}_s{suffix}", seconds, "s", note, "< 5" if is_headline else "")


def _write_trades(folder: Path, events: int) -> None:
    """Write so many events, half of the partitions by each of two processes; all of it before any pages."""
    with open_store(folder):
        pass
    context = multiprocessing.get_context("spawn")
    halves = [range(0, PARTITIONS, 2), range(1, PARTITIONS, 2)]
    shares = [events // 2, events - events // 2]
    processes = [
        context.Process(target=write_share, args=(folder, half, share))
        for half, share in zip(halves, shares, strict=True)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0, f"a writing process ended with {process.exitcode}"


def write_share(folder: Path, partitions: range, events: int) -> None:
    """Write so many events of the accounts in these partitions: trades, some refused, in groups of 1,000 commands."""
    with open_store(folder) as store:
        writer = store.writer(AccountDecider())
        ids = [name for name in account_ids() if partition_of(name, PARTITIONS) in partitions]
        ids = ids[: max(1, events // 10)]
        beginnings = (
            OpenAccount("bench", "B", "USD"),
            DepositCash(2 * 10**10, ""),
            ChangeRiskLimits(2_000, 10**15, 10**9),
        )
        for number, command in enumerate(beginnings):
            writer.execute([Request(name, f"begin-{number}", "bench", command) for name in ids])
        mine = set(ids)
        pool = [
            (request.aggregate_id, request.command, _opposite(request.command))
            for request in trade_requests(min(POOL, 20 * events))
            if request.aggregate_id in mine
        ]
        written = len(beginnings) * len(ids)
        numbers = iter(range(events))
        while written < events:
            for start in range(0, len(pool), GROUP):
                group = pool[start : start + min(GROUP, events - written)]
                is_back = (written // len(pool)) % 2
                writer.execute(
                    [
                        Request(name, _command_id(next(numbers)), "bench", opposite if is_back else command)
                        for name, command, opposite in group
                    ]
                )
                written += len(group)


def _opposite(command: AccountCommand) -> ExecuteTrade:
    """Return the trade that takes another one back, so that accounts stay about the size that they are."""
    assert isinstance(command, ExecuteTrade), "the pool has trades only"
    side = "SELL" if command.side == "BUY" else "BUY"
    return ExecuteTrade(command.symbol, side, command.quantity, command.price, None)


def _command_id(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"
