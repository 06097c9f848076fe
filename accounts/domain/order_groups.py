"""Orders that belong together: what one of them does to the others, in the same commit.

- OTO: an order and one exit, which waits for it. A bracket has two exits, of which one cancels the other (OCO). Exits
  are on the other side, for the same symbol and quantity.
- What waits reserves nothing and is judged when it comes to work: with the last fill of the order that it waits for. An
  order that ends with a part of it filled lets its exits work for that part, so what was bought is not left without
  its stop; one that ends with nothing filled ends them.
- OCO: a fill of one makes the others smaller by as much, and the last one cancels them. Who cancels one cancels all of
  them, and they expire together. One that is rejected leaves the others to work.
"""

from collections.abc import Callable, Iterator
from copy import copy
from typing import Any, Final, TypeAlias, TypeVar

from accounts.domain import commands as c
from accounts.domain import events as e
from accounts.domain import orders, trades
from accounts.domain.errors import Code, CommandInvalid
from accounts.domain.order_terms import reckoned_price, reserve_price, trailing_stop
from accounts.domain.reserves import reserved_with
from accounts.domain.risk import Breach
from accounts.domain.state import MICROSECONDS_PER_DAY, NO_POSITION, Account, Order

Events: TypeAlias = tuple[e.AccountEvent, ...]
Evt = TypeVar("Evt", bound=e.AccountEvent)

_EVOLVE: Final[dict[type, Callable[[Account, Any], None]]] = {e.TradeExecuted: trades.traded, **orders.EVOLVE}


class _Draft:
    """An account as the events so far have made it, and these events; the account itself stays as it is."""

    def __init__(self, account: Account) -> None:
        self.account = copy(account)
        self.account.positions = dict(account.positions)
        self.account.orders = dict(account.orders)
        self.account.reserved_shares = dict(account.reserved_shares)
        self.events: list[e.AccountEvent] = []

    def add(self, event: e.AccountEvent) -> None:
        """Let an event happen."""
        _EVOLVE[type(event)](self.account, event)
        self.events.append(event)


def place_bracket(account: Account, command: c.PlaceBracket, now: int) -> Breach | Events:
    """Return the events that place an order and the exits that wait for it, or the rule that forbids it."""
    entry = orders.order_of(command.entry, now)._replace(order_class=command.order_class)
    waiting = _exits(command, side="SELL" if entry.side == "BUY" else "BUY", entry=entry)
    placed = [(command.order_id, entry)]
    placed += [
        (order_id, order._replace(order_class=command.order_class, waits_for=command.order_id))
        for order_id, order in waiting
    ]
    return _placed(account, placed, now)


def place_oco(account: Account, command: c.PlaceOco, now: int) -> Breach | Events:
    """Return the events that place two exits, or the rule that forbids it."""
    orders.check_expiry(command.expires_at, now)
    (first_id, first), *rest = _exits(command, side=command.side, entry=None)
    return _placed(account, [(first_id, first._replace(client_order_id=command.client_order_id)), *rest], now)


def _placed(account: Account, placed: list[tuple[str, Order]], now: int) -> Breach | Events:
    draft = _Draft(account)
    for order_id, order in placed:
        breach = orders.works_breach(draft.account, order_id, order, now // MICROSECONDS_PER_DAY)
        if breach is not None:
            return breach
        draft.add(orders.placed_event(draft.account, order_id, order))
    return tuple(draft.events)


def _exits(command: c.PlaceBracket | c.PlaceOco, *, side: e.Side, entry: Order | None) -> Iterator[tuple[str, Order]]:
    """Yield the exits of a command with their ids, as they work when nothing is waited for. Their client order ids are
    their own ids. A trailing one that waits for the entry has no stop yet.
    """
    both = command.take_profit_order_id is not None and command.stop_loss_order_id is not None
    common = Order(
        client_order_id="",
        symbol=command.symbol,
        side=side,
        quantity=command.quantity,
        order_type="LIMIT",
        time_in_force=command.time_in_force,
        limit_price=None,
        stop_price=None,
        reserve_price=0,
        filled_quantity=0,
        filled_value=0,
        expires_at=command.expires_at,
        order_class="OCO",
        oco_group=command.take_profit_order_id if both else None,
    )
    if command.take_profit_order_id is not None:
        order = common._replace(limit_price=command.take_profit_limit_price)
        yield command.take_profit_order_id, _reckoned(command.take_profit_order_id, order)
    if command.stop_loss_order_id is not None:
        order = common._replace(
            order_type=stop_loss_type(command),
            limit_price=command.stop_loss_limit_price,
            stop_price=command.stop_loss_stop_price,
            trail_amount=command.stop_loss_trail_amount,
            trail_bp=command.stop_loss_trail_bp,
        )
        if entry is None and order.order_type == "TRAILING_STOP":
            order = _with_stop(order, command.reference_price)
            if order.stop_price is None:
                raise CommandInvalid(
                    Code.INVALID_TRAIL, "the trail of the stop loss leads to a stop of 0 or less: give a smaller trail"
                )
        yield command.stop_loss_order_id, _reckoned(command.stop_loss_order_id, order)


def stop_loss_type(command: c.PlaceBracket | c.PlaceOco) -> e.OrderType:
    """Return the type of a stop loss."""
    if command.stop_loss_stop_price is None:
        return "TRAILING_STOP"
    return "STOP" if command.stop_loss_limit_price is None else "STOP_LIMIT"


def _with_stop(order: Order, market_price: int) -> Order:
    """Return a trailing order with its stop at its trail from the market, without one when that leads below zero."""
    stop = trailing_stop(order.side, market_price, order.trail_amount, order.trail_bp)
    return order._replace(stop_price=stop if stop > 0 else None)


def _reckoned(order_id: str, order: Order) -> Order:
    price = reckoned_price(order.limit_price, order.stop_price, 0)
    reserve = reserve_price(order.side, order.order_type, price)
    return order._replace(client_order_id=order.client_order_id or order_id, reserve_price=reserve)


def with_what_follows(account: Account, order_id: str, order: Order, events: Events, day: int) -> Events:
    """Return the events of a fill or an end of an order, given as it was before, and what they lead to in its group."""
    if order.order_class == "SIMPLE":
        return events
    draft = _Draft(account)
    for event in events:
        draft.add(event)
    _follow_in_oco(draft, order_id, order, events[-1])
    left = draft.account.orders.get(order_id)
    if left is None:
        filled = events[-1].filled_quantity if isinstance(events[-1], _ENDS | e.OrderFilled) else 0
        _follow_in_waiting(draft, order_id, filled, day)
    return tuple(draft.events)


_ENDS: Final = e.OrderCancelled | e.OrderExpired | e.OrderRejected


def _follow_in_oco(draft: _Draft, order_id: str, order: Order, event: e.AccountEvent) -> None:
    account = draft.account
    if order.oco_group is None or isinstance(event, e.OrderRejected):
        return
    for other_id, other in _in_order(account, lambda each: each.oco_group == order.oco_group):
        if other_id == order_id:
            continue
        if isinstance(event, e.OrderFilled) and event.status == "PARTIALLY_FILLED":
            draft.add(_reduced(account, other_id, other, event))
        elif isinstance(event, e.OrderFilled):
            draft.add(orders.ended_event(account, e.OrderCancelled, other_id, other, f"order {order_id} was filled"))
        elif isinstance(event, e.OrderExpired):
            draft.add(orders.ended_event(account, e.OrderExpired, other_id, other, event.reason))
        else:
            draft.add(orders.ended_event(account, e.OrderCancelled, other_id, other, f"order {order_id} was cancelled"))


def _in_order(account: Account, is_one: Callable[[Order], bool]) -> list[tuple[str, Order]]:
    """Return some orders with their ids: limits first, then by ids, for an account keeps them in no order."""
    found = [(order_id, order) for order_id, order in account.orders.items() if is_one(order)]
    return sorted(found, key=lambda each: (each[1].order_type != "LIMIT", each[0]))


def _reduced(account: Account, order_id: str, order: Order, fill: e.OrderFilled) -> e.OrderReduced:
    now = order._replace(quantity=order.quantity - fill.fill_quantity)
    cash, shares = reserved_with(account, order_id, order, now)
    return e.OrderReduced(
        order_id=order_id,
        symbol=order.symbol,
        side=order.side,
        quantity=now.quantity,
        filled_quantity=order.filled_quantity,
        filled_order_id=fill.order_id,
        reserved_cash=cash,
        reserved_shares=shares,
    )


def _follow_in_waiting(draft: _Draft, order_id: str, filled: int, day: int) -> None:
    account = draft.account
    for waiting_id, order in _in_order(account, lambda each: each.waits_for == order_id):
        if filled == 0:
            reason = f"order {order_id} ended without a fill"
            draft.add(orders.ended_event(account, e.OrderCancelled, waiting_id, order, reason))
            continue
        now = order._replace(quantity=filled, waits_for=None)
        if now.order_type == "TRAILING_STOP":
            now = _with_stop(now, account.positions.get(order.symbol, NO_POSITION).mark)
        now = _reckoned(waiting_id, now)
        is_lost = now.order_type == "TRAILING_STOP" and now.stop_price is None
        lost = Breach(Code.INVALID_TRAIL, None, None) if is_lost else None
        breach = lost or orders.risk_breach(account, waiting_id, now, day)
        if breach is not None:
            draft.add(orders.ended_event(account, e.OrderRejected, waiting_id, order, _why(breach)))
            continue
        cash, shares = reserved_with(account, waiting_id, now, now)
        draft.add(
            e.OrderActivated(
                order_id=waiting_id,
                symbol=now.symbol,
                side=now.side,
                quantity=now.quantity,
                stop_price=now.stop_price,
                reserve_price=now.reserve_price,
                reserved_cash=cash,
                reserved_shares=shares,
            )
        )


def _why(breach: Breach) -> str:
    limit, actual = (e.format_refusal_figure(breach.code.value, each) for each in (breach.limit, breach.actual))
    return breach.code.value if actual is None else f"{breach.code.value}: limit {limit}, actual {actual}"
