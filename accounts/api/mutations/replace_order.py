"""replaceOrder: put a new order in the place of a working one."""

import uuid
from typing import Any, Final

import graphene

from accounts.api.mutations.declaration import CommandMutation
from accounts.api.order_types import OrderReplaced
from accounts.application import factories
from accounts.domain.commands import ReplaceOrder
from accounts.scalars import Quantity


def _make(**given: Any) -> ReplaceOrder:
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
    make=_make,
    client_order_id="Yours, unique among working orders; it is the command id, so a retry is safe. Or the server's.",
)
