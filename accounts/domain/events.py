"""What happened to a trading account: the events, which are the only truth about it.

Every event is fat: it says what happened and what it led to, so a projection keeps the last value it saw, an instant of
the past needs no arithmetic, and an auditor sees the effect beside the cause. Money and prices are integers in
ten-thousandths of the account's currency, quantities in millionths of a share, `day` the number of days since
1970-01-01 (UTC).

The tag "Name@schema_version" and the order of fields are a stored format (golden files pin them): a field may be added
at the end with a default; any other change is a new schema version with an upcaster (accounts/codec.py).
"""

from typing import Final, Literal, TypeAlias

import msgspec

from accounts.domain.values import DEFAULT_PRICE_BAND_BP, format_amount, format_quantity

Side: TypeAlias = Literal["BUY", "SELL"]
OrderType: TypeAlias = Literal["MARKET", "LIMIT", "STOP", "STOP_LIMIT", "TRAILING_STOP"]
TimeInForce: TypeAlias = Literal["DAY", "GTC", "IOC", "FOK", "GTD"]
OrderClass: TypeAlias = Literal["SIMPLE", "BRACKET", "OCO", "OTO"]
Argument: TypeAlias = str | int | None
Figure: TypeAlias = int | str | None
"""An amount or a count as it is stored: an integer, or its decimal digits where it is wider than 63 bits. `int()` reads
both.
"""

REPLACEABLE_TERMS: Final = ("quantity", "time_in_force", "limit_price", "stop_price", "expires_at")
_FIRST_REPLACEABLE_TERMS: Final = "quantity,time_in_force,limit_price,stop_price"
"""What is said of replacements that were stored before they said it themselves."""
_WIDE: Final = 1 << 63


def figure(value: int | None) -> Figure:
    """Return an amount or a count as it is stored."""
    return value if value is None or -_WIDE <= value < _WIDE else str(value)


class Event(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Base of all events: an immutable record, stored as an array of its fields in order."""


class AccountOpened(Event, frozen=True, array_like=True, gc=False, tag="AccountOpened@1"):
    """The account exists; its limits are the defaults of that day. `owner` is a user for good: "user:17"."""

    owner: str
    name: str
    currency: str
    max_position_bp: int
    max_daily_value: int
    max_trade_value: int
    price_band_bp: int = DEFAULT_PRICE_BAND_BP


class CashDeposited(Event, frozen=True, array_like=True, gc=False, tag="CashDeposited@1"):
    """Money came in."""

    amount: int
    reference: str
    cash_after: int
    portfolio_value: int
    deposited_total: int


class CashWithdrawn(Event, frozen=True, array_like=True, gc=False, tag="CashWithdrawn@1"):
    """Money went out."""

    amount: int
    reference: str
    cash_after: int
    portfolio_value: int
    withdrawn_total: int


class TradeExecuted(Event, frozen=True, array_like=True, gc=False, tag="TradeExecuted@1"):
    """Shares changed hands: the trade, then the account, the position and the day as it left them.

    `value` is quantity x price, rounded half to even. The `fee` of a buy is part of what the position cost, that of a
    sell lowers what it realized; `total_fees` is what all trades of the account cost.
    """

    symbol: str
    side: Side
    quantity: int
    price: int
    order_id: str | None
    value: int
    fee: int
    cash_after: int
    position_quantity: int
    position_cost: int
    position_realized_pnl: int
    realized_pnl: int
    total_realized_pnl: int
    total_fees: int
    positions_cost: int
    portfolio_value: int
    trade_count: int
    day: int
    day_volume: int
    day_trades: int
    day_realized_pnl: int


class CommandRefused(Event, frozen=True, array_like=True, gc=False, tag="CommandRefused@1"):
    """Somebody tried something that the rules forbid: what, why, and the figures behind the refusal."""

    command: str
    code: str
    limit: Figure
    actual: Figure
    arguments: dict[str, Argument]


class AccountFrozen(Event, frozen=True, array_like=True, gc=False, tag="AccountFrozen@1"):
    """No command but unfreezing is accepted from here on."""

    reason: str


class AccountUnfrozen(Event, frozen=True, array_like=True, gc=False, tag="AccountUnfrozen@1"):
    """The account may trade again."""

    reason: str


class RiskLimitsChanged(Event, frozen=True, array_like=True, gc=False, tag="RiskLimitsChanged@1"):
    """The account's own limits, all of them as they are now; a position's in basis points of the portfolio, the band
    that prices of booked trades keep to in those of the market's price, 0 for none.
    """

    max_position_bp: int
    max_daily_value: int
    max_trade_value: int
    price_band_bp: int = DEFAULT_PRICE_BAND_BP


class FeeScheduleChanged(Event, frozen=True, array_like=True, gc=False, tag="FeeScheduleChanged@1"):
    """What the account's orders cost from here on, all four as they are now; 0 is none.

    `fee_per_share` is for one share, `fee_bp` in basis points of the value, `fee_minimum` the least that shares and
    value come to together; with `fee_per_order` it is charged once an order (accounts/domain/fees.py).
    """

    fee_per_order: int
    fee_per_share: int
    fee_bp: int
    fee_minimum: int


class AccountClosed(Event, frozen=True, array_like=True, gc=False, tag="AccountClosed@1"):
    """The account is over: it is empty, and accepts nothing ever again."""

    reason: str


class SharesSplit(Event, frozen=True, array_like=True, gc=False, tag="SharesSplit@1"):
    """Of every `denominator` shares `numerator` new ones were made, and what was less than a lot was paid in cash.

    What the position was (`quantity`), the split as it was asked for, the cash for the fraction (`amount`), then the
    account, the position and the day as it left them. The cost of the position stays, but for the fraction's part:
    `realized_pnl` is the cash less that. `mark` is the price of a new share.
    """

    action_id: str
    symbol: str
    numerator: int
    denominator: int
    lot_size: int
    price: int
    quantity: int
    amount: int
    cash_after: int
    position_quantity: int
    position_cost: int
    position_realized_pnl: int
    mark: int
    realized_pnl: int
    total_realized_pnl: int
    positions_cost: int
    portfolio_value: int
    day: int
    day_volume: int
    day_trades: int
    day_realized_pnl: int


class DividendPaid(Event, frozen=True, array_like=True, gc=False, tag="DividendPaid@1"):
    """Cash came in for the shares that were held: income, which is no part of the realized P&L.

    `amount_per_share` is in hundred-millionths; `amount` is quantity x amount per share, rounded half to even.
    `total_dividends` is what the account was ever paid, `day_dividends` what on this day.
    """

    action_id: str
    symbol: str
    amount_per_share: int
    quantity: int
    amount: int
    cash_after: int
    portfolio_value: int
    total_dividends: int
    day: int
    day_dividends: int


class SymbolChanged(Event, frozen=True, array_like=True, gc=False, tag="SymbolChanged@1"):
    """The shares of a symbol, and what they cost, are those of another symbol from here on.

    `quantity` and `cost` are what moved; what the old symbol realized (`old_realized_pnl`) stays with it. The next four
    are the position in the new symbol, which may have been there before; `mark` is that of both.
    """

    action_id: str
    symbol: str
    new_symbol: str
    quantity: int
    cost: int
    old_realized_pnl: int
    position_quantity: int
    position_cost: int
    position_realized_pnl: int
    mark: int
    portfolio_value: int


class PositionsMarked(Event, frozen=True, array_like=True, gc=False, tag="PositionsMarked@1"):
    """Positions are worth what the market said at the close of a session, a day: the price of each by its symbol.

    `marked_at` (UTC microseconds) is when those prices were. Positions without a price keep the mark that they had.
    """

    session: int
    marked_at: int
    prices: dict[str, int]
    cash_after: int
    portfolio_value: int


class OrderPlaced(Event, frozen=True, array_like=True, gc=False, tag="OrderPlaced@1"):
    """An order works from here on: the order, then what all working orders reserve now.

    A buy reserves `reserve_price` for each share that is not filled, rounded up together; a sell reserves the shares.
    `replaces` names the order whose place it takes; what that one had filled (`filled_quantity`, `filled_value`) counts
    towards `quantity`, and `trigger_price` is the market's price at which that one's stop was reached.

    `expires_at` is UTC microseconds. Of a trailing stop either trail is given, an amount or basis points, and
    `stop_price` is where its stop is now. An order that `waits_for` another one reserves nothing and cannot be filled
    until that one is; those of one `oco_group` reserve once, what the dearest of them needs.
    """

    order_id: str
    client_order_id: str
    symbol: str
    side: Side
    quantity: int
    order_type: OrderType
    time_in_force: TimeInForce
    limit_price: int | None
    stop_price: int | None
    reserve_price: int
    replaces: str | None
    filled_quantity: int
    filled_value: int
    reserved_cash: int
    reserved_shares: int
    expires_at: int | None = None
    trail_amount: int | None = None
    trail_bp: int | None = None
    trigger_price: int | None = None
    order_class: OrderClass = "SIMPLE"
    waits_for: str | None = None
    oco_group: str | None = None


class OrderFilled(Event, frozen=True, array_like=True, gc=False, tag="OrderFilled@1"):
    """The trade of the same commit filled an order, or a part of it, as `status` says.

    `filled_value` is the value of all its fills; `reserved_cash` is the account's, `reserved_shares` the symbol's, now.
    """

    order_id: str
    symbol: str
    side: Side
    quantity: int
    status: Literal["PARTIALLY_FILLED", "FILLED"]
    fill_quantity: int
    fill_price: int
    filled_quantity: int
    filled_value: int
    reserved_cash: int
    reserved_shares: int


class OrderReplaced(Event, frozen=True, array_like=True, gc=False, tag="OrderReplaced@1"):
    """An order gave its place to another one, which the next event of the same commit places.

    `terms` names the terms that the command gave, whether they changed or not; the others are those of the order.
    """

    order_id: str
    replaced_by: str
    symbol: str
    side: Side
    quantity: int
    filled_quantity: int
    reserved_cash: int
    reserved_shares: int
    terms: str = _FIRST_REPLACEABLE_TERMS


class _OrderEnded(Event, frozen=True, array_like=True, gc=False):
    """What is not filled of the order will not be; what it reserved is free again."""

    order_id: str
    symbol: str
    side: Side
    quantity: int
    filled_quantity: int
    reason: str
    reserved_cash: int
    reserved_shares: int


class OrderCancelled(_OrderEnded, frozen=True, array_like=True, gc=False, tag="OrderCancelled@1"):
    """Who placed the order, or may act for them, took it back."""


class OrderExpired(_OrderEnded, frozen=True, array_like=True, gc=False, tag="OrderExpired@1"):
    """The time that the order was good for is over."""


class OrderRejected(_OrderEnded, frozen=True, array_like=True, gc=False, tag="OrderRejected@1"):
    """The venue does not take the order."""


class OrderTriggered(Event, frozen=True, array_like=True, gc=False, tag="OrderTriggered@1"):
    """The market reached the order's stop, at `trigger_price`: from here on its limit alone counts, if it has one."""

    order_id: str
    symbol: str
    side: Side
    stop_price: int
    trigger_price: int
    reserved_cash: int
    reserved_shares: int


class OrderTrailed(Event, frozen=True, array_like=True, gc=False, tag="OrderTrailed@1"):
    """The stop of a trailing order followed the market, which is at `market_price`; it moves in one direction only."""

    order_id: str
    symbol: str
    side: Side
    stop_price: int
    market_price: int
    reserved_cash: int
    reserved_shares: int


class OrderActivated(Event, frozen=True, array_like=True, gc=False, tag="OrderActivated@1"):
    """The order that this one waited for was filled, or ended with `quantity` of its shares filled: this one works for
    so many. A trailing one has its stop from here on.
    """

    order_id: str
    symbol: str
    side: Side
    quantity: int
    stop_price: int | None
    reserve_price: int
    reserved_cash: int
    reserved_shares: int


class OrderReduced(Event, frozen=True, array_like=True, gc=False, tag="OrderReduced@1"):
    """Another order of its OCO group was filled in part: this one is for as much less, `quantity` in all."""

    order_id: str
    symbol: str
    side: Side
    quantity: int
    filled_quantity: int
    filled_order_id: str
    reserved_cash: int
    reserved_shares: int


OrderEvent: TypeAlias = (
    OrderPlaced
    | OrderFilled
    | OrderReplaced
    | OrderCancelled
    | OrderExpired
    | OrderRejected
    | OrderTriggered
    | OrderTrailed
    | OrderReduced
    | OrderActivated
)

AccountEvent: TypeAlias = (
    AccountOpened
    | CashDeposited
    | CashWithdrawn
    | TradeExecuted
    | CommandRefused
    | AccountFrozen
    | AccountUnfrozen
    | RiskLimitsChanged
    | FeeScheduleChanged
    | SharesSplit
    | DividendPaid
    | SymbolChanged
    | PositionsMarked
    | AccountClosed
    | OrderPlaced
    | OrderFilled
    | OrderReplaced
    | OrderCancelled
    | OrderExpired
    | OrderRejected
    | OrderTriggered
    | OrderTrailed
    | OrderReduced
    | OrderActivated
)

COUNTED_CODES: Final = frozenset({"ACCOUNT_HAS_ORDERS", "ACCOUNT_HAS_POSITIONS", "ORDER_COUNT_EXCEEDED"})
"""Refusals whose `limit` and `actual` are numbers of orders or positions."""
QUANTITY_CODES: Final = frozenset(
    {
        "FILL_NOT_COMPLETE",
        "INSUFFICIENT_POSITION",
        "ORDER_QUANTITY_EXCEEDED",
        "ORDER_QUANTITY_FILLED",
        "QUANTITY_LIMIT_EXCEEDED",
    }
)
"""Refusals whose `limit` and `actual` are shares; those of all others are money."""


def format_refusal_figure(code: str, figure: Figure) -> str | None:
    """Show the `limit` or the `actual` of a refusal as what it is: a count, shares or money."""
    if figure is None:
        return None
    if code in COUNTED_CODES:
        return str(figure)
    return format_quantity(int(figure)) if code in QUANTITY_CODES else format_amount(int(figure))
