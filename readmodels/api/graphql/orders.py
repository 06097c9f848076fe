"""An account's orders in the schema: a connection, newest first, and one order by its id.

A row of an order is changed as the order is filled, so an order may be of a later version than the account that the
same answer shows; its own `version` says which.
"""

import uuid
from typing import Any, Final

import graphene
from graphql import GraphQLResolveInfo

from readmodels.api.graphql import filters
from readmodels.api.graphql.connections import connection_of, newest_page, page_arguments, version_of_cursor
from readmodels.api.graphql.errors import order_not_found
from readmodels.api.graphql.loaders import loaders_of
from readmodels.queries.listings import ORDERS
from readmodels.shapes import Order

OrderConnection: Final = connection_of("OrderConnection", Order.object_type(), "Orders, newest first.")


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
        Order.object_type(),
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
            show=Order.show,
        )

    @staticmethod
    async def resolve_order(account: dict[str, Any], info: GraphQLResolveInfo, order_id: str) -> dict[str, Any]:
        try:
            key = (account["account_id"], str(uuid.UUID(order_id)))
        except ValueError as error:
            raise order_not_found(account["account_id"], order_id) from error
        row = await loaders_of(info).orders.load(key)
        if row is None:
            raise order_not_found(*key)
        return Order.show(row)
