"""One account's history, walked forward from instant to instant.

A page is opened only when an instant that is asked for falls into it, or when money came in or went out in the pages
that were skipped; so a year costs a page for each day, or all its pages where there are fewer. Without skipping every
event is read: the same in all but time. What is read is folded as columns up to the instant; objects are made only of
the commits that moved money. A walk sees the account as it was when the walk began; it writes nothing.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from accounts.domain.events import AccountEvent, CashDeposited, CashWithdrawn
from accounts.domain.state import Account
from accounts.writer.machine import AccountDecider
from eventstore.columns.packed import CommitColumns
from eventstore.errors import IntegrityError, UnknownAggregate
from eventstore.pages.page import Page
from eventstore.pages.states import Folded, PageStates
from eventstore.record import event_type_name
from eventstore.store import EventStore

PAGES_AT_ONCE: Final = 16
_EVOLVER: Final = AccountDecider()
_FLOWS: Final = frozenset(map(event_type_name, (CashDeposited, CashWithdrawn)))


class Flow(NamedTuple):
    """Money that came in (or, below zero, went out) at an instant, and what the account was worth just before."""

    timestamp: int
    amount: int
    value_before: int


class Walk:
    """Stands before the first event; `to` goes on. Raises UnknownAggregate for an account without events.

    `state` and `version` are the account's after the last step, as an object that later steps leave alone.
    """

    def __init__(self, store: EventStore, account_id: str, *, is_skipping: bool = True) -> None:
        self._store = store
        self._account_id = account_id
        self._is_skipping = is_skipping
        self.state = Account()
        self.version = 0
        self._folded = self._standing(self.state, self.version)
        self._states = PageStates(_EVOLVER, store.pages)
        newest = store.pages.last(account_id)
        self._paged_version = 0 if newest is None else newest.last_version
        self._next_page: Page | None = None
        self._tail: Iterator[CommitColumns] | None = None
        self._ahead: CommitColumns | None = None
        if newest is None and not self._turn(0, None):
            raise UnknownAggregate(account_id)

    def start(self, timestamp: int) -> None:
        """Go to an instant (UTC microseconds; events at it included), whatever happened before it."""
        self._go(timestamp, None)

    def to(self, timestamp: int) -> list[Flow]:
        """Go on to an instant (UTC microseconds; events at it included); return the money that moved on the way."""
        flows: list[Flow] = []
        self._go(timestamp, flows)
        return flows

    def _go(self, timestamp: int, flows: list[Flow] | None) -> None:
        while self._fold_ahead(timestamp, flows) and self._turn(timestamp, flows):
            pass
        if self.version != self._folded.version:
            self.state, self.version = self._folded.state, self._folded.version

    def _fold_ahead(self, timestamp: int, flows: list[Flow] | None) -> bool:
        """Fold what was read up to an instant; tell whether that was all of it."""
        if self._ahead is None:
            return True
        count = len(self._ahead.commits)
        stop = int(np.searchsorted(self._ahead.commits.timestamps, timestamp, side="right"))
        if stop:
            passed = self._ahead.of_commits(np.arange(stop))
            self._folded.fold(passed)
            if flows is not None:
                flows += self._flows(passed)
            self._ahead = self._ahead.of_commits(np.arange(stop, count)) if stop < count else None
        return self._ahead is None

    def _turn(self, timestamp: int, flows: list[Flow] | None) -> bool:
        """Read the next page up to an instant, or what the tail has next; False when there is nothing more up to it."""
        if self._tail is None and self._folded.version >= self._paged_version:
            self._tail = self._store.columns(self._account_id, after_version=self._folded.version)
        if self._tail is not None:
            self._ahead = next(self._tail, None)
            return self._ahead is not None
        page = self._page_up_to(timestamp, may_skip=self._is_skipping or flows is None)
        if page is None:
            return False
        if page.first_version > self._folded.version + 1 and (self._is_skipping or flows is None):
            self._skip(page, flows)
        if page.first_version != self._folded.version + 1:
            raise self._out_of_order(page.first_version)
        self._ahead, self._next_page = page.columns(), None
        return True

    def _page_up_to(self, timestamp: int, *, may_skip: bool) -> Page | None:
        """Return the next page, or the last one that begins up to an instant; None when no page does."""
        if self._next_page is not None and self._next_page.first_timestamp > timestamp:
            return None
        if may_skip:
            last = self._store.pages.last(self._account_id, timestamp=timestamp)
            if last is not None and last.first_version > self._folded.version:
                return last
        (self._next_page,) = self._pages_after(self._folded.version, limit=1)
        return self._next_page if self._next_page.first_timestamp <= timestamp else None

    def _skip(self, page: Page, flows: list[Flow] | None) -> None:
        """Take over the state before a later page, and the flows of what is skipped if there were any."""
        before, after = self._folded.state, self._states.before(page)
        if flows is not None and (before.deposited, before.withdrawn) != (after.deposited, after.withdrawn):
            flows += self._flows_before(page.first_version)
        self._folded = self._standing(after, page.first_version - 1)

    def _standing(self, state: Account, version: int) -> Folded[Account]:
        return Folded.alone(
            _EVOLVER, state=state, version=version, aggregate_id=self._account_id, codec=self._store.codec
        )

    def _flows_before(self, version: int) -> Iterator[Flow]:
        after_version = self._folded.version
        while after_version < version - 1:
            for earlier in self._pages_after(after_version, limit=PAGES_AT_ONCE):
                if earlier.first_version >= version:
                    return
                yield from self._flows(earlier.columns())
                after_version = earlier.last_version

    def _flows(self, columns: CommitColumns) -> Iterator[Flow]:
        """Yield the money that commits moved."""
        commits, events = columns
        types = [number for number, tag in enumerate(events.tags) if tag.partition("@")[0] in _FLOWS]
        of_events = np.repeat(np.arange(len(commits)), commits.event_counts)
        moved = np.unique(of_events[np.isin(events.types, types)])
        for commit in self._store.commits(columns.of_commits(moved)) if len(moved) else ():
            for event in commit.events:
                yield from flows_of(event, commit.timestamp)

    def _pages_after(self, version: int, *, limit: int) -> list[Page]:
        pages = self._store.pages.after(self._account_id, after_version=version, limit=limit)
        if not pages:
            raise self._out_of_order(None)
        return pages

    def _out_of_order(self, version: int | None) -> IntegrityError:
        return IntegrityError(
            f"the version should be {self._folded.version + 1}",
            partition=None,
            seq=None,
            aggregate_id=self._account_id,
            version=version,
        )


def flows_of(event: AccountEvent, timestamp: int) -> list[Flow]:
    """Return the money that an event moved, if it did."""
    if type(event) is CashDeposited:
        return [Flow(timestamp, event.amount, event.portfolio_value - event.amount)]
    if type(event) is CashWithdrawn:
        return [Flow(timestamp, -event.amount, event.portfolio_value + event.amount)]
    return []
