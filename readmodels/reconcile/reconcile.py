"""Proof that the read models equal the events: every row of every table, at the checkpoints that the tables stand on.

The tables are read in one REPEATABLE READ snapshot, the events up to the checkpoints of that snapshot. Summaries,
positions, orders, days and the sums over all accounts are compared with the ledgers' own arithmetic, trades and events
one by one.
"""

import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

from django.db import connection, transaction
from psycopg import sql

from accounts.domain.events import TradeExecuted
from eventstore.record import Commit
from eventstore.store import get_store
from readmodels.models import (
    AccountSummary,
    Activity,
    DailyPnl,
    DeadLetter,
    FirmTotals,
    FlowMinute,
    Order,
    PortfolioPosition,
    ProjectionCheckpoint,
    SymbolDay,
    SymbolTotals,
    TradeHistory,
)
from readmodels.projections import activity, portfolio_positions, trade_history
from readmodels.projections.rows import Row, recorded_events
from readmodels.projector import tables
from readmodels.queries import queries
from readmodels.reconcile.ledger import Ledger
from readmodels.reconcile.ledger_firm import FirmLedger

BATCHES_AT_ONCE: Final = 32


class Difference(NamedTuple):
    """A row that is not what the events say."""

    table: str
    key: str
    column: str
    expected: object
    found: object

    def __str__(self) -> str:
        return f"{self.table} {self.key}: {self.column} should be {self.expected!r}, found {self.found!r}"


class Report(NamedTuple):
    """What was compared: events read, rows of each table, and every difference."""

    event_count: int
    rows: dict[str, int]
    differences: list[Difference]


def reconcile(on_progress: Callable[[int, int], None] = lambda done, total: None) -> Report:
    """Compare every table with the events; `on_progress` is told how many batches of how many are read."""
    with transaction.atomic():
        queries.read_one_snapshot()
        checkpoints = dict(ProjectionCheckpoint.objects.values_list("partition", "seq"))
        comparison = _Comparison()
        total, done = sum(checkpoints.values()), 0
        for partition, seq in sorted(checkpoints.items()):
            for commits in _commits(partition, seq):
                comparison.add(commits)
                done += 1
                on_progress(done, total)
        return comparison.finish()


class _Comparison:
    """Collects the events, comparing trades and activity as they pass, and the rest at the end."""

    def __init__(self) -> None:
        self.ledgers: dict[str, Ledger] = {}
        self.firm = FirmLedger()
        self.differences: list[Difference] = []
        self.rows = dict.fromkeys((model._meta.db_table for model in _MODELS), 0)
        self.event_count = 0
        self._letters = {
            (str(account_id), version)
            for account_id, version in DeadLetter.objects.values_list("account_id", "version")
        }
        self.held = {account_id for account_id, _ in self._letters}

    def add(self, commits: list[Commit[Any]]) -> None:
        """Compare the rows that belong to single events, and take the events into the ledgers."""
        trades: list[Row] = []
        activities: list[Row] = []
        for commit in commits:
            self.event_count += len(commit.events)
            if (commit.aggregate_id, commit.first_version) in self._letters:  # A commit is set aside as a whole.
                continue
            self._ledger(commit.aggregate_id).add(commit)
            for recorded in recorded_events(commit):
                activities.append(activity.row_of(recorded))
                if isinstance(recorded.event, TradeExecuted):
                    trades.append(trade_history.row_of(recorded))
        for model, expected in ((TradeHistory, trades), (Activity, activities)):
            self._compare(model, ("account_id", "version"), expected, _at(model, expected))

    def _ledger(self, account_id: str) -> Ledger:
        ledger = self.ledgers.get(account_id)
        if ledger is None:
            ledger = self.ledgers[account_id] = Ledger(account_id, firm=self.firm)
        return ledger

    def finish(self) -> Report:
        """Compare the tables of last values, and look for rows that no event stands behind."""
        ledgers = [ledger for ledger in self.ledgers.values() if ledger.account_id not in self.held]
        summaries = [ledger.summary_row() for ledger in ledgers]
        positions = [row for ledger in ledgers for row in ledger.position_rows()]
        orders = [row for ledger in ledgers for row in ledger.order_rows()]
        days = [row for ledger in ledgers for row in ledger.day_rows()]
        last_values: tuple[tuple[Any, tuple[str, ...], list[Row]], ...] = (
            (AccountSummary, ("account_id",), summaries),
            (PortfolioPosition, ("account_id", "symbol"), positions),
            (Order, ("account_id", "order_id"), orders),
            (DailyPnl, ("account_id", "date"), days),
        )
        for model, key, expected in last_values:
            found = _values(model, model.objects.exclude(account_id__in=self.held))
            self._compare(model, key, expected, self._brought_up(found) if model is AccountSummary else found)
        self._compare_sums()
        for model in (TradeHistory, Activity):
            self._count(model)
        return Report(self.event_count, self.rows, self.differences)

    def _brought_up(self, summaries: Iterable[Row]) -> Iterator[Row]:
        """Yield rows of accounts with what their positions come to now, where stored positions are behind; they may
        not be ahead.
        """
        behind: dict[str, Row] = {}
        for row in summaries:
            account_id, version, followed = row["account_id"], row["version"], row["positions_version"]
            if followed > version:
                self.differences.append(
                    Difference("account_summary", account_id, "positions_version", f"<= {version}", followed)
                )
            elif followed == version and row["behind_since"] is not None:
                self.differences.append(
                    Difference("account_summary", account_id, "behind_since", None, row["behind_since"])
                )
            if followed < version:
                behind[account_id] = row
            else:
                yield row
        for account_id, held in tables.concentrations(behind, positions=portfolio_positions.VIEW).items():
            yield {**behind[account_id], **held}

    def _compare_sums(self) -> None:
        """Compare the sums over all accounts, those included that wait behind a dead letter."""
        accounts = list(self.ledgers.values())
        for model, expected in (
            (FirmTotals, self.firm.firm_rows(accounts)),
            (SymbolTotals, self.firm.symbol_rows(accounts)),
            (SymbolDay, self.firm.day_rows()),
            (FlowMinute, self.firm.minute_rows()),
        ):
            key = tuple(field.name for field in model._meta.pk_fields)
            self._compare(model, key, expected, _values(model, model.objects.all()))

    def _compare(self, model: Any, key: tuple[str, ...], expected: Iterable[Row], found: Iterable[Row]) -> None:
        table = model._meta.db_table
        stored = {tuple(row[name] for name in key): row for row in found}
        for row in expected:
            self.rows[table] += 1
            identity = tuple(row[name] for name in key)
            standing = stored.pop(identity, None)
            if standing is None:
                self.differences.append(Difference(table, _shown(identity), "row", "present", "missing"))
                continue
            for column, value in row.items():
                if column == "data":
                    value = json.loads(value)
                if standing[column] != value:
                    self.differences.append(Difference(table, _shown(identity), column, value, standing[column]))
        for identity in stored:
            self.differences.append(Difference(table, _shown(identity), "row", "absent", "present"))

    def _count(self, model: Any) -> None:
        """Find rows beyond those compared event by event: there may be no more of them than events."""
        table = model._meta.db_table
        found, compared = model.objects.count(), self.rows[table]
        missing = sum(difference.table == table and difference.found == "missing" for difference in self.differences)
        if found != compared - missing:
            self.differences.append(Difference(table, "(all)", "number of rows", compared - missing, found))


_MODELS: Final = (
    *(AccountSummary, PortfolioPosition, Order, DailyPnl, TradeHistory, Activity),
    *(FirmTotals, SymbolTotals, SymbolDay, FlowMinute),
)


def _commits(partition: int, to_seq: int) -> Iterator[list[Commit[Any]]]:
    after_seq = 0
    while after_seq < to_seq:
        limit = min(BATCHES_AT_ONCE, to_seq - after_seq)
        batches = get_store().read_batches(partition=partition, after_seq=after_seq, limit=limit)
        if not batches:
            raise RuntimeError(
                f"partition {partition} ends at seq {after_seq} and the tables stand on seq {to_seq}: "
                "they belong to another event store, or its end was cut off"
            )
        for batch in batches:
            yield batch.commits
        after_seq = batches[-1].seq


def _values(model: Any, rows: Any) -> Iterator[Row]:
    columns = [field.name for field in model._meta.concrete_fields if field.column is not None]
    for row in rows.values(*columns).iterator(chunk_size=5_000):
        for name, value in row.items():
            if isinstance(value, uuid.UUID):
                row[name] = str(value)
        yield row


def _at(model: Any, expected: list[Row]) -> Iterator[Row]:
    """Yield the rows with the keys of those that are expected, each looked up in the index."""
    columns = [field.column for field in model._meta.concrete_fields if field.column is not None]
    query = sql.SQL(
        "SELECT found.* FROM unnest(%s::uuid[], %s::bigint[]) AS wanted (account_id, version) CROSS JOIN LATERAL "
        "(SELECT {columns} FROM {table} AS stored WHERE stored.account_id = wanted.account_id "
        "AND stored.version = wanted.version OFFSET 0) AS found"
    ).format(columns=sql.SQL(", ").join(map(sql.Identifier, columns)), table=sql.Identifier(model._meta.db_table))
    keys = [[row["account_id"] for row in expected], [row["version"] for row in expected]]
    with connection.cursor() as cursor:
        cursor.execute(query, keys)
        for values in cursor.fetchall():
            row = dict(zip(columns, values, strict=True))
            for name, value in row.items():
                if isinstance(value, uuid.UUID):
                    row[name] = str(value)
            if isinstance(row.get("data"), str):
                row["data"] = json.loads(row["data"])
            yield row


def _shown(identity: tuple[Any, ...]) -> str:
    return " ".join(str(part) for part in identity)
