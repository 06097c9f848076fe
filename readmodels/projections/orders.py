"""orders: one row for each order, moved on event by event; what ended stays, with how it ended.

An order that takes another one's place starts with what that one had filled, as the domain counts it.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from accounts.domain import events as e
from accounts.domain.values import average_cost
from readmodels.projections.rows import Recorded, Row

TABLE: Final = "orders"
KEY: Final = ("order_id",)

OrderEvent: TypeAlias = (
    e.OrderPlaced | e.OrderFilled | e.OrderReplaced | e.OrderCancelled | e.OrderExpired | e.OrderRejected
)
EVENTS: Final = (
    e.OrderPlaced,
    e.OrderFilled,
    e.OrderReplaced,
    e.OrderCancelled,
    e.OrderExpired,
    e.OrderRejected,
)


class OrderNotFound(Exception):
    """An event is about an order that has no row, or one of another account: the table is not what the events say."""


def placed(recorded: Recorded) -> Row:
    """Return the row of an order that has just been placed."""
    event: e.OrderPlaced = recorded.event
    return {
        "order_id": event.order_id,
        "account_id": recorded.account_id,
        "client_order_id": event.client_order_id,
        "symbol": event.symbol,
        "side": event.side,
        "order_type": event.order_type,
        "time_in_force": event.time_in_force,
        "quantity": event.quantity,
        **_filled_columns(quantity=event.filled_quantity, value=event.filled_value),
        "limit_price": event.limit_price,
        "stop_price": event.stop_price,
        "reserve_price": event.reserve_price,
        "status": "PARTIALLY_FILLED" if event.filled_quantity else "PENDING",
        "replaces": event.replaces,
        "replaced_by": None,
        "reason": "",
        "placed_version": recorded.version,
        "placed_at": recorded.at,
        "updated_at": recorded.at,
        "ended_at": None,
        "version": recorded.version,
        "command_id": recorded.command_id,
        "actor": recorded.actor,
    }


def moved_on(standing: Row | None, recorded: Recorded) -> Row:
    """Return the row of an order as an event left it."""
    order_id = recorded.event.order_id
    if isinstance(recorded.event, e.OrderPlaced):
        if standing is not None and str(standing["account_id"]) != recorded.account_id:
            raise OrderNotFound(f"order {order_id} of account {standing['account_id']} has this id already")
        return placed(recorded)
    if standing is None or str(standing["account_id"]) != recorded.account_id:
        raise OrderNotFound(f"account {recorded.account_id} has no order {order_id} in the table")
    row = {**standing, "version": recorded.version, "updated_at": recorded.at}
    _CHANGES[type(recorded.event)](row, recorded.event)
    if row["status"] not in ("PENDING", "PARTIALLY_FILLED"):
        row["ended_at"] = recorded.at
    return row


def _filled_columns(*, quantity: int, value: int) -> Row:
    average = average_cost(value, quantity) if quantity else None
    return {"filled_quantity": quantity, "filled_value": value, "avg_fill_price": average}


def _filled(row: Row, event: e.OrderFilled) -> None:
    row.update(_filled_columns(quantity=event.filled_quantity, value=event.filled_value), status=event.status)


def _replaced(row: Row, event: e.OrderReplaced) -> None:
    row.update(status="REPLACED", replaced_by=event.replaced_by)


def _cancelled(row: Row, event: e.OrderCancelled) -> None:
    row.update(status="CANCELLED", reason=event.reason)


def _expired(row: Row, event: e.OrderExpired) -> None:
    row.update(status="EXPIRED", reason=event.reason)


def _rejected(row: Row, event: e.OrderRejected) -> None:
    row.update(status="REJECTED", reason=event.reason)


_CHANGES: Final[dict[type, Callable[[Row, Any], None]]] = {
    e.OrderFilled: _filled,
    e.OrderReplaced: _replaced,
    e.OrderCancelled: _cancelled,
    e.OrderExpired: _expired,
    e.OrderRejected: _rejected,
}
