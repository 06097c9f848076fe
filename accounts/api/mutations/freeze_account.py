"""freezeAccount: accept nothing more for an account until it is unfrozen (compliance only)."""

from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from accounts.api.submission import submit
from accounts.api.types import AccountFrozen, CommandRefused, Outcome
from accounts.application import factories
from accounts.permissions import Action


class FreezeAccountInput(graphene.InputObjectType):
    """Accept nothing more for an account until it is unfrozen (compliance only)."""

    account_id = graphene.ID(required=True)
    reason = graphene.String(required=True)
    command_id = graphene.String(description="Makes a retry safe; made by the server when it is not given.")


class FreezeAccountResult(graphene.Union):
    """Success, or the refusal."""

    class Meta:
        """Exactly one of the two."""

        types = (AccountFrozen, CommandRefused)


class FreezeAccount(graphene.Mutation):
    """Accept nothing more for an account until it is unfrozen (compliance only)."""

    class Arguments:
        """One input."""

        input = FreezeAccountInput(required=True)

    Output = FreezeAccountResult

    @staticmethod
    async def mutate(root: None, info: GraphQLResolveInfo, input: Any) -> Outcome:
        """Send the command."""
        return await submit(
            info,
            account_id=input.account_id,
            command_id=input.get("command_id"),
            make_command=lambda: factories.freeze_account(reason=input.reason),
            action=Action.SUPERVISE,
        )
