"""executeTrade: book a trade that was executed at a price."""

from typing import Final

import graphene

from accounts.api.mutations.declaration import CommandMutation
from accounts.api.types import TradeExecuted
from accounts.application import factories
from accounts.permissions import Action
from accounts.scalars import Quantity

EXECUTE_TRADE: Final = CommandMutation(
    name="ExecuteTrade",
    summary="Book a trade that was executed at a price.",
    fields={
        "symbol": graphene.String(required=True),
        "side": graphene.String(required=True, description="BUY or SELL."),
        "quantity": Quantity(required=True, description="Shares, with up to six decimals."),
        "price": graphene.String(required=True, description="Decimal string, at most 4 decimals."),
        "order_id": graphene.String(description="The order that the trade belongs to, if any."),
    },
    success=TradeExecuted,
    make=factories.execute_trade,
    action=Action.EXECUTE_TRADE,
)
