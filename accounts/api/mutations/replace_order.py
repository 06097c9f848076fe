"""replaceOrder: put a new order in the place of a working one."""

import uuid
from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from accounts.api.order_types import OrderReplaced
from accounts.api.submission import submit
from accounts.api.types import CommandRefused, Outcome
from accounts.application import factories


class ReplaceOrderInput(graphene.InputObjectType):
    """Put a new order in the place of a working one; what is not given stays as it is."""

    account_id = graphene.ID(required=True)
    order_id = graphene.ID(required=True, description="The working order.")
    quantity = graphene.Int(description="Of the new order in all, what is filled already included.")
    time_in_force = graphene.String(description="DAY, GTC, IOC or FOK.")
    limit_price = graphene.String(description="Decimal string; of LIMIT and STOP_LIMIT orders.")
    stop_price = graphene.String(description="Decimal string; of STOP and STOP_LIMIT orders.")
    client_order_id = graphene.String(
        description="Yours, unique among working orders; it is the command id, so a retry is safe. Or the server's."
    )


class ReplaceOrderResult(graphene.Union):
    """Success, or the refusal."""

    class Meta:
        """Exactly one of the two."""

        types = (OrderReplaced, CommandRefused)


class ReplaceOrder(graphene.Mutation):
    """Put a new order in the place of a working one; what is not given stays as it is."""

    class Arguments:
        """One input."""

        input = ReplaceOrderInput(required=True)

    Output = ReplaceOrderResult

    @staticmethod
    async def mutate(root: None, info: GraphQLResolveInfo, input: Any) -> Outcome:
        """Send the command."""
        client_order_id = input.get("client_order_id", str(uuid.uuid4()))
        return await submit(
            info,
            account_id=input.account_id,
            command_id=client_order_id,
            make_command=lambda: factories.replace_order(
                order_id=input.order_id,
                new_order_id=str(uuid.uuid4()),
                client_order_id=client_order_id,
                quantity=input.get("quantity"),
                time_in_force=input.get("time_in_force"),
                limit_price=input.get("limit_price"),
                stop_price=input.get("stop_price"),
            ),
        )
