"""placeOrder: let an order work."""

import uuid
from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from accounts.api.order_types import OrderPlaced
from accounts.api.submission import submit
from accounts.api.types import CommandRefused, Outcome
from accounts.application import factories
from accounts.application.reference_price import reference_price


class PlaceOrderInput(graphene.InputObjectType):
    """Let an order work. What it needs is reserved until it is filled or ends."""

    account_id = graphene.ID(required=True)
    symbol = graphene.String(required=True)
    side = graphene.String(required=True, description="BUY or SELL.")
    quantity = graphene.Int(required=True, description="Whole shares.")
    type = graphene.String(required=True, description="MARKET, LIMIT, STOP or STOP_LIMIT.")
    time_in_force = graphene.String(default_value="DAY", description="DAY, GTC, IOC or FOK.")
    limit_price = graphene.String(description="Decimal string; of LIMIT and STOP_LIMIT orders.")
    stop_price = graphene.String(description="Decimal string; of STOP and STOP_LIMIT orders.")
    client_order_id = graphene.String(
        description="Yours, unique among working orders; it is the command id, so a retry is safe. Or the server's."
    )


class PlaceOrderResult(graphene.Union):
    """Success, or the refusal."""

    class Meta:
        """Exactly one of the two."""

        types = (OrderPlaced, CommandRefused)


class PlaceOrder(graphene.Mutation):
    """Let an order work. What it needs is reserved until it is filled or ends."""

    class Arguments:
        """One input."""

        input = PlaceOrderInput(required=True)

    Output = PlaceOrderResult

    @staticmethod
    async def mutate(root: None, info: GraphQLResolveInfo, input: Any) -> Outcome:
        """Send the command."""
        client_order_id = input.get("client_order_id", str(uuid.uuid4()))
        return await submit(
            info,
            account_id=input.account_id,
            command_id=client_order_id,
            make_command=lambda: factories.place_order(
                order_id=str(uuid.uuid4()),
                client_order_id=client_order_id,
                symbol=input.symbol,
                side=input.side,
                quantity=input.quantity,
                order_type=input.type,
                time_in_force=input.time_in_force,
                limit_price=input.get("limit_price"),
                stop_price=input.get("stop_price"),
                reference_price=reference_price,
            ),
        )
