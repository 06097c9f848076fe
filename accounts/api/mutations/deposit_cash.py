"""depositCash: bring money into an account."""

from typing import Final

import graphene

from accounts.api.mutations.declaration import CommandMutation
from accounts.api.types import CashDeposited
from accounts.application import factories

DEPOSIT_CASH: Final = CommandMutation(
    name="DepositCash",
    summary="Bring money into an account.",
    fields={
        "amount": graphene.String(required=True, description="Decimal string, at most 4 decimals."),
        "reference": graphene.String(description="Nothing when not given."),
    },
    success=CashDeposited,
    make=factories.deposit_cash,
)
