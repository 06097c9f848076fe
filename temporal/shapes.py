"""Accounts of the past as JSON shows them: money and quantities as decimal strings, instants in RFC 3339, UTC.

The names are those of the read models' shapes wherever the same is meant.
"""

from datetime import datetime
from typing import Any

from accounts.domain.account import MICROSECONDS_PER_DAY
from accounts.domain.state import Account, Order, Position
from accounts.domain.values import average_cost, format_amount, format_quantity, value_of
from eventstore.instants import microseconds
from temporal.as_of import AccountAsOf
from temporal.valuation import Valuation


def account_shape(found: AccountAsOf, *, at: datetime | None, valuation: Valuation | None = None) -> dict[str, Any]:
    """Return an account as of a moment; `at` is the instant that was asked for, None for a version or now.

    The figures of the day are those of the instant's UTC day: zero when the last trade was on an earlier one.
    """
    state = found.state
    shown_at = shown_instant(found, at)
    shape = {
        "account_id": found.account_id,
        "at": instant_text(shown_at),
        "status": state.status,
        "currency": state.currency,
        "cash": format_amount(state.cash),
        "reserved_cash": format_amount(state.reserved_cash),
        "buying_power": format_amount(state.cash - state.reserved_cash),
        "positions_cost": format_amount(state.positions_cost),
        "positions_value": format_amount(state.positions_value),
        "portfolio_value": format_amount(state.portfolio_value),
        "realized_pnl": format_amount(state.realized_pnl),
        "unrealized_pnl": format_amount(state.positions_value - state.positions_cost),
        "fees": format_amount(state.fees),
        "deposited": format_amount(state.deposited),
        "withdrawn": format_amount(state.withdrawn),
        "trade_count": state.trade_count,
        "day": _day(state, shown_at),
        "limits": {
            "max_position_percent": f"{state.max_position_bp // 100}.{state.max_position_bp % 100:02d}",
            "max_daily_value": format_amount(state.max_daily_value),
            "max_trade_value": format_amount(state.max_trade_value),
        },
        "positions": [
            position_shape(symbol, position, state)
            for symbol, position in sorted(state.positions.items())
            if position.quantity
        ],
        "orders": [order_shape(order_id, order) for order_id, order in state.orders.items()],
        "version": found.version,
        "event_id": found.event_id,
        "event_type": found.event_type,
        "recorded_at": instant_text(found.recorded_at),
        "actor": found.actor,
        "command_id": found.command_id,
    }
    return shape if valuation is None else {**shape, "valuation": valuation_shape(valuation)}


def position_shape(symbol: str, position: Position, state: Account) -> dict[str, Any]:
    """Return a position, valued at the price that the account had last traded it at."""
    value = value_of(position.quantity, position.mark)
    reserved = state.reserved_shares.get(symbol, 0)
    return {
        "symbol": symbol,
        "quantity": format_quantity(position.quantity),
        "reserved_quantity": format_quantity(reserved),
        "available": format_quantity(position.quantity - reserved),
        "avg_cost": format_amount(average_cost(position.cost, position.quantity)),
        "cost": format_amount(position.cost),
        "last_price": format_amount(position.mark),
        "market_value": format_amount(value),
        "unrealized_pnl": format_amount(value - position.cost),
        "realized_pnl": format_amount(position.realized_pnl),
    }


def order_shape(order_id: str, order: Order) -> dict[str, Any]:
    """Return an order that worked then."""
    return {
        "order_id": order_id,
        "client_order_id": order.client_order_id,
        "symbol": order.symbol,
        "side": order.side,
        "order_type": order.order_type,
        "time_in_force": order.time_in_force,
        "status": "PARTIALLY_FILLED" if order.filled_quantity else "PENDING",
        "quantity": format_quantity(order.quantity),
        "filled_quantity": format_quantity(order.filled_quantity),
        "remaining_quantity": format_quantity(order.remaining),
        "filled_value": format_amount(order.filled_value),
        "limit_price": None if order.limit_price is None else format_amount(order.limit_price),
        "stop_price": None if order.stop_price is None else format_amount(order.stop_price),
        "reserve_price": format_amount(order.reserve_price),
    }


def valuation_shape(valuation: Valuation) -> dict[str, Any]:
    """Return positions at the market's prices of an instant, each price with where it is from."""
    positions_value = valuation.positions_value
    return {
        "at": instant_text(valuation.at),
        "session_date": None if valuation.session_date is None else valuation.session_date.isoformat(),
        "positions_value": format_amount(positions_value),
        "portfolio_value": format_amount(valuation.cash + positions_value),
        "unrealized_pnl": format_amount(positions_value - valuation.positions_cost),
        "positions": [
            {
                "symbol": position.symbol,
                "quantity": format_quantity(position.quantity),
                "price": format_amount(position.price),
                "price_source": position.source,
                "market_value": format_amount(position.market_value),
                "unrealized_pnl": format_amount(position.market_value - position.cost),
            }
            for position in valuation.positions
        ],
    }


def shown_instant(found: AccountAsOf, at: datetime | None) -> datetime:
    """Return the instant that an answer is of: the one asked for, or when its version was recorded."""
    return found.recorded_at if at is None else at


def instant_text(at: datetime) -> str:
    """Return an instant in RFC 3339, UTC, with microseconds."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _day(state: Account, at: datetime) -> dict[str, Any]:
    is_same_day = state.day == microseconds(at) // MICROSECONDS_PER_DAY
    return {
        "date": at.date().isoformat(),
        "volume": format_amount(state.day_volume if is_same_day else 0),
        "trades": state.day_trades if is_same_day else 0,
        "realized_pnl": format_amount(state.day_realized_pnl if is_same_day else 0),
    }
