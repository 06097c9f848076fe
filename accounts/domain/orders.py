"""Orders: what they reserve, how they are filled, replaced and ended, and what forbids it. Pure, like the rest.

An order is a promise: a buy keeps cash for every share that is not filled, a sell keeps the shares, and each is
set free exactly once, by a fill or by the order's end. The account knows working orders only; those that ended are
history.

A stop is triggered by the market. An account knows the market by what the venue says of it (OrderTriggered) and by its
own fills: an order of which nothing is said is first filled at the stop or beyond it, and that fill shows that it was
triggered. A trailing stop follows the market as the venue says (OrderTrailed), in the direction alone that is better
for who placed it (stops.py). An immediate order (IOC) is filled once; what is left of it expires in the same commit.

A replaced order is a new order that names the old one (FIX's cancel/replace): its quantity is the total, so what was
filled is never opened again, and it is held to the limits only by what it makes larger. A cancel is a request: a fill
that reached the account before it has won.

Orders of groups, which wait for one another or cancel one another, are in order_groups.py.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

from accounts.domain import commands as c
from accounts.domain import events as e
from accounts.domain.errors import Code, CommandInvalid
from accounts.domain.order_terms import (
    EXPIRY_DAYS_MAX,
    NO_PRICE,
    is_no_worse,
    market_price_of,
    reckoned_price,
    reserve_price,
    terms_code,
    trailing_stop,
)
from accounts.domain.reserves import reserved_beside, reserved_with
from accounts.domain.risk import Breach, judged, rules_not_stretched
from accounts.domain.state import MICROSECONDS_PER_DAY, NO_POSITION, Account, Order
from accounts.domain.values import format_amount, value_of

OPEN_ORDERS_MAX: Final = 1_000
"""Working orders of one account."""
FILL_PASSED: Final = 0
BEYOND_REMAINING: Final = 1
NOT_COMPLETE: Final = 2
NOT_TRIGGERED: Final = 3
BEYOND_LIMIT: Final = 4
FILL_CODES: Final = (
    None,
    Code.ORDER_QUANTITY_EXCEEDED,
    Code.FILL_NOT_COMPLETE,
    Code.ORDER_NOT_TRIGGERED,
    Code.PRICE_BEYOND_LIMIT,
)
"""The code of each term that a fill may break, by its number."""
_EXPIRY_US_MAX: Final = EXPIRY_DAYS_MAX * MICROSECONDS_PER_DAY
REST_OF_IOC: Final = "immediate or cancel: what its fill left"
"""Why what is left of such an order expires."""

E = TypeVar("E", bound=e.OrderCancelled | e.OrderExpired | e.OrderRejected)

_ENDED: Final[dict[type, type[e.OrderCancelled | e.OrderExpired | e.OrderRejected]]] = {
    c.CancelOrder: e.OrderCancelled,
    c.ExpireOrder: e.OrderExpired,
    c.RejectOrder: e.OrderRejected,
}


# Events on the state.


def placed(account: Account, event: e.OrderPlaced) -> None:
    """An order works."""
    account.orders[event.order_id] = Order(
        client_order_id=event.client_order_id,
        symbol=event.symbol,
        side=event.side,
        quantity=event.quantity,
        order_type=event.order_type,
        time_in_force=event.time_in_force,
        limit_price=event.limit_price,
        stop_price=event.stop_price,
        reserve_price=event.reserve_price,
        filled_quantity=event.filled_quantity,
        filled_value=event.filled_value,
        expires_at=event.expires_at,
        trail_amount=event.trail_amount,
        trail_bp=event.trail_bp,
        trigger_price=event.trigger_price,
        order_class=event.order_class,
        waits_for=event.waits_for,
        oco_group=event.oco_group,
    )
    _reserve(account, event)


def filled(account: Account, event: e.OrderFilled) -> None:
    """An order is filled, or a part of it."""
    order = account.orders.pop(event.order_id, None)
    if order is not None and event.status == "PARTIALLY_FILLED":
        account.orders[event.order_id] = order._replace(
            filled_quantity=event.filled_quantity, filled_value=event.filled_value
        )
    _reserve(account, event)


def ended(account: Account, event: e.OrderReplaced | e.OrderCancelled | e.OrderExpired | e.OrderRejected) -> None:
    """An order works no more."""
    account.orders.pop(event.order_id, None)
    _reserve(account, event)


def changed(account: Account, event: e.OrderTriggered | e.OrderTrailed | e.OrderReduced | e.OrderActivated) -> None:
    """An order is another one than before, and works on."""
    order = account.orders.get(event.order_id)
    if order is not None:
        account.orders[event.order_id] = order._replace(**_CHANGES[type(event)](event))
    _reserve(account, event)


_CHANGES: Final[dict[type, Callable[[Any], dict[str, Any]]]] = {
    e.OrderTriggered: lambda event: {"trigger_price": event.trigger_price},
    e.OrderTrailed: lambda event: {"stop_price": event.stop_price},
    e.OrderReduced: lambda event: {"quantity": event.quantity},
    e.OrderActivated: lambda event: {
        "quantity": event.quantity,
        "stop_price": event.stop_price,
        "reserve_price": event.reserve_price,
        "waits_for": None,
    },
}
"""What each of these events makes of an order."""

EVOLVE: Final[dict[type, Callable[[Account, Any], None]]] = {
    e.OrderPlaced: placed,
    e.OrderFilled: filled,
    e.OrderReplaced: ended,
    e.OrderCancelled: ended,
    e.OrderExpired: ended,
    e.OrderRejected: ended,
    e.OrderTriggered: changed,
    e.OrderTrailed: changed,
    e.OrderReduced: changed,
    e.OrderActivated: changed,
}


def _reserve(account: Account, event: e.OrderEvent) -> None:
    account.reserved_cash = event.reserved_cash
    if event.reserved_shares:
        account.reserved_shares[event.symbol] = event.reserved_shares
    else:
        account.reserved_shares.pop(event.symbol, None)


# Commands: what breaks them, and what they lead to.


def place_breach(account: Account, command: c.PlaceOrder, now: int) -> Breach | None:
    """Return the first rule that a new order would break, or None when it may work."""
    return works_breach(account, command.order_id, order_of(command, now), now // MICROSECONDS_PER_DAY)


def works_breach(account: Account, order_id: str, order: Order, day: int) -> Breach | None:
    """Return the first rule that an order would break that comes to work, or to wait for another one."""
    if len(account.orders) >= OPEN_ORDERS_MAX:
        return Breach(Code.ORDER_COUNT_EXCEEDED, OPEN_ORDERS_MAX, len(account.orders) + 1)
    taken = _taken(account, order_id, order.client_order_id)
    if taken is not None or order.is_held:
        return taken
    return risk_breach(account, order_id, order, day)


def place(account: Account, command: c.PlaceOrder, now: int) -> tuple[e.OrderPlaced]:
    """Return the event of an order that passed every rule."""
    return (placed_event(account, command.order_id, order_of(command, now)),)


def replace(account: Account, command: c.ReplaceOrder, now: int) -> Breach | tuple[e.OrderReplaced, e.OrderPlaced]:
    """Return the events that put a new order in the place of a working one, or the rule that forbids it."""
    old = account.orders.get(command.order_id)
    if old is None:
        return Breach(Code.ORDER_NOT_OPEN, None, None)
    taken = _taken(account, command.new_order_id, command.client_order_id)
    if taken is not None:
        return taken
    order = old._replace(
        client_order_id=command.client_order_id,
        quantity=command.quantity or old.quantity,
        time_in_force=command.time_in_force or old.time_in_force,
        limit_price=command.limit_price or old.limit_price,
        stop_price=command.stop_price or old.stop_price,
        expires_at=_expiry(command, old),
    )
    if order._replace(client_order_id=old.client_order_id) == old:
        return Breach(Code.ORDER_UNCHANGED, None, None)
    if order.quantity <= old.filled_quantity:
        return Breach(Code.ORDER_QUANTITY_FILLED, old.filled_quantity, order.quantity)
    code = _group_code(account, command.order_id, old, order) or terms_code(
        side=order.side,
        order_type=order.order_type,
        time_in_force=order.time_in_force,
        limit_price=order.limit_price,
        stop_price=command.stop_price if order.order_type == "TRAILING_STOP" else order.stop_price,
        expires_at=order.expires_at,
        trail_amount=order.trail_amount,
        trail_bp=order.trail_bp,
        is_triggered=old.is_triggered,
    )
    if code is not None:
        return Breach(code, None, None)
    check_expiry(command.expires_at, now)
    if old.is_triggered and order.stop_price != old.stop_price:
        return Breach(Code.ORDER_TRIGGERED, old.stop_price, order.stop_price)
    price = judged_price(order)
    if order.order_type != "MARKET":
        order = order._replace(reserve_price=reserve_price(order.side, order.order_type, price))
    position = account.positions.get(order.symbol, NO_POSITION)
    waived = rules_not_stretched(
        account,
        position,
        old_quantity=old.remaining,
        old_price=judged_price(old),
        quantity=order.remaining,
        price=price,
    )
    breach = risk_breach(account, command.order_id, order, now // MICROSECONDS_PER_DAY, waived=waived)
    if breach is not None:
        return breach
    cash, shares = reserved_with(account, command.order_id, old, None)
    replaced = e.OrderReplaced(
        order_id=command.order_id,
        replaced_by=command.new_order_id,
        symbol=old.symbol,
        side=old.side,
        quantity=old.quantity,
        filled_quantity=old.filled_quantity,
        reserved_cash=cash,
        reserved_shares=shares,
        terms=command.terms,
    )
    return replaced, placed_event(account, command.new_order_id, order, replaces=command.order_id)


def end(
    account: Account, command: c.CancelOrder | c.ExpireOrder | c.RejectOrder
) -> Breach | tuple[e.OrderCancelled | e.OrderExpired | e.OrderRejected]:
    """Return the event that ends an order and sets free what it reserves, or the rule that forbids it."""
    order = account.orders.get(command.order_id)
    if order is None:
        return Breach(Code.ORDER_NOT_OPEN, None, None)
    if type(command) is c.ExpireOrder and order.time_in_force == "GTC":
        return Breach(Code.ORDER_NOT_EXPIRING, None, None)
    return (ended_event(account, _ENDED[type(command)], command.order_id, order, command.reason),)


def fill_breach(order: Order | None, trade: c.ExecuteTrade) -> Breach | None:
    """Return what forbids that a trade fills an order, or None when it may."""
    if order is None:
        return Breach(Code.ORDER_NOT_OPEN, None, None)
    if (order.symbol, order.side) != (trade.symbol, trade.side):
        return Breach(Code.FILL_NOT_OF_ORDER, None, None)
    if order.is_held:
        return Breach(Code.ORDER_HELD, None, None)
    rule, limit, actual = fill_breach_of(
        trade.side == "BUY",
        trade.quantity,
        trade.price,
        order.remaining,
        order.time_in_force == "FOK",
        order.limit_price or NO_PRICE,
        NO_PRICE if order.is_triggered else order.stop_price or NO_PRICE,
    )
    code = FILL_CODES[rule]
    return None if code is None else Breach(code, limit, actual)


def fill_breach_of(
    is_buy: bool, quantity: int, price: int, remaining: int, is_all_or_none: bool, limit_price: int, stop_price: int
) -> tuple[int, int, int]:
    """Return the first term of an order that a fill would break, the limit and the actual figure.

    A function of integers alone, which also runs compiled (see values.py). `remaining` is what is not filled yet; a
    price that the order does not have, or a stop that was triggered, is NO_PRICE.
    """
    if quantity > remaining:
        return BEYOND_REMAINING, remaining, quantity
    if is_all_or_none and quantity < remaining:
        return NOT_COMPLETE, remaining, quantity
    if stop_price != NO_PRICE and not is_no_worse(is_buy, stop_price, price):
        return NOT_TRIGGERED, stop_price, price
    if limit_price != NO_PRICE and not is_no_worse(is_buy, price, limit_price):
        return BEYOND_LIMIT, limit_price, price
    return FILL_PASSED, 0, 0


def fill(
    account: Account, order_id: str, order: Order, trade: c.ExecuteTrade
) -> tuple[e.OrderFilled] | tuple[e.OrderFilled, e.OrderExpired]:
    """Return the events of a fill, which sets free what these shares kept reserved; it ends an IOC order."""
    filled_quantity = order.filled_quantity + trade.quantity
    filled_value = order.filled_value + value_of(trade.quantity, trade.price)
    rest = order._replace(filled_quantity=filled_quantity, filled_value=filled_value)
    cash, shares = reserved_with(account, order_id, order, rest)
    filled = e.OrderFilled(
        order_id=order_id,
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        status="FILLED" if filled_quantity == order.quantity else "PARTIALLY_FILLED",
        fill_quantity=trade.quantity,
        fill_price=trade.price,
        filled_quantity=filled_quantity,
        filled_value=filled_value,
        reserved_cash=cash,
        reserved_shares=shares,
    )
    if order.time_in_force != "IOC" or filled.status == "FILLED":
        return (filled,)
    return filled, ended_event(account, e.OrderExpired, order_id, rest, REST_OF_IOC)


def as_it_works_now(account: Account, placement: tuple[e.AccountEvent, ...]) -> tuple[e.AccountEvent, ...] | None:
    """Return the events that once placed an order, or a group of them, with its fills and reserves of now, without the
    orders of the group that have ended; None when none works any more.

    For who sends a placement again: the first answer would say of an order that was filled or ended that it waits.
    """
    assert isinstance(placement[-1], e.OrderPlaced), "a placement ends with the order that works from then on"
    now = tuple(each for event in placement for each in _as_now(account, event))
    return now if isinstance(now[-1] if now else None, e.OrderPlaced) else None


def _as_now(account: Account, event: e.AccountEvent) -> tuple[e.AccountEvent, ...]:
    if not isinstance(event, e.OrderPlaced):
        return (event,)
    order = account.orders.get(event.order_id)
    if order is None:
        return ()
    now = msgspec.structs.replace(
        event,
        quantity=order.quantity,
        stop_price=order.stop_price,
        filled_quantity=order.filled_quantity,
        filled_value=order.filled_value,
        waits_for=order.waits_for,
        reserved_cash=account.reserved_cash,
        reserved_shares=account.reserved_shares.get(order.symbol, 0),
    )
    return (now,)


def judged_price(order: Order) -> int:
    """Return the price that an order was or is judged by, which for a buy may be less than what it reserves."""
    return reckoned_price(
        order.limit_price, order.stop_price, market_price_of(order.side == "BUY", order.reserve_price)
    )


def order_of(command: c.PlaceOrder, now: int) -> Order:
    """Return the order that a placement asks for; raises CommandInvalid when it cannot be one at this time, or by what
    the market says.
    """
    check_expiry(command.expires_at, now)
    stop = command.stop_price
    if command.order_type == "TRAILING_STOP":
        stop = trailing_stop(command.side, command.reference_price, command.trail_amount, command.trail_bp)
        if stop <= 0:
            raise CommandInvalid(
                Code.INVALID_TRAIL,
                f"the trail leads to a stop of {format_amount(stop)} or less: the market is at "
                f"{format_amount(command.reference_price)}, give a smaller trail",
            )
    price = reckoned_price(command.limit_price, stop, command.reference_price)
    return Order(
        client_order_id=command.client_order_id,
        symbol=command.symbol,
        side=command.side,
        quantity=command.quantity,
        order_type=command.order_type,
        time_in_force=command.time_in_force,
        limit_price=command.limit_price,
        stop_price=stop,
        reserve_price=reserve_price(command.side, command.order_type, price),
        filled_quantity=0,
        filled_value=0,
        expires_at=command.expires_at,
        trail_amount=command.trail_amount,
        trail_bp=command.trail_bp,
    )


def check_expiry(expires_at: int | None, now: int) -> None:
    """Raise CommandInvalid when an order would expire in the past, or too far ahead."""
    if expires_at is None or now < expires_at <= now + _EXPIRY_US_MAX:
        return
    found = "is over" if expires_at <= now else "is further ahead"
    raise CommandInvalid(
        Code.INVALID_EXPIRES_AT,
        f"expiresAt is an instant from now on, at most {EXPIRY_DAYS_MAX} days ahead: the one that is given {found}",
    )


def _expiry(command: c.ReplaceOrder, old: Order) -> int | None:
    """Return when a replacement expires: another time in force than GTD takes the old order's expiry away."""
    is_given = command.time_in_force in (None, "GTD") or command.expires_at is not None
    return (command.expires_at or old.expires_at) if is_given else None


def _group_code(account: Account, order_id: str, old: Order, new: Order) -> Code | None:
    """Return why an order of a group cannot be replaced by another one, or None: the others would not go with it."""
    if old.order_class == "SIMPLE":
        return None
    has_waiting = any(each.waits_for == order_id for each in account.orders.values())
    is_fixed = old.oco_group is not None or old.is_held
    is_other = (new.quantity, new.time_in_force, new.expires_at) != (old.quantity, old.time_in_force, old.expires_at)
    return Code.ORDER_IN_GROUP if has_waiting or (is_fixed and is_other) else None


def placed_event(account: Account, order_id: str, order: Order, *, replaces: str | None = None) -> e.OrderPlaced:
    """Return the event of an order that comes to work, by itself or in the place of another one."""
    cash, shares = reserved_with(account, order_id if replaces is None else replaces, order, order)
    return e.OrderPlaced(
        order_id=order_id,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        order_type=order.order_type,
        time_in_force=order.time_in_force,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        reserve_price=order.reserve_price,
        replaces=replaces,
        filled_quantity=order.filled_quantity,
        filled_value=order.filled_value,
        reserved_cash=cash,
        reserved_shares=shares,
        expires_at=order.expires_at,
        trail_amount=order.trail_amount,
        trail_bp=order.trail_bp,
        trigger_price=order.trigger_price,
        order_class=order.order_class,
        waits_for=order.waits_for,
        oco_group=order.oco_group,
    )


def ended_event(account: Account, kind: type[E], order_id: str, order: Order, reason: str) -> E:
    """Return the event that ends an order, given as it is when it ends: the account may still have it as it was."""
    cash, shares = reserved_with(account, order_id, order, None)
    return kind(
        order_id=order_id,
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        filled_quantity=order.filled_quantity,
        reason=reason,
        reserved_cash=cash,
        reserved_shares=shares,
    )


def _taken(account: Account, order_id: str, client_order_id: str) -> Breach | None:
    if order_id in account.orders:
        return Breach(Code.DUPLICATE_ORDER_ID, None, None)
    if any(order.client_order_id == client_order_id for order in account.orders.values()):
        return Breach(Code.DUPLICATE_CLIENT_ORDER_ID, None, None)
    return None


def risk_breach(account: Account, order_id: str, order: Order, day: int, *, waived: int = 0) -> Breach | None:
    """Judge what is left of an order as the trade that it may become, beside everything else that is reserved: that is
    all but what the account reserves for the order of this id, and for its group.

    Its fee has to be there as well, but is not reserved.
    """
    cash, shares = reserved_beside(account, order_id, order)
    price = judged_price(order)
    position, value = account.positions.get(order.symbol, NO_POSITION), value_of(order.remaining, price)
    return judged(
        account,
        position,
        order.side == "BUY",
        order.remaining,
        price,
        value,
        order.reserved_cash,
        account.fee(order.remaining, value, order),
        account.cash - cash,
        position.quantity - shares,
        day,
        waived,
    )
