"""Mutations of orders: place, replace and cancel them; operators expire and reject them."""

import uuid
from typing import Any, Final

import graphene

from accounts.api.answers import OrderCancelled, OrderExpired, OrderPlaced, OrderRejected, OrderReplaced
from accounts.api.mutations.declaration import CommandMutation
from accounts.api.parsing import factories
from accounts.api.parsing.reference_price import reference_price
from accounts.domain.commands import Decline, PlaceOrder, ReplaceOrder
from accounts.scalars import Quantity
from identity.permissions import Action


def _place(*, type: str, **given: Any) -> PlaceOrder | Decline:
    return factories.place_order(order_id=str(uuid.uuid4()), order_type=type, reference_price=reference_price, **given)


PLACE_ORDER: Final = CommandMutation(
    name="PlaceOrder",
    summary="Let an order work. What it needs is reserved until it is filled or ends.",
    fields={
        "symbol": graphene.String(required=True),
        "side": graphene.String(required=True, description="BUY or SELL."),
        "quantity": Quantity(required=True, description="Shares, with up to six decimals."),
        "type": graphene.String(required=True, description="MARKET, LIMIT, STOP or STOP_LIMIT."),
        "time_in_force": graphene.String(description="DAY (when not given), GTC, IOC or FOK."),
        "limit_price": graphene.String(description="Decimal string; of LIMIT and STOP_LIMIT orders."),
        "stop_price": graphene.String(description="Decimal string; of STOP and STOP_LIMIT orders."),
    },
    success=OrderPlaced,
    make=_place,
    client_order_id="Yours, unique among working orders; it is the command id, so a retry is safe. Or the server's.",
)


def _replace(**given: Any) -> ReplaceOrder:
    return factories.replace_order(new_order_id=str(uuid.uuid4()), **given)


REPLACE_ORDER: Final = CommandMutation(
    name="ReplaceOrder",
    summary="Put a new order in the place of a working one; what is not given stays as it is.",
    fields={
        "order_id": graphene.ID(required=True, description="The working order."),
        "quantity": Quantity(description="Of the new order in all, what is filled already included."),
        "time_in_force": graphene.String(description="DAY, GTC, IOC or FOK."),
        "limit_price": graphene.String(description="Decimal string; of LIMIT and STOP_LIMIT orders."),
        "stop_price": graphene.String(description="Decimal string; of STOP and STOP_LIMIT orders."),
    },
    success=OrderReplaced,
    make=_replace,
    client_order_id="Yours, unique among working orders; it is the command id, so a retry is safe. Or the server's.",
)

CANCEL_ORDER: Final = CommandMutation(
    name="CancelOrder",
    summary="Take back what is not filled of an order. A request: a fill that comes first wins, and this is refused.",
    fields={
        "order_id": graphene.ID(required=True),
        "reason": graphene.String(description="Nothing when not given."),
    },
    success=OrderCancelled,
    make=factories.cancel_order,
)

EXPIRE_ORDER: Final = CommandMutation(
    name="ExpireOrder",
    summary="End an order whose time is over: DAY, IOC or FOK (operators only).",
    fields={
        "order_id": graphene.ID(required=True),
        "reason": graphene.String(description="Nothing when not given."),
    },
    success=OrderExpired,
    make=factories.expire_order,
    action=Action.END_ORDER,
)

REJECT_ORDER: Final = CommandMutation(
    name="RejectOrder",
    summary="End an order that the venue does not take (operators only).",
    fields={
        "order_id": graphene.ID(required=True),
        "reason": graphene.String(required=True),
    },
    success=OrderRejected,
    make=factories.reject_order,
    action=Action.END_ORDER,
)
