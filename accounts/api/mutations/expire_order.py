"""expireOrder: end an order whose time is over (operators only)."""

from typing import Final

import graphene

from accounts.api.mutations.declaration import CommandMutation
from accounts.api.order_types import OrderExpired
from accounts.application import factories
from accounts.permissions import Action

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
