"""openAccount: open an account for the asking user, who becomes its owner."""

from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from accounts.api.submission import submit_opening
from accounts.api.types import AccountOpened, CommandRefused, Outcome
from accounts.application import factories


class OpenAccountInput(graphene.InputObjectType):
    """Open an account for the asking user, who becomes its owner."""

    name = graphene.String(required=True)
    currency = graphene.String(default_value="USD", description="ISO 4217.")
    command_id = graphene.String(description="Makes a retry safe; made by the server when it is not given.")


class OpenAccountResult(graphene.Union):
    """Success, or the refusal."""

    class Meta:
        """Exactly one of the two."""

        types = (AccountOpened, CommandRefused)


class OpenAccount(graphene.Mutation):
    """Open an account for the asking user, who becomes its owner."""

    class Arguments:
        """One input."""

        input = OpenAccountInput(required=True)

    Output = OpenAccountResult

    @staticmethod
    async def mutate(root: None, info: GraphQLResolveInfo, input: Any) -> Outcome:
        """Send the command."""
        return await submit_opening(
            info,
            command_id=input.get("command_id"),
            make_command=lambda owner: factories.open_account(owner=owner, name=input.name, currency=input.currency),
        )
