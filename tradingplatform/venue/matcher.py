"""Matches the working orders of one symbol against the market's quote, by price and time. Pure: no clock, no I/O.

A paper venue: orders trade with the market, not with one another. A quote offers a displayed size at the bid and at the
ask; orders take it, the best limit first (an order without one before all), then the earliest, then in the order of the
journal. They are filled at the quote, which is never worse than their limit, in whole lots; what a quote does not offer
any more waits for the next one.

An order that waits for its stop may be filled while the quote is at the stop or beyond it; its first fill triggers it,
from then on only its limit counts (accounts/domain/orders.py). FOK orders are filled whole or not at all.

Orders are kept in arrays, so a quote that nobody can take is one comparison for each array.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from accounts.domain.events import OrderType, Side, TimeInForce

_NO_LIMIT_BUY: Final = np.iinfo(np.int64).max
_NO_LIMIT_SELL: Final = 0
_SLOTS_AT_FIRST: Final = 16


OrderKey: TypeAlias = tuple[str, str]
"""The ids of an account and of its order."""


class WorkingOrder(NamedTuple):
    """An order that works. Prices in ten-thousandths, quantities in millionths of a share.

    `placed_at` is UTC microseconds and `position` its place in the journal, which orders those of one instant.
    """

    order_id: str
    account_id: str
    symbol: str
    side: Side
    quantity: int
    filled_quantity: int
    order_type: OrderType
    time_in_force: TimeInForce
    limit_price: int | None
    stop_price: int | None
    placed_at: int
    position: int

    @property
    def key(self) -> OrderKey:
        """What it is known by: an order's id is its account's own."""
        return self.account_id, self.order_id

    @property
    def remaining(self) -> int:
        """The shares that are not filled."""
        return self.quantity - self.filled_quantity

    @property
    def pending_stop(self) -> int | None:
        """The stop price that it still waits for, None when it waits for none."""
        return None if self.filled_quantity else self.stop_price

    @property
    def is_immediate(self) -> bool:
        """Whether it is filled at once or ends."""
        return self.time_in_force in ("IOC", "FOK")


class Quote(NamedTuple):
    """What the market offers: prices in ten-thousandths, sizes in millionths of a share. A fill that leaves a part of
    its order is a multiple of `lot_size`. `said_at_us` is when somebody said sizes (UTC microseconds): what was taken
    of them is not offered again by the same quote; None where sizes are made up anew for each quote.
    """

    bid: int
    ask: int
    bid_size: int
    ask_size: int
    lot_size: int = 1
    said_at_us: int | None = None


class Fill(NamedTuple):
    """So much of an order is filled at a price."""

    order: WorkingOrder
    quantity: int
    price: int


class SymbolBook:
    """The working orders of one symbol. An order that was matched rests until `put` says how it goes on."""

    def __init__(self) -> None:
        self._buys = _OrderTable(is_buy=True)
        self._sells = _OrderTable(is_buy=False)
        self._quote: Quote | None = None
        self._ask_left = self._bid_left = 0

    def __len__(self) -> int:
        return len(self._buys) + len(self._sells)

    def put(self, order: WorkingOrder) -> None:
        """Let an order be matched, as it is now: a new one, or one that rested."""
        self._table(order).put(order)

    def remove(self, order: WorkingOrder) -> None:
        """Forget an order."""
        self._table(order).remove(order.key)

    def quote(self, quote: Quote | None) -> None:
        """Take what the market offers from now on; None when nothing can be traded."""
        if quote is not None and quote == self._quote and quote.said_at_us is not None:
            return
        self._quote = quote
        self._ask_left, self._bid_left = (0, 0) if quote is None else (quote.ask_size, quote.bid_size)

    def match(self) -> list[Fill]:
        """Fill what the quote still offers; the orders filled rest from here on."""
        if self._quote is None:
            return []
        lot_size = self._quote.lot_size
        fills = list(_take(self._buys, self._quote.ask, self._ask_left, lot_size))
        self._ask_left -= sum(fill.quantity for fill in fills)
        sold = list(_take(self._sells, self._quote.bid, self._bid_left, lot_size))
        self._bid_left -= sum(fill.quantity for fill in sold)
        return fills + sold

    def _table(self, order: WorkingOrder) -> "_OrderTable":
        return self._buys if order.side == "BUY" else self._sells


def _take(table: "_OrderTable", price: int, size: int, lot_size: int) -> Iterator[Fill]:
    if size < lot_size:
        return
    for order in table.at_price(price):
        quantity = order.remaining if order.remaining <= size else size - size % lot_size
        if quantity < order.remaining and (order.time_in_force == "FOK" or not quantity):
            continue
        table.rest(order.key)
        size -= quantity
        yield Fill(order, quantity, price)
        if size < lot_size:
            return


class _OrderTable:
    """The orders of one side, a row of arrays for each; rows of orders that are gone are used again."""

    def __init__(self, *, is_buy: bool) -> None:
        self._is_buy = is_buy
        self._orders: list[WorkingOrder | None] = []
        self._rows: dict[OrderKey, int] = {}
        self._free: list[int] = []
        self._limits = np.zeros(_SLOTS_AT_FIRST, np.int64)
        self._stops = np.zeros(_SLOTS_AT_FIRST, np.int64)
        self._placed_at = np.zeros(_SLOTS_AT_FIRST, np.int64)
        self._positions = np.zeros(_SLOTS_AT_FIRST, np.int64)
        self._is_matched = np.zeros(_SLOTS_AT_FIRST, bool)
        """Whether a row's order can be matched: it is there and does not rest."""

    def __len__(self) -> int:
        return len(self._rows)

    def put(self, order: WorkingOrder) -> None:
        row = self._rows.get(order.key)
        if row is None:
            row = self._rows[order.key] = self._new_row()
        no_limit = _NO_LIMIT_BUY if self._is_buy else _NO_LIMIT_SELL
        no_stop = 0 if self._is_buy else np.iinfo(np.int64).max
        self._orders[row] = order
        self._limits[row] = no_limit if order.limit_price is None else order.limit_price
        self._stops[row] = no_stop if order.pending_stop is None else order.pending_stop
        self._placed_at[row], self._positions[row] = order.placed_at, order.position
        self._is_matched[row] = True

    def rest(self, key: OrderKey) -> None:
        self._is_matched[self._rows[key]] = False

    def remove(self, key: OrderKey) -> None:
        row = self._rows.pop(key, None)
        if row is not None:
            self._orders[row], self._is_matched[row] = None, False
            self._free.append(row)

    def at_price(self, price: int) -> Iterator[WorkingOrder]:
        """Yield the orders that may be filled at a price, in their order."""
        rows = np.flatnonzero(self._can_trade(price))
        best_first = -self._limits[rows] if self._is_buy else self._limits[rows]
        for place in np.lexsort((self._positions[rows], self._placed_at[rows], best_first)).tolist():
            order = self._orders[int(rows[place])]
            assert order is not None, "a row that is matched has an order"
            yield order

    def _can_trade(self, price: int) -> NDArray[np.bool_]:
        count = len(self._orders)
        limits, stops, is_matched = self._limits[:count], self._stops[:count], self._is_matched[:count]
        found: NDArray[np.bool_]
        if self._is_buy:
            found = is_matched & (limits >= price) & (stops <= price)
        else:
            found = is_matched & (limits <= price) & (stops >= price)
        return found

    def _new_row(self) -> int:
        if self._free:
            return self._free.pop()
        self._orders.append(None)
        if len(self._orders) > len(self._limits):
            for name in ("_limits", "_stops", "_placed_at", "_positions", "_is_matched"):
                column = getattr(self, name)
                setattr(self, name, np.concatenate([column, np.zeros_like(column)]))
        return len(self._orders) - 1
