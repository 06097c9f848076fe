"""The terms of an order: which prices and times in force go with which type, and the prices that it is reckoned at.

`terms_breach_of`, `is_no_worse`, `reserve_for`, `cash_reserved` and `market_price_of` are functions of integers alone,
and also run compiled (see values.py). Trails and expiry are of orders that no kernel places.
"""

from typing import Final

from accounts.domain.errors import Code
from accounts.domain.events import OrderType, Side, TimeInForce
from accounts.domain.values import BASIS_POINTS, value_rounded_up

CUSHION_BP: Final = 400
"""What an order without a limit reserves above the price that it is reckoned at: the market may move until it fills.

Four percent, the upper end of what brokers take.
"""
NO_PRICE: Final = 0
STOP_TYPES: Final[tuple[OrderType, ...]] = ("STOP", "STOP_LIMIT", "TRAILING_STOP")
IMMEDIATE_TIMES: Final[tuple[TimeInForce, ...]] = ("IOC", "FOK")
EXPIRY_DAYS_MAX: Final = 366
"""How far ahead a GTD order may expire."""
TERMS_PASSED: Final = 0
WRONG_LIMIT: Final = 1
WRONG_STOP: Final = 2
WRONG_TIME: Final = 3
STOP_BEYOND_LIMIT: Final = 4
_CODES: Final = (
    None,
    Code.INVALID_LIMIT_PRICE,
    Code.INVALID_STOP_PRICE,
    Code.INVALID_TIME_IN_FORCE,
    Code.INVALID_STOP_LIMIT,
)
"""The code of each term that is wrong, by its number."""


def terms_code(
    *,
    side: Side,
    order_type: OrderType,
    time_in_force: TimeInForce,
    limit_price: int | None,
    stop_price: int | None,
    expires_at: int | None = None,
    trail_amount: int | None = None,
    trail_bp: int | None = None,
    is_triggered: bool = False,
) -> Code | None:
    """Return what is wrong with an order's terms, or None. The stop of a trailing order is not one of its terms."""
    if (expires_at is not None) != (time_in_force == "GTD"):
        return Code.INVALID_EXPIRES_AT
    trails = (trail_amount is not None) + (trail_bp is not None)
    if trails != (order_type == "TRAILING_STOP"):
        return Code.INVALID_TRAIL
    if order_type == "TRAILING_STOP" and time_in_force in IMMEDIATE_TIMES:
        return Code.INVALID_TIME_IN_FORCE
    wrong = terms_breach_of(
        side == "BUY",
        order_type in ("LIMIT", "STOP_LIMIT"),
        order_type in ("STOP", "STOP_LIMIT"),
        time_in_force in IMMEDIATE_TIMES,
        limit_price or NO_PRICE,
        stop_price or NO_PRICE,
        is_triggered,
    )
    return _CODES[wrong]


def terms_breach_of(
    is_buy: bool,
    has_limit: bool,
    has_stop: bool,
    is_immediate: bool,
    limit_price: int,
    stop_price: int,
    is_triggered: bool,
) -> int:
    """Return the first of an order's terms that is wrong; `has_limit` and `has_stop` are what its type has.

    A limit order has a limit price, a stop order a stop price, and what waits for its stop cannot be immediate. A price
    has to exist that triggers a stop-limit order and is within its limit; triggered, it is a limit order.
    """
    if (limit_price != NO_PRICE) != has_limit:
        return WRONG_LIMIT
    if (stop_price != NO_PRICE) != has_stop:
        return WRONG_STOP
    if is_immediate and has_stop:
        return WRONG_TIME
    if has_limit and has_stop and not is_triggered and not is_no_worse(is_buy, stop_price, limit_price):
        return STOP_BEYOND_LIMIT
    return TERMS_PASSED


def is_no_worse(is_buy: bool, price: int, other: int) -> bool:
    """Return whether a price is as good for who buys or sells as another one, or better."""
    return price <= other if is_buy else price >= other


def reckoned_price(limit_price: int | None, stop_price: int | None, otherwise: int) -> int:
    """Return the price that an order is judged by: its limit, else its stop, else what the market said."""
    return limit_price or stop_price or otherwise


def reserve_price(side: Side, order_type: OrderType, price: int) -> int:
    """Return what is reserved for a share of an order that is reckoned at a price."""
    return reserve_for(side == "BUY", order_type in ("LIMIT", "STOP_LIMIT"), price)


def reserve_for(is_buy: bool, has_limit: bool, price: int) -> int:
    """Return what is reserved for a share: the price, and a cushion where no limit holds it (rounded up)."""
    if has_limit or not is_buy:
        return price
    return -(-price * (BASIS_POINTS + CUSHION_BP) // BASIS_POINTS)


def cash_reserved(is_buy: bool, quantity: int, reserve_price: int) -> int:
    """Return the cash that so many shares of an order keep reserved, rounded up together."""
    return value_rounded_up(quantity, reserve_price) if is_buy else 0


def market_price_of(is_buy: bool, reserve_price: int) -> int:
    """Return the market's price that an order without one of its own was reckoned at, from what it reserves for a
    share.

    The cushion is above one for one and rounded up, so exactly one price leads to each reserve.
    """
    return reserve_price * BASIS_POINTS // (BASIS_POINTS + CUSHION_BP) if is_buy else reserve_price


def trailing_stop(side: Side, market_price: int, trail_amount: int | None, trail_bp: int | None) -> int:
    """Return where the stop of a trailing order is that begins at, or follows, this price of the market: below it for a
    sell, above it for a buy, rounded away from it. A sell's may come out at 0 or below: then there is none.
    """
    if side == "SELL":
        if trail_amount is not None:
            return market_price - trail_amount
        return market_price * (BASIS_POINTS - (trail_bp or 0)) // BASIS_POINTS
    if trail_amount is not None:
        return market_price + trail_amount
    return -(-market_price * (BASIS_POINTS + (trail_bp or 0)) // BASIS_POINTS)


def market_price_of_trail(side: Side, stop_price: int, trail_amount: int | None, trail_bp: int | None) -> int:
    """Return a price of the market at which a trailing order has this stop: there may be several, all lead to it."""
    if side == "SELL":
        if trail_amount is not None:
            return stop_price + trail_amount
        return -(-stop_price * BASIS_POINTS // (BASIS_POINTS - (trail_bp or 0)))
    if trail_amount is not None:
        return stop_price - trail_amount
    return stop_price * BASIS_POINTS // (BASIS_POINTS + (trail_bp or 0))
