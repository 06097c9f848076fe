"""From events to row changes, for all types but trades and refusals: reduced to last values, one event after the other.

Pure: it is given new events in order and the rows as they stand, and returns what has to be written. Trades are not
among the events, nor in what is returned: an account's row stands on its last other event afterwards, with the figures
that the trades before the round gave it (writes.py puts those of the round over it).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeAlias

from accounts.domain.events import AccountOpened, CashDeposited, CashWithdrawn
from readmodels.projections import account_summary, orders
from readmodels.projections.classified import VersionSkipped
from readmodels.projections.rows import Recorded, Row

Place: TypeAlias = tuple[str, str]


class ReservedShares(NamedTuple):
    """What working sells keep of a position, as of the account's `version`."""

    quantity: int
    version: int
    updated_at: datetime


@dataclass
class Changes:
    """What has to be written: accounts and orders by id, and shares that are kept by account and symbol; and the last
    transfer of cash of each account, whose figures a later trade may have changed.
    """

    summaries: dict[str, Row] = field(default_factory=dict)
    transfers: dict[str, Recorded] = field(default_factory=dict)
    orders: dict[str, Row] = field(default_factory=dict)
    reserved: dict[Place, ReservedShares] = field(default_factory=dict)


def changes_of(events: Iterable[Recorded], summaries: Mapping[str, Row], orders_by_id: Mapping[str, Row]) -> Changes:
    """Apply new events, in order, to the rows of their accounts and orders; raises VersionSkipped or OrderNotFound."""
    changes = Changes()
    for recorded in events:
        account_id = recorded.account_id
        row = changes.summaries.get(account_id) or summaries.get(account_id)
        if isinstance(recorded.event, AccountOpened):
            changes.summaries[account_id] = account_summary.opened(recorded)
            continue
        if row is None:
            raise VersionSkipped(f"account {account_id}: its first event is {type(recorded.event).__name__}")
        changes.summaries[account_id] = account_summary.moved_on(row, recorded)
        if isinstance(recorded.event, CashDeposited | CashWithdrawn):
            changes.transfers[account_id] = recorded
        elif isinstance(recorded.event, orders.EVENTS):
            _order_moved_on(changes, recorded, orders_by_id)
    return changes


def _order_moved_on(changes: Changes, recorded: Recorded, orders_by_id: Mapping[str, Row]) -> None:
    event = recorded.event
    row = changes.orders.get(event.order_id) or orders_by_id.get(event.order_id)
    changes.orders[event.order_id] = after = orders.moved_on(row, recorded)
    if event.side == "SELL" and not orders.was_held(row, after):
        place = (recorded.account_id, event.symbol)
        changes.reserved[place] = ReservedShares(event.reserved_shares, recorded.version, recorded.at)
