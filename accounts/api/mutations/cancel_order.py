"""cancelOrder: take back what is not filled of an order."""

from typing import Final

import graphene

from accounts.api.mutations.declaration import CommandMutation
from accounts.api.order_types import OrderCancelled
from accounts.application import factories

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
