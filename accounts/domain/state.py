"""The state of a trading account that decisions are made on: what its events add up to, and nothing else.

Mutable and flat for speed; a position is an immutable tuple, so a copy of the state is two shallow copies.
"""

from copy import copy
from typing import Literal, NamedTuple, TypeAlias

import msgspec

Status: TypeAlias = Literal["NONE", "ACTIVE", "FROZEN"]


class Position(NamedTuple):
    """Shares of one symbol. `mark` is the price that the account last traded it at; `cost` what its shares cost."""

    quantity: int
    cost: int
    mark: int
    realized_pnl: int


NO_POSITION = Position(quantity=0, cost=0, mark=0, realized_pnl=0)


class Account(msgspec.Struct, gc=False):
    """A trading account. Money in ten-thousandths, `day` in days since 1970-01-01 UTC."""

    status: Status = "NONE"
    currency: str = ""
    cash: int = 0
    deposited: int = 0
    withdrawn: int = 0
    positions: dict[str, Position] = {}
    positions_cost: int = 0
    positions_value: int = 0
    realized_pnl: int = 0
    trade_count: int = 0
    day: int = 0
    day_volume: int = 0
    day_trades: int = 0
    day_realized_pnl: int = 0
    max_position_bp: int = 0
    max_daily_value: int = 0
    max_trade_value: int = 0

    def copy(self) -> "Account":
        """Return a copy that can be evolved without touching this one."""
        twin = copy(self)
        twin.positions = self.positions.copy()
        return twin

    @property
    def portfolio_value(self) -> int:
        """Cash and positions, each at the price that the account last traded it at."""
        return self.cash + self.positions_value
