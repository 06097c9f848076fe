"""Cancels every working order of an account, a user, a symbol or the firm.

The table of orders only says which ones to ask for; whether one still works is the account's to say. The table is a
little behind the journal, or far behind when projecting stopped. So the journal's heads are read first, and the work is
complete when a round that began after the projections had reached them found no order that was not asked for. The heads
are read again after a round that found some: an order may have been replaced by another while it was asked for. Orders
that are placed later still are not waited for: to keep new ones out, halt the symbol or freeze the account first.

What did not happen for a passing reason is asked for again, under the same command id, so nothing is done twice.
"""

import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import structlog

from accounts.domain.commands import CancelOrder
from accounts.domain.errors import Code
from accounts.domain.events import CommandRefused
from accounts.writer.bus.ports import Bus
from accounts.writer.envelope import Envelope, NotExecuted, Result, SystemCode
from edge.request_thread import close_connections
from eventstore.errors import EventStoreError
from eventstore.store import get_store
from readmodels.queries.queries import OrderScope, WorkingOrder, has_dead_letters, projected_seqs, working_orders

log = structlog.get_logger(__name__)

ORDERS_AT_ONCE_MAX: Final = 1_000
ROUND_PAUSE_SECONDS: Final = 0.3
"""Between two rounds: more than the projections are behind as a rule."""
SECONDS_MAX: Final = 120.0
PASSING_CODES: Final = frozenset(
    {
        SystemCode.CLOCK_UNTRUSTED.value,
        SystemCode.CONFLICT.value,
        SystemCode.OUTCOME_UNKNOWN.value,
        SystemCode.OVERLOADED.value,
        SystemCode.STORE_UNAVAILABLE.value,
    }
)
ENDED_CODES: Final = frozenset({Code.ORDER_NOT_OPEN.value, Code.ACCOUNT_CLOSED.value})
"""What an account says of an order that does not work any more; a closed account has none."""


class Cancelled(NamedTuple):
    """What became of the orders that were found: how many were cancelled, how many had ended before they could be, and
    how many could not be cancelled, by code.

    `is_complete` says that nothing is left of what worked when it began. `is_behind` says that the table of orders did
    not have all that is in the journal at the last look: orders may work that were not found.
    """

    cancelled: int
    ended_before: int
    failures: dict[str, int]
    is_behind: bool
    is_complete: bool


def cancel_working_orders(
    bus: Bus,
    *,
    scope: OrderScope,
    actor: str,
    reason: str,
    until: float | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Cancelled:
    """Cancel every order that works in a scope; `progress` is told how many were asked for so far.

    No page of orders is begun once `time.monotonic()` is at `until`, which is `SECONDS_MAX` from now if it is None.
    """
    until = time.monotonic() + SECONDS_MAX if until is None else until
    return _Run(bus, scope, actor=actor, reason=reason, until=until, progress=progress).run()


class _Run:
    """One run: what it asked for, what it was told, and what it has to ask again."""

    def __init__(
        self, bus: Bus, scope: OrderScope, *, actor: str, reason: str, until: float, progress: Callable[[int], None]
    ) -> None:
        self._bus = bus
        self._scope = scope
        self._actor = actor
        self._reason = reason
        self._until = until
        self._progress = progress
        self._prefix = f"cancel-{uuid.uuid4().hex[:12]}"
        self._asked: set[str] = set()
        self._codes: Counter[str | None] = Counter()
        self._passing: dict[WorkingOrder, str] = {}

    def run(self) -> Cancelled:
        """Go round until nothing is left or the time is over."""
        heads = self._heads()
        is_behind = is_done = False
        while not is_done and not self._is_over():
            is_behind = not self._is_projected(heads)
            asked_before = len(self._asked)
            self._ask_again()
            is_done = self._ask_for_all() and not (is_behind or self._passing or len(self._asked) > asked_before)
            if heads is None or len(self._asked) > asked_before:
                heads = self._heads()
            if not is_done:
                close_connections()
                time.sleep(max(0.0, min(ROUND_PAUSE_SECONDS, self._until - time.monotonic())))
        return self._told(is_behind=is_behind, is_done=is_done)

    def _told(self, *, is_behind: bool, is_done: bool) -> Cancelled:
        codes = self._codes + Counter(self._passing.values())
        cancelled, ended_before = codes.pop(None, 0), sum(codes.pop(code, 0) for code in ENDED_CODES)
        failures = {str(code): count for code, count in codes.items()}
        return Cancelled(cancelled, ended_before, failures, is_behind, is_done and not failures)

    def _is_over(self) -> bool:
        return time.monotonic() >= self._until

    def _ask_again(self) -> None:
        orders = list(self._passing)
        for start in range(0, len(orders), ORDERS_AT_ONCE_MAX):
            if self._is_over():
                return
            self._ask(orders[start : start + ORDERS_AT_ONCE_MAX])

    def _ask_for_all(self) -> bool:
        """Ask for what the table shows and was not asked for; False when the time was over before its end."""
        last = None
        while not self._is_over():
            page = working_orders(self._scope, after=last, limit=ORDERS_AT_ONCE_MAX)
            if not page:
                return True
            last = page[-1]
            new = [order for order in page if order.order_id not in self._asked]
            self._asked.update(order.order_id for order in new)
            self._ask(new)
            self._progress(len(self._asked))
        return False

    def _ask(self, orders: Sequence[WorkingOrder]) -> None:
        if not orders:
            return
        close_connections()  # The pool is small, and a writer may let us wait.
        envelopes = [
            Envelope(
                order.account_id,
                f"{self._prefix}-{order.order_id}",
                self._actor,
                CancelOrder(order.order_id, self._reason),
            )
            for order in orders
        ]
        for order, result in zip(orders, self._bus.submit(envelopes), strict=True):
            code = _code(result)
            if code in PASSING_CODES:
                self._passing[order] = str(code)
            else:
                self._passing.pop(order, None)
                self._codes[code] += 1

    def _heads(self) -> Mapping[int, int] | None:
        """Return the newest batch of each partition that the scope has orders in; None when the store does not say."""
        try:
            store = get_store()
            heads = store.heads()
        except EventStoreError as error:
            log.warning("the kill switch does not know the journal's heads", reason=str(error))
            return None
        if self._scope.account_ids is None:
            return heads
        return {partition: heads[partition] for partition in map(store.partition_of, self._scope.account_ids)}

    def _is_projected(self, heads: Mapping[int, int] | None) -> bool:
        if heads is None or has_dead_letters(account_ids=self._scope.account_ids):
            return False
        seqs = projected_seqs()
        return all(seqs.get(partition, 0) >= head for partition, head in heads.items())


def _code(result: Result) -> str | None:
    """Return why an order was not cancelled, None when it was."""
    if isinstance(result, NotExecuted):
        return result.code
    first = result.events[0]
    return first.code if isinstance(first, CommandRefused) else None
