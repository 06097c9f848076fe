"""The peer `eventsourcing` (PyPI): the same trades as domain events, an aggregate for each account.

Measured on SQLite and PostgreSQL, set up as its documentation recommends for speed: events are msgspec structs behind
a mapper (its example "msgspec structs"; here the encoder and the decoder are kept instead of being made anew for each
event), an application whose `save()` takes any number of events of any number of aggregates, and on PostgreSQL the
database functions that its own speed runs switch on. No snapshots, cache, cipher or compressor: all off by default.

Durability: on SQLite the library sets WAL itself and leaves `synchronous` at SQLite's default, which is FULL unless
SQLite was built otherwise; it is read from the library's own connection, and anything but FULL is refused. On
PostgreSQL the server's settings decide; they stand in the notes.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final
from uuid import UUID

import msgspec
from eventsourcing.application import Application
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent
from eventsourcing.utils import get_topic

from accounts.domain.state import Account, Position
from benchmarks.measure import Figure, median, percentile, rate, timed
from benchmarks.peers.eventsourcing_places import Place, PostgresPlace, SQLitePlace
from benchmarks.peers.trade_data import Effort, Trade

PAGE: Final = 1_000
"""How many notifications are read at once."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class TradeRecorded(msgspec.Struct, frozen=True, gc=False):
    """A trade as a domain event of the library: its own first three fields, our header, our twenty-one fields."""

    originator_id: UUID
    originator_version: int
    timestamp: datetime
    command_id: str
    correlation_id: str | None
    causation_id: str | None
    actor: str
    symbol: str
    side: str
    quantity: int
    price: int
    order_id: str | None
    value: int
    fee: int
    cash_after: int
    position_quantity: int
    position_cost: int
    position_realized_pnl: int
    realized_pnl: int
    total_realized_pnl: int
    total_fees: int
    positions_cost: int
    portfolio_value: int
    trade_count: int
    day: int
    day_volume: int
    day_trades: int
    day_realized_pnl: int


class TradeMapper(Mapper[UUID]):
    """Domain event to JSON and back by msgspec. There is one type of event, so one encoder and one decoder."""

    _encode = staticmethod(msgspec.json.Encoder().encode)
    _decode = staticmethod(msgspec.json.Decoder(TradeRecorded).decode)
    _topic = get_topic(TradeRecorded)

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        """Return what the recorder writes."""
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=self._topic,
            state=self._encode(domain_event),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """Return what was saved."""
        return self._decode(stored_event.state)


class TradingAccount:
    """The aggregate: its id, its version, and the same state as the platform's own."""

    def __init__(self, account_id: UUID) -> None:
        self.id = account_id
        self.version = 0
        self.account = Account()

    def apply(self, event: TradeRecorded) -> None:
        """Do what accounts.domain.account does with a TradeExecuted."""
        self.version = event.originator_version
        account = self.account
        account.positions[event.symbol] = Position(
            event.position_quantity, event.position_cost, event.price, event.position_realized_pnl
        )
        account.cash = event.cash_after
        account.positions_cost = event.positions_cost
        account.positions_value = event.portfolio_value - event.cash_after
        account.realized_pnl = event.total_realized_pnl
        account.fees = event.total_fees
        account.trade_count = event.trade_count
        account.day = event.day
        account.day_volume = event.day_volume
        account.day_trades = event.day_trades
        account.day_realized_pnl = event.day_realized_pnl


class TradingAccounts(Application[UUID]):
    """The application."""

    env: ClassVar[dict[str, str]] = {"MAPPER_TOPIC": get_topic(TradeMapper)}


def sqlite(trades: Sequence[Trade], folder: Path, effort: Effort) -> Iterator[Figure]:
    """Measure on SQLite files in `folder`, which has to lie on the same disk as the store it is compared with."""
    yield from _measure(SQLitePlace(folder), trades, effort)


def postgres(trades: Sequence[Trade], url: str, effort: Effort) -> Iterator[Figure]:
    """Measure in schemas of its own, removed afterwards, of the database at `url`."""
    yield from _measure(PostgresPlace(url), trades, effort)


def domain_event(trade: Trade) -> TradeRecorded:
    """Return a trade as the library's domain event."""
    return TradeRecorded(
        UUID(trade.account_id),
        trade.version,
        _EPOCH + timedelta(microseconds=trade.timestamp),
        trade.command_id,
        trade.correlation_id,
        trade.causation_id,
        trade.actor,
        *msgspec.structs.astuple(trade.executed),
    )


def project(initial: TradingAccount | None, events: Iterable[TradeRecorded]) -> TradingAccount | None:
    """Fold events into the aggregate: the projector function that the library's repository asks for."""
    aggregate = initial
    for event in events:
        if aggregate is None:
            aggregate = TradingAccount(event.originator_id)
        aggregate.apply(event)
    return aggregate


@dataclass(frozen=True)
class _Run:
    """What every figure of one place shares."""

    place: Place
    events: Sequence[TradeRecorded]
    effort: Effort

    @property
    def prefix(self) -> str:
        return f"store.peer.eventsourcing_{self.place.name}"


def _measure(place: Place, trades: Sequence[Trade], effort: Effort) -> Iterator[Figure]:
    run = _Run(place, [domain_event(trade) for trade in trades], effort)
    yield from _one_at_a_time(run)
    for size in effort.batch_sizes:
        yield _batched(run, size)
    yield _prepared(run, max(effort.batch_sizes))
    yield from _replay(run)


def _one_at_a_time(run: _Run) -> Iterator[Figure]:
    rounds = []
    events = run.events[: run.effort.single_events]
    for _ in range(run.effort.rounds):
        latencies: list[float] = []
        with run.place.fresh(TradingAccounts) as application:
            durability = run.place.durability(application)
            for event in events:
                with timed(latencies):
                    application.save(event)
            run.place.assert_stored(len(events))
        rounds.append(latencies)
    best = min(rounds, key=sum)
    note = f"{len(events):,} events, one save() and commit each, best of {run.effort.rounds} rounds; {durability}"
    yield Figure(f"{run.prefix}_append_1_events_per_s", len(best) / sum(best) * 1_000, "events/s", note)
    yield Figure(f"{run.prefix}_lone_append_p50_ms", median(best), "ms", note)
    yield Figure(f"{run.prefix}_lone_append_p99_ms", percentile(best, 0.99), "ms", note)


def _batched(run: _Run, size: int) -> Figure:
    batches = _batches(run.events[: run.effort.batched_events], size)
    speed, durability = _best(run, batches, lambda application: lambda batch: application.save(*batch))
    note = f"one save() and commit for {size:,} events, encoding included, best of {run.effort.rounds} rounds"
    return Figure(f"{run.prefix}_append_{size}_events_per_s", speed, "events/s", f"{note}; {durability}")


def _prepared(run: _Run, size: int) -> Figure:
    to_stored_event = TradeMapper(JSONTranscoder()).to_stored_event
    stored = [to_stored_event(event) for event in run.events[: run.effort.batched_events]]
    speed, durability = _best(run, _batches(stored, size), lambda application: application.recorder.insert_events)
    note = f"one insert_events() of {size:,} events encoded before, best of {run.effort.rounds} rounds"
    return Figure(f"{run.prefix}_prepared_append_{size}_events_per_s", speed, "events/s", f"{note}; {durability}")


def _best(
    run: _Run, batches: Sequence[Sequence[Any]], recorder: Callable[[TradingAccounts], Callable[[Any], object]]
) -> tuple[float, str]:
    """Record the batches in a fresh store, several times; return the most events a second, and how durable."""
    speeds = []
    count = sum(len(batch) for batch in batches)
    for _ in range(run.effort.rounds):
        with run.place.fresh(TradingAccounts) as application:
            durability = run.place.durability(application)
            speeds.append(rate(count, partial(_record, batches, recorder(application))))
            run.place.assert_stored(count)
    return max(speeds), durability


def _record(batches: Sequence[Any], record: Callable[[Any], object]) -> None:
    for batch in batches:
        record(batch)


def _batches(events: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [events[start : start + size] for start in range(0, len(events), size)]


def _replay(run: _Run) -> Iterator[Figure]:
    """Read and fold everything in both of the library's ways; an aggregate's version says how many it has folded."""
    events = run.events[: run.effort.replayed_events]
    ids = list({event.originator_id for event in events})
    with run.place.fresh(TradingAccounts) as application:
        _record(_batches(events, max(run.effort.batch_sizes)), lambda batch: application.save(*batch))
        run.place.assert_stored(len(events))
        ways: dict[str, tuple[str, Callable[[], Iterable[TradingAccount]]]] = {
            "aggregates": ("repository.get() of each", lambda: fold_by_aggregate(application, ids)),
            "notifications": ("the notification log in order", lambda: fold_by_notification(application)),
        }
        for way, (how, fold) in ways.items():
            started = time.perf_counter()
            folded = list(fold())
            seconds = time.perf_counter() - started
            found = sum(aggregate.version for aggregate in folded)
            assert found == len(events), f"{len(events)} events were acknowledged and {found} were folded"
            note = f"{len(events):,} events of {len(ids):,} accounts: {how}; read, decode, fold; nothing is verified"
            yield Figure(f"{run.prefix}_replay_{way}_events_per_s", len(events) / seconds, "events/s", note)
    bytes_per_event = run.place.bytes_stored / len(events)
    note = f"{len(events):,} events; {run.place.bytes_note}"
    yield Figure(f"{run.prefix}_bytes_per_event", bytes_per_event, "bytes", note)


def fold_by_aggregate(application: TradingAccounts, ids: Iterable[UUID]) -> Iterator[TradingAccount]:
    """Get each aggregate from the repository."""
    for account_id in ids:
        yield application.repository.get(account_id, projector_func=project)


def fold_by_notification(application: TradingAccounts) -> Iterable[TradingAccount]:
    """Read the recorder's notifications page by page and fold each event into its aggregate."""
    aggregates: dict[UUID, TradingAccount] = {}
    position = 0
    while page := application.recorder.select_notifications(position, PAGE, inclusive_of_start=False):
        for notification in page:
            event: Any = application.mapper.to_domain_event(notification)
            aggregate = aggregates.get(event.originator_id)
            if aggregate is None:
                aggregate = aggregates[event.originator_id] = TradingAccount(event.originator_id)
            aggregate.apply(event)
        position = page[-1].id
    return aggregates.values()
