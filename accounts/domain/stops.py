"""Stops: what the venue says of the market, which triggers an order or lets the stop of a trailing order follow."""

from accounts.domain import commands as c
from accounts.domain import events as e
from accounts.domain.errors import Code
from accounts.domain.order_terms import is_no_worse, trailing_stop
from accounts.domain.risk import Breach
from accounts.domain.state import Account


def trigger(account: Account, command: c.TriggerOrder) -> Breach | tuple[e.OrderTriggered]:
    """Return the event of a stop that the market reached, or the rule that forbids it."""
    order = account.orders.get(command.order_id)
    if order is None:
        return Breach(Code.ORDER_NOT_OPEN, None, None)
    if order.is_held:
        return Breach(Code.ORDER_HELD, None, None)
    if order.is_triggered or order.stop_price is None:
        return Breach(Code.ORDER_TRIGGERED, order.stop_price, command.price)
    if not is_no_worse(order.side == "BUY", order.stop_price, command.price):
        return Breach(Code.ORDER_NOT_TRIGGERED, order.stop_price, command.price)
    triggered = e.OrderTriggered(
        order_id=command.order_id,
        symbol=order.symbol,
        side=order.side,
        stop_price=order.stop_price,
        trigger_price=command.price,
        reserved_cash=account.reserved_cash,
        reserved_shares=account.reserved_shares.get(order.symbol, 0),
    )
    return (triggered,)


def trail(account: Account, command: c.TrailOrder) -> Breach | tuple[e.OrderTrailed]:
    """Return the event of a stop that follows the market, or the rule that forbids it. What is reserved stays."""
    order = account.orders.get(command.order_id)
    if order is None:
        return Breach(Code.ORDER_NOT_OPEN, None, None)
    if order.is_held:
        return Breach(Code.ORDER_HELD, None, None)
    if order.order_type != "TRAILING_STOP" or order.stop_price is None:
        return Breach(Code.ORDER_NOT_TRAILING, None, None)
    stop = trailing_stop(order.side, command.price, order.trail_amount, order.trail_bp)
    if order.is_triggered:
        return Breach(Code.ORDER_TRIGGERED, order.stop_price, stop)
    if stop == order.stop_price or is_no_worse(order.side == "SELL", stop, order.stop_price):
        return Breach(Code.STOP_NOT_IMPROVED, order.stop_price, stop)
    trailed = e.OrderTrailed(
        order_id=command.order_id,
        symbol=order.symbol,
        side=order.side,
        stop_price=stop,
        market_price=command.price,
        reserved_cash=account.reserved_cash,
        reserved_shares=account.reserved_shares.get(order.symbol, 0),
    )
    return (trailed,)
