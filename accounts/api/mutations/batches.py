"""Mutations of batches: thousands of commands in one request, each with an outcome of its own."""

from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from accounts.api.batch_types import BatchSubmitted, OrderBatch, TradeBatch, submitted
from accounts.api.bulk import submit_batch
from accounts.api.parsing.batches import order_envelope, trade_envelope
from identity.permissions import Action


class SubmitTrades(graphene.Mutation):
    """Book thousands of trades, for any mix of accounts, in order. One bad entry fails alone."""

    class Arguments:
        """The entries."""

        trades = TradeBatch(required=True)

    Output = BatchSubmitted

    @staticmethod
    async def mutate(root: None, info: GraphQLResolveInfo, trades: Any) -> BatchSubmitted:
        """Send the batch."""
        return submitted(await submit_batch(info, trades, parse=trade_envelope, action=Action.EXECUTE_TRADE))


class SubmitOrders(graphene.Mutation):
    """Place thousands of orders, for any mix of accounts, in order. One bad entry fails alone."""

    class Arguments:
        """The entries."""

        orders = OrderBatch(required=True)

    Output = BatchSubmitted

    @staticmethod
    async def mutate(root: None, info: GraphQLResolveInfo, orders: Any) -> BatchSubmitted:
        """Send the batch."""
        return submitted(await submit_batch(info, orders, parse=order_envelope, action=Action.TRADE))
