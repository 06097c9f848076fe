"""account_summary: one row for each account, moved on event by event; every event moves at least its version.

What an account's positions come to (`CONCENTRATION`) is asked of their rows, whenever these are written.
Working orders are counted one by one, which is safe here alone: the row takes each version once, and none is skipped.
"""

from collections.abc import Callable
from typing import Any, Final

from accounts.domain import events as e
from readmodels.projections.rows import Recorded, Row, day

TABLE: Final = "account_summary"
KEY: Final = ("account_id",)


CONCENTRATION: Final = """
    SELECT count(*) OVER ()::int AS open_positions, market_value AS largest_position, symbol AS largest_symbol
    FROM {positions} AS position WHERE position.account_id = {account_id} AND quantity > 0
    ORDER BY market_value DESC, symbol COLLATE "C" LIMIT 1
"""
"""How many positions an account holds and its largest one, by a table or view of them; no row when it holds none."""


def opened(recorded: Recorded) -> Row:
    """Return the row of an account that has just been opened."""
    event: e.AccountOpened = recorded.event
    return {
        "account_id": recorded.account_id,
        "owner": event.owner,
        "name": event.name,
        "currency": event.currency,
        "status": "ACTIVE",
        "cash": 0,
        "reserved_cash": 0,
        "deposited": 0,
        "withdrawn": 0,
        "positions_cost": 0,
        "portfolio_value": 0,
        "open_positions": 0,
        "largest_position": 0,
        "largest_symbol": "",
        "realized_pnl": 0,
        "trade_count": 0,
        "open_orders": 0,
        "day_date": None,
        "day_volume": 0,
        "day_trades": 0,
        "day_realized_pnl": 0,
        "max_position_bp": event.max_position_bp,
        "max_daily_value": event.max_daily_value,
        "max_trade_value": event.max_trade_value,
        "version": recorded.version,
        "opened_at": recorded.at,
        "updated_at": recorded.at,
    }


def apply(row: Row, recorded: Recorded) -> None:
    """Move an account's row on by one event."""
    _CHANGES[type(recorded.event)](row, recorded.event)
    row["version"] = recorded.version
    row["updated_at"] = recorded.at


def _deposited(row: Row, event: e.CashDeposited) -> None:
    row["cash"] = event.cash_after
    row["portfolio_value"] = event.portfolio_value
    row["deposited"] = event.deposited_total


def _withdrawn(row: Row, event: e.CashWithdrawn) -> None:
    row["cash"] = event.cash_after
    row["portfolio_value"] = event.portfolio_value
    row["withdrawn"] = event.withdrawn_total


def _traded(row: Row, event: e.TradeExecuted) -> None:
    row["cash"] = event.cash_after
    row["positions_cost"] = event.positions_cost
    row["portfolio_value"] = event.portfolio_value
    row["realized_pnl"] = event.total_realized_pnl
    row["trade_count"] = event.trade_count
    row["day_date"] = day(event.day)
    row["day_volume"] = event.day_volume
    row["day_trades"] = event.day_trades
    row["day_realized_pnl"] = event.day_realized_pnl


def _frozen(row: Row, _: e.AccountFrozen) -> None:
    row["status"] = "FROZEN"


def _unfrozen(row: Row, _: e.AccountUnfrozen) -> None:
    row["status"] = "ACTIVE"


def _limits_changed(row: Row, event: e.RiskLimitsChanged) -> None:
    row["max_position_bp"] = event.max_position_bp
    row["max_daily_value"] = event.max_daily_value
    row["max_trade_value"] = event.max_trade_value


def _closed(row: Row, _: e.AccountClosed) -> None:
    row["status"] = "CLOSED"


def _order_placed(row: Row, event: e.OrderPlaced) -> None:
    row["reserved_cash"] = event.reserved_cash
    row["open_orders"] += 1


def _order_filled(row: Row, event: e.OrderFilled) -> None:
    row["reserved_cash"] = event.reserved_cash
    row["open_orders"] -= event.status == "FILLED"


def _order_ended(row: Row, event: e.OrderReplaced | e.OrderCancelled | e.OrderExpired | e.OrderRejected) -> None:
    row["reserved_cash"] = event.reserved_cash
    row["open_orders"] -= 1


def _refused(_: Row, __: e.CommandRefused) -> None:
    """A refusal moves the version alone."""


_CHANGES: Final[dict[type, Callable[[Row, Any], None]]] = {
    e.CashDeposited: _deposited,
    e.CashWithdrawn: _withdrawn,
    e.TradeExecuted: _traded,
    e.CommandRefused: _refused,
    e.AccountFrozen: _frozen,
    e.AccountUnfrozen: _unfrozen,
    e.RiskLimitsChanged: _limits_changed,
    e.AccountClosed: _closed,
    e.OrderPlaced: _order_placed,
    e.OrderFilled: _order_filled,
    e.OrderReplaced: _order_ended,
    e.OrderCancelled: _order_ended,
    e.OrderExpired: _order_ended,
    e.OrderRejected: _order_ended,
}
