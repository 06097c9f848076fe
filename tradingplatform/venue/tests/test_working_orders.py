"""The venue's working orders against accounts that really decide: with answers that are lost, commands that come twice
and late, partitions that cannot be read for a while, and a venue that dies between any two steps.
"""

from copy import deepcopy
from itertools import chain
from typing import NamedTuple

import msgspec
import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from accounts.domain import commands as c
from accounts.domain import events as e
from accounts.domain.account import decide, evolve
from accounts.domain.state import Account
from eventstore.columns.cells import CommitRows, EventCells, Origins
from eventstore.columns.packed import CommitColumns
from eventstore.kernels.texts import pack_texts, text_of, texts_of
from tradingplatform.venue.matcher import Quote
from tradingplatform.venue.order_events import order_events
from tradingplatform.venue.shares import Share
from tradingplatform.venue.venue import commands_of
from tradingplatform.venue.working_orders import NOT_FILLED, SESSION_OVER, TIME_OVER, WorkingOrders

SHARE = 1_000_000
SECOND = 1_000_000
ACCOUNTS = ("a", "b")
"""Each in a partition of its own."""
UNKNOWN, FAULT = "unknown", "fault"
SYMBOLS = ("KO", "PG")


class Recorded(NamedTuple):
    """An event as the journal has it."""

    account_id: str
    timestamp: int
    position: int
    command_id: str
    event: e.AccountEvent


class Ask(NamedTuple):
    """One of the commands that the venue asks for."""

    asks: object
    place: int

    @property
    def account_id(self):
        return text_of(self.asks.account_ids[self.place])

    @property
    def order_id(self):
        return text_of(self.asks.order_ids[self.place])

    @property
    def command_id(self):
        return text_of(self.asks.command_ids[self.place])

    @property
    def command(self):
        return self.asks.command(self.place)


def columns_of(recorded):
    """Return events as the journal's reader gives them."""
    cells, origins = EventCells(), Origins()
    for each in recorded:
        cells.add(each.event)
    commits = CommitRows(
        aggregate_ids=pack_texts([each.account_id for each in recorded]),
        command_ids=pack_texts([each.command_id for each in recorded]),
        first_versions=np.ones(len(recorded), np.int64),
        timestamps=np.array([each.timestamp for each in recorded]),
        origins=origins,
        origin_numbers=np.full(len(recorded), origins.number(None, None, "ada", None)),
        event_counts=np.ones(len(recorded), np.int64),
    )
    return CommitColumns(commits, cells)


def apply(venue, recorded):
    if recorded:
        venue.apply(order_events(columns_of(recorded), first_seq=recorded[0].position))


def next_asks(venue):
    asks = venue.next_asks()
    sent = commands_of(asks)
    assert [sent.command(place) for place in range(len(asks))] == [asks.command(place) for place in range(len(asks))]
    return [Ask(asks, place) for place in range(len(asks))]


def partitions_of(account_ids):
    return np.array([ACCOUNTS.index(each) for each in texts_of(account_ids)], np.int64)


class Journal:
    """Accounts, each with the commands that it has decided before, and the events of all of them in order."""

    def __init__(self):
        self.accounts = {account_id: Account(positions={}, orders={}, reserved_shares={}) for account_id in ACCOUNTS}
        self.answers = {}
        self.recorded = []
        self.now = 0
        for account_id in ACCOUNTS:
            self.execute(account_id, f"open-{account_id}", c.OpenAccount("user:1", "n", "USD"))
            self.execute(account_id, f"cash-{account_id}", c.DepositCash(10_000_000_000, ""))
            self.execute(account_id, f"limits-{account_id}", c.ChangeRiskLimits(10_000, 10**14, 10**13))

    def execute(self, account_id, command_id, command):
        """Return the code of the refusal, None when it was done; the same command id gives the first answer."""
        key = account_id, command_id
        if key in self.answers:
            asked, code = self.answers[key]
            return code if asked == command else "COMMAND_ID_REUSED"
        self.now += 1
        events = decide(self.accounts[account_id], command, self.now)
        for event in events:
            evolve(self.accounts[account_id], event)
            self.recorded.append(Recorded(account_id, self.now, len(self.recorded), command_id, event))
        self.check(events, command)
        code = events[0].code if isinstance(events[0], e.CommandRefused) else None
        self.answers[key] = command, code
        return code

    def check(self, events, command):
        """Nothing of the venue's is beyond a limit or before a trigger, and exits never promise more than is held."""
        for account in self.accounts.values():
            for symbol, kept in account.reserved_shares.items():
                assert kept <= account.positions[symbol].quantity
        if isinstance(command, c.TriggerOrder) and isinstance(events[0], e.OrderTriggered):
            assert events[0].trigger_price == command.price

    def working(self):
        return {(account_id, order_id) for account_id, found in self.accounts.items() for order_id in found.orders}


def quotes_at(price, size):
    return {symbol: Quote(price * 10_000, price * 10_000, size * SHARE, size * SHARE) for symbol in SYMBOLS}


class VenueMachine(RuleBasedStateMachine):
    """A venue that may die at any moment, whose commands arrive at any later moment, twice, or in another order."""

    def __init__(self):
        super().__init__()
        self.journal = Journal()
        self.under_way = []
        self.number = 0
        self.quotes = {}
        self.closed_at = 0
        self.start()

    def start(self):
        """Begin again from the first event; commands under way still arrive, their answers do not."""
        self.venue = WorkingOrders(partitions_of=partitions_of, asked_max=2)
        self.read = dict.fromkeys(ACCOUNTS, 0)
        self.held = set()
        self.has_failed = False
        self.answered = []
        self.under_way = [(ask, None) for ask, _ in self.under_way]
        self.follow()
        self.venue.quote(self.quotes, now=self.journal.now)
        self.venue.end_session(closed_at=self.closed_at)

    def follow(self):
        answered, self.answered = self.answered, []
        found = []
        for account_id in set(ACCOUNTS) - self.held:
            new = self.journal.recorded[self.read[account_id] :]
            found += [recorded for recorded in new if recorded.account_id == account_id]
            self.read[account_id] = len(self.journal.recorded)
        apply(self.venue, found)
        self.venue.hold_partitions(frozenset(ACCOUNTS.index(account_id) for account_id in self.held))
        for ask, code in answered:
            if code in (UNKNOWN, FAULT):
                self.venue.not_done(*ask, is_fault=code == FAULT)
            else:
                self.venue.refused(*ask, code)

    @rule(
        account_id=st.sampled_from(ACCOUNTS),
        symbol=st.sampled_from(SYMBOLS),
        side=st.sampled_from(["BUY", "SELL"]),
        shares=st.integers(1, 30),
        tif=st.sampled_from(["DAY", "GTC", "IOC", "FOK"]),
        limit=st.none() | st.integers(40, 60),
        stop=st.none() | st.integers(40, 60),
    )
    def place(self, account_id, symbol, side, shares, tif, limit, stop):
        if stop is not None:
            tif = "GTC" if tif in ("IOC", "FOK") else tif
            if limit is not None:
                limit = max(limit, stop) if side == "BUY" else min(limit, stop)
        kind = {(False, False): "MARKET", (True, False): "LIMIT", (False, True): "STOP", (True, True): "STOP_LIMIT"}
        self.number += 1
        order_type = kind[limit is not None, stop is not None]
        command = c.PlaceOrder(
            f"o{self.number}", f"c{self.number}", symbol, side, shares * SHARE, order_type, tif,
            limit and limit * 10_000, stop and stop * 10_000, 500_000 if order_type == "MARKET" else 0,
        )  # fmt: skip
        self.journal.execute(account_id, f"place-{self.number}", command)

    @rule(
        account_id=st.sampled_from(ACCOUNTS),
        symbol=st.sampled_from(SYMBOLS),
        side=st.sampled_from(["BUY", "SELL"]),
        shares=st.integers(1, 30),
        trail=st.tuples(st.integers(1, 10), st.none()) | st.tuples(st.none(), st.sampled_from([100, 1_500])),
        seconds=st.none() | st.integers(1, 5),
    )
    def place_trailing_stop(self, account_id, symbol, side, shares, trail, seconds):
        self.number += 1
        expires_at = seconds and self.journal.now + 1 + seconds * SECOND
        amount, basis_points = trail
        command = c.PlaceOrder(
            f"o{self.number}", f"c{self.number}", symbol, side, shares * SHARE, "TRAILING_STOP",
            "GTD" if seconds else "GTC", None, None, 500_000, expires_at, amount and amount * 10_000, basis_points,
        )  # fmt: skip
        self.journal.execute(account_id, f"place-{self.number}", command)

    @rule(
        account_id=st.sampled_from(ACCOUNTS),
        symbol=st.sampled_from(SYMBOLS),
        side=st.sampled_from(["BUY", "BUY", "SELL"]),
        shares=st.integers(1, 30),
        tif=st.sampled_from(["DAY", "GTC"]),
        kind=st.sampled_from(["bracket", "profit", "loss", "oco"]),
        loss=st.sampled_from([(None, None, 30_000), (430_000, None, None), (430_000, 410_000, None)]),
    )
    def place_group(self, account_id, symbol, side, shares, tif, kind, loss):
        self.number += 1
        name = f"o{self.number}"
        exit_side = side if kind == "oco" else "SELL" if side == "BUY" else "BUY"
        stop, limit, trail = loss
        if exit_side == "BUY":
            stop, limit = stop and 1_000_000 - stop, limit and 1_000_000 - limit
        profit = 570_000 if exit_side == "SELL" else 430_000
        exits = (
            *((None, None) if kind == "loss" else (f"{name}-profit", profit)),
            *((None,) * 5 if kind == "profit" else (f"{name}-loss", stop, limit, trail, None)),
        )
        if kind == "oco":
            command = c.PlaceOco(*exits, f"c{self.number}", symbol, side, shares * SHARE, tif, None, 500_000)
        else:
            terms = (symbol, side, shares * SHARE, "MARKET", tif, None, None, 500_000, None, None, None)
            command = c.PlaceBracket(*exits, name, f"c{self.number}", *terms)
        self.journal.execute(account_id, f"place-{self.number}", command)

    @rule(data=st.data(), reason=st.just("changed my mind"))
    def cancel(self, data, reason):
        _, order_id = data.draw(st.sampled_from([*sorted(self.journal.working()), ("none", "none")]))
        self.number += 1
        for account_id in ACCOUNTS:
            if order_id in self.journal.accounts[account_id].orders:
                self.journal.execute(account_id, f"cancel-{self.number}", c.CancelOrder(order_id, reason))

    @rule(data=st.data(), shares=st.integers(1, 40), limit=st.integers(40, 60))
    def replace(self, data, shares, limit):
        self.number += 1
        _, order_id = data.draw(st.sampled_from([*sorted(self.journal.working()), ("none", "none")]))
        for account_id in ACCOUNTS:
            order = self.journal.accounts[account_id].orders.get(order_id)
            if order is not None:
                new_limit = limit * 10_000 if order.limit_price else None
                command = c.ReplaceOrder(
                    order_id, f"o{self.number}", f"c{self.number}", shares * SHARE, None, new_limit, None
                )
                self.journal.execute(account_id, f"replace-{self.number}", command)

    @rule(account_id=st.sampled_from(ACCOUNTS))
    def freeze_or_unfreeze(self, account_id):
        self.number += 1
        is_frozen = self.journal.accounts[account_id].status == "FROZEN"
        command = c.UnfreezeAccount("fine") if is_frozen else c.FreezeAccount("hm")
        self.journal.execute(account_id, f"freeze-{self.number}", command)

    @rule(data=st.data(), shares=st.integers(1, 5))
    def fill_from_outside(self, data, shares):
        """An operator books a fill that happened elsewhere."""
        self.number += 1
        _, order_id = data.draw(st.sampled_from([*sorted(self.journal.working()), ("none", "none")]))
        for account_id in ACCOUNTS:
            order = self.journal.accounts[account_id].orders.get(order_id)
            if order is not None:
                command = c.ExecuteTrade(order.symbol, order.side, shares * SHARE, 500_000, order_id)
                self.journal.execute(account_id, f"outside-{self.number}", command)

    @rule(price=st.integers(40, 60), size=st.sampled_from([1, 5, 100]))
    def tick(self, price, size):
        self.journal.now += SECOND
        self.quotes = quotes_at(price, size)
        self.venue.quote(self.quotes, now=self.journal.now)

    @rule()
    def close_session(self):
        self.closed_at = self.journal.now
        self.quotes = {}
        self.venue.quote({}, now=self.journal.now)
        self.venue.end_session(closed_at=self.closed_at)

    @rule()
    def act(self):
        self.follow()
        asks = next_asks(self.venue)
        under_way = {ask.command_id for ask, asker in self.under_way if asker is self.venue}
        assert under_way.isdisjoint(ask.command_id for ask in asks), "asked for twice"
        unknown = {
            (ask.account_id, ask.order_id)
            for ask, asker in self.under_way
            if asker is self.venue and (ask.account_id, ask.command_id) not in self.journal.answers
        }
        assert unknown.isdisjoint((ask.account_id, ask.order_id) for ask in asks), "asked for beside what is under way"
        assert all((ask.account_id, ask.order_id) in self.venue for ask in asks), "asked for what works no more"
        assert self.held.isdisjoint(ask.account_id for ask in asks if type(ask.command) is c.ExecuteTrade)
        self.under_way += [(ask, self.venue) for ask in asks]

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), is_repeated=st.booleans())
    def arrive(self, data, is_repeated):
        ask, asker = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        code = self.journal.execute(ask.account_id, ask.command_id, ask.command)
        if is_repeated:
            again = self.journal.execute(ask.account_id, ask.command_id, ask.command)
            assert again == code
        if code is not None and asker is self.venue:
            self.answered.append((ask, code))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), code=st.sampled_from([UNKNOWN, FAULT]), still_arrives=st.booleans())
    def get_lost(self, data, code, still_arrives):
        """A command is answered by nobody, or by somebody who could not execute it; it may still be under way."""
        ask, asker = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        self.has_failed |= code == FAULT
        if asker is self.venue:
            self.answered.append((ask, code))
        if still_arrives and code == UNKNOWN:
            self.under_way.append((ask, None))

    @rule(account_id=st.sampled_from(ACCOUNTS))
    def hold_or_release(self, account_id):
        self.held ^= {account_id}

    @rule()
    def die(self):
        self.start()

    @invariant()
    def it_knows_the_orders_that_work(self):
        if all(read == len(self.journal.recorded) for read in self.read.values()):
            assert all(key in self.venue for key in self.journal.working())
            assert len(self.venue) == len(self.journal.working())

    def teardown(self):
        """At the end everything that can be filled or ended is: nothing rests for ever."""
        self.held = set()
        if self.has_failed:  # What failed inside the platform too often waits for a new start.
            self.start()
        for account_id in ACCOUNTS:
            if self.journal.accounts[account_id].status == "FROZEN":
                self.journal.execute(account_id, "at-last", c.UnfreezeAccount("fine"))
        for price in (50, 40, 60) * 4:
            self.tick(price, 1_000)
            for _ in range(6):
                self.act()
                while self.under_way:
                    ask, asker = self.under_way.pop(0)
                    code = self.journal.execute(ask.account_id, ask.command_id, ask.command)
                    if code is not None and asker is self.venue:
                        self.answered.append((ask, code))
        self.follow()
        for account in self.journal.accounts.values():
            for order_id, order in account.orders.items():
                if order.is_held:
                    assert order.waits_for in account.orders
                    continue
                assert order.order_type != "TRAILING_STOP", f"{order_id} was forgotten: {order}"
                assert order.order_type != "MARKET", f"{order_id} was forgotten: {order}"
                assert order.order_type != "LIMIT" or order.side == "SELL" or order.limit_price < 400_000, order
                assert order.order_type != "STOP" or (order.side == "SELL" and order.stop_price > 600_000), order


TestVenue = VenueMachine.TestCase
TestVenue.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)


def given(*placements, account=None):
    journal = Journal()
    for number, placement in enumerate(placements):
        journal.execute("a", f"place-{number}", placement)
    venue = WorkingOrders(partitions_of=partitions_of)
    apply(venue, journal.recorded)
    return journal, venue


def market_buy(order_id, *, shares=10, tif="DAY"):
    return c.PlaceOrder(order_id, f"c-{order_id}", "KO", "BUY", shares * SHARE, "MARKET", tif, None, None, 500_000)


def test_an_immediate_order_that_nobody_fills_is_ended():
    _, venue = given(market_buy("o1", tif="IOC"), market_buy("o2", tif="FOK"), market_buy("o3"))
    venue.quote({"KO": Quote(500_000, 500_000, 0, 5 * SHARE)}, now=0)
    asks = {ask.order_id: ask.command for ask in next_asks(venue)}
    assert asks["o1"] == c.ExecuteTrade("KO", "BUY", 5 * SHARE, 500_000, "o1")
    assert asks["o2"] == c.ExpireOrder("o2", NOT_FILLED)
    assert "o3" not in asks, "it waits for the next quote"
    assert next_asks(venue) == [], "what was asked for rests"


def test_day_orders_end_with_the_session_that_they_were_placed_in():
    journal, venue = given(market_buy("o1"), market_buy("o2", tif="GTC"))
    placed_at = journal.now
    venue.end_session(closed_at=placed_at - 1)
    assert next_asks(venue) == []
    venue.end_session(closed_at=placed_at)
    assert [ask.command for ask in next_asks(venue)] == [c.ExpireOrder("o1", SESSION_OVER)]


def test_an_order_that_the_account_cannot_pay_any_more_is_rejected_with_the_reason():
    _, venue = given(market_buy("o1"))
    venue.quote({"KO": Quote(500_000, 500_000, 0, 50 * SHARE)}, now=0)
    (ask,) = next_asks(venue)
    venue.refused(*ask, "INSUFFICIENT_FUNDS")
    (rejection,) = next_asks(venue)
    assert rejection.command == c.RejectOrder("o1", "its fill was refused: INSUFFICIENT_FUNDS")


def test_an_order_whose_fill_came_while_its_account_was_frozen_is_filled_later():
    machine = VenueMachine()
    machine.journal.execute("a", "place", market_buy("o1"))
    machine.tick(price=50, size=100)
    machine.act()
    ((ask, _),) = machine.under_way
    machine.freeze_or_unfreeze("a")
    machine.under_way.clear()
    machine.answered = [(ask, machine.journal.execute("a", ask.command_id, ask.command))]
    machine.act()
    assert machine.under_way == [], "nothing is asked of a frozen account"
    machine.freeze_or_unfreeze("a")
    machine.act()
    ((again, _),) = machine.under_way
    assert again.command_id == "fill-o1-0-1", "the first command is answered with its refusal for ever"
    assert machine.journal.execute("a", again.command_id, again.command) is None


def test_a_fill_under_way_is_not_asked_for_again_when_its_account_was_frozen_for_a_moment():
    machine = VenueMachine()
    machine.journal.execute("a", "place", market_buy("o1"))
    machine.tick(price=50, size=100)
    machine.act()
    for _ in range(2):
        machine.freeze_or_unfreeze("a")
    machine.act()
    assert [ask.command_id for ask, _ in machine.under_way] == ["fill-o1-0"]


def test_a_venue_that_begins_again_asks_under_the_same_command_ids():
    _, venue = given(market_buy("o1"), market_buy("o2"))
    venue.quote({"KO": Quote(500_000, 500_000, 0, 50 * SHARE)}, now=0)
    before = [ask.command_id for ask in next_asks(deepcopy(venue))]
    assert before == [ask.command_id for ask in next_asks(venue)] == ["fill-o1-0", "fill-o2-0"]


def test_orders_of_two_accounts_may_have_the_same_id():
    journal = Journal()
    for account_id in ACCOUNTS:
        journal.execute(account_id, "place", market_buy("o1"))
    journal.execute("b", "cancel", c.CancelOrder("o1", ""))
    journal.execute("a", "freeze", c.FreezeAccount("hm"))
    journal.execute("a", "unfreeze", c.UnfreezeAccount("fine"))
    venue = WorkingOrders(partitions_of=partitions_of)
    apply(venue, journal.recorded)
    venue.quote({"KO": Quote(500_000, 500_000, 50 * SHARE, 50 * SHARE)}, now=0)
    assert [(ask.account_id, ask.order_id) for ask in next_asks(venue)] == [("a", "o1")]


def test_the_room_of_orders_that_have_ended_is_used_again():
    venue = WorkingOrders(partitions_of=partitions_of)
    journal = Journal()
    journal.execute("a", "place", market_buy("o0"))
    placed = journal.recorded[-1]
    for start in range(0, 5_000, 10):
        events = [msgspec.structs.replace(placed.event, order_id=f"o{start + number}") for number in range(10)]
        apply(venue, [placed._replace(event=event) for event in events])
        assert len(venue) == 10
        apply(venue, [placed._replace(event=ended(event)) for event in events])
    assert len(venue) == 0
    assert len(venue._orders.rows) == 64


def test_an_order_that_was_cancelled_is_not_matched_and_its_room_is_the_next_ones():
    journal, venue = given(market_buy("o1"))
    journal.execute("a", "cancel", c.CancelOrder("o1", ""))
    venue.quote({"KO": Quote(500_000, 500_000, 0, 0)}, now=0)
    assert next_asks(venue) == [], "nothing is offered: it is in the book"
    apply(venue, journal.recorded[-1:])
    venue.quote({"KO": Quote(500_000, 500_000, 0, 15 * SHARE)})
    assert next_asks(venue) == []
    journal.execute("a", "place", market_buy("o2"))
    apply(venue, journal.recorded[-1:])
    assert [ask.command for ask in next_asks(venue)] == [c.ExecuteTrade("KO", "BUY", 10 * SHARE, 500_000, "o2")]


def test_what_somebody_else_filled_is_not_asked_for_beside_what_is_under_way():
    journal, venue = given(market_buy("o1"))
    venue.quote({"KO": Quote(500_000, 500_000, 0, 50 * SHARE)}, now=0)
    (ask,) = next_asks(venue)
    journal.execute("a", "outside", c.ExecuteTrade("KO", "BUY", SHARE, 500_000, "o1"))
    apply(venue, journal.recorded[-2:])
    assert next_asks(venue) == [], "a fill is under way"
    venue.refused(*ask, "ORDER_QUANTITY_EXCEEDED")
    (again,) = next_asks(venue)
    assert (again.command_id, again.command.quantity) == ("fill-o1-1000000-1", 9 * SHARE)


def ended(event):
    return e.OrderCancelled(event.order_id, event.symbol, event.side, event.quantity, 0, "", 0, 0)


def test_orders_that_were_placed_filled_and_ended_before_it_began_leave_nothing():
    journal, venue = given(market_buy("o1"), market_buy("o2"))
    journal.execute("a", "fill-1", c.ExecuteTrade("KO", "BUY", 4 * SHARE, 500_000, "o1"))
    journal.execute("a", "fill-2", c.ExecuteTrade("KO", "BUY", 5 * SHARE, 500_000, "o1"))
    journal.execute("a", "fill-3", c.ExecuteTrade("KO", "BUY", 10 * SHARE, 500_000, "o2"))
    started = WorkingOrders(partitions_of=partitions_of)
    apply(started, journal.recorded)
    apply(venue, journal.recorded[-6:])
    for each in (venue, started):
        each.quote({"KO": Quote(500_000, 500_000, 50 * SHARE, 50 * SHARE)}, now=0)
        assert [ask.command for ask in next_asks(each)] == [c.ExecuteTrade("KO", "BUY", SHARE, 500_000, "o1")]


def test_an_order_whose_id_is_too_long_for_the_ids_of_commands_is_left_alone():
    _, venue = given(market_buy("o" * 37), market_buy("o" * 300), market_buy("o" * 36))
    venue.quote({"KO": Quote(500_000, 500_000, 50 * SHARE, 50 * SHARE)}, now=0)
    assert [ask.order_id for ask in next_asks(venue)] == ["o" * 36]


def test_every_symbol_is_of_one_share_and_each_venue_serves_its_own():
    symbols = [f"S{number}" for number in range(200)]
    shares = [Share(number, 3) for number in (1, 2, 3)]
    owned = [[symbol for symbol in symbols if share.has(symbol)] for share in shares]
    assert sorted(chain(*owned)) == sorted(symbols)
    assert all(len(each) > 40 for each in owned)
    journal = Journal()
    for number, symbol in enumerate(("KO", "PG", "XOM", "AAPL")):
        order = msgspec.structs.replace(market_buy(f"o{number}", shares=1), symbol=symbol)
        journal.execute("a", f"place-{number}", order)
    asked = []
    for share in shares:
        venue = WorkingOrders(partitions_of=partitions_of, is_own=share.has)
        apply(venue, journal.recorded)
        venue.quote({symbol: Quote(500_000, 500_000, SHARE, SHARE) for symbol in ("KO", "PG", "XOM", "AAPL")}, now=0)
        found = [ask.command.symbol for ask in next_asks(venue)]
        assert all(map(share.has, found))
        asked += found
    assert sorted(asked) == ["AAPL", "KO", "PG", "XOM"]


def trailing_sell(order_id, *, amount=20_000):
    terms = ("KO", "SELL", 10 * SHARE, "TRAILING_STOP", "GTC", None, None, 500_000, None, amount, None)
    return c.PlaceOrder(order_id, f"c-{order_id}", *terms)


def at(price):
    return {"KO": Quote(price, price, 50 * SHARE, 50 * SHARE)}


def holding(*placements):
    return given(c.ExecuteTrade("KO", "BUY", 10 * SHARE, 500_000, None), *placements)


def test_a_trailing_stop_follows_in_steps_of_a_tenth_of_its_trail_once_a_second_at_most():
    journal, venue = holding(trailing_sell("o1"))
    venue.quote(at(501_999), now=10 * SECOND)
    assert next_asks(venue) == []
    venue.quote(at(502_000), now=11 * SECOND)
    (ask,) = next_asks(venue)
    assert (ask.command_id, ask.command) == ("trail-o1-502000", c.TrailOrder("o1", 502_000))
    before = len(journal.recorded)
    assert journal.execute("a", ask.command_id, ask.command) is None
    apply(venue, journal.recorded[before:])
    venue.quote(at(510_000), now=12 * SECOND - 1)
    assert next_asks(venue) == []
    venue.quote(at(509_000), now=12 * SECOND)
    assert [ask.command for ask in next_asks(venue)] == [c.TrailOrder("o1", 509_000)]


def test_a_stop_is_triggered_by_a_command_of_its_own_and_filled_by_the_same_quote():
    journal, venue = holding(trailing_sell("o1"))
    venue.quote(at(480_000), now=SECOND)
    (ask,) = next_asks(venue)
    assert (ask.command_id, ask.command) == ("trigger-o1-480000", c.TriggerOrder("o1", 480_000))
    assert next_asks(venue) == []
    before = len(journal.recorded)
    assert journal.execute("a", ask.command_id, ask.command) is None
    apply(venue, journal.recorded[before:])
    assert [ask.command for ask in next_asks(venue)] == [c.ExecuteTrade("KO", "SELL", 10 * SHARE, 480_000, "o1")]


def test_a_trigger_that_is_refused_is_said_again_by_the_next_quote():
    _, venue = holding(trailing_sell("o1"))
    venue.quote(at(480_000), now=SECOND)
    (ask,) = next_asks(venue)
    venue.refused(*ask, "ACCOUNT_NOT_ACTIVE")
    assert next_asks(venue) == []
    venue.quote(at(470_000), now=2 * SECOND)
    assert [ask.command for ask in next_asks(venue)] == [c.TriggerOrder("o1", 470_000)]


def test_an_order_ends_when_its_time_is_over():
    _, venue = given(c.PlaceOrder("o1", "c", "KO", "BUY", SHARE, "LIMIT", "GTD", 10_000, None, 0, 9 * SECOND))
    venue.quote(at(480_000), now=9 * SECOND - 1)
    assert next_asks(venue) == []
    venue.quote({}, now=9 * SECOND)
    assert [ask.command for ask in next_asks(venue)] == [c.ExpireOrder("o1", TIME_OVER)]


def test_exits_wait_for_their_entry_and_one_that_is_filled_ends_the_other():
    exits = ("profit", 550_000, "loss", None, None, 10_000, None)
    entry = ("KO", "BUY", 10 * SHARE, "MARKET", "DAY", None, None, 500_000, None, None, None)
    journal, venue = given(c.PlaceBracket(*exits, "entry", "mine", *entry))
    done = []
    for price in (500_000, 530_000, 550_000):
        venue.quote(at(price), now=price * 100)
        for _ in range(3):
            before = len(journal.recorded)
            for ask in next_asks(venue):
                done.append(ask.command_id)
                assert journal.execute("a", ask.command_id, ask.command) is None
            apply(venue, journal.recorded[before:])
    assert done == ["fill-entry-0", "trail-loss-530000", "trail-loss-550000", "fill-profit-0"]
    assert (len(venue), journal.accounts["a"].orders) == (0, {})
