"""What can be asked of a trading account: commands, imperative and immutable, with values that are valid in themselves.

Money and prices are integers in ten-thousandths, quantities whole shares. A command says nothing about who sent it,
when, or to which account: the envelope around it does (accounts/application/envelope.py).
"""

from typing import TypeAlias

import msgspec

from accounts.domain.events import Side


class Command(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Base of all commands."""


class OpenAccount(Command, frozen=True, array_like=True, gc=False, tag="OpenAccount"):
    """Open the account for `owner` (a user name) in one currency (ISO 4217)."""

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
    """Book a trade, executed at this price."""

    symbol: str
    side: Side
    quantity: int
    price: int
    order_id: str | None


class FreezeAccount(Command, frozen=True, array_like=True, gc=False, tag="FreezeAccount"):
    """Accept nothing more until it is unfrozen."""

    reason: str


class UnfreezeAccount(Command, frozen=True, array_like=True, gc=False, tag="UnfreezeAccount"):
    """Let the account trade again."""

    reason: str


class ChangeRiskLimits(Command, frozen=True, array_like=True, gc=False, tag="ChangeRiskLimits"):
    """Set the account's three limits: basis points of the portfolio per symbol, value per UTC day, value per trade."""

    max_position_bp: int
    max_daily_value: int
    max_trade_value: int


AccountCommand: TypeAlias = (
    OpenAccount | DepositCash | WithdrawCash | ExecuteTrade | FreezeAccount | UnfreezeAccount | ChangeRiskLimits
)
