"""Mutations of orders: place, replace and cancel them; operators expire and reject them."""

import uuid
from typing import Any, Final

import graphene

from accounts.api.answers import OrderCancelled, OrderExpired, OrderPlaced, OrderRejected, OrderReplaced
from accounts.api.mutations.declaration import CommandMutation
from accounts.api.parsing import factories, order_groups
from accounts.api.parsing.reference_price import reference_price
from accounts.domain.commands import Decline, PlaceBracket, PlaceOco, PlaceOrder, ReplaceOrder
from accounts.scalars import Quantity
from identity.permissions import Action


def _new_id() -> str:
    return str(uuid.uuid4())


def _place(*, type: str, **given: Any) -> PlaceOrder | PlaceBracket | Decline:
    given |= {"order_id": _new_id(), "order_type": type, "reference_price": reference_price}
    if "take_profit" in given or "stop_loss" in given:
        return order_groups.place_bracket(new_id=_new_id, **given)
    return factories.place_order(**given)


class TakeProfit(graphene.InputObjectType):
    """An exit at a profit: a limit order."""

    limit_price = graphene.String(required=True, description="Decimal string.")


class StopLoss(graphene.InputObjectType):
    """An exit at a loss: a stop order, a stop-limit order when limitPrice is given too, or a trailing stop."""

    stop_price = graphene.String(description="Decimal string.")
    limit_price = graphene.String(description="Decimal string; with stopPrice.")
    trail_amount = graphene.String(description="Decimal string; instead of stopPrice.")
    trail_percent = graphene.String(description='Of the market price, such as "2.5"; instead of stopPrice.')


_TIME_IN_FORCE: Final = "DAY (when not given), GTC, GTD, IOC or FOK."
_EXPIRES_AT: Final = "RFC 3339; of GTD orders."


PLACE_ORDER: Final = CommandMutation(
    name="PlaceOrder",
    summary="Let an order work. What it needs is reserved until it is filled or ends.",
    fields={
        "symbol": graphene.String(required=True),
        "side": graphene.String(required=True, description="BUY or SELL."),
        "quantity": Quantity(required=True, description="Shares, with up to six decimals."),
        "type": graphene.String(required=True, description="MARKET, LIMIT, STOP, STOP_LIMIT or TRAILING_STOP."),
        "time_in_force": graphene.String(description=_TIME_IN_FORCE),
        "limit_price": graphene.String(description="Decimal string; of LIMIT and STOP_LIMIT orders."),
        "stop_price": graphene.String(description="Decimal string; of STOP and STOP_LIMIT orders."),
        "trail_amount": graphene.String(description="Decimal string; of TRAILING_STOP orders."),
        "trail_percent": graphene.String(description='Of the market price, such as "2.5"; of TRAILING_STOP orders.'),
        "expires_at": graphene.String(description=_EXPIRES_AT),
        "take_profit": graphene.InputField(TakeProfit, description="Works once this order is filled."),
        "stop_loss": graphene.InputField(StopLoss, description="Works once this order is filled."),
    },
    success=OrderPlaced,
    make=_place,
    needs_prices=True,
    client_order_id="Yours, unique among working orders; it is the command id, so a retry is safe. Or the server's.",
)


def _place_oco(**given: Any) -> PlaceOco | Decline:
    return order_groups.place_oco(new_id=_new_id, reference_price=reference_price, **given)


PLACE_OCO: Final = CommandMutation(
    name="PlaceOcoOrder",
    summary="Let two exits work of which one cancels the other; what they need is reserved once.",
    fields={
        "symbol": graphene.String(required=True),
        "side": graphene.String(required=True, description="BUY or SELL, of both."),
        "quantity": Quantity(required=True, description="Shares of both, with up to six decimals."),
        "time_in_force": graphene.String(description="DAY (when not given), GTC or GTD."),
        "expires_at": graphene.String(description=_EXPIRES_AT),
        "take_profit": graphene.InputField(TakeProfit, required=True),
        "stop_loss": graphene.InputField(StopLoss, required=True),
    },
    success=OrderPlaced,
    make=_place_oco,
    needs_prices=True,
    client_order_id="Yours, unique among working orders; it is the command id, so a retry is safe. Or the server's.",
)


def _replace(**given: Any) -> ReplaceOrder:
    return factories.replace_order(new_order_id=_new_id(), **given)


REPLACE_ORDER: Final = CommandMutation(
    name="ReplaceOrder",
    summary="Put a new order in the place of a working one; what is not given stays as it is.",
    fields={
        "order_id": graphene.ID(required=True, description="The working order."),
        "quantity": Quantity(description="Of the new order in all, what is filled already included."),
        "time_in_force": graphene.String(description="DAY, GTC, GTD, IOC or FOK."),
        "limit_price": graphene.String(description="Decimal string; of LIMIT and STOP_LIMIT orders."),
        "stop_price": graphene.String(description="Decimal string; of STOP and STOP_LIMIT orders."),
        "expires_at": graphene.String(description=_EXPIRES_AT),
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
    summary="End an order whose time is over: any but GTC (operators only).",
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
