"""The stored form of accounts: which events the journal may hold, how old schema versions become current ones, and how
the state is written into pages.
"""

from typing import Final, get_args

import msgspec

from accounts.domain.events import AccountEvent, CommandRefused, TradeExecuted
from accounts.domain.state import Account
from accounts.domain.values import SHARE
from eventstore.columns.codec import EventCodec, Upcaster
from eventstore.columns.formulas import TIMESTAMP, VERSION, Declaration, Part, Product, Quotient, Term, Where

UPCASTERS: Final[dict[type, Upcaster]] = {}
_DAY: Final = 86_400_000_000
_BUY: Final = Where("side", "BUY")
_QUANTITY: Final = "arguments.quantity"
_PRICE: Final = "arguments.price"
_ACTUAL: Final[list[Part]] = [
    Term(_QUANTITY, 1, Where("code", "INSUFFICIENT_POSITION")),
    Product(_QUANTITY, _PRICE, SHARE, Where("code", "INSUFFICIENT_FUNDS")),
    Product(_QUANTITY, _PRICE, SHARE, Where("code", "POSITION_LIMIT_EXCEEDED")),
    Product(_QUANTITY, _PRICE, SHARE, Where("code", "TRADE_LIMIT_EXCEEDED")),
]

DECLARATIONS: Final = (
    Declaration(
        tag="TradeExecuted@1",
        number=2,
        fields=TradeExecuted.__struct_fields__,
        expected={
            "value": [Product("quantity", "price", SHARE)],
            "position_quantity": [Term("quantity", 1, _BUY)],
            "position_cost": [Term("value", 1, _BUY), Term("fee", 1, _BUY)],
            "position_realized_pnl": [Term("realized_pnl")],
            "total_realized_pnl": [Term("position_realized_pnl")],
            "total_fees": [Term("fee")],
            "positions_cost": [Term("total_realized_pnl"), Term("cash_after", -1)],  # Less what was paid in.
            "portfolio_value": [Term("cash_after"), Term("positions_cost")],
            "trade_count": [Term(VERSION)],
            "day": [Quotient(TIMESTAMP, _DAY)],
            "day_volume": [Term("positions_cost")],
            "day_trades": [Term("trade_count")],
            "day_realized_pnl": [Term("total_realized_pnl")],
        },
    ),
    Declaration(
        tag="CommandRefused@1",
        number=1,
        fields=CommandRefused.__struct_fields__,
        expected={
            "actual": _ACTUAL,
        },
        shaped="arguments",
        shape=("symbol", "side", "quantity", "price", "order_id"),  # Of a trade, before there was a band.
    ),
    Declaration(
        tag="CommandRefused@1",
        number=2,
        fields=CommandRefused.__struct_fields__,
        expected={
            "arguments.market_price": [Term(_PRICE)],
            "actual": [*_ACTUAL, Term(_PRICE, 1, Where("code", "PRICE_BEYOND_BAND"))],
        },
        shaped="arguments",
        shape=("symbol", "side", "quantity", "price", "order_id", "market_price"),  # Of a trade.
    ),
)
"""What of the commonest events follows from what; one that a journal was written with is never changed."""


def account_codec() -> EventCodec:
    """Return the codec of every stored account event, old versions included."""
    return EventCodec([*get_args(AccountEvent), *UPCASTERS], UPCASTERS, DECLARATIONS)


STATE_VERSION: Final = 6
_encode: Final = msgspec.msgpack.Encoder(order="sorted").encode
_decode: Final = msgspec.msgpack.Decoder(tuple[int, Account]).decode


def dump_account(account: Account) -> bytes:
    """Return an account's state as bytes, the same for equal states: its fields by name, in order of their names."""
    return _encode((STATE_VERSION, account))


def load_account(dumped: bytes) -> Account:
    """Return the account that was dumped; raises ValueError for bytes of another format."""
    try:
        version, account = _decode(dumped)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ValueError(f"the state is not an account ({error})") from error
    if version != STATE_VERSION:
        raise ValueError(f"the state has format {version} and this release reads {STATE_VERSION}")
    return account
