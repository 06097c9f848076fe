"""The types that mutations of orders answer with. Money and prices are decimal strings with four decimals."""

import graphene

from accounts.api.types import Outcome
from accounts.scalars import Quantity


class PlacedOrder(graphene.ObjectType):
    """An order as it begins to work."""

    order_id = graphene.ID(required=True)
    client_order_id = graphene.String(required=True, description="Yours, or made by the server.")
    symbol = graphene.String(required=True)
    side = graphene.String(required=True)
    quantity = Quantity(required=True, description="In all, what was filled of a replaced order included.")
    type = graphene.String(required=True)
    time_in_force = graphene.String(required=True)
    limit_price = graphene.String()
    stop_price = graphene.String()
    status = graphene.String(required=True, description="PENDING; PARTIALLY_FILLED when it replaces such an order.")
    filled_quantity = Quantity(required=True)
    replaces = graphene.ID(description="The order whose place it takes, if any.")
    placed_at = graphene.String(required=True, description="RFC 3339, UTC, microseconds.")


class OrderPlaced(graphene.ObjectType):
    """The order works."""

    class Meta:
        """It is an outcome."""

        interfaces = (Outcome,)

    order = graphene.Field(PlacedOrder, required=True)
    reserved_cash = graphene.String(required=True, description="What all working orders of the account reserve now.")


class OrderReplaced(graphene.ObjectType):
    """A new order works in the place of the old one."""

    class Meta:
        """It is an outcome."""

        interfaces = (Outcome,)

    order_id = graphene.ID(required=True, description="The order that works no more.")
    order = graphene.Field(PlacedOrder, required=True, description="The one in its place.")
    reserved_cash = graphene.String(required=True, description="What all working orders of the account reserve now.")


class OrderEnded(graphene.Interface):
    """What is not filled of an order will not be, and what it reserved is free."""

    order_id = graphene.ID(required=True)
    quantity = Quantity(required=True)
    filled_quantity = Quantity(required=True)
    reason = graphene.String(required=True)
    reserved_cash = graphene.String(required=True, description="What all working orders of the account reserve now.")


class OrderCancelled(graphene.ObjectType):
    """The order was taken back."""

    class Meta:
        """It is an outcome."""

        interfaces = (Outcome, OrderEnded)


class OrderExpired(graphene.ObjectType):
    """The time of the order is over."""

    class Meta:
        """It is an outcome."""

        interfaces = (Outcome, OrderEnded)


class OrderRejected(graphene.ObjectType):
    """The venue does not take the order."""

    class Meta:
        """It is an outcome."""

        interfaces = (Outcome, OrderEnded)
