"""account_summary: one row for each account; every event moves at least its version.

A trade gives it `OF_TRADES`; all other events move it on one by one. What an account's positions come to
(`CONCENTRATION`) is asked of their rows, whenever these are written. Working orders are counted one by one, which is
safe here alone: the row takes each version once, and none is skipped.
"""

from collections.abc import Callable
from typing import Any, Final

from accounts.domain import events as e
from readmodels.projections.rows import Recorded, Row, day, instant

TABLE: Final = "account_summary"
KEY: Final = ("account_id",)

OF_TRADES: Final = {
    "cash": "cash_after",
    "positions_cost": "positions_cost",
    "portfolio_value": "portfolio_value",
    "realized_pnl": "total_realized_pnl",
    "trade_count": "trade_count",
    "day_date": "day",
    "day_volume": "day_volume",
    "day_trades": "day_trades",
    "day_realized_pnl": "day_realized_pnl",
}
"""The columns that an account's last trade gives it, and the fields of that trade."""

OF_OTHERS: Final[dict[type[e.Event], dict[str, str]]] = {
    e.CashDeposited: {"cash": "cash_after", "portfolio_value": "portfolio_value", "deposited": "deposited_total"},
    e.CashWithdrawn: {"cash": "cash_after", "portfolio_value": "portfolio_value", "withdrawn": "withdrawn_total"},
    e.RiskLimitsChanged: {name: name for name in e.RiskLimitsChanged.__struct_fields__},
    e.FeeScheduleChanged: {name: name for name in e.FeeScheduleChanged.__struct_fields__},
    e.SharesSplit: {
        "cash": "cash_after",
        "positions_cost": "positions_cost",
        "portfolio_value": "portfolio_value",
        "realized_pnl": "total_realized_pnl",
        "day_date": "day",
        "day_volume": "day_volume",
        "day_trades": "day_trades",
        "day_realized_pnl": "day_realized_pnl",
    },
    e.DividendPaid: {"cash": "cash_after", "portfolio_value": "portfolio_value", "dividends": "total_dividends"},
    e.SymbolChanged: {"portfolio_value": "portfolio_value"},
    e.PositionsMarked: {"portfolio_value": "portfolio_value", "marked_session": "session", "marked_at": "marked_at"},
}
"""The columns that any other event gives its account, and the fields of that event. Those of them that trades give as
well are the later one's.
"""
_SHOWN: Final[dict[str, Callable[[int], Any]]] = {"day_date": day, "marked_session": day, "marked_at": instant}

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
        "dividends": 0,
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
        "marked_session": None,
        "marked_at": None,
        "max_position_bp": event.max_position_bp,
        "max_daily_value": event.max_daily_value,
        "max_trade_value": event.max_trade_value,
        "price_band_bp": event.price_band_bp,
        "fee_per_order": 0,
        "fee_per_share": 0,
        "fee_bp": 0,
        "fee_minimum": 0,
        "version": recorded.version,
        "opened_at": recorded.at,
        "updated_at": recorded.at,
        "positions_version": recorded.version,
        "behind_since": None,
    }


def moved_on(row: Row, recorded: Recorded) -> Row:
    """Return the row of an account as an event that is no trade left it."""
    row = {**row, "version": recorded.version, "updated_at": recorded.at}
    kind = type(recorded.event)
    for column, field in OF_OTHERS.get(kind, {}).items():
        value = getattr(recorded.event, field)
        row[column] = _SHOWN[column](value) if column in _SHOWN else value
    if kind in _CHANGES:
        _CHANGES[kind](row, recorded.event)
    return row


def _frozen(row: Row, _: e.AccountFrozen) -> None:
    row["status"] = "FROZEN"


def _unfrozen(row: Row, _: e.AccountUnfrozen) -> None:
    row["status"] = "ACTIVE"


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


def _order_changed(row: Row, event: e.OrderTriggered | e.OrderTrailed | e.OrderReduced | e.OrderActivated) -> None:
    row["reserved_cash"] = event.reserved_cash


_CHANGES: Final[dict[type, Callable[[Row, Any], None]]] = {
    e.AccountFrozen: _frozen,
    e.AccountUnfrozen: _unfrozen,
    e.AccountClosed: _closed,
    e.OrderPlaced: _order_placed,
    e.OrderFilled: _order_filled,
    e.OrderReplaced: _order_ended,
    e.OrderCancelled: _order_ended,
    e.OrderExpired: _order_ended,
    e.OrderRejected: _order_ended,
    e.OrderTriggered: _order_changed,
    e.OrderTrailed: _order_changed,
    e.OrderReduced: _order_changed,
    e.OrderActivated: _order_changed,
}
