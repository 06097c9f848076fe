"""What a command is answered with: the GraphQL object of its (first) event, or of its refusal."""

from datetime import UTC, datetime
from typing import Any

import graphene

from accounts.api import order_types as o
from accounts.api import types as t
from accounts.api.refusals import REFUSAL_MESSAGES
from accounts.domain import events as e
from accounts.domain.values import format_amount
from accounts.writer.envelope import Executed


def _refused(event: e.CommandRefused, executed: Executed) -> dict[str, Any]:
    return {
        "code": event.code,
        "message": REFUSAL_MESSAGES.get(event.code, event.code),
        "limit": e.format_refusal_figure(event.code, event.limit),
        "actual": e.format_refusal_figure(event.code, event.actual),
    }


def _traded(event: e.TradeExecuted, executed: Executed) -> dict[str, Any]:
    return {
        "trade_id": executed.event_ids[0],
        "symbol": event.symbol,
        "side": event.side,
        "quantity": event.quantity,
        "price": format_amount(event.price),
        "value": format_amount(event.value),
        "fee": format_amount(event.fee),
        "realized_pnl": format_amount(event.realized_pnl),
        "cash_after": format_amount(event.cash_after),
        "position_quantity": event.position_quantity,
        "executed_at": _instant(executed.timestamp),
        "order_id": event.order_id,
        **_filled(executed.events[1:]),
    }


def _filled(events: tuple[e.AccountEvent, ...]) -> dict[str, Any]:
    """Return what a trade made of the order that it filled, nothing for a trade on its own."""
    if not events or not isinstance(events[0], e.OrderFilled):
        return {}
    status = "EXPIRED" if isinstance(events[-1], e.OrderExpired) else events[0].status
    return {"order_status": status, "order_filled_quantity": events[0].filled_quantity}


def _placed(event: e.OrderPlaced, executed: Executed) -> dict[str, Any]:
    return {"order": _order(event, executed), "reserved_cash": format_amount(event.reserved_cash)}


def _replaced(event: e.OrderReplaced, executed: Executed) -> dict[str, Any]:
    placed = executed.events[1]
    assert isinstance(placed, e.OrderPlaced), "a replaced order is followed by the one in its place"
    return {"order_id": event.order_id, **_placed(placed, executed)}


def _order(event: e.OrderPlaced, executed: Executed) -> o.PlacedOrder:
    return o.PlacedOrder(
        order_id=event.order_id,
        client_order_id=event.client_order_id,
        symbol=event.symbol,
        side=event.side,
        quantity=event.quantity,
        type=event.order_type,
        time_in_force=event.time_in_force,
        limit_price=None if event.limit_price is None else format_amount(event.limit_price),
        stop_price=None if event.stop_price is None else format_amount(event.stop_price),
        status="PARTIALLY_FILLED" if event.filled_quantity else "PENDING",
        filled_quantity=event.filled_quantity,
        replaces=event.replaces,
        placed_at=_instant(executed.timestamp),
    )


def _ended(event: e.OrderCancelled | e.OrderExpired | e.OrderRejected, _: Executed) -> dict[str, Any]:
    return {
        "order_id": event.order_id,
        "quantity": event.quantity,
        "filled_quantity": event.filled_quantity,
        "reason": event.reason,
        "reserved_cash": format_amount(event.reserved_cash),
    }


def _cash(event: e.CashDeposited | e.CashWithdrawn, _: Executed) -> dict[str, Any]:
    return {"amount": format_amount(event.amount), "cash_after": format_amount(event.cash_after)}


def _limits(event: e.RiskLimitsChanged, _: Executed) -> dict[str, Any]:
    return {
        "max_position_percent": f"{event.max_position_bp // 100}.{event.max_position_bp % 100:02d}",
        "max_daily_value": format_amount(event.max_daily_value),
        "max_trade_value": format_amount(event.max_trade_value),
    }


_TYPES: dict[type, tuple[type[graphene.ObjectType], Any]] = {
    e.AccountOpened: (t.AccountOpened, lambda event, _: {"name": event.name, "currency": event.currency}),
    e.CashDeposited: (t.CashDeposited, _cash),
    e.CashWithdrawn: (t.CashWithdrawn, _cash),
    e.TradeExecuted: (t.TradeExecuted, _traded),
    e.CommandRefused: (t.CommandRefused, _refused),
    e.AccountFrozen: (t.AccountFrozen, lambda event, _: {"reason": event.reason}),
    e.AccountUnfrozen: (t.AccountUnfrozen, lambda event, _: {"reason": event.reason}),
    e.RiskLimitsChanged: (t.RiskLimitsChanged, _limits),
    e.AccountClosed: (t.AccountClosed, lambda event, _: {"reason": event.reason}),
    e.OrderPlaced: (o.OrderPlaced, _placed),
    e.OrderReplaced: (o.OrderReplaced, _replaced),
    e.OrderCancelled: (o.OrderCancelled, _ended),
    e.OrderExpired: (o.OrderExpired, _ended),
    e.OrderRejected: (o.OrderRejected, _ended),
}

OUTCOME_TYPES = tuple(object_type for object_type, _ in _TYPES.values())
"""Every type that a command can be answered with; the schema names them, since an interface does not."""


def answer_of(executed: Executed) -> t.Outcome:
    """Return the GraphQL object of an executed command: what its (first) event says."""
    event = executed.events[0]
    object_type, fields = _TYPES[type(event)]
    answer: t.Outcome = object_type(
        account_id=executed.account_id,
        command_id=executed.command_id,
        version=executed.version,
        duplicate=executed.is_duplicate,
        **fields(event, executed),
    )
    return answer


def _instant(timestamp: int) -> str:
    seconds, microseconds = divmod(timestamp, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{microseconds:06d}Z"
