"""withdrawCash: take money out of an account."""

from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from accounts.api.submission import submit
from accounts.api.types import CashWithdrawn, CommandRefused, Outcome
from accounts.application import factories


class WithdrawCashInput(graphene.InputObjectType):
    """Take money out of an account."""

    account_id = graphene.ID(required=True)
    amount = graphene.String(required=True, description="Decimal string, at most 4 decimals.")
    reference = graphene.String(default_value="")
    command_id = graphene.String(description="Makes a retry safe; made by the server when it is not given.")


class WithdrawCashResult(graphene.Union):
    """Success, or the refusal."""

    class Meta:
        """Exactly one of the two."""

        types = (CashWithdrawn, CommandRefused)


class WithdrawCash(graphene.Mutation):
    """Take money out of an account."""

    class Arguments:
        """One input."""

        input = WithdrawCashInput(required=True)

    Output = WithdrawCashResult

    @staticmethod
    async def mutate(root: None, info: GraphQLResolveInfo, input: Any) -> Outcome:
        """Send the command."""
        return await submit(
            info,
            account_id=input.account_id,
            command_id=input.get("command_id"),
            make_command=lambda: factories.withdraw_cash(amount=input.amount, reference=input.reference),
        )
