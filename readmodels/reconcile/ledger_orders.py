"""The orders of an account worked out from raw facts alone: what was ordered, filled and ended, and in which order.

A part of the ledger, and like it another calculation than the domain's and the projections': what is filled, reserved
and open is added up here from terms and fills, never taken from an event's own after-values.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil
from typing import Any, Final, NamedTuple, get_args

from accounts.domain import events as e
from accounts.domain.values import average_cost
from eventstore.record import Commit
from readmodels.projections.rows import Row, instant

_ENDINGS: Final = {e.OrderCancelled: "CANCELLED", e.OrderExpired: "EXPIRED", e.OrderRejected: "REJECTED"}


_MILLION: Final = 1_000_000
_BASIS_POINTS: Final = 10_000


def worth(quantity: int, price: int) -> int:
    """Return what so many millionths of a share are worth, rounded half to even as fractions are."""
    return round(Fraction(quantity * price, _MILLION))


class Schedule(NamedTuple):
    """What orders cost."""

    per_order: int
    per_share: int
    basis_points: int
    minimum: int

    def due(self, fills: Sequence[tuple[int, int]]) -> int:
        """Return what an order with these fills (quantity and price) comes to."""
        quantity, value = sum(quantity for quantity, _ in fills), sum(worth(*fill) for fill in fills)
        parts = worth(quantity, self.per_share) + round(Fraction(value * self.basis_points, _BASIS_POINTS))
        return self.per_order + max(self.minimum, parts) if fills else 0


NO_FEES: Final = Schedule(0, 0, 0, 0)


@dataclass
class WrittenOrder:
    """One order: its terms, its fills with those that it inherited, and how it ended."""

    terms: e.OrderPlaced
    placed_by: Commit[Any]
    placed_version: int
    version: int
    updated_at: int
    fills: list[tuple[int, int]] = field(default_factory=list)
    ending: str = ""
    reason: str = ""
    replaced_by: str | None = None
    quantity: int = 0
    reserve_price: int = 0
    stop_price: int | None = None
    trigger_price: int | None = None
    is_held: bool = False

    @property
    def filled(self) -> int:
        """The shares that are filled."""
        return sum(quantity for quantity, _ in self.fills)

    @property
    def works(self) -> bool:
        """Whether it may still be filled."""
        return not self.ending and self.filled < self.quantity

    @property
    def left(self) -> int:
        """The shares that it still waits for."""
        return self.quantity - self.filled if self.works else 0

    @property
    def status(self) -> str:
        """Where it stands."""
        if self.ending:
            return self.ending
        if not self.works:
            return "FILLED"
        if self.is_held:
            return "HELD"
        return "PARTIALLY_FILLED" if self.fills else "PENDING"


@dataclass
class OrderBook:
    """Every order of one account."""

    orders: dict[str, WrittenOrder] = field(default_factory=dict)

    def add(self, event: Any, commit: Commit[Any], version: int) -> None:
        """Take in an event; those that are about no order change nothing."""
        if isinstance(event, e.OrderPlaced):
            inherited = list(self.orders[event.replaces].fills) if event.replaces is not None else []
            self.orders[event.order_id] = WrittenOrder(
                event,
                commit,
                version,
                version,
                commit.timestamp,
                fills=inherited,
                quantity=event.quantity,
                reserve_price=event.reserve_price,
                stop_price=event.stop_price,
                trigger_price=event.trigger_price,
                is_held=event.waits_for is not None,
            )
            return
        if not isinstance(event, get_args(e.OrderEvent)):
            return
        order = self.orders[event.order_id]
        order.version, order.updated_at = version, commit.timestamp
        match event:
            case e.OrderFilled():
                order.fills.append((event.fill_quantity, event.fill_price))
                if order.works:
                    self._reduce_others(order, event.fill_quantity)
            case e.OrderTriggered():
                order.trigger_price = event.trigger_price
            case e.OrderTrailed():
                order.stop_price = event.stop_price
            case e.OrderActivated():
                order.is_held, order.quantity = False, self.orders[str(order.terms.waits_for)].filled
                order.stop_price, order.reserve_price = event.stop_price, event.reserve_price
            case e.OrderReduced():
                pass  # The fill said it.
            case e.OrderReplaced():
                order.ending, order.replaced_by = "REPLACED", event.replaced_by
            case _:
                order.ending, order.reason = _ENDINGS[type(event)], event.reason

    def fee(self, trade: e.TradeExecuted, schedule: Schedule) -> int:
        """Return what a trade costs: what its order is due with it, less what it was due before it."""
        if schedule == NO_FEES:
            return 0
        before = [] if trade.order_id is None else self.orders[trade.order_id].fills
        return schedule.due([*before, (trade.quantity, trade.price)]) - schedule.due(before)

    def open_count(self) -> int:
        """Return how many orders work."""
        return sum(order.works for order in self.orders.values())

    def reserved_cash(self) -> int:
        """Return the cash that working buys keep."""
        each: dict[str, int] = {}
        for group, order in self._keeping("BUY"):
            each[group] = max(each.get(group, 0), ceil(Fraction(order.left * order.reserve_price, _MILLION)))
        return sum(each.values())

    def reserved_shares(self) -> dict[str, int]:
        """Return the shares that working sells keep, by symbol."""
        each: dict[tuple[str, str], int] = {}
        for group, order in self._keeping("SELL"):
            key = (order.terms.symbol, group)
            each[key] = max(each.get(key, 0), order.left)
        reserved: dict[str, int] = {}
        for (symbol, _), left in each.items():
            reserved[symbol] = reserved.get(symbol, 0) + left
        return reserved

    def _keeping(self, side: str) -> list[tuple[str, WrittenOrder]]:
        """Return the orders of a side that keep something, each with its OCO group: of one group, one keeps it."""
        return [
            (order.terms.oco_group or order_id, order)
            for order_id, order in self.orders.items()
            if order.terms.side == side and order.works and not order.is_held
        ]

    def _reduce_others(self, filled: WrittenOrder, quantity: int) -> None:
        """A fill of one order of an OCO group, which works on, is one less for the others that work."""
        group = filled.terms.oco_group
        for order in self.orders.values():
            if order is not filled and group is not None and order.terms.oco_group == group and order.works:
                order.quantity -= quantity

    def rows(self, account_id: str) -> list[Row]:
        """Return what the table of orders should say."""
        return [_row(account_id, order_id, order) for order_id, order in self.orders.items()]


def _row(account_id: str, order_id: str, order: WrittenOrder) -> Row:
    terms, filled = order.terms, order.filled
    value = sum(worth(quantity, price) for quantity, price in order.fills)
    return {
        "order_id": order_id,
        "account_id": account_id,
        "client_order_id": terms.client_order_id,
        "symbol": terms.symbol,
        "side": terms.side,
        "order_type": terms.order_type,
        "time_in_force": terms.time_in_force,
        "quantity": order.quantity,
        "filled_quantity": filled,
        "filled_value": value,
        "avg_fill_price": average_cost(value, filled) if filled else None,
        "limit_price": terms.limit_price,
        "stop_price": order.stop_price,
        "trail_amount": terms.trail_amount,
        "trail_bp": terms.trail_bp,
        "trigger_price": order.trigger_price,
        "expires_at": None if terms.expires_at is None else instant(terms.expires_at),
        "order_class": terms.order_class,
        "parent_order_id": terms.waits_for,
        "oco_group": terms.oco_group,
        "reserve_price": order.reserve_price,
        "status": order.status,
        "replaces": terms.replaces,
        "replaced_by": order.replaced_by,
        "reason": order.reason,
        "placed_version": order.placed_version,
        "placed_at": instant(order.placed_by.timestamp),
        "updated_at": instant(order.updated_at),
        "ended_at": None if order.works else instant(order.updated_at),
        "version": order.version,
        "command_id": order.placed_by.command_id,
        "actor": order.placed_by.actor,
    }
