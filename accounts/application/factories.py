"""Commands from untrusted input: every field checked, the first thing that is wrong refused with its code.

This is the boundary between the outside world's texts and the domain's exact values. Raises CommandInvalid only.
"""

import re
import unicodedata
import uuid
from collections.abc import Callable
from typing import Final, TypeVar

from accounts.domain.commands import (
    ChangeRiskLimits,
    DepositCash,
    ExecuteTrade,
    FreezeAccount,
    OpenAccount,
    UnfreezeAccount,
    WithdrawCash,
)
from accounts.domain.errors import Code, CommandInvalid
from accounts.domain.values import BASIS_POINTS, InvalidValue, parse_amount, parse_price, parse_quantity
from market.instruments import is_known

V = TypeVar("V")

NAME_LENGTH_MAX: Final = 80
REFERENCE_LENGTH_MAX: Final = 140
_IDENTIFIER: Final = re.compile(r"[!-~]{1,64}", re.ASCII)
_CURRENCIES: Final = frozenset({"USD"})  # One currency per account; the demo market quotes dollars.
_ACCOUNT_NAMESPACE: Final = uuid.UUID("3c9f7a52-9a57-4f8e-8f0b-0f7f6b6d5f11")


def open_account(*, owner: str, name: str, currency: str) -> OpenAccount:
    """Return a checked OpenAccount."""
    if currency not in _CURRENCIES:
        raise CommandInvalid(Code.INVALID_CURRENCY, f"the currencies are {', '.join(_CURRENCIES)}; found {currency!r}")
    return OpenAccount(owner=owner, name=_text(name, "a name", NAME_LENGTH_MAX, Code.INVALID_NAME), currency=currency)


def deposit_cash(*, amount: str, reference: str) -> DepositCash:
    """Return a checked DepositCash."""
    return DepositCash(amount=_value(parse_amount, amount, Code.INVALID_AMOUNT), reference=_reference(reference))


def withdraw_cash(*, amount: str, reference: str) -> WithdrawCash:
    """Return a checked WithdrawCash."""
    return WithdrawCash(amount=_value(parse_amount, amount, Code.INVALID_AMOUNT), reference=_reference(reference))


def execute_trade(*, symbol: str, side: str, quantity: int, price: str, order_id: str | None) -> ExecuteTrade:
    """Return a checked ExecuteTrade."""
    if not is_known(symbol):
        raise CommandInvalid(
            Code.UNKNOWN_SYMBOL, f"{symbol[:20]!r} is not an instrument of this market: GET /api/market lists them"
        )
    if side not in ("BUY", "SELL"):
        raise CommandInvalid(Code.INVALID_SIDE, f"a side is BUY or SELL, found {side!r}")
    return ExecuteTrade(
        symbol=symbol,
        side="BUY" if side == "BUY" else "SELL",
        quantity=_value(parse_quantity, quantity, Code.INVALID_QUANTITY),
        price=_value(parse_price, price, Code.INVALID_PRICE),
        order_id=None if order_id is None else _identifier(order_id, "an order id", Code.INVALID_ORDER_ID),
    )


def freeze_account(*, reason: str) -> FreezeAccount:
    """Return a checked FreezeAccount."""
    return FreezeAccount(reason=_text(reason, "a reason", REFERENCE_LENGTH_MAX, Code.INVALID_REFERENCE))


def unfreeze_account(*, reason: str) -> UnfreezeAccount:
    """Return a checked UnfreezeAccount."""
    return UnfreezeAccount(reason=_text(reason, "a reason", REFERENCE_LENGTH_MAX, Code.INVALID_REFERENCE))


def change_risk_limits(*, max_position_percent: str, max_daily_value: str, max_trade_value: str) -> ChangeRiskLimits:
    """Return a checked ChangeRiskLimits; the percentage has at most two decimals and is at most 100."""
    scaled = _value(parse_amount, max_position_percent, Code.INVALID_LIMIT)
    max_position_bp, finer = divmod(scaled, 100)
    if finer or max_position_bp > BASIS_POINTS:
        raise CommandInvalid(
            Code.INVALID_LIMIT,
            f"a share is above 0 and at most 100 percent with two decimals, found {max_position_percent!r}",
        )
    return ChangeRiskLimits(
        max_position_bp=max_position_bp,
        max_daily_value=_value(parse_amount, max_daily_value, Code.INVALID_LIMIT),
        max_trade_value=_value(parse_amount, max_trade_value, Code.INVALID_LIMIT),
    )


def command_id(given: str | None) -> str:
    """Return a checked command id, or a new one when none is given."""
    return str(uuid.uuid4()) if given is None else _identifier(given, "a command id", Code.INVALID_COMMAND_ID)


def account_id(given: str) -> str:
    """Return a checked account id in its canonical form."""
    try:
        canonical = str(uuid.UUID(given))
    except ValueError:
        canonical = ""
    if not given or canonical != given:
        raise CommandInvalid(Code.INVALID_ACCOUNT_ID, f"an account id is a lower-case UUID, found {given[:40]!r}")
    return canonical


def account_id_for(*, owner: str, command_id: str) -> str:
    """Return the id of the account that this command of this owner opens: the same on every retry."""
    return str(uuid.uuid5(_ACCOUNT_NAMESPACE, f"{owner}\n{command_id}"))


def _value(parse: Callable[[object], V], given: object, code: Code) -> V:
    try:
        return parse(given)
    except InvalidValue as error:
        raise CommandInvalid(code, str(error)) from error


def _identifier(given: str, what: str, code: Code) -> str:
    if _IDENTIFIER.fullmatch(given) is None:
        raise CommandInvalid(code, f"{what} is 1 to 64 visible ASCII characters, found {given[:70]!r}")
    return given


def _reference(given: str) -> str:
    return "" if given == "" else _text(given, "a reference", REFERENCE_LENGTH_MAX, Code.INVALID_REFERENCE)


def _text(given: str, what: str, length_max: int, code: Code) -> str:
    text = unicodedata.normalize("NFC", given).strip()
    if not 1 <= len(text) <= length_max or not text.isprintable():
        raise CommandInvalid(code, f"{what} is 1 to {length_max} printable characters, found {given[:20]!r}")
    return text
