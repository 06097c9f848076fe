"""What corporate actions and marks make of positions and of days, which follow the trades otherwise (stored_rows.py).

Last values, one for each row: a split and a change of symbol say all of a position, a mark its price alone; a split
says all of a day, a dividend its own column alone. A trade of the same round may come before or after: versions tell.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, NamedTuple, TypeAlias

from accounts.domain import events as e
from readmodels.projections.rows import Recorded, day

Place: TypeAlias = tuple[str, str]
"""An account and a symbol."""
AccountDay: TypeAlias = tuple[str, date]
EVENTS: Final = (e.SharesSplit, e.DividendPaid, e.SymbolChanged, e.PositionsMarked)


class MovedPosition(NamedTuple):
    """All of a position but what working sells keep of it."""

    quantity: int
    cost: int
    price: int
    realized_pnl: int
    version: int
    updated_at: datetime


class Mark(NamedTuple):
    """What a share is worth."""

    price: int
    version: int
    updated_at: datetime


class MovedDay(NamedTuple):
    """All of a day but its dividends."""

    trades: int
    volume: int
    realized_pnl: int
    version: int


class DayDividends(NamedTuple):
    """What a day's dividends come to."""

    amount: int
    version: int


@dataclass
class Moves:
    """What has to be written of positions and days."""

    positions: dict[Place, MovedPosition] = field(default_factory=dict)
    marks: dict[Place, Mark] = field(default_factory=dict)
    days: dict[AccountDay, MovedDay] = field(default_factory=dict)
    dividends: dict[AccountDay, DayDividends] = field(default_factory=dict)

    @property
    def account_ids(self) -> set[str]:
        """The accounts whose rows move."""
        return {
            account_id for rows in (self.positions, self.marks, self.days, self.dividends) for account_id, _ in rows
        }

    def add(self, recorded: Recorded) -> None:
        """Take in one of `EVENTS`, the events of an account in order."""
        account_id, version = recorded.account_id, recorded.version
        match recorded.event:
            case e.SharesSplit() as event:
                self._move(recorded, event.symbol, event)
                self.days[account_id, day(event.day)] = MovedDay(
                    event.day_trades, event.day_volume, event.day_realized_pnl, version
                )
            case e.DividendPaid() as event:
                self.dividends[account_id, day(event.day)] = DayDividends(event.day_dividends, version)
            case e.SymbolChanged() as event:
                self.positions[account_id, event.symbol] = MovedPosition(
                    0, 0, event.mark, event.old_realized_pnl, version, recorded.at
                )
                self._move(recorded, event.new_symbol, event)
            case e.PositionsMarked() as event:
                for symbol, price in event.prices.items():
                    self.marks[account_id, symbol] = Mark(price, version, recorded.at)

    def _move(self, recorded: Recorded, symbol: str, event: e.SharesSplit | e.SymbolChanged) -> None:
        self.positions[recorded.account_id, symbol] = MovedPosition(
            event.position_quantity,
            event.position_cost,
            event.mark,
            event.position_realized_pnl,
            recorded.version,
            recorded.at,
        )
