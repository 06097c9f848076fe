"""Mutations of batches: thousands of commands in one request, each with an outcome of its own.

Lists of entries are scalars, so that thousands of them cost no more than their decoding.
"""

from typing import Any

import graphene
from graphql import GraphQLError, GraphQLResolveInfo, value_from_ast_untyped
from graphql.language import ValueNode

from accounts.api.bulk import BatchAnswer, submit_batch
from accounts.api.parsing.batches import cancel_envelope, order_envelope, replacement_envelope, trade_envelope
from accounts.scalars import BigInt
from identity.permissions import Action


class _Entries(graphene.Scalar):
    """A list that is taken as it is: its entries are checked one by one."""

    @staticmethod
    def serialize(value: Any) -> Any:
        """Give it out as it is."""
        return value

    @staticmethod
    def parse_value(value: Any) -> Any:
        """Take it as it came."""
        return value

    @staticmethod
    def parse_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
        """Take it from the query's own text, which is meant for a few entries."""
        try:
            return value_from_ast_untyped(node, variables)
        except (TypeError, ValueError) as error:
            raise GraphQLError(f"the batch cannot be read: {error}", node) from error


class TradeBatch(_Entries):
    """A list of up to 10,000 trades, best given as a variable: {"accountId", "symbol", "side": "BUY" or "SELL",
    "quantity": shares as a decimal string or a whole number, "price": decimal string, "orderId" when it fills an order,
    "commandId" for safe retries}.
    """


class OrderBatch(_Entries):
    """A list of up to 10,000 orders, best given as a variable: {"accountId", "symbol", "side", "quantity", "type",
    "timeInForce" (DAY when not given), "limitPrice", "stopPrice", "clientOrderId" for safe retries}.
    """


class ReplacementBatch(_Entries):
    """A list of up to 10,000 replacements of working orders, best given as a variable: {"accountId", "orderId",
    "quantity", "timeInForce", "limitPrice", "stopPrice", "clientOrderId" for safe retries}; what is not given stays.
    """


class CancelBatch(_Entries):
    """A list of up to 10,000 orders to cancel, best given as a variable: {"accountId", "orderId", "reason", "commandId"
    for safe retries}.
    """


class BatchOutcomes(_Entries):
    """An outcome for each entry, in order. Recorded: {"version"}, with "orderId" for a new order, "duplicate": true
    for a command that was executed before, "code", "message", "limit" and "actual" for one that a rule refused. Not
    recorded: {"code", "message"}, with "retryAfterMs" where trying again may help.
    """


class BatchSubmitted(graphene.ObjectType):
    """What became of a batch."""

    accepted = BigInt(required=True, description="Entries that did what they ask for, now or before.")
    refused = BigInt(required=True, description="All others; each says why.")
    outcomes = graphene.Field(BatchOutcomes, required=True)


class SubmitTrades(graphene.Mutation):
    """Book thousands of trades, for any mix of accounts, in order. One bad entry fails alone."""

    class Arguments:
        """The entries."""

        trades = TradeBatch(required=True)

    Output = BatchSubmitted

    @staticmethod
    async def mutate(root: None, info: GraphQLResolveInfo, trades: Any) -> BatchAnswer:
        """Send the batch."""
        return await submit_batch(info, trades, parse=trade_envelope, action=Action.EXECUTE_TRADE)


class SubmitOrders(graphene.Mutation):
    """Place thousands of orders, for any mix of accounts, in order. One bad entry fails alone."""

    class Arguments:
        """The entries."""

        orders = OrderBatch(required=True)

    Output = BatchSubmitted

    @staticmethod
    async def mutate(root: None, info: GraphQLResolveInfo, orders: Any) -> BatchAnswer:
        """Send the batch."""
        return await submit_batch(info, orders, parse=order_envelope, action=Action.TRADE)


class ReplaceOrders(graphene.Mutation):
    """Replace thousands of working orders, of any mix of accounts, in order. One bad entry fails alone."""

    class Arguments:
        """The entries."""

        orders = ReplacementBatch(required=True)

    Output = BatchSubmitted

    @staticmethod
    async def mutate(root: None, info: GraphQLResolveInfo, orders: Any) -> BatchAnswer:
        """Send the batch."""
        return await submit_batch(info, orders, parse=replacement_envelope, action=Action.TRADE)


class CancelOrders(graphene.Mutation):
    """Cancel thousands of working orders, of any mix of accounts, in order. One bad entry fails alone."""

    class Arguments:
        """The entries."""

        orders = CancelBatch(required=True)

    Output = BatchSubmitted

    @staticmethod
    async def mutate(root: None, info: GraphQLResolveInfo, orders: Any) -> BatchAnswer:
        """Send the batch."""
        return await submit_batch(info, orders, parse=cancel_envelope, action=Action.TRADE)
