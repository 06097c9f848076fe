"""placeOrder: let an order work."""

import uuid
from typing import Any, Final

import graphene

from accounts.api.mutations.declaration import CommandMutation
from accounts.api.order_types import OrderPlaced
from accounts.application import factories
from accounts.application.reference_price import reference_price
from accounts.domain.commands import PlaceOrder
from accounts.scalars import Quantity


def _make(*, type: str, **given: Any) -> PlaceOrder:
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
    make=_make,
    client_order_id="Yours, unique among working orders; it is the command id, so a retry is safe. Or the server's.",
)
