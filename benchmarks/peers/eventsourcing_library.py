"""The library `eventsourcing` with the same trades: an aggregate for each account, the same fields in each event.

As its documentation recommends for speed: aggregates cached, several saved together. SQLite on the same disk with its
default of a full sync for each commit, PostgreSQL with its defaults (fsync on).
"""

import os
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from accounts.codec import account_codec
from benchmarks.measure import Figure, median, percentile, rate, timed
from benchmarks.trades import account_ids, open_accounts, trade_requests
from eventstore.engines.memory import MemoryEngine
from eventstore.store import EventStore
from eventstore.writer.request import Committed
from tradingplatform.local.postgres import EmbeddedPostgres

LONE = 300
SIZES = (100, 1_000, 5_000)
EVENTS = 5_000

Trade = tuple[str, str, dict[str, Any]]
"""Account, command id, and the fields of the event."""


class TradingAccount(Aggregate):
    """An account as the library keeps it."""

    def __init__(self) -> None:
        self.trade: dict[str, Any] = {}

    @event("TradeExecuted")
    def execute(self, command_id: str, actor: str, trade: dict[str, Any]) -> None:
        """Record a trade with all that it led to."""
        self.trade = trade


class Accounts(Application[uuid.UUID]):
    """The library's application."""


def run() -> Iterator[Figure]:
    """Measure on SQLite and on PostgreSQL."""
    trades = _trades(EVENTS)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "peer.sqlite3")
        yield from _measure("sqlite", {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": path}, trades)
        yield Figure(
            "store.peer.eventsourcing_sqlite_bytes_per_event",
            os.path.getsize(path) / (LONE + EVENTS * len(SIZES)),
            "bytes",
            "its database file",
        )
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres")
        try:
            yield from _measure("postgres", _postgres(server.start()), trades)
        finally:
            server.stop()


def _measure(
    name: str, environment: dict[str, str], trades: Sequence[tuple[str, str, dict[str, Any]]]
) -> Iterator[Figure]:
    app = Accounts(env={**environment, "AGGREGATE_CACHE_MAXSIZE": "10000", "DEEPCOPY_FROM_AGGREGATE_CACHE": "n"})
    aggregates = {account_id: TradingAccount() for account_id in account_ids()}
    app.save(*aggregates.values())
    times: list[float] = []
    for account_id, command_id, trade in trades[:LONE]:
        aggregate = aggregates[account_id]
        with timed(times):
            aggregate.execute(command_id, "bench", trade)
            app.save(aggregate)
    yield Figure(f"store.peer.eventsourcing_{name}_lone_p50_ms", median(times), "ms", f"{LONE} trades, one at a time")
    yield Figure(f"store.peer.eventsourcing_{name}_lone_p99_ms", percentile(times, 0.99), "ms", "the same")
    for size in SIZES:

        def batched(size: int = size) -> None:
            for start in range(0, EVENTS, size):
                changed = {}
                for account_id, command_id, trade in trades[start : start + size]:
                    aggregate = changed[account_id] = aggregates[account_id]
                    aggregate.execute(command_id, "bench", trade)
                app.save(*changed.values())

        speed = rate(EVENTS, batched)
        yield Figure(f"store.peer.eventsourcing_{name}_events_per_s_{size}", speed, "events/s", f"{size} trades a save")
    expected = LONE + EVENTS * len(SIZES) + len(aggregates)
    count = 0

    def replay() -> None:
        nonlocal count
        for aggregate in aggregates.values():
            count += app.repository.get(aggregate.id).version

    app.repository.cache = None
    seconds = 1 / rate(1, replay)
    assert count == expected, f"{expected} events were acknowledged and {count} are there"
    yield Figure(f"store.peer.eventsourcing_{name}_replay_events_per_s", count / seconds, "events/s", "every aggregate")
    app.close()


def _trades(count: int) -> list[Trade]:
    """Return executed trades as plain data, made by our own decisions beforehand."""
    store = EventStore.open(MemoryEngine(), codec=account_codec(), partition_count=16)
    writer = open_accounts(store)
    found: list[Trade] = []
    for request, outcome in zip(requests := trade_requests(count * 3), writer.execute(requests), strict=True):
        assert isinstance(outcome, Committed)
        event_ = outcome.commit.events[0]
        if type(event_).__name__ == "TradeExecuted":
            found.append((request.aggregate_id, request.command_id, msgspec.structs.asdict(event_)))
    assert len(found) >= count
    return found[:count]


def _postgres(url: str) -> dict[str, str]:
    parts = url.removeprefix("postgresql://")
    credentials, _, rest = parts.partition("@")
    user, _, password = credentials.partition(":")
    address, _, name = rest.partition("/")
    host, _, port = address.partition(":")
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": name,
        "POSTGRES_HOST": host,
        "POSTGRES_PORT": port,
        "POSTGRES_USER": user,
        "POSTGRES_PASSWORD": password,
    }
