"""The event store on both engines: appends of every size, lone appends, replay, bytes, states of the past, pages; and
its peers with the same trades.
"""

import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import psutil

from accounts.domain.commands import ChangeRiskLimits, DepositCash, ExecuteTrade, OpenAccount
from accounts.domain.values import SHARE
from accounts.writer.machine import AccountDecider
from benchmarks.engines import dynamodb_local, engine_of, store_on
from benchmarks.measure import Figure, median, percentile, rate
from benchmarks.page_units import page_units
from benchmarks.peers import eventsourcing_library, one_item_per_event, sizes
from benchmarks.peers.trade_data import Effort, executed_trades
from benchmarks.trades import open_accounts, trade_requests
from eventstore.engines.base import Engine
from eventstore.record import Commit, CommitHeader, StoredBatch
from eventstore.store import EventStore
from eventstore.writer.request import Committed, Request
from tradingplatform.local.servers import EmbeddedPostgres

GROUPS: Final = (1, 100, 1_000, 5_000)
HEADLINE: Final = 1_000
EVENTS: Final = {1: 1_000, 100: 20_000, 1_000: 100_000, 5_000: 100_000}
HISTORIES: Final = {"sqlite": (1_000, 100_000, 1_000_000), "dynamodb": (1_000, 100_000, 1_000_000)}
LONE: Final = 500
TIMES: Final = 3
LOOKS: Final = 300
BUDGETS: Final = {"sqlite": ">= 1000000", "dynamodb": ">= 150000"}


def run() -> Iterator[Figure]:
    """Measure."""
    figures: list[Figure] = []
    with dynamodb_local() as url:
        for figure in _own(url):
            figures.append(figure)
            yield figure
        ours = {figure.metric: figure.value for figure in figures}
        yield from _peers(url, ours)


def _own(url: str) -> Iterator[Figure]:
    for group in GROUPS:
        yield from _group(group, url)
    for kind in BUDGETS:
        yield from _lone(kind, url)
    for kind, histories in HISTORIES.items():
        for events in histories:
            yield from _states(kind, url, events)
    yield from page_units()


def _peers(url: str, ours: dict[str, float]) -> Iterator[Figure]:
    """Measure the peers with the same trades, and ourselves against them."""
    effort = Effort()
    trades = executed_trades(effort.events_max)
    yield from sizes.run(trades)
    yield from one_item_per_event.run(trades, url)
    with tempfile.TemporaryDirectory() as folder:
        for figure in eventsourcing_library.sqlite(trades, Path(folder), effort):
            yield figure
            ours[figure.metric] = figure.value
    peer = "store.peer.eventsourcing_sqlite"
    yield Figure(
        "store.peer_ratio",
        ours["store.sqlite_append_events_per_s_5000"] / ours[f"{peer}_prepared_append_5000_events_per_s"],
        "times as fast",
        "5,000 encoded events at a time on the same disk, against `eventsourcing` on SQLite",
        ">= 30",
    )
    yield Figure(
        "store.peer_lone_ratio",
        ours[f"{peer}_lone_append_p50_ms"] / ours["store.sqlite_lone_p50_ms"],
        "times as fast",
        "a lone command, decided and durable, against one save() of an event of theirs",
    )
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres")
        try:
            yield from eventsourcing_library.postgres(trades, server.start(), effort)
        finally:
            server.stop()


def _group(group: int, url: str) -> Iterator[Figure]:
    """Write trades in groups of a size, then measure what was written: appended again, replayed, weighed."""
    events, suffix = EVENTS[group], "" if group == HEADLINE else f"_{group}"
    with store_on("sqlite", url) as store:
        writer = open_accounts(store)
        opened = store.heads()
        requests = trade_requests(events)
        for start in range(0, events, group):
            writer.execute(requests[start : start + group])
        for kind, budget in BUDGETS.items():
            speed, client_us, server_us = max(_append(store, opened, kind, url) for _ in range(TIMES))
            note = f"{events:,} events, prepared batches of {group} commands together, best of {TIMES}"
            name = f"store.{kind}_append_events_per_s{suffix}"
            yield Figure(name, speed, "events/s", note, "" if suffix else budget)
            if kind == "dynamodb" and not suffix:
                note = f"processor time; an event took {1e6 / speed:.1f} us, on both cores together"
                yield Figure(f"store.{kind}_append_client_us", client_us, "us an event", f"of this process: {note}")
                yield Figure(f"store.{kind}_append_server_us", server_us, "us an event", f"of DynamoDB Local: {note}")
        if not suffix:
            yield _replay(store)
        yield from _bytes(store, opened, group, suffix)


def _append(store: EventStore, opened: dict[int, int], kind: str, url: str) -> tuple[float, float, float]:
    """Append the sealed batches of the trades to an engine that has the accounts; return how many events a second, and
    the processor time of this process and of its servers in us an event.

    Every one is counted afterwards.
    """
    opening = _rounds(store, dict.fromkeys(opened, 0), opened)
    trades = _rounds(store, opened, store.heads())
    events = sum(batch.event_count for batches in trades for batch in batches)
    with engine_of(kind, url) as engine:
        engine.open(store.metadata)
        engine.expect_appends()  # As a writer does.

        def append(rounds: list[list[StoredBatch]]) -> None:
            for batches in rounds:
                assert engine.append(batches) == [None] * len(batches)

        append(opening)
        began, servers_began = time.process_time(), _servers_seconds()
        speed = rate(events, lambda: append(trades))
        client_us = (time.process_time() - began) / events * 1e6
        server_us = (_servers_seconds() - servers_began) / events * 1e6
        counted = sum(
            batch.event_count for p, head in engine.heads().items() for batch in _all(engine, p, opened[p], head)
        )
    assert counted == events, f"{events} events were acknowledged and {counted} are there"
    return speed, client_us, server_us


def _servers_seconds() -> float:
    """Return the processor time that the servers of this process took so far."""
    times = [process.cpu_times() for process in psutil.Process().children(recursive=True)]
    return sum(of.user + of.system for of in times)


def _all(engine: Engine, partition: int, after_seq: int, head: int) -> Iterator[StoredBatch]:
    while after_seq < head:
        for batch in engine.read(partition=partition, after_seq=after_seq, limit=min(500, head - after_seq)):
            yield batch
            after_seq = batch.seq


def _rounds(store: EventStore, after: dict[int, int], heads: dict[int, int]) -> list[list[StoredBatch]]:
    """Return what was written together: the next batch of each partition that still has one."""
    by_partition = [list(_all(store.engine, p, after[p], head)) for p, head in heads.items()]
    longest = max(len(batches) for batches in by_partition)
    return [[batches[n] for batches in by_partition if n < len(batches)] for n in range(longest)]


def _replay(store: EventStore) -> Figure:
    expected = sum(batch.event_count for p, head in store.heads().items() for batch in _all(store.engine, p, 0, head))

    def replay() -> None:
        count = 0
        for partition in range(store.partition_count):
            *_, final = store.replay(AccountDecider(), partition=partition)
            count += final.event_count
        assert count == expected

    speed = max(rate(expected, replay) for _ in range(TIMES))
    note = f"read, verify, decode, fold; one core; {expected:,} events, best of {TIMES}"
    return Figure("store.replay_events_per_s", speed, "events/s", note, ">= 2000000")


def _bytes(store: EventStore, opened: dict[int, int], group: int, suffix: str) -> Iterator[Figure]:
    stored = plain = count = 0
    for partition, head in store.heads().items():
        for batch in _all(store.engine, partition, opened[partition], head):
            stored += sum(len(value) for value in msgspec.structs.astuple(batch) if isinstance(value, bytes))
        for decoded in store.read_all(partition=partition):
            if decoded.seq > opened[partition]:
                for commit in decoded.commits:
                    plain += _plain_bytes(commit)
                    count += len(commit.events)
    note = f"every column of the batches, {group} commands together on 16 partitions"
    yield Figure(f"store.bytes_ratio{suffix}", stored / plain, "of plain JSON", note, "" if suffix else "<= 0.10")
    yield Figure(f"store.bytes_per_event{suffix}", stored / count, "bytes", f"plain JSON: {plain / count:.0f}")


def _plain_bytes(commit: Commit[Any]) -> int:
    """Return the size of a commit's events as one would write them to JSON, each with the commit's fields."""
    header = {name: getattr(commit, name) for name in CommitHeader.__struct_fields__}
    found = 0
    for event in commit.events:
        fields = {name: getattr(event, name) for name in event.__struct_fields__}
        found += len(msgspec.json.encode({**header, "type": type(event).__name__, "data": fields}))
    return found


def _lone(kind: str, url: str) -> Iterator[Figure]:
    with store_on(kind, url) as store:
        writer = open_accounts(store)
        times: list[float] = []
        for request in trade_requests(LONE):
            started = time.perf_counter()
            (outcome,) = writer.execute([request])
            times.append((time.perf_counter() - started) * 1_000)
            assert isinstance(outcome, Committed)
    note = f"{LONE} commands, one after another, decided and durable"
    yield Figure(f"store.{kind}_lone_p50_ms", median(times), "ms", note)
    yield Figure(f"store.{kind}_lone_p99_ms", percentile(times, 0.99), "ms", note)


def _states(kind: str, url: str, events: int) -> Iterator[Figure]:
    """One account with a history of some length, all in pages but the end; its state at random versions."""
    decider = AccountDecider()
    with store_on(kind, url) as store:
        writer = store.writer(decider)
        account_id = "00000000-0000-4000-8000-000000000001"
        partition = store.partition_of(account_id)
        beginning = [OpenAccount("b", "B", "USD"), DepositCash(10**12, ""), ChangeRiskLimits(10_000, 10**15, 10**12)]
        writer.execute([Request(account_id, f"b{n}", "bench", command) for n, command in enumerate(beginning)])
        for start in range(3, events, HEADLINE):
            writer.execute([_trade(account_id, number) for number in range(start, min(start + HEADLINE, events))])
        store.snapshotter(decider).write(partition=partition, through_seq=store.heads()[partition] - 1)
        assert store.state(decider, account_id).version == events
        numbers = random.Random(3)
        times = []
        for _ in range(LOOKS):
            version = numbers.randint(1, events)
            started = time.perf_counter()
            found = store.state(decider, account_id, version=version)
            times.append((time.perf_counter() - started) * 1_000)
            assert found.version == version
    note = f"random versions of one account, {LOOKS} looks"
    yield Figure(f"store.{kind}_state_as_of_p50_ms_{events}", median(times), "ms", note)
    yield Figure(f"store.{kind}_state_as_of_p95_ms_{events}", percentile(times, 0.95), "ms", note)


def _trade(account_id: str, number: int) -> Request[ExecuteTrade]:
    side = "SELL" if number % 2 == 0 and number > 3 else "BUY"
    command = ExecuteTrade("KO", side, SHARE, 500_000 + number % 999, None)
    return Request(account_id, f"{number:032x}", "bench", command)
