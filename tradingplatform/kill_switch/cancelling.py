"""Cancels every working order of an account, a user, a symbol or the firm.

The table of orders only says which ones to ask for; whether one still works is the account's to say. Orders that were
placed while it ran are found in a next round, until a round finds none. To keep new ones out, halt the symbol or freeze
the account first.
"""

import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from accounts.domain.commands import CancelOrder
from accounts.domain.errors import Code
from accounts.domain.events import CommandRefused
from accounts.writer.bus.ports import Bus
from accounts.writer.envelope import Envelope, NotExecuted, Result
from readmodels.queries.queries import OrderScope, WorkingOrder, working_orders

ORDERS_AT_ONCE_MAX: Final = 1_000
ROUND_PAUSE_SECONDS: Final = 0.3
"""Between two rounds: more than the projections are behind as a rule."""
SECONDS_MAX: Final = 120.0


class Cancelled(NamedTuple):
    """What became of the orders that were found: how many were cancelled, how many had ended before they could be, and
    how many could not be cancelled, by code; `is_complete` is False when the time was over before a round found none.
    """

    cancelled: int
    ended_before: int
    failures: dict[str, int]
    is_complete: bool


def cancel_working_orders(
    bus: Bus, *, scope: OrderScope, actor: str, reason: str, progress: Callable[[int], None] = lambda _: None
) -> Cancelled:
    """Cancel every order that works in a scope; `progress` is told how many were asked for so far."""
    run_id = uuid.uuid4().hex[:12]
    asked: set[str] = set()
    codes: Counter[str | None] = Counter()
    until = time.monotonic() + SECONDS_MAX
    is_complete = False
    while not is_complete and time.monotonic() < until:
        before, last = len(asked), None
        while page := working_orders(scope, after=last, limit=ORDERS_AT_ONCE_MAX):
            last = page[-1]
            new = [order for order in page if order.order_id not in asked]
            asked.update(order.order_id for order in new)
            codes.update(_cancel(bus, new, f"cancel-{run_id}", actor, reason))
            progress(len(asked))
        is_complete = len(asked) == before
        if not is_complete:
            time.sleep(ROUND_PAUSE_SECONDS)
    cancelled, ended_before = codes.pop(None, 0), codes.pop(Code.ORDER_NOT_OPEN.value, 0)
    return Cancelled(cancelled, ended_before, {str(code): count for code, count in codes.items()}, is_complete)


def _cancel(bus: Bus, orders: Sequence[WorkingOrder], run_id: str, actor: str, reason: str) -> list[str | None]:
    """Return the code of each order that could not be cancelled, None for one that was."""
    if not orders:
        return []
    envelopes = [
        Envelope(order.account_id, f"{run_id}-{order.order_id}", actor, CancelOrder(order.order_id, reason))
        for order in orders
    ]
    return [_code(result) for result in bus.submit(envelopes)]


def _code(result: Result) -> str | None:
    if isinstance(result, NotExecuted):
        return result.code
    first = result.events[0]
    return first.code if isinstance(first, CommandRefused) else None
