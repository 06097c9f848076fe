"""Orders: what they reserve, how they are filled, replaced and ended, and what forbids it. Pure, like the rest.

An order is a promise: a buy keeps cash for every share that is not filled, a sell keeps the shares, and each is
set free exactly once, by a fill or by the order's end. The account knows working orders only; those that ended are
history.

A stop is triggered by the market, of which an account knows its own fills alone: an order that waits for its stop is
first filled at the stop or beyond it, and that fill shows that it was triggered. An immediate order (IOC) is filled
once, and what is left of it expires in the same commit.

A replaced order is a new order that names the old one (FIX's cancel/replace): its quantity is the total, so what was
filled is never opened again, and it is held to the limits only by what it makes larger. A cancel is a request: a fill
that reached the account before it has won.
"""

from typing import Final, TypeVar

import msgspec

from accounts.domain import commands as c
from accounts.domain import events as e
from accounts.domain.errors import Code
from accounts.domain.order_terms import (
    NO_PRICE,
    is_no_worse,
    market_price_of,
    reckoned_price,
    reserve_price,
    terms_code,
)
from accounts.domain.risk import Breach, judged, rules_not_stretched
from accounts.domain.state import NO_POSITION, Account, Order
from accounts.domain.values import value_of

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


def _reserve(account: Account, event: e.OrderEvent) -> None:
    account.reserved_cash = event.reserved_cash
    if event.reserved_shares:
        account.reserved_shares[event.symbol] = event.reserved_shares
    else:
        account.reserved_shares.pop(event.symbol, None)


# Commands: what breaks them, and what they lead to.


def place_breach(account: Account, command: c.PlaceOrder, day: int) -> Breach | None:
    """Return the first rule that a new order would break, or None when it may work."""
    if len(account.orders) >= OPEN_ORDERS_MAX:
        return Breach(Code.ORDER_COUNT_EXCEEDED, OPEN_ORDERS_MAX, len(account.orders) + 1)
    taken = _taken(account, command.order_id, command.client_order_id)
    if taken is not None:
        return taken
    price = reckoned_price(command.limit_price, command.stop_price, command.reference_price)
    order = _new_order(command, price)
    return _risk_breach(account, order, price, day, freed=None)


def place(account: Account, command: c.PlaceOrder) -> tuple[e.OrderPlaced]:
    """Return the event of an order that passed every rule."""
    price = reckoned_price(command.limit_price, command.stop_price, command.reference_price)
    return (_placed_event(account, command.order_id, _new_order(command, price), replaces=None, freed=None),)


def replace(account: Account, command: c.ReplaceOrder, day: int) -> Breach | tuple[e.OrderReplaced, e.OrderPlaced]:
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
    )
    if order._replace(client_order_id=old.client_order_id) == old:
        return Breach(Code.ORDER_UNCHANGED, None, None)
    if order.quantity <= old.filled_quantity:
        return Breach(Code.ORDER_QUANTITY_FILLED, old.filled_quantity, order.quantity)
    code = terms_code(
        side=order.side,
        order_type=order.order_type,
        time_in_force=order.time_in_force,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        is_triggered=old.is_triggered,
    )
    if code is not None:
        return Breach(code, None, None)
    if old.is_triggered and order.stop_price != old.stop_price:
        return Breach(Code.ORDER_TRIGGERED, old.stop_price, order.stop_price)
    price = _judged_price(order)
    if order.order_type != "MARKET":
        order = order._replace(reserve_price=reserve_price(order.side, order.order_type, price))
    position = account.positions.get(order.symbol, NO_POSITION)
    waived = rules_not_stretched(
        account,
        position,
        old_quantity=old.remaining,
        old_price=_judged_price(old),
        quantity=order.remaining,
        price=price,
    )
    breach = _risk_breach(account, order, price, day, freed=old, waived=waived)
    if breach is not None:
        return breach
    cash, shares = _reserved(account, old.symbol, freed=old)
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
    return replaced, _placed_event(account, command.new_order_id, order, replaces=command.order_id, freed=old)


def end(
    account: Account, command: c.CancelOrder | c.ExpireOrder | c.RejectOrder
) -> Breach | tuple[e.OrderCancelled | e.OrderExpired | e.OrderRejected]:
    """Return the event that ends an order and sets free what it reserves, or the rule that forbids it."""
    order = account.orders.get(command.order_id)
    if order is None:
        return Breach(Code.ORDER_NOT_OPEN, None, None)
    if type(command) is c.ExpireOrder and order.time_in_force == "GTC":
        return Breach(Code.ORDER_NOT_EXPIRING, None, None)
    return (_ended_event(account, _ENDED[type(command)], command.order_id, order, command.reason),)


def fill_breach(order: Order | None, trade: c.ExecuteTrade) -> Breach | None:
    """Return what forbids that a trade fills an order, or None when it may."""
    if order is None:
        return Breach(Code.ORDER_NOT_OPEN, None, None)
    if (order.symbol, order.side) != (trade.symbol, trade.side):
        return Breach(Code.FILL_NOT_OF_ORDER, None, None)
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
    filled = e.OrderFilled(
        order_id=order_id,
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        status="FILLED" if filled_quantity == order.quantity else "PARTIALLY_FILLED",
        fill_quantity=trade.quantity,
        fill_price=trade.price,
        filled_quantity=filled_quantity,
        filled_value=order.filled_value + value_of(trade.quantity, trade.price),
        reserved_cash=account.reserved_cash - order.freed_cash(trade.quantity),
        reserved_shares=account.reserved_shares.get(order.symbol, 0) - order.reserved_shares(trade.quantity),
    )
    if order.time_in_force != "IOC" or filled.status == "FILLED":
        return (filled,)
    rest = order._replace(filled_quantity=filled_quantity)
    return filled, _ended_event(account, e.OrderExpired, order_id, rest, REST_OF_IOC, freed=order)


def as_it_works_now(account: Account, placement: tuple[e.AccountEvent, ...]) -> tuple[e.AccountEvent, ...] | None:
    """Return the events that once placed an order with its fills and reserves of now, None when it works no more.

    For who sends a placement again: the first answer would say of an order that was filled or ended that it waits.
    """
    *before, placed = placement
    assert isinstance(placed, e.OrderPlaced), "a placement ends with the order that works from then on"
    order = account.orders.get(placed.order_id)
    if order is None:
        return None
    now = msgspec.structs.replace(
        placed,
        filled_quantity=order.filled_quantity,
        filled_value=order.filled_value,
        reserved_cash=account.reserved_cash,
        reserved_shares=account.reserved_shares.get(order.symbol, 0),
    )
    return (*before, now)


def _judged_price(order: Order) -> int:
    """Return the price that an order was or is judged by, which for a buy may be less than what it reserves."""
    return reckoned_price(
        order.limit_price, order.stop_price, market_price_of(order.side == "BUY", order.reserve_price)
    )


def _new_order(command: c.PlaceOrder, price: int) -> Order:
    return Order(
        client_order_id=command.client_order_id,
        symbol=command.symbol,
        side=command.side,
        quantity=command.quantity,
        order_type=command.order_type,
        time_in_force=command.time_in_force,
        limit_price=command.limit_price,
        stop_price=command.stop_price,
        reserve_price=reserve_price(command.side, command.order_type, price),
        filled_quantity=0,
        filled_value=0,
    )


def _placed_event(
    account: Account, order_id: str, order: Order, *, replaces: str | None, freed: Order | None
) -> e.OrderPlaced:
    cash, shares = _reserved(account, order.symbol, freed=freed)
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
        reserved_cash=cash + order.reserved_cash,
        reserved_shares=shares + order.reserved_shares(order.remaining),
    )


def _ended_event(
    account: Account, kind: type[E], order_id: str, order: Order, reason: str, *, freed: Order | None = None
) -> E:
    """Return the event that ends an order; `freed` is the order as the account has it, when that is another."""
    cash, shares = _reserved(account, order.symbol, freed=freed or order)
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


def _risk_breach(
    account: Account,
    order: Order,
    price: int,
    day: int,
    *,
    freed: Order | None,
    waived: int = 0,
) -> Breach | None:
    """Judge what is left of an order as the trade that it may become, beside everything else that is reserved.

    Its fee has to be there as well, but is not reserved.
    """
    cash, shares = _reserved(account, order.symbol, freed=freed)
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


def _reserved(account: Account, symbol: str, *, freed: Order | None) -> tuple[int, int]:
    """Return the account's reserved cash and the symbol's reserved shares, without those of an order to be freed."""
    cash, shares = account.reserved_cash, account.reserved_shares.get(symbol, 0)
    if freed is None:
        return cash, shares
    return cash - freed.reserved_cash, shares - freed.reserved_shares(freed.remaining)
