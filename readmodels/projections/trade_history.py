"""trade_history: every trade, once, with everything that its event says.

A view of the table `trades`, which is written as columns (writes.py); `row_of` says what the view shows of an event.
"""

from typing import Final

from accounts.domain.events import TradeExecuted
from readmodels.projections.rows import Recorded, Row, day

TABLE: Final = "trades"
VIEW: Final = "trade_history"


def row_of(recorded: Recorded) -> Row:
    """Return the trade's row of the view."""
    trade: TradeExecuted = recorded.event
    return {
        "account_id": recorded.account_id,
        "version": recorded.version,
        "trade_id": recorded.event_id,
        "symbol": trade.symbol,
        "side": trade.side,
        "quantity": trade.quantity,
        "price": trade.price,
        "value": trade.value,
        "fee": trade.fee,
        "realized_pnl": trade.realized_pnl,
        "cash_after": trade.cash_after,
        "order_id": trade.order_id,
        "command_id": recorded.command_id,
        "executed_at": recorded.at,
        "actor": recorded.actor,
        "correlation_id": recorded.correlation_id,
        "causation_id": recorded.causation_id,
        "position_quantity": trade.position_quantity,
        "position_cost": trade.position_cost,
        "position_realized_pnl": trade.position_realized_pnl,
        "total_realized_pnl": trade.total_realized_pnl,
        "total_fees": trade.total_fees,
        "positions_cost": trade.positions_cost,
        "portfolio_value": trade.portfolio_value,
        "trade_count": trade.trade_count,
        "day": day(trade.day),
        "day_volume": trade.day_volume,
        "day_trades": trade.day_trades,
        "day_realized_pnl": trade.day_realized_pnl,
    }
