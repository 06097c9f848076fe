"""closeAccount: end an account, for ever."""

from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from accounts.api.submission import submit
from accounts.api.types import AccountClosed, CommandRefused, Outcome
from accounts.application import factories
from accounts.permissions import Action


class CloseAccountInput(graphene.InputObjectType):
    """End an account that is empty, for ever: no cash, no shares, no working orders."""

    account_id = graphene.ID(required=True)
    reason = graphene.String(required=True)
    command_id = graphene.String(description="Makes a retry safe; made by the server when it is not given.")


class CloseAccountResult(graphene.Union):
    """Success, or the refusal."""

    class Meta:
        """Exactly one of the two."""

        types = (AccountClosed, CommandRefused)


class CloseAccount(graphene.Mutation):
    """End an account that is empty, for ever: no cash, no shares, no working orders."""

    class Arguments:
        """One input."""

        input = CloseAccountInput(required=True)

    Output = CloseAccountResult

    @staticmethod
    async def mutate(root: None, info: GraphQLResolveInfo, input: Any) -> Outcome:
        """Send the command."""
        return await submit(
            info,
            account_id=input.account_id,
            command_id=input.get("command_id"),
            make_command=lambda: factories.close_account(reason=input.reason),
            action=Action.CLOSE,
        )
