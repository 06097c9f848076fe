"""The state of a trading account that decisions are made on: what its events add up to, and nothing else.

Mutable and flat for speed; a position is an immutable tuple, so a copy of the state is two shallow copies.
"""

from typing import Literal, NamedTuple, TypeAlias

Status: TypeAlias = Literal["NONE", "ACTIVE", "FROZEN"]


class Position(NamedTuple):
    """Shares of one symbol. `mark` is the price that the account last traded it at; `cost` what its shares cost."""

    quantity: int
    cost: int
    mark: int
    realized_pnl: int


NO_POSITION = Position(quantity=0, cost=0, mark=0, realized_pnl=0)


class Account:
    """A trading account. Money in ten-thousandths, `day` in days since 1970-01-01 UTC."""

    __slots__ = (
        "cash",
        "currency",
        "day",
        "day_realized_pnl",
        "day_trades",
        "day_volume",
        "deposited",
        "max_daily_value",
        "max_position_bp",
        "max_trade_value",
        "positions",
        "positions_cost",
        "positions_value",
        "realized_pnl",
        "status",
        "trade_count",
        "withdrawn",
    )

    def __init__(self) -> None:
        self.status: Status = "NONE"
        self.currency = ""
        self.cash = 0
        self.deposited = 0
        self.withdrawn = 0
        self.positions: dict[str, Position] = {}
        self.positions_cost = 0
        self.positions_value = 0
        self.realized_pnl = 0
        self.trade_count = 0
        self.day = 0
        self.day_volume = 0
        self.day_trades = 0
        self.day_realized_pnl = 0
        self.max_position_bp = 0
        self.max_daily_value = 0
        self.max_trade_value = 0

    def copy(self) -> "Account":
        """Return a copy that can be evolved without touching this one."""
        twin = Account.__new__(Account)
        twin.status = self.status
        twin.currency = self.currency
        twin.cash = self.cash
        twin.deposited = self.deposited
        twin.withdrawn = self.withdrawn
        twin.positions = self.positions.copy()
        twin.positions_cost = self.positions_cost
        twin.positions_value = self.positions_value
        twin.realized_pnl = self.realized_pnl
        twin.trade_count = self.trade_count
        twin.day = self.day
        twin.day_volume = self.day_volume
        twin.day_trades = self.day_trades
        twin.day_realized_pnl = self.day_realized_pnl
        twin.max_position_bp = self.max_position_bp
        twin.max_daily_value = self.max_daily_value
        twin.max_trade_value = self.max_trade_value
        return twin

    @property
    def portfolio_value(self) -> int:
        """Cash and positions, each at the price that the account last traded it at."""
        return self.cash + self.positions_value
