"""expireOrder: end an order whose time is over (operators only)."""

from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from accounts.api.order_types import OrderExpired
from accounts.api.submission import submit
from accounts.api.types import CommandRefused, Outcome
from accounts.application import factories
from accounts.permissions import Action


class ExpireOrderInput(graphene.InputObjectType):
    """End an order whose time is over: DAY, IOC or FOK (operators only)."""

    account_id = graphene.ID(required=True)
    order_id = graphene.ID(required=True)
    reason = graphene.String(default_value="")
    command_id = graphene.String(description="Makes a retry safe; made by the server when it is not given.")


class ExpireOrderResult(graphene.Union):
    """Success, or the refusal."""

    class Meta:
        """Exactly one of the two."""

        types = (OrderExpired, CommandRefused)


class ExpireOrder(graphene.Mutation):
    """End an order whose time is over: DAY, IOC or FOK (operators only)."""

    class Arguments:
        """One input."""

        input = ExpireOrderInput(required=True)

    Output = ExpireOrderResult

    @staticmethod
    async def mutate(root: None, info: GraphQLResolveInfo, input: Any) -> Outcome:
        """Send the command."""
        return await submit(
            info,
            account_id=input.account_id,
            command_id=input.get("command_id"),
            make_command=lambda: factories.expire_order(order_id=input.order_id, reason=input.reason),
            action=Action.END_ORDER,
        )
