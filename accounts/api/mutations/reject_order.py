"""rejectOrder: end an order that the venue does not take (operators only)."""

from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from accounts.api.order_types import OrderRejected
from accounts.api.submission import submit
from accounts.api.types import CommandRefused, Outcome
from accounts.application import factories
from accounts.permissions import Action


class RejectOrderInput(graphene.InputObjectType):
    """End an order that the venue does not take (operators only)."""

    account_id = graphene.ID(required=True)
    order_id = graphene.ID(required=True)
    reason = graphene.String(required=True)
    command_id = graphene.String(description="Makes a retry safe; made by the server when it is not given.")


class RejectOrderResult(graphene.Union):
    """Success, or the refusal."""

    class Meta:
        """Exactly one of the two."""

        types = (OrderRejected, CommandRefused)


class RejectOrder(graphene.Mutation):
    """End an order that the venue does not take (operators only)."""

    class Arguments:
        """One input."""

        input = RejectOrderInput(required=True)

    Output = RejectOrderResult

    @staticmethod
    async def mutate(root: None, info: GraphQLResolveInfo, input: Any) -> Outcome:
        """Send the command."""
        return await submit(
            info,
            account_id=input.account_id,
            command_id=input.get("command_id"),
            make_command=lambda: factories.reject_order(order_id=input.order_id, reason=input.reason),
            action=Action.END_ORDER,
        )
