"""executeTrade: book a trade that was executed at a price."""

from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from accounts.api.submission import submit
from accounts.api.types import CommandRefused, Outcome, TradeExecuted
from accounts.application import factories
from accounts.permissions import Action


class ExecuteTradeInput(graphene.InputObjectType):
    """Book a trade that was executed at a price."""

    account_id = graphene.ID(required=True)
    symbol = graphene.String(required=True)
    side = graphene.String(required=True, description="BUY or SELL.")
    quantity = graphene.Int(required=True, description="Whole shares.")
    price = graphene.String(required=True, description="Decimal string, at most 4 decimals.")
    order_id = graphene.String(description="The order that the trade belongs to, if any.")
    command_id = graphene.String(description="Makes a retry safe; made by the server when it is not given.")


class ExecuteTradeResult(graphene.Union):
    """Success, or the refusal."""

    class Meta:
        """Exactly one of the two."""

        types = (TradeExecuted, CommandRefused)


class ExecuteTrade(graphene.Mutation):
    """Book a trade that was executed at a price."""

    class Arguments:
        """One input."""

        input = ExecuteTradeInput(required=True)

    Output = ExecuteTradeResult

    @staticmethod
    async def mutate(root: None, info: GraphQLResolveInfo, input: Any) -> Outcome:
        """Send the command."""
        return await submit(
            info,
            account_id=input.account_id,
            command_id=input.get("command_id"),
            make_command=lambda: factories.execute_trade(
                symbol=input.symbol,
                side=input.side,
                quantity=input.quantity,
                price=input.price,
                order_id=input.get("order_id"),
            ),
            action=Action.EXECUTE_TRADE,
        )
