"""Writes the rows of commits event by event: whatever the events are, and whatever was projected before.

In a transaction of the caller. `plain_writes.py` does the same for trades and refusals in thousands. The positions and
days of these accounts follow first, and stand on their newest event afterwards.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from eventstore.provider import get_store
from eventstore.record import Commit
from readmodels import stored_rows, tables, year_partitions
from readmodels.projections import (
    account_summary,
    activity,
    daily_pnl,
    firm,
    orders,
    portfolio_positions,
    trade_history,
)
from readmodels.projections.changes import Changes, changes_of, touched_by
from readmodels.projections.rows import Row


def write_commits(commits: Sequence[Commit[Any]]) -> Changes:
    """Write the rows of commits, in a transaction of the caller, and return what changed."""
    account_ids = {commit.aggregate_id for commit in commits}
    stored_rows.follow([UUID(account_id).bytes for account_id in account_ids])
    standing = tables.read_rows(table=account_summary.TABLE, column="account_id", values=account_ids)
    changes = _changes_of(commits, {str(row["account_id"]): row for row in standing})
    tables.upsert_rows(table=portfolio_positions.TABLE, key=portfolio_positions.KEY, rows=changes.positions.values())
    for account_id, held in tables.concentrations({account_id for account_id, _ in changes.positions}).items():
        changes.summaries[account_id].update(held)
    for row in changes.summaries.values():
        row.update(positions_version=row["version"], behind_since=None)
    tables.upsert_rows(table=account_summary.TABLE, key=account_summary.KEY, rows=changes.summaries.values())
    tables.upsert_rows(table=orders.TABLE, key=orders.KEY, rows=changes.orders.values())
    tables.upsert_rows(table=daily_pnl.TABLE, key=daily_pnl.KEY, rows=changes.days.values())
    years = {row["recorded_at"].year for row in changes.activities}
    year_partitions.ensure_years(years | {row["executed_at"].year for row in changes.trades})
    tables.copy_rows(table=trade_history.TABLE, rows=changes.trades)
    tables.copy_rows(table=activity.TABLE, rows=changes.activities)
    tables.add_sums(
        firm.sums_of_events(
            changes.applied,
            partition_of=get_store().partition_of,
            currency_of=lambda account_id: changes.summaries[account_id]["currency"],
        )
    )
    return changes


def _changes_of(commits: Sequence[Commit[Any]], summaries: dict[str, Row]) -> Changes:
    touched = touched_by(commits, summaries)
    positions = tables.read_rows_at(
        table=portfolio_positions.TABLE, key=portfolio_positions.KEY, places=touched.positions
    )
    standing_orders = tables.read_rows(table=orders.TABLE, column="order_id", values=touched.order_ids)
    return changes_of(
        commits,
        summaries,
        {(str(row["account_id"]), row["symbol"]): row for row in positions},
        {str(row["order_id"]): row for row in standing_orders},
    )
