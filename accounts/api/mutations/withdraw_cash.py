"""withdrawCash: take money out of an account."""

from typing import Final

import graphene

from accounts.api.mutations.declaration import CommandMutation
from accounts.api.types import CashWithdrawn
from accounts.application import factories

WITHDRAW_CASH: Final = CommandMutation(
    name="WithdrawCash",
    summary="Take money out of an account.",
    fields={
        "amount": graphene.String(required=True, description="Decimal string, at most 4 decimals."),
        "reference": graphene.String(description="Nothing when not given."),
    },
    success=CashWithdrawn,
    make=factories.withdraw_cash,
)
