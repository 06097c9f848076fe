"""From commits to row changes: every table's projection applied to the events that are new, reduced to last values.

Pure: it is given the summary rows as they stand and returns what has to be written. An event at or below the version of
its account's row was applied before and is left out, so delivering anything twice changes nothing; a version that is
skipped is an error.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.domain.events import AccountOpened, TradeExecuted
from eventstore.record import Commit
from readmodels.projections import account_summary, activity, daily_pnl, portfolio_positions, trade_history
from readmodels.projections.rows import Recorded, Row, recorded_events


class VersionSkipped(Exception):
    """An account's event does not follow the version that its row stands on."""


@dataclass
class Changes:
    """What has to be written, and the version that each account stood on before."""

    summaries: dict[str, Row] = field(default_factory=dict)
    positions: dict[tuple[str, str], Row] = field(default_factory=dict)
    days: dict[tuple[str, Any], Row] = field(default_factory=dict)
    trades: list[Row] = field(default_factory=list)
    activities: list[Row] = field(default_factory=list)
    from_versions: dict[str, int] = field(default_factory=dict)


def changes_of(commits: Iterable[Commit[Any]], summaries: Mapping[str, Row]) -> Changes:
    """Apply commits, in order, to summary rows as they stand (those of every account in the commits)."""
    changes = Changes()
    for commit in commits:
        for recorded in recorded_events(commit):
            _apply(changes, recorded, summaries)
    return changes


def _apply(changes: Changes, recorded: Recorded, summaries: Mapping[str, Row]) -> None:
    account_id = recorded.account_id
    row = changes.summaries.get(account_id)
    if row is None:
        standing = summaries.get(account_id)
        row = None if standing is None else dict(standing)
    version = 0 if row is None else row["version"]
    if recorded.version <= version:
        return
    if recorded.version != version + 1:
        raise VersionSkipped(f"account {account_id}: version {version + 1} should follow, found {recorded.version}")
    changes.from_versions.setdefault(account_id, version)
    if isinstance(recorded.event, AccountOpened):
        row = account_summary.opened(recorded)
    else:
        if row is None:
            raise VersionSkipped(f"account {account_id}: its first event is {type(recorded.event).__name__}")
        account_summary.apply(row, recorded)
    changes.summaries[account_id] = row
    changes.activities.append(activity.row_of(recorded))
    if isinstance(recorded.event, TradeExecuted):
        changes.trades.append(trade_history.row_of(recorded))
        changes.positions[(account_id, recorded.event.symbol)] = portfolio_positions.row_of(recorded)
        changes.days[(account_id, recorded.event.day)] = daily_pnl.row_of(recorded)
