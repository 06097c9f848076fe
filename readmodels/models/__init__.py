"""The read models: what the events add up to, in tables. Written by the projector alone, rebuilt from events at any
time.

Money and prices are integers in ten-thousandths of the account's currency. Every row carries the account version that
it stands on. Nothing in them is random or read from a clock, so a rebuild gives the same rows, byte for byte.
"""

from readmodels.models.accounts import AccountSummary, Order, PortfolioPosition, StoredPosition
from readmodels.models.columns import MONEY, SHARES, SUM_OF_MONEY, columns_of
from readmodels.models.firm import FirmTotals, FlowMinute, SymbolDay, SymbolTotals
from readmodels.models.history import AccountEvent, Activity, DailyPnl, EventRow, Name, StoredDay, Trade, TradeHistory
from readmodels.models.projection import DeadLetter, ProjectionCheckpoint

__all__ = [
    "MONEY",
    "SHARES",
    "SUM_OF_MONEY",
    "AccountEvent",
    "AccountSummary",
    "Activity",
    "DailyPnl",
    "DeadLetter",
    "EventRow",
    "FirmTotals",
    "FlowMinute",
    "Name",
    "Order",
    "PortfolioPosition",
    "ProjectionCheckpoint",
    "StoredDay",
    "StoredPosition",
    "SymbolDay",
    "SymbolTotals",
    "Trade",
    "TradeHistory",
    "columns_of",
]
