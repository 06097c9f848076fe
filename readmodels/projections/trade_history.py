"""trade_history: every trade, once."""

from typing import Final

from accounts.domain.events import TradeExecuted
from readmodels.projections.rows import Recorded, Row

TABLE: Final = "trade_history"


def row_of(recorded: Recorded) -> Row:
    """Return the trade's row."""
    trade: TradeExecuted = recorded.event
    return {
        "account_id": recorded.account_id,
        "version": recorded.version,
        "trade_id": recorded.event_id,
        "symbol": trade.symbol,
        "side": trade.side,
        "quantity": trade.quantity,
        "price": trade.price,
        "value": trade.quantity * trade.price,
        "realized_pnl": trade.realized_pnl,
        "cash_after": trade.cash_after,
        "order_id": trade.order_id,
        "command_id": recorded.commit.command_id,
        "executed_at": recorded.at,
    }
