"""The matcher against the obvious one: a list of orders, sorted at every quote. Fills are the same, order by order."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradingplatform.venue.matcher import Candidates, Quote, SymbolBook, allocate

LOT = 10


class Order(NamedTuple):
    """An order as one would write it down."""

    number: int
    side: str
    quantity: int
    filled_quantity: int
    time_in_force: str
    limit_price: int | None
    stop_price: int | None
    placed_at: int
    is_triggered: bool = False

    @property
    def remaining(self):
        return self.quantity - self.filled_quantity


class Fill(NamedTuple):
    number: int
    quantity: int
    price: int


def order(number, *, side="BUY", quantity=100, filled=0, tif="GTC", limit=None, stop=None, placed_at=None):
    return Order(number, side, quantity, filled, tif, limit, stop, number if placed_at is None else placed_at)


def put(book, *orders):
    """Put orders into a book, those of one side together."""
    for side in ("BUY", "SELL"):
        found = [each for each in orders if each.side == side]
        rows = [
            (
                each.number,
                each.limit_price or 0,
                0 if each.is_triggered else each.stop_price or 0,
                each.remaining,
                each.time_in_force == "FOK",
                each.placed_at,
                each.number,
            )
            for each in found
        ]
        if rows:
            book.put(Candidates(*map(np.array, zip(*rows, strict=True))), are_buys=side == "BUY")


def remove(book, order):
    book.remove(np.array([order.number]), are_buys=order.side == "BUY")


def trigger(book):
    triggers = book.trigger()
    return [] if triggers is None else list(zip(*map(np.ndarray.tolist, triggers), strict=True))


def match(book):
    fills = book.match()
    if fills is None:
        return []
    return [Fill(*each) for each in zip(*map(np.ndarray.tolist, fills), strict=True)]


@dataclass
class NaiveBook:
    """Every rule as one would say it, and nothing else."""

    orders: dict = field(default_factory=dict)
    resting: set = field(default_factory=set)

    def triggers(self, quote):
        """Those whose stop was reached, side by side, in the order in which they came."""
        found = []
        for side, price in (("BUY", quote.ask), ("SELL", quote.bid)):
            waiting = [
                each
                for each in self.orders.values()
                if each.side == side and each.number not in self.resting and self._waits(each)
            ]
            for each in sorted(waiting, key=lambda each: (each.placed_at, each.number)):
                if price >= each.stop_price if side == "BUY" else price <= each.stop_price:
                    self.resting.add(each.number)
                    found.append((each.number, price))
        return found

    def _waits(self, each):
        return each.stop_price is not None and not each.is_triggered

    def fills(self, quote, sizes):
        found = []
        for side, price in (("BUY", quote.ask), ("SELL", quote.bid)):
            waiting = [each for each in self.orders.values() if each.side == side and each.number not in self.resting]
            for each in sorted(waiting, key=lambda each: self._priority(each)):
                if not self._accepts(each, price):
                    continue
                quantity = min(each.remaining, sizes[side])
                if quantity < each.remaining:
                    quantity -= quantity % LOT
                if quantity == 0 or sizes[side] < LOT or (each.time_in_force == "FOK" and quantity < each.remaining):
                    continue
                sizes[side] -= quantity
                self.resting.add(each.number)
                found.append(Fill(each.number, quantity, price))
        return found

    def _priority(self, each):
        if each.limit_price is None:
            best = float("-inf")
        else:
            best = -each.limit_price if each.side == "BUY" else each.limit_price
        return best, each.placed_at, each.number

    def _accepts(self, each, price):
        is_buy = each.side == "BUY"
        is_within = each.limit_price is None or (price <= each.limit_price if is_buy else price >= each.limit_price)
        return is_within and not self._waits(each)


prices = st.sampled_from([95, 100, 105])
orders = st.builds(
    order,
    st.integers(0, 60),
    side=st.sampled_from(["BUY", "SELL"]),
    quantity=st.integers(1, 12).map(lambda lots: lots * LOT),
    tif=st.sampled_from(["GTC", "DAY", "IOC", "FOK"]),
    limit=st.none() | prices,
    stop=st.none() | prices,
    placed_at=st.integers(0, 5),
)
steps = st.one_of(
    st.tuples(st.just("put"), st.lists(orders, min_size=1, max_size=4)),
    st.tuples(st.just("remove"), st.integers(0, 60)),
    st.tuples(st.just("fill"), st.integers(0, 60)),
    st.tuples(st.just("quote"), st.tuples(prices, st.integers(0, 3), st.integers(0, 300), st.integers(0, 300))),
    st.tuples(st.just("match"), st.none()),
    st.tuples(st.just("trigger"), st.integers(0, 60)),
)


@settings(max_examples=400)
@given(st.lists(steps, max_size=80))
def test_it_fills_what_the_obvious_one_fills(taken):
    book, naive = SymbolBook(), NaiveBook()
    quote, sizes = None, {}
    for step, what in taken:
        if step == "put":
            new = {each.number: each for each in what if each.number not in naive.orders}
            put(book, *new.values())
            naive.orders |= new
        elif step == "remove" and what in naive.orders:
            remove(book, naive.orders.pop(what))
            naive.resting.discard(what)
        elif step == "fill" and what in naive.orders:
            before = naive.orders[what]
            after = before._replace(filled_quantity=before.filled_quantity + before.remaining // 2)
            put(book, after)
            naive.orders[what] = after
            naive.resting.discard(what)
        elif step == "trigger" and what in naive.orders:
            naive.orders[what] = naive.orders[what]._replace(is_triggered=True)
            put(book, naive.orders[what])
            naive.resting.discard(what)
        elif step == "quote":
            bid, spread, bid_size, ask_size = what
            quote = Quote(bid, bid + spread, bid_size, ask_size, LOT)
            sizes = {"BUY": ask_size, "SELL": bid_size}
            book.quote(quote)
        if step not in ("quote", "match"):
            continue
        assert trigger(book) == ([] if quote is None else naive.triggers(quote))
        fills = match(book)
        assert fills == ([] if quote is None else naive.fills(quote, sizes))
        for fill in fills:
            filled = naive.orders[fill.number]
            assert filled.stop_price is None or filled.is_triggered
            is_buy, limit = filled.side == "BUY", filled.limit_price
            assert limit is None or (fill.price <= limit if is_buy else fill.price >= limit)
            assert 0 < fill.quantity <= filled.remaining
    assert len(book) == len(naive.orders)


def test_who_pays_more_is_filled_first_then_who_came_first():
    book = SymbolBook()
    put(book, order(1, limit=100), order(2, limit=105), order(3), order(4, limit=105), order(5, limit=99))
    book.quote(Quote(bid=98, ask=100, bid_size=0, ask_size=350, lot_size=LOT))
    assert [(fill.number, fill.quantity) for fill in match(book)] == [(3, 100), (2, 100), (4, 100), (1, 50)]


def test_nothing_is_offered_twice_by_one_quote():
    book = SymbolBook()
    book.quote(Quote(bid=98, ask=100, bid_size=0, ask_size=150, lot_size=LOT))
    put(book, order(1))
    assert [fill.quantity for fill in match(book)] == [100]
    put(book, order(2))
    assert [fill.quantity for fill in match(book)] == [50]
    put(book, order(3))
    assert match(book) == []
    book.quote(Quote(bid=98, ask=101, bid_size=0, ask_size=150, lot_size=LOT))
    assert [(fill.number, fill.price) for fill in match(book)] == [(3, 101)]


def test_sizes_that_somebody_said_are_offered_once_until_they_are_said_anew():
    book = SymbolBook()
    said = Quote(bid=98, ask=100, bid_size=0, ask_size=150, lot_size=LOT, said_at_us=7)
    put(book, order(1))
    book.quote(said)
    assert [fill.quantity for fill in match(book)] == [100]
    book.quote(said)
    put(book, order(2))
    assert [fill.quantity for fill in match(book)] == [50]
    book.quote(None)
    book.quote(said)
    put(book, order(3))
    assert match(book) == [], "not even when nothing could be traded meanwhile"
    book.quote(said._replace(said_at_us=8))
    assert [fill.quantity for fill in match(book)] == [100]


def test_more_is_wanted_than_64_bits_hold_and_no_more_is_filled_than_is_offered():
    wanted = np.full(10_000, 10**15, np.int64)
    filled = allocate(wanted, np.zeros(len(wanted), bool), size=150, lot_size=LOT)
    assert (filled.sum(), filled[0]) == (150 - 150 % LOT, 150 - 150 % LOT)


@pytest.mark.parametrize(("side", "stop", "before", "at"), [("BUY", 105, 104, 105), ("SELL", 95, 96, 95)])
def test_a_stop_waits_for_its_price(side, stop, before, at):
    book = SymbolBook()
    waiting = order(1, side=side, stop=stop)
    put(book, waiting)
    book.quote(Quote(before, before, 1000, 1000, LOT))
    assert (trigger(book), match(book)) == ([], [])
    book.quote(Quote(at, at, 50, 50, LOT))
    assert match(book) == [], "it is not filled before its trigger is recorded"
    assert (trigger(book), trigger(book)) == ([(1, at)], []), "it is said once"
    put(book, waiting._replace(is_triggered=True))
    assert match(book) == [Fill(1, 50, at)]
    put(book, waiting._replace(is_triggered=True, filled_quantity=50))
    book.quote(Quote(before, before, 1000, 1000, LOT))
    assert [fill.price for fill in match(book)] == [before], "once triggered it is a market order"


def test_a_closed_market_fills_nobody():
    book = SymbolBook()
    put(book, order(1))
    book.quote(None)
    assert match(book) == []
