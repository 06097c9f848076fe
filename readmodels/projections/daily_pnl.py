"""daily_pnl: the last values of each UTC day on which an account traded.

A view of the rows that are stored and of the trades that are newer than them (current_views.py).
"""

from typing import Final

from accounts.domain.events import TradeExecuted
from readmodels.projections.rows import Recorded, Row, day

TABLE: Final = "stored_days"
KEY: Final = ("account_id", "date")


def row_of(recorded: Recorded) -> Row:
    """Return the day as a trade left it."""
    trade: TradeExecuted = recorded.event
    return {
        "account_id": recorded.account_id,
        "date": day(trade.day),
        "trades": trade.day_trades,
        "volume": trade.day_volume,
        "realized_pnl": trade.day_realized_pnl,
        "version": recorded.version,
    }
