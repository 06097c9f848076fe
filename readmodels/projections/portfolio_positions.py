"""portfolio_positions: the last values of each symbol that an account traded."""

from typing import Final

from accounts.domain.events import TradeExecuted
from accounts.domain.values import average_cost
from readmodels.projections.rows import Recorded, Row

TABLE: Final = "portfolio_positions"
KEY: Final = ("account_id", "symbol")


def row_of(recorded: Recorded) -> Row:
    """Return the position as a trade left it."""
    trade: TradeExecuted = recorded.event
    return {
        "account_id": recorded.account_id,
        "symbol": trade.symbol,
        "quantity": trade.position_quantity,
        "cost": trade.position_cost,
        "avg_cost": average_cost(cost=trade.position_cost, quantity=trade.position_quantity),
        "last_price": trade.price,
        "realized_pnl": trade.position_realized_pnl,
        "version": recorded.version,
        "updated_at": recorded.at,
    }
