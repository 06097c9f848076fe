"""portfolio_positions: the last values of each symbol that an account traded, and what its working sells hold of it.

A view of the rows that are stored and of the trades that are newer than them (current_views.py).
"""

from typing import Final

from accounts.domain.events import TradeExecuted
from accounts.domain.values import average_cost, value_of
from readmodels.projections.orders import OrderEvent
from readmodels.projections.rows import Recorded, Row

TABLE: Final = "stored_positions"
VIEW: Final = "portfolio_positions"
KEY: Final = ("account_id", "symbol")


class PositionNotFound(Exception):
    """A sell works on a symbol that has no row: the table is not what the events say."""


def traded(standing: Row | None, recorded: Recorded) -> Row:
    """Return the position as a trade left it; what sells hold of it is not the trade's to change."""
    trade: TradeExecuted = recorded.event
    return {
        "account_id": recorded.account_id,
        "symbol": trade.symbol,
        "quantity": trade.position_quantity,
        "reserved_quantity": 0 if standing is None else standing["reserved_quantity"],
        "cost": trade.position_cost,
        "avg_cost": average_cost(trade.position_cost, trade.position_quantity),
        "last_price": trade.price,
        "market_value": value_of(trade.position_quantity, trade.price),
        "realized_pnl": trade.position_realized_pnl,
        "version": recorded.version,
        "updated_at": recorded.at,
    }


def reserved(standing: Row | None, recorded: Recorded) -> Row:
    """Return the position as an event of a sell order left it: an account sells only what it has."""
    event: OrderEvent = recorded.event
    if standing is None:
        raise PositionNotFound(f"account {recorded.account_id} has no position in {event.symbol} in the table")
    return {
        **standing,
        "reserved_quantity": event.reserved_shares,
        "version": recorded.version,
        "updated_at": recorded.at,
    }
