"""Rows as the API shows them: money and quantities as decimal strings, instants in RFC 3339. One place for REST,
WebSocket and exports.
"""

from datetime import datetime
from typing import Any

from accounts.domain.values import format_amount, format_quantity
from readmodels.projections.rows import Row


def account_shape(row: Row, *, role: str | None = None) -> dict[str, Any]:
    """Show a row of account_summary; `role` is the asking user's, `owner_name` what the owner is called now."""
    positions_value = row["portfolio_value"] - row["cash"]
    return {
        "account_id": str(row["account_id"]),
        "name": row["name"],
        "owner": row["owner"],
        "owner_name": row.get("owner_name") or row["owner"],
        "currency": row["currency"],
        "status": row["status"],
        "role": role,
        "cash": format_amount(row["cash"]),
        "reserved_cash": format_amount(row["reserved_cash"]),
        "buying_power": format_amount(row["cash"] - row["reserved_cash"]),
        "positions_cost": format_amount(row["positions_cost"]),
        "positions_value": format_amount(positions_value),
        "portfolio_value": format_amount(row["portfolio_value"]),
        "realized_pnl": format_amount(row["realized_pnl"]),
        "unrealized_pnl": format_amount(positions_value - row["positions_cost"]),
        "deposited": format_amount(row["deposited"]),
        "withdrawn": format_amount(row["withdrawn"]),
        "trade_count": row["trade_count"],
        "open_orders": row["open_orders"],
        "day": {
            "date": None if row["day_date"] is None else row["day_date"].isoformat(),
            "volume": format_amount(row["day_volume"]),
            "trades": row["day_trades"],
            "realized_pnl": format_amount(row["day_realized_pnl"]),
        },
        "limits": {
            "max_position_percent": f"{row['max_position_bp'] // 100}.{row['max_position_bp'] % 100:02d}",
            "max_daily_value": format_amount(row["max_daily_value"]),
            "max_trade_value": format_amount(row["max_trade_value"]),
        },
        "version": row["version"],
        "updated_at": instant_text(row["updated_at"]),
    }


def position_shape(row: Row) -> dict[str, Any]:
    """Show a row of portfolio_positions."""
    value = row["market_value"]
    return {
        "symbol": row["symbol"],
        "quantity": format_quantity(row["quantity"]),
        "reserved_quantity": format_quantity(row["reserved_quantity"]),
        "available": format_quantity(row["quantity"] - row["reserved_quantity"]),
        "avg_cost": format_amount(row["avg_cost"]),
        "cost": format_amount(row["cost"]),
        "last_price": format_amount(row["last_price"]),
        "market_value": format_amount(value),
        "unrealized_pnl": format_amount(value - row["cost"]),
        "realized_pnl": format_amount(row["realized_pnl"]),
        "version": row["version"],
        "updated_at": instant_text(row["updated_at"]),
    }


def order_shape(row: Row) -> dict[str, Any]:
    """Show a row of orders."""
    return {
        "order_id": str(row["order_id"]),
        "client_order_id": row["client_order_id"],
        "symbol": row["symbol"],
        "side": row["side"],
        "order_type": row["order_type"],
        "time_in_force": row["time_in_force"],
        "status": row["status"],
        "quantity": format_quantity(row["quantity"]),
        "filled_quantity": format_quantity(row["filled_quantity"]),
        "remaining_quantity": format_quantity(row["quantity"] - row["filled_quantity"]),
        "avg_fill_price": _amount_or_none(row["avg_fill_price"]),
        "filled_value": format_amount(row["filled_value"]),
        "limit_price": _amount_or_none(row["limit_price"]),
        "stop_price": _amount_or_none(row["stop_price"]),
        "reserve_price": format_amount(row["reserve_price"]),
        "replaces": _id_or_none(row["replaces"]),
        "replaced_by": _id_or_none(row["replaced_by"]),
        "reason": row["reason"],
        "placed_version": row["placed_version"],
        "version": row["version"],
        "command_id": row["command_id"],
        "actor": row["actor"],
        "placed_at": instant_text(row["placed_at"]),
        "updated_at": instant_text(row["updated_at"]),
        "ended_at": None if row["ended_at"] is None else instant_text(row["ended_at"]),
    }


def trade_shape(row: Row) -> dict[str, Any]:
    """Show a row of trade_history."""
    return {
        "trade_id": str(row["trade_id"]),
        "version": row["version"],
        "symbol": row["symbol"],
        "side": row["side"],
        "quantity": format_quantity(row["quantity"]),
        "price": format_amount(row["price"]),
        "value": format_amount(row["value"]),
        "fee": format_amount(row["fee"]),
        "realized_pnl": format_amount(row["realized_pnl"]),
        "cash_after": format_amount(row["cash_after"]),
        "order_id": row["order_id"],
        "command_id": row["command_id"],
        "executed_at": instant_text(row["executed_at"]),
    }


def event_shape(row: Row) -> dict[str, Any]:
    """Show a row of activity."""
    return {
        "event_id": str(row["event_id"]),
        "version": row["version"],
        "type": row["event_type"],
        "recorded_at": instant_text(row["recorded_at"]),
        "actor": row["actor"],
        "command_id": row["command_id"],
        "correlation_id": row["correlation_id"],
        "causation_id": row["causation_id"],
        "data": row["data"],
    }


def day_shape(row: Row) -> dict[str, Any]:
    """Show a row of daily_pnl."""
    return {
        "date": row["date"].isoformat(),
        "trades": row["trades"],
        "volume": format_amount(row["volume"]),
        "realized_pnl": format_amount(row["realized_pnl"]),
        "version": row["version"],
    }


def _amount_or_none(amount: int | None) -> str | None:
    return None if amount is None else format_amount(amount)


def _id_or_none(identity: object) -> str | None:
    return None if identity is None else str(identity)


def instant_text(at: datetime) -> str:
    """Return an instant as the API shows it."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
