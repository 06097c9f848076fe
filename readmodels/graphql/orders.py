"""An account's orders in the schema: a connection, newest first, and one order by its id.

A row of an order is changed as the order is filled, so an order may be of a later version than the account that the
same answer shows; its own `version` says which.
"""

import uuid
from typing import Any

import graphene
from graphene.relay import Connection
from graphql import GraphQLResolveInfo

from accounts.scalars import BigInt, Quantity
from readmodels.graphql import filters
from readmodels.graphql.errors import order_not_found
from readmodels.graphql.fields import ACTOR, VERSION_OF_ROW, page_arguments, text
from readmodels.graphql.loaders import loaders_of
from readmodels.graphql.pages import newest_page, version_of_cursor
from readmodels.listings import ORDERS
from readmodels.shapes import order_shape


class Order(graphene.ObjectType):
    """An order, whether it works or has ended."""

    order_id = graphene.ID(required=True)
    client_order_id = text("The client's, or made by the server.")
    symbol = graphene.String(required=True)
    side = text("BUY or SELL.")
    order_type = text("MARKET, LIMIT, STOP or STOP_LIMIT.")
    time_in_force = text("DAY, GTC, IOC or FOK.")
    status = text("PENDING, PARTIALLY_FILLED, FILLED, CANCELLED, EXPIRED, REJECTED or REPLACED.")
    quantity = Quantity(required=True, description="Shares, in all.")
    filled_quantity = Quantity(required=True, description="Shares traded so far.")
    remaining_quantity = Quantity(required=True, description="Shares not traded.")
    avg_fill_price = graphene.String(description="Null before the first fill.")
    filled_value = text("Value traded so far.")
    limit_price = graphene.String()
    stop_price = graphene.String()
    reserve_price = text("Price at which a buy order reserves cash.")
    replaces = graphene.ID(description="The order whose place it took, if any.")
    replaced_by = graphene.ID(description="The order that took its place, if any.")
    reason = graphene.String(description="Why it ended, when it was not filled.")
    placed_version = BigInt(required=True, description="Account version at which it was placed.")
    version = BigInt(required=True, description=VERSION_OF_ROW)
    command_id = graphene.String(required=True)
    actor = text(ACTOR)
    placed_at = text("RFC 3339, UTC, microseconds.")
    updated_at = text("When the event of that version was recorded.")
    ended_at = graphene.String(description="Null while it works.")


class OrderConnection(Connection):
    """Orders, newest first."""

    class Meta:
        """Of orders."""

        node, strict_types = Order, True

    nodes = graphene.List(graphene.NonNull(Order), required=True, description="The nodes without their cursors.")


class AccountOrders:
    """The fields of an account that show orders."""

    orders = graphene.Field(
        OrderConnection,
        **page_arguments(),
        status=graphene.String(
            description="`open` (those that work), `closed` or `all`; open by default, all with a `clientOrderId`."
        ),
        symbol=graphene.String(),
        side=graphene.String(description="BUY or SELL."),
        client_order_id=graphene.String(),
        description="Orders, newest first.",
    )
    order = graphene.Field(
        Order,
        order_id=graphene.ID(required=True),
        description="One order; null, and a NOT_FOUND error, when the account has none of that id.",
    )

    @staticmethod
    async def resolve_orders(
        account: dict[str, Any],
        info: GraphQLResolveInfo,
        first: int | None = None,
        after: str | None = None,
        status: str | None = None,
        symbol: str | None = None,
        side: str | None = None,
        client_order_id: str | None = None,
    ) -> dict[str, Any]:
        """Return a page of orders."""
        return await newest_page(
            info,
            account,
            kind="orders",
            listing=ORDERS,
            first=first,
            after=after,
            parse=version_of_cursor,
            start=account["version"] + 1,
            conditions=filters.order_conditions(
                status=status, symbol=symbol, side=side, client_order_id=client_order_id
            ),
            show=order_shape,
        )

    @staticmethod
    async def resolve_order(account: dict[str, Any], info: GraphQLResolveInfo, order_id: str) -> dict[str, Any]:
        """Return an order."""
        try:
            key = (account["account_id"], str(uuid.UUID(order_id)))
        except ValueError as error:
            raise order_not_found(account["account_id"], order_id) from error
        row = await loaders_of(info).orders.load(key)
        if row is None:
            raise order_not_found(*key)
        return order_shape(row)
