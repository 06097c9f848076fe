"""One account's history, walked forward from instant to instant.

A page is opened only when an instant that is asked for falls into it, or when money came in or went out in the pages
that were skipped; so a year costs a page for each day, or all its pages where there are fewer. Without skipping every
event is read: the same in all but time. A walk sees the account as it was when the walk began; it writes nothing.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from accounts.domain.account import evolve
from accounts.domain.events import AccountEvent, CashDeposited, CashWithdrawn
from accounts.domain.state import Account
from accounts.writer.decider import AccountDecider
from eventstore.errors import IntegrityError, UnknownAggregate
from eventstore.pages.page import Page
from eventstore.pages.states import PageStates
from eventstore.store import EventStore

PAGES_AT_ONCE: Final = 16
_EVOLVER: Final = AccountDecider()


class Flow(NamedTuple):
    """Money that came in (or, below zero, went out) at an instant, and what the account was worth just before."""

    timestamp: int
    amount: int
    value_before: int


class Walk:
    """Stands before the first event; `to` goes on. Raises UnknownAggregate for an account without events."""

    def __init__(self, store: EventStore, account_id: str, *, is_skipping: bool = True) -> None:
        self._store = store
        self._account_id = account_id
        self._is_skipping = is_skipping
        self.state = Account()
        self.version = 0
        self._states = PageStates(_EVOLVER, store.pages)
        newest = store.pages.last(account_id)
        self._paged_version = 0 if newest is None else newest.last_version
        self._next_page: Page | None = None
        self._is_in_tail = False
        self._commits: Iterator[tuple[int, tuple[AccountEvent, ...]]] = iter(())
        self._next: tuple[int, tuple[AccountEvent, ...]] | None = None
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
        while True:
            while self._next is not None and self._next[0] <= timestamp:
                self._apply(*self._next, flows)
                self._next = next(self._commits, None)
            if self._next is not None or not self._turn(timestamp, flows):
                return

    def _apply(self, timestamp: int, events: tuple[AccountEvent, ...], flows: list[Flow] | None) -> None:
        for event in events:
            if flows is not None:
                flows += flows_of(event, timestamp)
            evolve(self.state, event)
            self.version += 1

    def _turn(self, timestamp: int, flows: list[Flow] | None) -> bool:
        """Take the next page up to an instant, or the tail; False when there is nothing more up to it."""
        if self._is_in_tail:
            return False
        if self.version >= self._paged_version:
            self._is_in_tail = True
            self._commits = self._tail()
            self._next = next(self._commits, None)
            return self._next is not None
        page = self._page_up_to(timestamp, may_skip=self._is_skipping or flows is None)
        if page is None:
            return False
        if page.first_version > self.version + 1 and (self._is_skipping or flows is None):
            self._skip(page, flows)
        self._enter(page)
        return True

    def _page_up_to(self, timestamp: int, *, may_skip: bool) -> Page | None:
        """Return the next page, or the last one that begins up to an instant; None when no page does."""
        if self._next_page is not None and self._next_page.first_timestamp > timestamp:
            return None
        if may_skip:
            last = self._store.pages.last(self._account_id, timestamp=timestamp)
            if last is not None and last.first_version > self.version:
                return last
        (self._next_page,) = self._pages_after(self.version, limit=1)
        return self._next_page if self._next_page.first_timestamp <= timestamp else None

    def _skip(self, page: Page, flows: list[Flow] | None) -> None:
        """Take over the state before a later page, and the flows of what is skipped if there were any."""
        state = self._states.before(page)
        moved = (state.deposited, state.withdrawn) != (self.state.deposited, self.state.withdrawn)
        if flows is not None and moved:
            flows += self._flows_before(page.first_version)
        self.state, self.version = state, page.first_version - 1

    def _flows_before(self, version: int) -> Iterator[Flow]:
        after_version = self.version
        while after_version < version - 1:
            for earlier in self._pages_after(after_version, limit=PAGES_AT_ONCE):
                if earlier.first_version >= version:
                    return
                for commit in self._store.commits(earlier.columns()):
                    for event in commit.events:
                        yield from flows_of(event, commit.timestamp)
                after_version = earlier.last_version

    def _enter(self, page: Page) -> None:
        if page.first_version != self.version + 1:
            raise self._out_of_order(page.first_version)
        self._commits = ((commit.timestamp, commit.events) for commit in self._store.commits(page.columns()))
        self._next = next(self._commits)
        self._next_page = None

    def _pages_after(self, version: int, *, limit: int) -> list[Page]:
        pages = self._store.pages.after(self._account_id, after_version=version, limit=limit)
        if not pages:
            raise self._out_of_order(None)
        return pages

    def _tail(self) -> Iterator[tuple[int, tuple[Any, ...]]]:
        for event in self._store.events(self._account_id, from_version=self.version + 1):
            if event.version != self.version + 1:
                raise self._out_of_order(event.version)
            yield event.timestamp, (event.data,)

    def _out_of_order(self, version: int | None) -> IntegrityError:
        return IntegrityError(
            f"the version should be {self.version + 1}",
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
