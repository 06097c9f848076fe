"""orders: one row for each order, moved on event by event; what ended stays, with how it ended.

An order that takes another one's place starts with what that one had filled, as the domain counts it.
"""

from typing import Final, get_args

from accounts.domain import events as e
from accounts.domain.values import average_cost
from readmodels.projections.rows import Recorded, Row, instant

TABLE: Final = "orders"
KEY: Final = ("order_id",)

EVENTS: Final = get_args(e.OrderEvent)
_ENDINGS: Final = {e.OrderCancelled: "CANCELLED", e.OrderExpired: "EXPIRED", e.OrderRejected: "REJECTED"}


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
        "trail_amount": event.trail_amount,
        "trail_bp": event.trail_bp,
        "trigger_price": event.trigger_price,
        "expires_at": None if event.expires_at is None else instant(event.expires_at),
        "order_class": event.order_class,
        "parent_order_id": event.waits_for,
        "oco_group": event.oco_group,
        "reserve_price": event.reserve_price,
        "status": "HELD" if event.waits_for is not None else _working_status(event.filled_quantity),
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
    event, order_id = recorded.event, recorded.event.order_id
    if isinstance(event, e.OrderPlaced):
        if standing is not None and str(standing["account_id"]) != recorded.account_id:
            raise OrderNotFound(f"order {order_id} of account {standing['account_id']} has this id already")
        return placed(recorded)
    if standing is None or str(standing["account_id"]) != recorded.account_id:
        raise OrderNotFound(f"account {recorded.account_id} has no order {order_id} in the table")
    row = {**standing, "version": recorded.version, "updated_at": recorded.at}
    if isinstance(event, e.OrderFilled):
        row |= {**_filled_columns(quantity=event.filled_quantity, value=event.filled_value), "status": event.status}
    elif isinstance(event, e.OrderTriggered):
        row["trigger_price"] = event.trigger_price
    elif isinstance(event, e.OrderTrailed):
        row["stop_price"] = event.stop_price
    elif isinstance(event, e.OrderReduced):
        row["quantity"] = event.quantity
    elif isinstance(event, e.OrderActivated):
        row |= {"status": _working_status(row["filled_quantity"]), "quantity": event.quantity}
        row |= {"stop_price": event.stop_price, "reserve_price": event.reserve_price}
    elif isinstance(event, e.OrderReplaced):
        row |= {"status": "REPLACED", "replaced_by": event.replaced_by}
    else:
        row |= {"status": _ENDINGS[type(event)], "reason": event.reason}
    if row["status"] not in ("HELD", "PENDING", "PARTIALLY_FILLED"):
        row["ended_at"] = recorded.at
    return row


def was_held(before: Row | None, after: Row) -> bool:
    """Return whether an order waited for another one until an event, or waits still: then it keeps no shares, and there
    may be no position that it could keep any of.
    """
    ended_in_waiting = before is not None and before["status"] == "HELD" and after["ended_at"] is not None
    return after["status"] == "HELD" or ended_in_waiting


def _working_status(filled_quantity: int) -> str:
    return "PARTIALLY_FILLED" if filled_quantity else "PENDING"


def _filled_columns(*, quantity: int, value: int) -> Row:
    average = average_cost(value, quantity) if quantity else None
    return {"filled_quantity": quantity, "filled_value": value, "avg_fill_price": average}
