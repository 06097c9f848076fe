"""The past as JSON and tables show it: money as decimal strings with four decimals, returns with six, shares with as
many as they need.
"""

from typing import Any, Final

import msgspec

from accounts.domain.events import format_refusal_figure
from accounts.domain.state import Account
from accounts.domain.values import average_cost, format_amount, format_quantity
from temporal.history import Figures, Performance
from temporal.returns import format_millionths
from temporal.what_if import Difference, WhatIf

MONEY_ARGUMENTS: Final = frozenset(
    {"amount", "price", "limit_price", "stop_price", "reference_price", "max_daily_value", "max_trade_value"}
)


def performance_shape(found: Performance) -> dict[str, Any]:
    """Return an account's performance for JSON."""
    return {
        "account_id": found.account_id,
        "zone": found.zone,
        "period": found.period,
        "periods": [figures_shape(figures) for figures in found.periods],
        "totals": figures_shape(found.totals),
    }


def figures_shape(figures: Figures) -> dict[str, Any]:
    """Return the figures of some days for JSON."""
    return {
        "start_date": figures.start_date.isoformat(),
        "end_date": figures.end_date.isoformat(),
        "version": figures.version,
        "trades": figures.trades,
        "volume": format_amount(figures.volume),
        "realized_pnl": format_amount(figures.realized_pnl),
        "unrealized_pnl_change": format_amount(figures.unrealized_pnl_change),
        "fees": format_amount(figures.fees),
        "symbols_changed": list(figures.symbols_changed),
        "opening_equity": format_amount(figures.opening_equity),
        "closing_equity": format_amount(figures.closing_equity),
        "deposits": format_amount(figures.deposits),
        "withdrawals": format_amount(figures.withdrawals),
        "time_weighted_return": format_millionths(figures.time_weighted_return),
        "drawdown": format_millionths(figures.drawdown),
    }


def what_if_shape(found: WhatIf) -> dict[str, Any]:
    """Return what would have been for JSON."""
    limits = found.limits
    return {
        "account_id": found.account_id,
        "limits": {
            "max_position_percent": None
            if limits.max_position_bp is None
            else f"{limits.max_position_bp // 100}.{limits.max_position_bp % 100:02d}",
            "max_daily_value": _money(limits.max_daily_value),
            "max_trade_value": _money(limits.max_trade_value),
        },
        "from_version": found.from_version,
        "to_version": found.to_version,
        "commands": found.command_count,
        "refused_now": found.refused_now_count,
        "accepted_now": found.accepted_now_count,
        "knock_ons": found.knock_on_count,
        "refused_for_another_reason": found.refused_for_another_reason_count,
        "real": _account_shape(found.real),
        "what_if": _account_shape(found.imagined),
        "differences": [_difference_shape(difference) for difference in found.differences],
        "differences_complete": found.is_complete,
    }


def _account_shape(account: Account) -> dict[str, Any]:
    held = {symbol: position for symbol, position in sorted(account.positions.items()) if position.quantity}
    return {
        "status": account.status,
        "cash": format_amount(account.cash),
        "equity": format_amount(account.portfolio_value),
        "realized_pnl": format_amount(account.realized_pnl),
        "unrealized_pnl": format_amount(account.positions_value - account.positions_cost),
        "trades": account.trade_count,
        "working_orders": len(account.orders),
        "positions": [
            {
                "symbol": symbol,
                "quantity": format_quantity(position.quantity),
                "average_cost": format_amount(average_cost(position.cost, position.quantity)),
                "mark": format_amount(position.mark),
            }
            for symbol, position in held.items()
        ],
    }


def _difference_shape(difference: Difference) -> dict[str, Any]:
    command, refusal = difference.command, difference.refusal
    return {
        "version": difference.version,
        "recorded_at": f"{difference.recorded_at:%Y-%m-%dT%H:%M:%S.%fZ}",
        "command_id": difference.command_id,
        "outcome": "REFUSED_NOW" if difference.is_refused_now else "ACCEPTED_NOW",
        "is_knock_on": difference.is_knock_on,
        "command": type(command).__name__,
        "arguments": {name: _argument(name, value) for name, value in msgspec.structs.asdict(command).items()},
        "code": refusal.code,
        "limit": format_refusal_figure(refusal.code, refusal.limit),
        "actual": format_refusal_figure(refusal.code, refusal.actual),
    }


def _argument(name: str, value: Any) -> Any:
    if value is not None and name == "quantity":
        return format_quantity(value)
    return _money(value) if name in MONEY_ARGUMENTS else value


def _money(value: int | None) -> str | None:
    return None if value is None else format_amount(value)
