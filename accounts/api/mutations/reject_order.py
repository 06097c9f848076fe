"""rejectOrder: end an order that the venue does not take (operators only)."""

from typing import Final

import graphene

from accounts.api.mutations.declaration import CommandMutation
from accounts.api.order_types import OrderRejected
from accounts.application import factories
from accounts.permissions import Action

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
