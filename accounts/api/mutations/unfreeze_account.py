"""unfreezeAccount: let a frozen account trade again (compliance only)."""

from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from accounts.api.submission import submit
from accounts.api.types import AccountUnfrozen, CommandRefused, Outcome
from accounts.application import factories
from accounts.permissions import Action


class UnfreezeAccountInput(graphene.InputObjectType):
    """Let a frozen account trade again (compliance only)."""

    account_id = graphene.ID(required=True)
    reason = graphene.String(required=True)
    command_id = graphene.String(description="Makes a retry safe; made by the server when it is not given.")


class UnfreezeAccountResult(graphene.Union):
    """Success, or the refusal."""

    class Meta:
        """Exactly one of the two."""

        types = (AccountUnfrozen, CommandRefused)


class UnfreezeAccount(graphene.Mutation):
    """Let a frozen account trade again (compliance only)."""

    class Arguments:
        """One input."""

        input = UnfreezeAccountInput(required=True)

    Output = UnfreezeAccountResult

    @staticmethod
    async def mutate(root: None, info: GraphQLResolveInfo, input: Any) -> Outcome:
        """Send the command."""
        return await submit(
            info,
            account_id=input.account_id,
            command_id=input.get("command_id"),
            make_command=lambda: factories.unfreeze_account(reason=input.reason),
            action=Action.SUPERVISE,
        )
