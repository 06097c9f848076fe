"""Mutations of batches: thousands of commands in one request, each with an outcome of its own.

Lists of entries are scalars, so that thousands of them cost no more than their decoding.
"""

from typing import Any, Final, NamedTuple

import graphene
from graphql import GraphQLError, GraphQLResolveInfo, value_from_ast_untyped
from graphql.language import ValueNode

from accounts.api.bulk import BatchAnswer, ParseEntry, submit_batch
from accounts.api.parsing.batches import cancel_envelope, order_envelope, replacement_envelope, trade_envelope
from accounts.api.parsing.reference_price import reference_price
from accounts.scalars import BigInt
from identity.permissions import Action


class Entries(graphene.Scalar):
    """A list that is taken as it is: its entries are checked one by one."""

    @staticmethod
    def serialize(value: Any) -> Any:
        return value

    @staticmethod
    def parse_value(value: Any) -> Any:
        return value

    @staticmethod
    def parse_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
        """Take it from the query's own text, which is meant for a few entries."""
        try:
            return value_from_ast_untyped(node, variables)
        except (TypeError, ValueError) as error:
            raise GraphQLError(f"the batch cannot be read: {error}", node) from error


class TradeBatch(Entries):
    """A list of up to 10,000 trades, best given as a variable: {"accountId", "symbol", "side": "BUY" or "SELL",
    "quantity": shares as a decimal string or a whole number, "price": decimal string, "orderId" when it fills an order,
    "commandId" for safe retries}.
    """


class OrderBatch(Entries):
    """A list of up to 10,000 orders, best given as a variable: {"accountId", "symbol", "side", "quantity", "type",
    "timeInForce" (DAY when not given), "limitPrice", "stopPrice", "expiresAt" of GTD orders, "trailAmount" or
    "trailPercent" of TRAILING_STOP orders, "clientOrderId" for safe retries}. Brackets and OCO groups are placed by
    placeOrder and placeOcoOrder.
    """


class ReplacementBatch(Entries):
    """A list of up to 10,000 replacements of working orders, best given as a variable: {"accountId", "orderId",
    "quantity", "timeInForce", "limitPrice", "stopPrice", "expiresAt", "clientOrderId" for safe retries}; what is not
    given stays.
    """


class CancelBatch(Entries):
    """A list of up to 10,000 orders to cancel, best given as a variable: {"accountId", "orderId", "reason", "commandId"
    for safe retries}.
    """


class BatchOutcomes(Entries):
    """An outcome for each entry, in order. Recorded: {"version"}, with "orderId" for a new order, "duplicate": true
    for a command that was executed before, "code", "message", "limit" and "actual" for one that a rule refused. Not
    recorded: {"code", "message"}, with "retryAfterMs" where trying again may help.
    """


class BatchSubmitted(graphene.ObjectType):
    """What became of a batch."""

    accepted = BigInt(required=True, description="Entries that did what they ask for, now or before.")
    refused = BigInt(required=True, description="All others; each says why.")
    outcomes = graphene.Field(BatchOutcomes, required=True)


class BatchMutation(NamedTuple):
    """A mutation that takes a list of entries, each a command for any account, in order."""

    summary: str
    argument: str
    """Its name for the entries."""
    entries: type[Entries]
    parse: ParseEntry
    action: Action
    """What the asking user has to be allowed on the account of an entry."""
    needs_prices: bool = False
    """Whether `parse` asks what the market says."""

    def field(self) -> graphene.Field:
        """Return the field of the schema."""
        entries = {self.argument: self.entries(required=True)}
        return graphene.Field(
            BatchSubmitted, required=True, description=self.summary, resolver=self._resolve, **entries
        )

    async def _resolve(self, root: None, info: GraphQLResolveInfo, **given: Any) -> BatchAnswer:
        if self.needs_prices:
            await reference_price.load()
        return await submit_batch(info, given[self.argument], parse=self.parse, action=self.action)


SUBMIT_TRADES: Final = BatchMutation(
    "Book thousands of trades that were executed elsewhere, for any mix of accounts, in order (integrators and "
    "operators; others place orders). One bad entry fails alone.",
    "trades",
    TradeBatch,
    trade_envelope,
    Action.BOOK_TRADE,
    needs_prices=True,
)
SUBMIT_ORDERS: Final = BatchMutation(
    "Place thousands of orders, for any mix of accounts, in order. One bad entry fails alone.",
    "orders",
    OrderBatch,
    order_envelope,
    Action.TRADE,
    needs_prices=True,
)
REPLACE_ORDERS: Final = BatchMutation(
    "Replace thousands of working orders, of any mix of accounts, in order. One bad entry fails alone.",
    "orders",
    ReplacementBatch,
    replacement_envelope,
    Action.TRADE,
)
CANCEL_ORDERS: Final = BatchMutation(
    "Cancel thousands of working orders, of any mix of accounts, in order. One bad entry fails alone.",
    "orders",
    CancelBatch,
    cancel_envelope,
    Action.TRADE,
)
