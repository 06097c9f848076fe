"""The matcher against the obvious one: a list of orders, sorted at every quote. Fills are the same, order by order."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradingplatform.venue.matcher import Fill, Quote, SymbolBook, WorkingOrder

LOT = 10


def order(number, *, side="BUY", quantity=100, filled=0, tif="GTC", limit=None, stop=None, placed_at=None):
    kind = {(False, False): "MARKET", (True, False): "LIMIT", (False, True): "STOP", (True, True): "STOP_LIMIT"}
    return WorkingOrder(
        order_id=f"order-{number}",
        account_id=f"account-{number % 3}",
        symbol="KO",
        side=side,
        quantity=quantity,
        filled_quantity=filled,
        order_type=kind[limit is not None, stop is not None],
        time_in_force=tif,
        limit_price=limit,
        stop_price=stop,
        placed_at=number if placed_at is None else placed_at,
        position=number,
    )


@dataclass
class NaiveBook:
    """Every rule as one would say it, and nothing else."""

    orders: dict = field(default_factory=dict)
    resting: set = field(default_factory=set)

    def fills(self, quote, sizes):
        found = []
        for side, price in (("BUY", quote.ask), ("SELL", quote.bid)):
            waiting = [each for each in self.orders.values() if each.side == side and each.order_id not in self.resting]
            for each in sorted(waiting, key=lambda each: self._priority(each)):
                if not self._accepts(each, price):
                    continue
                quantity = min(each.remaining, sizes[side])
                if quantity < each.remaining:
                    quantity -= quantity % LOT
                if quantity == 0 or sizes[side] < LOT or (each.time_in_force == "FOK" and quantity < each.remaining):
                    continue
                sizes[side] -= quantity
                self.resting.add(each.order_id)
                found.append(Fill(each, quantity, price))
        return found

    def _priority(self, each):
        if each.limit_price is None:
            best = float("-inf")
        else:
            best = -each.limit_price if each.side == "BUY" else each.limit_price
        return best, each.placed_at, each.position

    def _accepts(self, each, price):
        is_buy = each.side == "BUY"
        is_within = each.limit_price is None or (price <= each.limit_price if is_buy else price >= each.limit_price)
        waits = each.stop_price is not None and each.filled_quantity == 0
        is_triggered = not waits or (price >= each.stop_price if is_buy else price <= each.stop_price)
        return is_within and is_triggered


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
    st.tuples(st.just("put"), orders),
    st.tuples(st.just("remove"), st.integers(0, 60)),
    st.tuples(st.just("fill"), st.integers(0, 60)),
    st.tuples(st.just("quote"), st.tuples(prices, st.integers(0, 3), st.integers(0, 300), st.integers(0, 300))),
    st.tuples(st.just("match"), st.none()),
)


@settings(max_examples=400)
@given(st.lists(steps, max_size=80))
def test_it_fills_what_the_obvious_one_fills(taken):
    book, naive = SymbolBook(), NaiveBook()
    quote, sizes = None, {}
    for step, what in taken:
        if step == "put" and what.order_id not in naive.orders:
            book.put(what)
            naive.orders[what.order_id] = what
        elif step == "remove" and f"order-{what}" in naive.orders:
            book.remove(naive.orders.pop(f"order-{what}"))
            naive.resting.discard(f"order-{what}")
        elif step == "fill" and f"order-{what}" in naive.orders:
            before = naive.orders[f"order-{what}"]
            after = before._replace(filled_quantity=before.filled_quantity + before.remaining // 2)
            book.put(after)
            naive.orders[after.order_id] = after
            naive.resting.discard(after.order_id)
        elif step == "quote":
            bid, spread, bid_size, ask_size = what
            quote = Quote(bid, bid + spread, bid_size, ask_size, LOT)
            sizes = {"BUY": ask_size, "SELL": bid_size}
            book.quote(quote)
        if step not in ("quote", "match"):
            continue
        fills = book.match()
        assert fills == ([] if quote is None else naive.fills(quote, sizes))
        for fill in fills:
            is_buy = fill.order.side == "BUY"
            limit = fill.order.limit_price
            assert limit is None or (fill.price <= limit if is_buy else fill.price >= limit)
            assert 0 < fill.quantity <= fill.order.remaining
    assert len(book) == len(naive.orders)


def test_who_pays_more_is_filled_first_then_who_came_first():
    book = SymbolBook()
    for each in (order(1, limit=100), order(2, limit=105), order(3), order(4, limit=105), order(5, limit=99)):
        book.put(each)
    book.quote(Quote(bid=98, ask=100, bid_size=0, ask_size=350, lot_size=LOT))
    assert [(fill.order.position, fill.quantity) for fill in book.match()] == [(3, 100), (2, 100), (4, 100), (1, 50)]


def test_nothing_is_offered_twice_by_one_quote():
    book = SymbolBook()
    book.quote(Quote(bid=98, ask=100, bid_size=0, ask_size=150, lot_size=LOT))
    book.put(order(1))
    assert [fill.quantity for fill in book.match()] == [100]
    book.put(order(2))
    assert [fill.quantity for fill in book.match()] == [50]
    book.put(order(3))
    assert book.match() == []
    book.quote(Quote(bid=98, ask=101, bid_size=0, ask_size=150, lot_size=LOT))
    assert [(fill.order.position, fill.price) for fill in book.match()] == [(3, 101)]


def test_sizes_that_somebody_said_are_offered_once_until_they_are_said_anew():
    book = SymbolBook()
    said = Quote(bid=98, ask=100, bid_size=0, ask_size=150, lot_size=LOT, said_at_us=7)
    book.put(order(1))
    book.quote(said)
    assert [fill.quantity for fill in book.match()] == [100]
    book.quote(said)
    book.put(order(2))
    assert [fill.quantity for fill in book.match()] == [50]
    book.quote(said)
    book.put(order(3))
    assert book.match() == []
    book.quote(said._replace(said_at_us=8))
    assert [fill.quantity for fill in book.match()] == [100]


@pytest.mark.parametrize(("side", "stop", "before", "at"), [("BUY", 105, 104, 105), ("SELL", 95, 96, 95)])
def test_a_stop_waits_for_its_price(side, stop, before, at):
    book = SymbolBook()
    book.put(order(1, side=side, stop=stop))
    book.quote(Quote(before, before, 1000, 1000, LOT))
    assert book.match() == []
    book.quote(Quote(at, at, 50, 50, LOT))
    (first,) = book.match()
    assert (first.quantity, first.price) == (50, at)
    book.put(first.order._replace(filled_quantity=50))
    book.quote(Quote(before, before, 1000, 1000, LOT))
    assert [fill.price for fill in book.match()] == [before], "once triggered it is a market order"


def test_a_closed_market_fills_nobody():
    book = SymbolBook()
    book.put(order(1))
    book.quote(None)
    assert book.match() == []
