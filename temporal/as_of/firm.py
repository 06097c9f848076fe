"""Many accounts as of one instant: those that a user may see, or all of the firm.

How they are found: accounts that are known by their ids with a look-up each (a page and at most 100 events); all of the
firm by replaying the journal up to the instant, several partitions at a time, since only the journal knows every
account. Accounts opened later are left out. Memory holds one look-up, or the accounts of at most `THREADS_MAX`
partitions.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeAlias

from accounts.domain.state import Account
from eventstore.replay import ReplayedStates
from eventstore.store import get_store
from temporal.as_of.as_of import EVOLVER, Moment, account_as_of, translated
from temporal.errors import BeforeOpening, UnknownAccount

THREADS_MAX: Final = 4
"""Partitions that are replayed at a time, each by a reader of its own."""

Progress: TypeAlias = Callable[[int, int], None]
"""Is told how many accounts, or partitions of the journal, are done, and of how many."""


class AccountThen(NamedTuple):
    """One of many accounts, as of the instant that was asked for."""

    account_id: str
    state: Account
    version: int


@dataclass(slots=True)
class Totals:
    """Sums over accounts, by currency; `add` each account once."""

    at: datetime
    accounts: int = 0
    by_currency: dict[str, list[int]] = field(default_factory=dict)

    def add(self, account: AccountThen) -> None:
        state = account.state
        self.accounts += 1
        sums = self.by_currency.setdefault(state.currency, [0, 0, 0])
        for place, value in enumerate((1, state.cash, state.positions_value)):
            sums[place] += value

    @property
    def currencies(self) -> list[dict[str, Any]]:
        """The sums of each currency, in the order of their codes."""
        return [
            {"currency": currency, "accounts": accounts, "cash": cash, "positions_value": value}
            for currency, (accounts, cash, value) in sorted(self.by_currency.items())
        ]


def accounts_as_of(
    at: datetime, *, account_ids: Sequence[str] | None, on_progress: Progress = lambda done, total: None
) -> Iterator[AccountThen]:
    """Yield these accounts, or with None every account of the store, as of an instant.

    Those that are known by their id come in order of their ids, all of the firm partition by partition. Raises
    HistoryDamaged.
    """
    if account_ids is None:
        return _all(at, on_progress)
    return _known(at, sorted(account_ids), on_progress)


def _known(at: datetime, account_ids: list[str], on_progress: Progress) -> Iterator[AccountThen]:
    on_progress(0, len(account_ids))
    for done, account_id in enumerate(account_ids, start=1):
        try:
            found = account_as_of(account_id, Moment(at=at))
        except (BeforeOpening, UnknownAccount):  # Whoever opens an account owns it a moment before it exists.
            found = None
        on_progress(done, len(account_ids))
        if found is not None:
            yield AccountThen(account_id, found.state, found.version)


def _all(at: datetime, on_progress: Progress) -> Iterator[AccountThen]:
    store = get_store()
    is_abandoned = threading.Event()

    def replay(partition: int) -> list[AccountThen]:
        states: ReplayedStates[Account] | None = None
        with translated("of the firm"):
            for replayed in store.replay(EVOLVER, partition=partition, through=at):
                if is_abandoned.is_set():
                    return []
                states = replayed.states
        return (
            [] if states is None else [AccountThen(name, states[name], states.version(name)) for name in sorted(states)]
        )

    on_progress(0, store.partition_count)
    with ThreadPoolExecutor(THREADS_MAX, "firm") as threads:
        try:
            started = (threads.submit(replay, partition) for partition in range(store.partition_count))
            for done, future in enumerate(_ahead(started), start=1):
                on_progress(done, store.partition_count)
                yield from future.result()
        finally:
            is_abandoned.set()


def _ahead(started: Iterable["Future[Any]"]) -> Iterator["Future[Any]"]:
    """Yield futures in order, with at most THREADS_MAX started and not yet yielded."""
    waiting: deque[Future[Any]] = deque()
    for future in started:
        waiting.append(future)
        if len(waiting) >= THREADS_MAX:
            yield waiting.popleft()
    yield from waiting
