"""Ends the orders whose time is over: DAY orders of earlier days, GTD orders whose instant has come, and immediate ones
that nobody filled at once.

The table of orders only says which ones to ask for: whether one still works is the account's to say. A run goes through
all of them, page by page, and an order that was asked for is left alone for a while, longer each time. So rows that do
not move (an account that cannot be projected, a writer that is away) never keep the others from their end, and what is
wrong with one is said once. Asking twice is asking once: a command's id is made from the order's.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from django.core.cache import cache

from accounts.domain.commands import ExpireOrder
from accounts.domain.errors import Code
from accounts.domain.events import CommandRefused, OrderExpired
from accounts.writer.bus.ports import Bus
from accounts.writer.envelope import Envelope, NotExecuted, Result
from identity.actors import platform_actor
from readmodels.queries.queries import ExpiringOrder, expiring_orders

log = structlog.get_logger(__name__)

EXPIRY: Final = platform_actor("expiry")
"""Whose commands these are."""
IMMEDIATE_SECONDS_MAX: Final = 30
"""How long an IOC or FOK order may wait for its fill: whoever fills orders answers sooner, or not at all."""
ORDERS_AT_ONCE_MAX: Final = 1_000
RUN_SECONDS_MAX: Final = 20
"""How long a run takes on new pages; the next one goes on past what this one asked for."""
WAIT_SECONDS_MIN: Final = 60
WAIT_SECONDS_MAX: Final = 3_600
"""How long an order that was asked for is left alone: twice as long each time, between these."""
REMEMBERED_SECONDS: Final = 86_400
_RUNNING: Final = "expiry.running"
_REASONS: Final = {"DAY": "the trading day is over", "GTD": "its time is over"}


def expire_orders(bus: Bus, *, now: datetime) -> int:
    """Ask for the end of every order whose time is over; return how many orders were ended."""
    if not cache.add(_RUNNING, 1, timeout=2 * RUN_SECONDS_MAX):
        return 0  # Another worker is at it.
    try:
        return _expire_orders(bus, now)
    finally:
        cache.delete(_RUNNING)


def _expire_orders(bus: Bus, now: datetime) -> int:
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    immediate_before = now - timedelta(seconds=IMMEDIATE_SECONDS_MAX)
    until = time.monotonic() + RUN_SECONDS_MAX
    expired, last = 0, None
    while time.monotonic() < until:
        page = expiring_orders(
            now=now, day_before=midnight, immediate_before=immediate_before, after=last, limit=ORDERS_AT_ONCE_MAX
        )
        expired += _ask_for(bus, page, now.timestamp())
        if len(page) < ORDERS_AT_ONCE_MAX:
            break
        last = page[-1]
    return expired


def _ask_for(bus: Bus, page: Sequence[ExpiringOrder], now: float) -> int:
    """Ask for the end of the orders of a page that are not left alone now; return how many ended."""
    asked: dict[str, tuple[int, float]] = cache.get_many([_key(order) for order in page])
    due = [order for order in page if asked.get(_key(order), (0, 0.0))[1] <= now]
    if not due:
        return 0
    attempts = {order.order_id: asked.get(_key(order), (0, 0.0))[0] for order in due}
    results = _results(bus, due)
    cache.set_many(
        {_key(order): (attempts[order.order_id] + 1, now + _wait(attempts[order.order_id])) for order in due},
        timeout=REMEMBERED_SECONDS,
    )
    problems: dict[str, list[ExpiringOrder]] = {}
    for order, result in zip(due, results, strict=True):
        problem = _problem(result)
        if problem is not None and attempts[order.order_id] == 0:
            problems.setdefault(problem, []).append(order)
    for code, orders in problems.items():
        first = orders[0]
        log.warning(
            "orders not expired: each is asked for again later, and not told of again",
            code=code,
            orders=len(orders),
            account_id=first.account_id,
            order_id=first.order_id,
        )
    return sum(not isinstance(each, NotExecuted) and isinstance(each.events[0], OrderExpired) for each in results)


def _results(bus: Bus, orders: Sequence[ExpiringOrder]) -> list[Result]:
    envelopes = [
        Envelope(each.account_id, f"expire-{each.order_id}", EXPIRY, ExpireOrder(each.order_id, _reason(each)))
        for each in orders
    ]
    try:
        return bus.submit(envelopes)
    except Exception:  # Whatever it is, it must not keep the orders of the next pages from their end.
        log.exception("a page of orders could not be asked for", orders=len(orders))
        return [NotExecuted(each.account_id, each.command_id, "NOT_SENT", "") for each in envelopes]


def _problem(result: Result) -> str | None:
    """Return the code of what is wrong, None when the order works no more, now or before the table knew it."""
    if isinstance(result, NotExecuted):
        return result.code
    event = result.events[0]
    if isinstance(event, CommandRefused) and event.code != Code.ORDER_NOT_OPEN:
        return event.code
    return None


def _reason(order: ExpiringOrder) -> str:
    return _REASONS.get(order.time_in_force, "nobody filled it at once")


def _wait(attempts: int) -> int:
    return min(WAIT_SECONDS_MIN << min(attempts, 16), WAIT_SECONDS_MAX)


def _key(order: ExpiringOrder) -> str:
    return f"expiry.asked.{order.order_id}"
