"""Matches the working orders of one symbol against the market's quote, by price and time. Pure: no clock, no I/O.

A paper venue: orders trade with the market, not with one another. A quote offers a displayed size at the bid and at the
ask; orders take it, the best limit first (an order without one before all), then the earliest, then in the order of the
journal. They are filled at the quote, which is never worse than their limit, in whole lots; what a quote does not offer
any more waits for the next one.

An order that waits for its stop is not filled: once the quote reaches the stop, `trigger` says so, and when the account
has recorded that, it is put again without its stop. FOK orders are filled whole or not at all.

Orders are columns, here and wherever they go: a quote that nobody can take is one comparison for each array. A new kind
of order gets its column in `Candidates` and its condition in `_OrderTable._can_trade`.
"""

from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Integers: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]

_WIDEST: Final = np.iinfo(np.int64).max
_ROWS_AT_FIRST: Final = 16


class Candidates(NamedTuple):
    """Orders of one side that may be matched, as they are now: columns of one length.

    An order is known by its `slots` number. Prices are in ten-thousandths, 0 for one that an order does not have or
    does not wait for any more; `remaining` are the millionths of a share that are not filled. `placed_at` is UTC
    microseconds and `positions` a place in the journal, which orders those of one instant.
    """

    slots: Integers
    limits: Integers
    stops: Integers
    remaining: Integers
    are_whole: Flags
    """Whether an order is filled whole or not at all (FOK)."""
    placed_at: Integers
    positions: Integers


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


class Fills(NamedTuple):
    """So much of each order is filled at a price, in the order of priority, buys first."""

    slots: Integers
    quantities: Integers
    prices: Integers


class Triggers(NamedTuple):
    """The market reached the stop of each order, at a price."""

    slots: Integers
    prices: Integers


class SymbolBook:
    """The working orders of one symbol. An order that was matched rests until `put` says how it goes on."""

    def __init__(self) -> None:
        self._buys = _OrderTable(is_buy=True)
        self._sells = _OrderTable(is_buy=False)
        self._quote: Quote | None = None
        self._latest: Quote | None = None
        """The latest quote that there was, of which so much is left."""
        self._ask_left = self._bid_left = 0

    def __len__(self) -> int:
        return len(self._buys) + len(self._sells)

    def put(self, candidates: Candidates, *, are_buys: bool) -> None:
        """Let orders be matched, as they are now: new ones, or such as rested."""
        (self._buys if are_buys else self._sells).put(candidates)

    def remove(self, slots: Integers, *, are_buys: bool) -> None:
        """Forget orders; those that are not here are passed over."""
        (self._buys if are_buys else self._sells).remove(slots)

    def quote(self, quote: Quote | None) -> None:
        """Take what the market offers from now on; None when nothing can be traded. Sizes that were said are offered
        once, also when nothing could be traded meanwhile.
        """
        self._quote = quote
        if quote is not None and (quote.said_at_us is None or quote != self._latest):
            self._latest, self._ask_left, self._bid_left = quote, quote.ask_size, quote.bid_size

    def trigger(self) -> Triggers | None:
        """Return the orders whose stop the quote reached, buys first; they rest from here on. None when none is."""
        if self._quote is None:
            return None
        ask, bid = self._quote.ask, self._quote.bid
        buyers, sellers = self._buys.take_triggered(ask), self._sells.take_triggered(bid)
        if not len(buyers) + len(sellers):
            return None
        prices = np.repeat(np.array([ask, bid]), [len(buyers), len(sellers)])
        return Triggers(np.concatenate([buyers, sellers]), prices)

    def match(self) -> Fills | None:
        """Fill what the quote still offers; the orders filled rest from here on. None when none is."""
        if self._quote is None:
            return None
        lot_size, ask, bid = self._quote.lot_size, self._quote.ask, self._quote.bid
        buyers, bought = self._buys.take(ask, self._ask_left, lot_size)
        sellers, sold = self._sells.take(bid, self._bid_left, lot_size)
        if not len(buyers) + len(sellers):
            return None
        self._ask_left -= int(bought.sum())
        self._bid_left -= int(sold.sum())
        prices = np.repeat(np.array([ask, bid]), [len(buyers), len(sellers)])
        return Fills(np.concatenate([buyers, sellers]), np.concatenate([bought, sold]), prices)


def allocate(remaining: Integers, are_whole: Flags, *, size: int, lot_size: int) -> Integers:
    """Return how much of each order is filled of an offered size, given the orders by their priority."""
    total = sum(remaining.tolist())  # Of many large orders it is wider than 64 bits.
    if total <= size and size - (total - int(remaining[-1])) >= lot_size:
        return remaining
    filled = np.zeros(len(remaining), np.int64)
    for place, (wanted, is_whole) in enumerate(zip(remaining.tolist(), are_whole.tolist(), strict=True)):
        if size < lot_size:
            break
        quantity = wanted if wanted <= size else size - size % lot_size
        if quantity == wanted or not is_whole:
            filled[place] = quantity
            size -= quantity
    return filled


class _OrderTable:
    """The orders of one side, a row of arrays for each; rows of orders that are gone are used again."""

    _COLUMNS: Final = (
        "_slots",
        "_limits",
        "_stops",
        "_remaining",
        "_placed_at",
        "_positions",
        "_are_whole",
        "_matched",
    )

    def __init__(self, *, is_buy: bool) -> None:
        self._is_buy = is_buy
        self._rows: dict[int, int] = {}
        """The row of each order by its slot."""
        self._free: list[int] = []
        self._count = 0
        self._slots = np.zeros(_ROWS_AT_FIRST, np.int64)
        self._limits = np.zeros(_ROWS_AT_FIRST, np.int64)
        self._stops = np.zeros(_ROWS_AT_FIRST, np.int64)
        self._remaining = np.zeros(_ROWS_AT_FIRST, np.int64)
        self._placed_at = np.zeros(_ROWS_AT_FIRST, np.int64)
        self._positions = np.zeros(_ROWS_AT_FIRST, np.int64)
        self._are_whole = np.zeros(_ROWS_AT_FIRST, bool)
        self._matched = np.zeros(_ROWS_AT_FIRST, bool)
        """Whether a row's order can be matched: it is there and does not rest."""

    def __len__(self) -> int:
        return len(self._rows)

    def put(self, candidates: Candidates) -> None:
        rows = np.array([self._row(slot) for slot in candidates.slots.tolist()], np.int64)
        limits = candidates.limits
        if self._is_buy:
            limits = np.where(limits == 0, _WIDEST, limits)
        self._slots[rows], self._limits[rows], self._stops[rows] = candidates.slots, limits, candidates.stops
        self._remaining[rows], self._are_whole[rows] = candidates.remaining, candidates.are_whole
        self._placed_at[rows], self._positions[rows] = candidates.placed_at, candidates.positions
        self._matched[rows] = True

    def remove(self, slots: Integers) -> None:
        found = [self._rows.pop(slot, None) for slot in slots.tolist()]
        rows = [row for row in found if row is not None]
        self._matched[rows] = False
        self._free += rows

    def take(self, price: int, size: int, lot_size: int) -> tuple[Integers, Integers]:
        """Return the orders that are filled at a price, by their priority, and how much of each; they rest."""
        rows = np.flatnonzero(self._can_trade(price)) if size >= lot_size else np.zeros(0, np.int64)
        if not len(rows):
            return rows, rows
        best_first = -self._limits[rows] if self._is_buy else self._limits[rows]
        rows = rows[np.lexsort((self._positions[rows], self._placed_at[rows], best_first))]
        filled = allocate(self._remaining[rows], self._are_whole[rows], size=size, lot_size=lot_size)
        rows, filled = rows[filled > 0], filled[filled > 0]
        self._matched[rows] = False
        return self._slots[rows], filled

    def take_triggered(self, price: int) -> Integers:
        """Return the orders whose stop is reached at a price, in the order of the journal; they rest."""
        stops, matched = self._stops[: self._count], self._matched[: self._count]
        is_reached = stops <= price if self._is_buy else stops >= price
        rows = np.flatnonzero(matched & (stops != 0) & is_reached)
        rows = rows[np.lexsort((self._positions[rows], self._placed_at[rows]))]
        self._matched[rows] = False
        return self._slots[rows]

    def _can_trade(self, price: int) -> Flags:
        limits, stops, matched = self._limits[: self._count], self._stops[: self._count], self._matched[: self._count]
        found: Flags = matched & (stops == 0) & (limits >= price if self._is_buy else limits <= price)
        return found

    def _row(self, slot: int) -> int:
        row = self._rows.get(slot)
        if row is None:
            row = self._rows[slot] = self._free.pop() if self._free else self._new_row()
        return row

    def _new_row(self) -> int:
        if self._count == len(self._slots):
            for name in self._COLUMNS:
                column = getattr(self, name)
                setattr(self, name, np.concatenate([column, np.zeros_like(column)]))
        self._count += 1
        return self._count - 1
