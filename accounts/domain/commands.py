"""What can be asked of a trading account: commands, imperative and immutable, with values that are valid in themselves.

Money and prices are integers in ten-thousandths, quantities in millionths of a share. A command says nothing about who
sent it, when, or to which account: the envelope around it does (accounts/writer/envelope.py).
"""

from typing import TypeAlias

import msgspec

from accounts.domain.events import REPLACEABLE_TERMS, OrderClass, OrderType, Side, TimeInForce
from accounts.domain.values import DEFAULT_PRICE_BAND_BP


class Command(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Base of all commands."""


class OpenAccount(Command, frozen=True, array_like=True, gc=False, tag="OpenAccount"):
    """Open the account for `owner` (a user for good, such as "user:17") in one currency (ISO 4217)."""

    owner: str
    name: str
    currency: str


class DepositCash(Command, frozen=True, array_like=True, gc=False, tag="DepositCash"):
    """Bring money in."""

    amount: int
    reference: str


class WithdrawCash(Command, frozen=True, array_like=True, gc=False, tag="WithdrawCash"):
    """Take money out."""

    amount: int
    reference: str


class ExecuteTrade(Command, frozen=True, array_like=True, gc=False, tag="ExecuteTrade"):
    """Book a trade, executed at this price: of a working order, or on its own.

    `market_price` is what the market said when one of no order came in, 0 if it said nothing, and for all others.
    """

    symbol: str
    side: Side
    quantity: int
    price: int
    order_id: str | None
    market_price: int = 0


class PlaceOrder(Command, frozen=True, array_like=True, gc=False, tag="PlaceOrder"):
    """Let an order work. A market order is reckoned by `reference_price`, and a trailing stop begins at its trail from
    it: what the market said when it came in, 0 if it said nothing. It is 0 for the others.
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
    reference_price: int
    expires_at: int | None = None
    trail_amount: int | None = None
    trail_bp: int | None = None


class _Exits(Command, frozen=True, array_like=True, gc=False):
    """Two orders that get out of what was bought or sold, of which one cancels the other; either may be missing."""

    take_profit_order_id: str | None
    take_profit_limit_price: int | None
    stop_loss_order_id: str | None
    stop_loss_stop_price: int | None
    stop_loss_limit_price: int | None
    stop_loss_trail_amount: int | None
    stop_loss_trail_bp: int | None


class PlaceBracket(_Exits, frozen=True, array_like=True, gc=False, tag="PlaceBracket"):
    """Let an order work, and its exits once it is filled: with both of them a bracket, with one an OTO group. The
    fields are those of PlaceOrder.
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
    reference_price: int
    expires_at: int | None
    trail_amount: int | None
    trail_bp: int | None

    @property
    def order_class(self) -> OrderClass:
        """What the group is."""
        return "OTO" if None in (self.take_profit_order_id, self.stop_loss_order_id) else "BRACKET"

    @property
    def entry(self) -> PlaceOrder:
        """The placement of the first order."""
        return PlaceOrder(*(getattr(self, name) for name in PlaceOrder.__struct_fields__))


class PlaceOco(_Exits, frozen=True, array_like=True, gc=False, tag="PlaceOco"):
    """Let two exits work of which one cancels the other, on their own."""

    client_order_id: str
    symbol: str
    side: Side
    quantity: int
    time_in_force: TimeInForce
    expires_at: int | None
    reference_price: int


class ReplaceOrder(Command, frozen=True, array_like=True, gc=False, tag="ReplaceOrder"):
    """Put a new order in the place of a working one; None keeps what that one has.

    `quantity` is the new order's in all, what is filled already included.
    """

    order_id: str
    new_order_id: str
    client_order_id: str
    quantity: int | None
    time_in_force: TimeInForce | None
    limit_price: int | None
    stop_price: int | None
    expires_at: int | None = None

    @property
    def terms(self) -> str:
        """The names of the terms that are given, as OrderReplaced records them."""
        return ",".join(term for term in REPLACEABLE_TERMS if getattr(self, term) is not None)


class CancelOrder(Command, frozen=True, array_like=True, gc=False, tag="CancelOrder"):
    """Take back what is not filled of an order; a fill that comes first wins."""

    order_id: str
    reason: str


class TriggerOrder(Command, frozen=True, array_like=True, gc=False, tag="TriggerOrder"):
    """The market is at `price`, which reached the order's stop: the venue's to say."""

    order_id: str
    price: int


class TrailOrder(Command, frozen=True, array_like=True, gc=False, tag="TrailOrder"):
    """The market is at `price`: let the stop of a trailing order follow it. The venue's to say."""

    order_id: str
    price: int


class ExpireOrder(Command, frozen=True, array_like=True, gc=False, tag="ExpireOrder"):
    """End an order whose time is over (any but GTC): the venue's to say."""

    order_id: str
    reason: str


class RejectOrder(Command, frozen=True, array_like=True, gc=False, tag="RejectOrder"):
    """End an order that the venue does not take."""

    order_id: str
    reason: str


class FreezeAccount(Command, frozen=True, array_like=True, gc=False, tag="FreezeAccount"):
    """Accept nothing more until it is unfrozen."""

    reason: str


class UnfreezeAccount(Command, frozen=True, array_like=True, gc=False, tag="UnfreezeAccount"):
    """Let the account trade again."""

    reason: str


class ChangeRiskLimits(Command, frozen=True, array_like=True, gc=False, tag="ChangeRiskLimits"):
    """Set the account's limits, all of them: basis points of the portfolio per symbol, value per UTC day, value per
    trade, and how far from the market's price a trade may be booked, in basis points of it; 0 is no band.
    """

    max_position_bp: int
    max_daily_value: int
    max_trade_value: int
    price_band_bp: int = DEFAULT_PRICE_BAND_BP


class ChangeFeeSchedule(Command, frozen=True, array_like=True, gc=False, tag="ChangeFeeSchedule"):
    """Set what the account's orders cost: per order, per share, in basis points of the value, and the least of the two
    latter together; 0 is none.
    """

    fee_per_order: int
    fee_per_share: int
    fee_bp: int
    fee_minimum: int


class ApplySplit(Command, frozen=True, array_like=True, gc=False, tag="ApplySplit"):
    """Make `numerator` new shares of every `denominator` shares of a symbol: more in a split, fewer in a reverse split.

    What is less than a lot of new shares (`lot_size`, in millionths of a share) is paid in cash at `price`, that of one
    new share; a price of 0 keeps fractions, to a millionth of a share. The venue's to say, as the next three are.
    """

    action_id: str
    symbol: str
    numerator: int
    denominator: int
    lot_size: int
    price: int


class PayDividend(Command, frozen=True, array_like=True, gc=False, tag="PayDividend"):
    """Pay cash for every share that the account holds now; `amount_per_share` in hundred-millionths of the currency."""

    action_id: str
    symbol: str
    amount_per_share: int


class ChangeSymbol(Command, frozen=True, array_like=True, gc=False, tag="ChangeSymbol"):
    """Let the shares of a symbol be those of another one from here on."""

    action_id: str
    symbol: str
    new_symbol: str


class MarkPositions(Command, frozen=True, array_like=True, gc=False, tag="MarkPositions"):
    """Value positions at the close of a session, a day, by the prices of `marked_at` (UTC microseconds).

    Positions whose symbol has no price keep their mark, prices of what is not held count for nothing.
    """

    session: int
    marked_at: int
    prices: dict[str, int]


class CloseAccount(Command, frozen=True, array_like=True, gc=False, tag="CloseAccount"):
    """End the account, for ever; it has to be empty: no cash, no shares, no working orders."""

    reason: str


class Decline(Command, frozen=True, array_like=True, gc=False, tag="Decline"):
    """Do not do what `command` asks for, because of how things are now; nothing is recorded.

    When it was sent first it may have been otherwise, and what was executed then is answered as it was then. So who may
    not refuse by itself asks the account to, which knows its commands.
    """

    command: ExecuteTrade | PlaceOrder | PlaceBracket | PlaceOco
    code: str
    message: str


AccountCommand: TypeAlias = (
    OpenAccount
    | DepositCash
    | WithdrawCash
    | ExecuteTrade
    | PlaceOrder
    | PlaceBracket
    | PlaceOco
    | ReplaceOrder
    | CancelOrder
    | ExpireOrder
    | RejectOrder
    | TriggerOrder
    | TrailOrder
    | FreezeAccount
    | UnfreezeAccount
    | ChangeRiskLimits
    | ChangeFeeSchedule
    | ApplySplit
    | PayDividend
    | ChangeSymbol
    | MarkPositions
    | CloseAccount
    | Decline
)
