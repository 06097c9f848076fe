"""cancelOrder: take back what is not filled of an order."""

from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from accounts.api.order_types import OrderCancelled
from accounts.api.submission import submit
from accounts.api.types import CommandRefused, Outcome
from accounts.application import factories


class CancelOrderInput(graphene.InputObjectType):
    """Take back what is not filled of an order. A request: a fill that comes first wins, and this is refused."""

    account_id = graphene.ID(required=True)
    order_id = graphene.ID(required=True)
    reason = graphene.String(default_value="")
    command_id = graphene.String(description="Makes a retry safe; made by the server when it is not given.")


class CancelOrderResult(graphene.Union):
    """Success, or the refusal."""

    class Meta:
        """Exactly one of the two."""

        types = (OrderCancelled, CommandRefused)


class CancelOrder(graphene.Mutation):
    """Take back what is not filled of an order. A request: a fill that comes first wins, and this is refused."""

    class Arguments:
        """One input."""

        input = CancelOrderInput(required=True)

    Output = CancelOrderResult

    @staticmethod
    async def mutate(root: None, info: GraphQLResolveInfo, input: Any) -> Outcome:
        """Send the command."""
        return await submit(
            info,
            account_id=input.account_id,
            command_id=input.get("command_id"),
            make_command=lambda: factories.cancel_order(order_id=input.order_id, reason=input.reason),
        )
