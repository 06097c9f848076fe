"""From commits to row changes: every table's projection applied to the events that are new, reduced to last values.

Pure: it is given the rows as they stand and returns what has to be written. An event at or below the version of
its account's row was applied before and is left out, so delivering anything twice changes nothing; a version that is
skipped is an error.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

from accounts.domain.events import AccountOpened, TradeExecuted
from eventstore.record import Commit
from readmodels.projections import (
    account_summary,
    activity,
    daily_pnl,
    orders,
    portfolio_positions,
    trade_history,
)
from readmodels.projections.rows import Recorded, Row, recorded_events

Place: TypeAlias = tuple[str, str]
NONE: Final[Mapping[Any, Row]] = MappingProxyType({})


class VersionSkipped(Exception):
    """An account's event does not follow the version that its row stands on."""


class Touched(NamedTuple):
    """The rows beside the summaries that commits move on: positions by account and symbol, orders by id."""

    positions: set[Place]
    order_ids: set[str]


@dataclass
class Changes:
    """What has to be written, and the version that each account stood on before."""

    summaries: dict[str, Row] = field(default_factory=dict)
    positions: dict[Place, Row] = field(default_factory=dict)
    orders: dict[str, Row] = field(default_factory=dict)
    days: dict[tuple[str, Any], Row] = field(default_factory=dict)
    trades: list[Row] = field(default_factory=list)
    activities: list[Row] = field(default_factory=list)
    from_versions: dict[str, int] = field(default_factory=dict)
    applied: list[Recorded] = field(default_factory=list)
    """The events that are new, in order."""


def touched_by(commits: Iterable[Commit[Any]], summaries: Mapping[str, Row]) -> Touched:
    """Return which standing rows `changes_of` needs.

    A trade moves its position on from itself alone, unless sells may hold shares: where no order worked before these
    commits and none is touched by them, nothing has to be read, so trades without orders cost no query more.
    """
    trades: set[Place] = set()
    positions: set[Place] = set()
    order_ids: set[str] = set()
    with_orders = {account_id for account_id, row in summaries.items() if row["open_orders"]}
    for commit in commits:
        for event in commit.events:
            if isinstance(event, TradeExecuted):
                trades.add((commit.aggregate_id, event.symbol))
            elif isinstance(event, orders.EVENTS):
                with_orders.add(commit.aggregate_id)
                order_ids.add(event.order_id)
                if event.side == "SELL":
                    positions.add((commit.aggregate_id, event.symbol))
    positions |= {place for place in trades if place[0] in with_orders}
    return Touched(positions, order_ids)


def changes_of(
    commits: Iterable[Commit[Any]],
    summaries: Mapping[str, Row],
    positions: Mapping[Place, Row] = NONE,
    standing_orders: Mapping[str, Row] = NONE,
) -> Changes:
    """Apply commits, in order, to rows as they stand: summaries of every account, the others as `touched_by` says."""
    changes = Changes()
    for commit in commits:
        for recorded in recorded_events(commit):
            _apply(changes, recorded, summaries, positions, standing_orders)
    return changes


def _apply(
    changes: Changes,
    recorded: Recorded,
    summaries: Mapping[str, Row],
    positions: Mapping[Place, Row],
    standing_orders: Mapping[str, Row],
) -> None:
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
    changes.applied.append(recorded)
    if isinstance(recorded.event, TradeExecuted):
        _traded(changes, recorded, positions)
        return
    changes.activities.append(activity.row_of(recorded))
    if isinstance(recorded.event, orders.EVENTS):
        _order_moved_on(changes, recorded, positions, standing_orders)


def _traded(changes: Changes, recorded: Recorded, positions: Mapping[Place, Row]) -> None:
    place = (recorded.account_id, recorded.event.symbol)
    standing = changes.positions.get(place) or positions.get(place)
    changes.positions[place] = portfolio_positions.traded(standing, recorded)
    changes.trades.append(trade_history.row_of(recorded))
    changes.days[(recorded.account_id, recorded.event.day)] = daily_pnl.row_of(recorded)


def _order_moved_on(
    changes: Changes, recorded: Recorded, positions: Mapping[Place, Row], standing_orders: Mapping[str, Row]
) -> None:
    order_id = recorded.event.order_id
    standing = changes.orders.get(order_id) or standing_orders.get(order_id)
    changes.orders[order_id] = orders.moved_on(standing, recorded)
    if recorded.event.side == "SELL":
        place = (recorded.account_id, recorded.event.symbol)
        held = changes.positions.get(place) or positions.get(place)
        changes.positions[place] = portfolio_positions.reserved(held, recorded)
