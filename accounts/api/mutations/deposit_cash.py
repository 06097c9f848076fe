"""depositCash: bring money into an account."""

from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from accounts.api.submission import submit
from accounts.api.types import CashDeposited, CommandRefused, Outcome
from accounts.application import factories


class DepositCashInput(graphene.InputObjectType):
    """Bring money into an account."""

    account_id = graphene.ID(required=True)
    amount = graphene.String(required=True, description="Decimal string, at most 4 decimals.")
    reference = graphene.String(default_value="")
    command_id = graphene.String(description="Makes a retry safe; made by the server when it is not given.")


class DepositCashResult(graphene.Union):
    """Success, or the refusal."""

    class Meta:
        """Exactly one of the two."""

        types = (CashDeposited, CommandRefused)


class DepositCash(graphene.Mutation):
    """Bring money into an account."""

    class Arguments:
        """One input."""

        input = DepositCashInput(required=True)

    Output = DepositCashResult

    @staticmethod
    async def mutate(root: None, info: GraphQLResolveInfo, input: Any) -> Outcome:
        """Send the command."""
        return await submit(
            info,
            account_id=input.account_id,
            command_id=input.get("command_id"),
            make_command=lambda: factories.deposit_cash(amount=input.amount, reference=input.reference),
        )
