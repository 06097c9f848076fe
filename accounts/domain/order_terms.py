"""The terms of an order: which prices and times in force go with which type, and the prices that it is reckoned at."""

from typing import Final

from accounts.domain.errors import Code
from accounts.domain.events import OrderType, Side, TimeInForce
from accounts.domain.values import BASIS_POINTS

CUSHION_BP: Final = 400
"""What an order without a limit reserves above the price that it is reckoned at: the market may move until it fills.

Four percent, the upper end of what brokers take.
"""


def terms_code(
    *, order_type: OrderType, time_in_force: TimeInForce, limit_price: int | None, stop_price: int | None
) -> Code | None:
    """Return what is wrong with an order's terms, or None.

    A limit order has a limit price, a stop order a stop price, and what waits for its stop cannot be immediate.
    """
    if (limit_price is not None) != (order_type in ("LIMIT", "STOP_LIMIT")):
        return Code.INVALID_LIMIT_PRICE
    if (stop_price is not None) != (order_type in ("STOP", "STOP_LIMIT")):
        return Code.INVALID_STOP_PRICE
    if time_in_force in ("IOC", "FOK") and order_type in ("STOP", "STOP_LIMIT"):
        return Code.INVALID_TIME_IN_FORCE
    return None


def reckoned_price(limit_price: int | None, stop_price: int | None, otherwise: int) -> int:
    """Return the price that an order is judged by: its limit, else its stop, else what the market said."""
    return limit_price or stop_price or otherwise


def reserve_price(side: Side, order_type: OrderType, price: int) -> int:
    """Return what is reserved for a share: the price, and a cushion where no limit holds it (rounded up)."""
    if side == "SELL" or order_type in ("LIMIT", "STOP_LIMIT"):
        return price
    return -(-price * (BASIS_POINTS + CUSHION_BP) // BASIS_POINTS)
