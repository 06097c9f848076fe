"""Commands from untrusted input: every field checked, the first thing that is wrong refused with its code.

This is the boundary between the outside world's texts and the domain's exact values. Raises CommandInvalid only.

Trades and orders are asked about their instrument, as it is known now. The scanner of batches takes none that would
not pass here: its table has those instruments alone that may be traded, with their steps (`symbols_to_trade`). A
symbol that is unknown has always been: it is refused at once. Everything else about an instrument may have been
otherwise when a command was sent first, so the account declines it, after it has looked whether it executed that
command before.
"""

import re
import unicodedata
import uuid
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, TypeVar, get_args

import numpy as np

from accounts.domain.commands import (
    CancelOrder,
    ChangeFeeSchedule,
    ChangeRiskLimits,
    CloseAccount,
    Decline,
    DepositCash,
    ExecuteTrade,
    ExpireOrder,
    FreezeAccount,
    OpenAccount,
    PlaceBracket,
    PlaceOco,
    PlaceOrder,
    RejectOrder,
    ReplaceOrder,
    UnfreezeAccount,
    WithdrawCash,
)
from accounts.domain.errors import Code, CommandInvalid
from accounts.domain.events import OrderType, Side, TimeInForce
from accounts.domain.order_terms import terms_code
from accounts.domain.values import (
    BASIS_POINTS,
    CURRENCIES,
    InvalidValue,
    format_amount,
    format_quantity,
    parse_amount,
    parse_band,
    parse_fee,
    parse_price,
    parse_quantity,
)
from accounts.kernels.symbols import SymbolTable
from edge.instants import InvalidInstant, parse_instant
from market.instruments.current import Instruments, current_instruments
from market.instruments.definition import InstrumentDefinition

V = TypeVar("V")
T = TypeVar("T", ExecuteTrade, PlaceOrder, PlaceBracket, PlaceOco)

NAME_LENGTH_MAX: Final = 80
REFERENCE_LENGTH_MAX: Final = 140
SIDES: Final[tuple[Side, ...]] = get_args(Side)
ORDER_TYPES: Final[tuple[OrderType, ...]] = get_args(OrderType)
TIMES_IN_FORCE: Final[tuple[TimeInForce, ...]] = get_args(TimeInForce)
TERMS_MESSAGES: Final = {
    Code.INVALID_LIMIT_PRICE: "a limit price belongs to LIMIT and STOP_LIMIT orders, only: this one is {order_type}",
    Code.INVALID_STOP_PRICE: "a stop price belongs to STOP and STOP_LIMIT orders, only: this one is {order_type}",
    Code.INVALID_STOP_LIMIT: "a STOP_LIMIT buy has its limit at the stop or above, a sell at the stop or below: no "
    "price would both trigger this one and be within its limit",
    Code.INVALID_TIME_IN_FORCE: "{order_type} orders wait for their stop, so they are DAY, GTC or GTD",
    Code.INVALID_EXPIRES_AT: "expiresAt belongs to GTD orders, only",
    Code.INVALID_TRAIL: "a TRAILING_STOP order has either trailAmount or trailPercent, others have none: this one is "
    "{order_type}",
}
IDENTIFIER_LENGTH_MAX: Final = 64
_ACCOUNT_IDS_KEPT: Final = 65_536
_UUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII)
_ACCOUNT_NAMESPACE: Final = uuid.UUID("3c9f7a52-9a57-4f8e-8f0b-0f7f6b6d5f11")


def open_account(*, owner: str, name: str, currency: str = "USD") -> OpenAccount:
    """Return a checked OpenAccount."""
    if currency not in CURRENCIES:
        raise CommandInvalid(Code.INVALID_CURRENCY, f"the currencies are {', '.join(CURRENCIES)}; found {currency!r}")
    return OpenAccount(owner=owner, name=_text(name, "a name", NAME_LENGTH_MAX, Code.INVALID_NAME), currency=currency)


def deposit_cash(*, amount: str, reference: str = "") -> DepositCash:
    """Return a checked DepositCash."""
    return DepositCash(amount=_value(parse_amount, amount, Code.INVALID_AMOUNT), reference=_reference(reference))


def withdraw_cash(*, amount: str, reference: str = "") -> WithdrawCash:
    """Return a checked WithdrawCash."""
    return WithdrawCash(amount=_value(parse_amount, amount, Code.INVALID_AMOUNT), reference=_reference(reference))


def execute_trade(
    *,
    symbol: str,
    side: str,
    quantity: int | str,
    price: str,
    order_id: str | None = None,
    market_price: Callable[[str], int],
) -> ExecuteTrade | Decline:
    """Return a checked ExecuteTrade, or its declining when the instrument does not allow it now; `market_price` gives
    the market's price by a symbol, 0 when it says none.
    """
    command = ExecuteTrade(
        symbol=symbol,
        side=choice(side, SIDES, "a side", Code.INVALID_SIDE),
        quantity=_value(parse_quantity, quantity, Code.INVALID_QUANTITY),
        price=_value(parse_price, price, Code.INVALID_PRICE),
        order_id=None if order_id is None else order_id_of(order_id),
        market_price=market_price(symbol) if order_id is None else 0,
    )
    return judged(command, price=command.price)


def place_order(
    *,
    order_id: str,
    client_order_id: str,
    symbol: str,
    side: str,
    quantity: int | str,
    order_type: str,
    time_in_force: str = "DAY",
    limit_price: str | None = None,
    stop_price: str | None = None,
    expires_at: str | None = None,
    trail_amount: str | None = None,
    trail_percent: str | None = None,
    reference_price: Callable[[str], int],
) -> PlaceOrder | Decline:
    """Return a checked PlaceOrder, or its declining when the instrument does not allow it now; `reference_price` gives
    the market's price by a symbol, 0 when it says none.
    """
    amount, basis_points = trail_of(trail_amount, trail_percent)
    command = PlaceOrder(
        order_id=order_id,
        client_order_id=client_order_id,
        symbol=symbol,
        side=choice(side, SIDES, "a side", Code.INVALID_SIDE),
        quantity=_value(parse_quantity, quantity, Code.INVALID_QUANTITY),
        order_type=choice(order_type, ORDER_TYPES, "an order type", Code.INVALID_ORDER_TYPE),
        time_in_force=choice(time_in_force, TIMES_IN_FORCE, "a time in force", Code.INVALID_TIME_IN_FORCE),
        limit_price=optional_price(limit_price, Code.INVALID_LIMIT_PRICE),
        stop_price=optional_price(stop_price, Code.INVALID_STOP_PRICE),
        reference_price=reference_price(symbol) if order_type in ("MARKET", "TRAILING_STOP") else 0,
        expires_at=None if expires_at is None else instant_of(expires_at),
        trail_amount=amount,
        trail_bp=basis_points,
    )
    check_terms(command)
    return judged(command, limit_price=command.limit_price, stop_price=command.stop_price, trail_amount=amount)


def check_terms(command: PlaceOrder) -> None:
    """Raise CommandInvalid when the terms of an order do not go together."""
    code = terms_code(
        side=command.side,
        order_type=command.order_type,
        time_in_force=command.time_in_force,
        limit_price=command.limit_price,
        stop_price=command.stop_price,
        expires_at=command.expires_at,
        trail_amount=command.trail_amount,
        trail_bp=command.trail_bp,
    )
    if code is not None:
        raise CommandInvalid(code, TERMS_MESSAGES[code].format(order_type=command.order_type))


def replace_order(
    *,
    order_id: str,
    new_order_id: str,
    client_order_id: str,
    quantity: int | str | None = None,
    time_in_force: str | None = None,
    limit_price: str | None = None,
    stop_price: str | None = None,
    expires_at: str | None = None,
) -> ReplaceOrder:
    """Return a checked ReplaceOrder; whether its prices go with the order's type is the account's to say."""
    return ReplaceOrder(
        order_id=order_id_of(order_id),
        new_order_id=new_order_id,
        client_order_id=client_order_id,
        quantity=None if quantity is None else _value(parse_quantity, quantity, Code.INVALID_QUANTITY),
        time_in_force=None
        if time_in_force is None
        else choice(time_in_force, TIMES_IN_FORCE, "a time in force", Code.INVALID_TIME_IN_FORCE),
        limit_price=optional_price(limit_price, Code.INVALID_LIMIT_PRICE),
        stop_price=optional_price(stop_price, Code.INVALID_STOP_PRICE),
        expires_at=None if expires_at is None else instant_of(expires_at),
    )


def cancel_order(*, order_id: str, reason: str = "") -> CancelOrder:
    """Return a checked CancelOrder; the reason may be empty."""
    return CancelOrder(order_id=order_id_of(order_id), reason=_reference(reason))


def expire_order(*, order_id: str, reason: str = "") -> ExpireOrder:
    """Return a checked ExpireOrder; the reason may be empty."""
    return ExpireOrder(order_id=order_id_of(order_id), reason=_reference(reason))


def reject_order(*, order_id: str, reason: str) -> RejectOrder:
    """Return a checked RejectOrder."""
    return RejectOrder(
        order_id=order_id_of(order_id), reason=_text(reason, "a reason", REFERENCE_LENGTH_MAX, Code.INVALID_REFERENCE)
    )


def close_account(*, reason: str) -> CloseAccount:
    """Return a checked CloseAccount."""
    return CloseAccount(reason=_text(reason, "a reason", REFERENCE_LENGTH_MAX, Code.INVALID_REFERENCE))


def freeze_account(*, reason: str) -> FreezeAccount:
    """Return a checked FreezeAccount."""
    return FreezeAccount(reason=_text(reason, "a reason", REFERENCE_LENGTH_MAX, Code.INVALID_REFERENCE))


def unfreeze_account(*, reason: str) -> UnfreezeAccount:
    """Return a checked UnfreezeAccount."""
    return UnfreezeAccount(reason=_text(reason, "a reason", REFERENCE_LENGTH_MAX, Code.INVALID_REFERENCE))


def change_risk_limits(
    *,
    max_position_percent: str,
    max_daily_value: str,
    max_trade_value: str,
    price_band_percent: str,
) -> ChangeRiskLimits:
    """Return a checked ChangeRiskLimits; the percentages have at most two decimals and are at most 100."""
    scaled = _value(parse_amount, max_position_percent, Code.INVALID_LIMIT)
    max_position_bp, finer = divmod(scaled, 100)
    if finer or max_position_bp > BASIS_POINTS:
        raise CommandInvalid(
            Code.INVALID_LIMIT,
            f"a share is above 0 and at most 100 percent with two decimals, found {max_position_percent!r}",
        )
    price_band_bp, finer = divmod(_value(parse_band, price_band_percent, Code.INVALID_LIMIT), 100)
    if finer or price_band_bp > BASIS_POINTS:
        raise CommandInvalid(
            Code.INVALID_LIMIT,
            f"a band is 0 (none) to 100 percent with two decimals, found {price_band_percent[:40]!r}",
        )
    return ChangeRiskLimits(
        max_position_bp=max_position_bp,
        max_daily_value=_value(parse_amount, max_daily_value, Code.INVALID_LIMIT),
        max_trade_value=_value(parse_amount, max_trade_value, Code.INVALID_LIMIT),
        price_band_bp=price_band_bp,
    )


def change_fee_schedule(
    *, per_order: str = "0", per_share: str = "0", percent: str = "0", minimum: str = "0"
) -> ChangeFeeSchedule:
    """Return a checked ChangeFeeSchedule; the percentage has at most two decimals and is at most 100."""
    fee_bp, finer = divmod(_value(parse_fee, percent, Code.INVALID_FEE), 100)
    if finer or fee_bp > BASIS_POINTS:
        message = f"the fee of a value is at most 100 percent with two decimals, found {percent[:40]!r}"
        raise CommandInvalid(Code.INVALID_FEE, message)
    return ChangeFeeSchedule(
        fee_per_order=_value(parse_fee, per_order, Code.INVALID_FEE),
        fee_per_share=_value(parse_fee, per_share, Code.INVALID_FEE),
        fee_bp=fee_bp,
        fee_minimum=_value(parse_fee, minimum, Code.INVALID_FEE),
    )


def trail_of(amount: str | None, percent: str | None) -> tuple[int | None, int | None]:
    """Return a checked trail: an amount, or basis points; the percentage has at most two decimals."""
    if percent is None:
        return optional_price(amount, Code.INVALID_TRAIL), None
    trail_bp, finer = divmod(_value(parse_amount, percent, Code.INVALID_TRAIL), 100)
    if finer or trail_bp >= BASIS_POINTS:
        message = f"a trail is above 0 and below 100 percent with two decimals, found {percent[:40]!r}"
        raise CommandInvalid(Code.INVALID_TRAIL, message)
    return optional_price(amount, Code.INVALID_TRAIL), trail_bp


def instant_of(given: str) -> int:
    """Return the instant at which an order expires, in UTC microseconds."""
    try:
        return round(parse_instant(given).timestamp() * 1_000_000)
    except InvalidInstant as error:
        raise CommandInvalid(Code.INVALID_EXPIRES_AT, str(error)) from error


def quantity_of(given: int | str) -> int:
    """Return a checked quantity."""
    return _value(parse_quantity, given, Code.INVALID_QUANTITY)


def command_id(given: str | None) -> str:
    """Return a checked command id, or a new one when none is given."""
    if given is None:
        return str(uuid.uuid4())
    is_visible = given.isascii() and given.isprintable() and " " not in given
    if not (is_visible and 1 <= len(given) <= IDENTIFIER_LENGTH_MAX):
        message = f"a command id is 1 to {IDENTIFIER_LENGTH_MAX} visible ASCII characters, found {given[:70]!r}"
        raise CommandInvalid(Code.INVALID_COMMAND_ID, message)
    return given


@lru_cache(maxsize=_ACCOUNT_IDS_KEPT)
def account_id(given: str) -> str:
    """Return a checked account id, which is a UUID in its canonical form."""
    if _UUID.fullmatch(given) is None:
        raise CommandInvalid(Code.INVALID_ACCOUNT_ID, f"an account id is a lower-case UUID, found {given[:40]!r}")
    return given


def order_id_of(given: str) -> str:
    """Return a checked order id: the UUID that placing the order answered with."""
    if _UUID.fullmatch(given) is None:
        raise CommandInvalid(Code.INVALID_ORDER_ID, f"an order id is a lower-case UUID, found {given[:40]!r}")
    return given


def account_id_for(*, owner: str, command_id: str) -> str:
    """Return the id of the account that this command of this owner ("user:17") opens: the same on every retry."""
    return str(uuid.uuid5(_ACCOUNT_NAMESPACE, f"{owner}\n{command_id}"))


def symbols_to_trade() -> SymbolTable:
    """Return what the scanner knows: the instruments that may be traded now."""
    return _table_of(current_instruments())


@lru_cache(maxsize=1)
def _table_of(instruments: Instruments) -> SymbolTable:
    traded = [
        each
        for each in instruments.by_symbol.values()
        if each.is_tradable and not each.is_halted and each.currency in CURRENCIES
    ]
    steps = np.array([(each.lot_size, each.price_increment) for each in traded], np.int64).reshape(len(traded), 2)
    return SymbolTable([each.symbol for each in traded], steps)


def judged(command: T, **prices: int | None) -> T | Decline:
    """Return a trade or an order, or its declining when its instrument does not allow it now; raises UNKNOWN_SYMBOL.

    `prices` are those of the command, by what they are called in a message.
    """
    instruments = current_instruments()
    instrument = instruments.by_symbol.get(command.symbol)
    if not instruments.is_loaded:
        message = "the instruments are not known yet, because the database does not answer: try again"
        return Decline(command, Code.MARKET_UNAVAILABLE.value, message)
    if instrument is None:
        raise CommandInvalid(
            Code.UNKNOWN_SYMBOL,
            f"{command.symbol[:20]!r} is not an instrument of this market: GET /api/market lists them",
        )
    return (
        _declined_for_instrument(command, instrument)
        or _declined_for_lot(command, instrument)
        or _declined_for_price(command, instrument, prices)
        or command
    )


def _declined_for_instrument(command: T, instrument: InstrumentDefinition) -> Decline | None:
    symbol = instrument.symbol
    if not instrument.is_tradable:
        message = f"{symbol} is not traded any more: choose an instrument of GET /api/market"
        return Decline(command, Code.INSTRUMENT_NOT_TRADABLE.value, message)
    if instrument.is_halted:
        message = f"trading in {symbol} is halted: try again when it is resumed; its orders can be cancelled"
        return Decline(command, Code.INSTRUMENT_HALTED.value, message)
    if instrument.currency not in CURRENCIES:
        message = (
            f"{symbol} is traded in {instrument.currency} and accounts are in {', '.join(CURRENCIES)}: choose an "
            "instrument in the account's currency"
        )
        return Decline(command, Code.CURRENCY_MISMATCH.value, message)
    return None


def _declined_for_lot(command: T, instrument: InstrumentDefinition) -> Decline | None:
    if command.quantity % instrument.lot_size == 0:
        return None
    message = (
        f"a quantity of {instrument.symbol} is a multiple of {format_quantity(instrument.lot_size)}, found "
        f"{format_quantity(command.quantity)}: round it"
    )
    return Decline(command, Code.INVALID_LOT.value, message)


def _declined_for_price(command: T, instrument: InstrumentDefinition, prices: dict[str, int | None]) -> Decline | None:
    for name, price in prices.items():
        if price is not None and price % instrument.price_increment:
            message = (
                f"a {name.replace('_', ' ')} of {instrument.symbol} is a multiple of "
                f"{format_amount(instrument.price_increment)}, found {format_amount(price)}: round it"
            )
            return Decline(command, Code.INVALID_PRICE_INCREMENT.value, message)
    return None


def choice(given: str, choices: Sequence[V], what: str, code: Code) -> V:
    for choice in choices:
        if choice == given:
            return choice
    raise CommandInvalid(code, f"{what} is one of {', '.join(map(str, choices))}; found {given[:20]!r}")


def optional_price(given: str | None, code: Code) -> int | None:
    return None if given is None else _value(parse_price, given, code)


def _value(parse: Callable[[object], V], given: object, code: Code) -> V:
    try:
        return parse(given)
    except InvalidValue as error:
        raise CommandInvalid(code, str(error)) from error


def _reference(given: str) -> str:
    return "" if given == "" else _text(given, "a reference", REFERENCE_LENGTH_MAX, Code.INVALID_REFERENCE)


def _text(given: str, what: str, length_max: int, code: Code) -> str:
    text = unicodedata.normalize("NFC", given).strip()
    if not 1 <= len(text) <= length_max or not text.isprintable():
        raise CommandInvalid(code, f"{what} is 1 to {length_max} printable characters, found {given[:20]!r}")
    return text
