"""The event store: durable appends of prepared batches, replay, bytes per event."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from accounts.application.decider import AccountDecider
from accounts.codec import account_codec
from benchmarks.measure import Figure, rate
from benchmarks.trades import GROUP, open_accounts, trade_requests
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.record import StoredBatch
from eventstore.store import EventStore

TRADES = 100_000


def run() -> Iterator[Figure]:
    """Measure."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        with EventStore.open(SQLiteEngine(path / "a"), codec=account_codec(), partition_count=16) as store:
            writer = open_accounts(store)
            requests = trade_requests(TRADES)
            for start in range(0, TRADES, GROUP):
                writer.execute(requests[start : start + GROUP])
            yield from _append(store, path / "b")
            yield _replay(store)
            yield _bytes(store)


def _append(store: EventStore, folder: Path) -> Iterator[Figure]:
    """Append the same sealed batches to a fresh file; every one is counted afterwards."""
    rounds = _rounds(store)
    events = sum(batch.event_count for batches in rounds for batch in batches)
    engine = SQLiteEngine(folder)
    engine.open(store.metadata)

    def append() -> None:
        for batches in rounds:
            assert engine.append(batches) == [None] * len(batches)

    speed = rate(events, append)
    heads = engine.heads()
    counted = sum(batch.event_count for p in heads for batch in engine.read(partition=p, after_seq=0, limit=heads[p]))
    engine.close()
    assert counted == events, f"{events} events were acknowledged and {counted} are there"
    yield Figure(
        "store.sqlite_append_events_per_s", speed, "events/s", f"{events:,} events, one fsync a round", ">= 500000"
    )


def _rounds(store: EventStore) -> list[list[StoredBatch]]:
    by_partition = [
        store.engine.read(partition=p, after_seq=0, limit=head) for p, head in store.heads().items() if head
    ]
    longest = max(len(batches) for batches in by_partition)
    return [[batches[n] for batches in by_partition if n < len(batches)] for n in range(longest)]


def _replay(store: EventStore) -> Figure:
    decider = AccountDecider()
    count = 0

    def replay() -> None:
        nonlocal count
        for partition in range(store.partition_count):
            states = {}
            for batch in store.read_all(partition=partition):
                for commit in batch.commits:
                    state = states.get(commit.aggregate_id) or decider.initial(commit.aggregate_id)
                    for event in commit.events:
                        state = decider.evolve(state, event)
                        count += 1
                    states[commit.aggregate_id] = state

    seconds = 1 / rate(1, replay)
    return Figure(
        "store.replay_events_per_s", count / seconds, "events/s", "read, verify, decode, fold; one core", ">= 500000"
    )


def _bytes(store: EventStore) -> Figure:
    stored = plain = 0
    for partition, head in store.heads().items():
        for batch in store.engine.read(partition=partition, after_seq=0, limit=head):
            stored += sum(len(value) for value in msgspec.structs.astuple(batch) if isinstance(value, bytes))
        for decoded in store.read_all(partition=partition):
            for commit in decoded.commits:
                header = {name: getattr(commit, name) for name in commit.__struct_fields__ if name != "events"}
                for event in commit.events:
                    fields = {name: getattr(event, name) for name in event.__struct_fields__}
                    plain += len(msgspec.json.encode({**header, "type": type(event).__name__, "data": fields}))
    return Figure("store.bytes_ratio", stored / plain, "of plain JSON", "every column of the batches", "<= 0.12")
