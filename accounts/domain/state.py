"""The state of a trading account that decisions are made on: what its events add up to, and nothing else.

Mutable and flat for speed; a position is an immutable tuple, and so is an order.
"""

from collections.abc import MutableMapping
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from accounts.domain.events import OrderClass, OrderType, Side, TimeInForce
from accounts.domain.fees import NO_FEES, FeeSchedule, fee_of
from accounts.domain.order_terms import STOP_TYPES, cash_reserved

MICROSECONDS_PER_DAY: Final = 86_400 * 1_000_000

Status: TypeAlias = Literal["NONE", "ACTIVE", "FROZEN", "CLOSED"]


class Position(NamedTuple):
    """Shares of one symbol. `mark` is the price that the account last traded it at, or that of the last close that
    it was marked at; `cost` what its shares cost."""

    quantity: int
    cost: int
    mark: int
    realized_pnl: int


NO_POSITION = Position(quantity=0, cost=0, mark=0, realized_pnl=0)


class Order(NamedTuple):
    """A working order, by its terms and what is filled of it. A buy reserves `reserve_price` for each share left,
    rounded up together. One that `waits_for` another order reserves nothing; of an `oco_group` the dearest one does.
    """

    client_order_id: str
    symbol: str
    side: Side
    quantity: int
    order_type: OrderType
    time_in_force: TimeInForce
    limit_price: int | None
    stop_price: int | None
    reserve_price: int
    filled_quantity: int
    filled_value: int
    expires_at: int | None = None
    trail_amount: int | None = None
    trail_bp: int | None = None
    trigger_price: int | None = None
    order_class: OrderClass = "SIMPLE"
    waits_for: str | None = None
    oco_group: str | None = None

    @property
    def remaining(self) -> int:
        """The shares that are not filled."""
        return self.quantity - self.filled_quantity

    @property
    def is_triggered(self) -> bool:
        """Whether it waits for no stop any more: it has none, the venue said that the market reached it, or a fill
        has shown it.
        """
        return self.order_type not in STOP_TYPES or self.filled_quantity > 0 or self.trigger_price is not None

    @property
    def is_held(self) -> bool:
        """Whether it waits for another order's fill, and does not work yet."""
        return self.waits_for is not None

    @property
    def reserved_cash(self) -> int:
        """The cash that it keeps reserved."""
        return 0 if self.is_held else cash_reserved(self.side == "BUY", self.remaining, self.reserve_price)

    def reserved_shares(self, quantity: int) -> int:
        """The shares that so much of it keeps reserved."""
        return quantity if self.side == "SELL" and not self.is_held else 0


class Account(msgspec.Struct, gc=False):
    """A trading account. Money in ten-thousandths, days in days since 1970-01-01 UTC.

    `dividends` is what was ever paid, `day_dividends` what on `dividend_day`, the last with a dividend;
    `marked_session` is the last session whose close positions were marked at.
    """

    status: Status = "NONE"
    currency: str = ""
    cash: int = 0
    deposited: int = 0
    withdrawn: int = 0
    positions: dict[str, Position] = {}
    positions_cost: int = 0
    positions_value: int = 0
    realized_pnl: int = 0
    fees: int = 0
    trade_count: int = 0
    day: int = 0
    day_volume: int = 0
    day_trades: int = 0
    day_realized_pnl: int = 0
    max_position_bp: int = 0
    max_daily_value: int = 0
    max_trade_value: int = 0
    price_band_bp: int = 0
    orders: MutableMapping[str, Order] = {}
    reserved_cash: int = 0
    reserved_shares: dict[str, int] = {}
    fee_schedule: FeeSchedule = NO_FEES
    dividends: int = 0
    dividend_day: int = 0
    day_dividends: int = 0
    marked_session: int = 0

    @property
    def portfolio_value(self) -> int:
        """Cash and positions, each at its mark."""
        return self.cash + self.positions_value

    def fee(self, quantity: int, value: int, order: Order | None = None) -> int:
        """What buying or selling so much for this value costs: as more of an order, or by itself."""
        if self.fee_schedule == NO_FEES:
            return 0
        filled_quantity, filled_value = (0, 0) if order is None else (order.filled_quantity, order.filled_value)
        return fee_of(*self.fee_schedule, quantity, value, filled_quantity, filled_value)
