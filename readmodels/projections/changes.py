"""From events to row changes, for all types but trades and refusals: reduced to last values, one event after the other.

Pure: it is given new events in order and the rows as they stand, and returns what has to be written. Trades are not
among the events, nor in what is returned: an account's row stands on its last other event afterwards, with the figures
that the trades before the round gave it (writes.py puts those of the round over it).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeAlias

from accounts.domain.events import AccountOpened
from readmodels.projections import account_summary, corporate_actions, orders
from readmodels.projections.classified import VersionSkipped
from readmodels.projections.corporate_actions import Moves, Place
from readmodels.projections.rows import Recorded, Row

Figures: TypeAlias = dict[str, tuple[int, int]]
"""Figures by column, each with the version of the event that gave it."""


class ReservedShares(NamedTuple):
    """What working sells keep of a position, as of the account's `version`."""

    quantity: int
    version: int
    updated_at: datetime


@dataclass
class Changes:
    """What has to be written: accounts and orders by id, shares that are kept by account and symbol, and what moves
    positions and days without a trade; and the figures of each account that a later trade may have changed.
    """

    summaries: dict[str, Row] = field(default_factory=dict)
    figures: dict[str, Figures] = field(default_factory=lambda: defaultdict(dict))
    moves: Moves | None = None
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
        for column, name in account_summary.OF_OTHERS.get(type(recorded.event), {}).items():
            if column in account_summary.OF_TRADES:
                changes.figures[account_id][column] = recorded.version, getattr(recorded.event, name)
        if isinstance(recorded.event, orders.EVENTS):
            _order_moved_on(changes, recorded, orders_by_id)
        elif isinstance(recorded.event, corporate_actions.EVENTS):
            changes.moves = changes.moves or Moves()
            changes.moves.add(recorded)
    return changes


def _order_moved_on(changes: Changes, recorded: Recorded, orders_by_id: Mapping[str, Row]) -> None:
    event = recorded.event
    row = changes.orders.get(event.order_id) or orders_by_id.get(event.order_id)
    changes.orders[event.order_id] = after = orders.moved_on(row, recorded)
    if event.side == "SELL" and not orders.was_held(row, after):
        place = (recorded.account_id, event.symbol)
        changes.reserved[place] = ReservedShares(event.reserved_shares, recorded.version, recorded.at)
