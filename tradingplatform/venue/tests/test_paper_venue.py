"""The venue's process in one event loop, over a real event store and accounts that really decide: what writers that are
away, partitions that cannot be read, old prices and orders that cannot be asked for do to everybody else.
"""

import asyncio
import time
import uuid
from contextlib import suppress
from datetime import date
from functools import partial

import pytest

from accounts.codec import account_codec
from accounts.domain import commands as c
from accounts.domain import events as e
from accounts.writer.bus.in_process import InProcessBus
from accounts.writer.envelope import Envelope, NotExecuted
from accounts.writer.machine import AccountDecider
from accounts.writer.outcomes import said_elsewhere
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.errors import UnknownEventType
from eventstore.kernels.texts import text_of
from eventstore.store import EventStore
from market.quotes import Quote, QuoteSheet, QuoteSource
from market.replay import Phase
from tests.services.instruments import DEMO_INSTRUMENTS, instrument
from tradingplatform.venue import journal as journal_module
from tradingplatform.venue import venue as venue_module
from tradingplatform.venue.journal import OrderJournal
from tradingplatform.venue.venue import PaperVenue, displayed_size
from tradingplatform.venue.working_orders import FAILURES_MAX, WorkingOrders

SHARE = 1_000_000
SECONDS_MAX = 20
PARTITIONS = 4


class Bus(InProcessBus):
    """Answers with a code, or raises, instead of executing, for accounts or for a while."""

    answers = staticmethod(lambda envelope: None)

    async def asubmit_batch(self, commands):
        told, sent = {}, []
        for place in range(len(commands)):
            code = self.answers(commands.aggregate_id(place))
            if code is None:
                sent.append(place)
            else:
                told[place] = NotExecuted(commands.aggregate_id(place), commands.command_id(place), code, "")
        results = said_elsewhere([told.get(place) for place in range(len(commands))])
        if sent:
            done = await super().asubmit_batch(commands.take(sent))
            results.rows[sent] = done.rows
            results.others.update({sent[place]: found for place, found in done.others.items()})
            for place in set(sent) - {sent[each] for each in done.others}:
                del results.others[place]
        return results


class Market:
    """A store with accounts, a venue over it, and sheets that the test makes."""

    def __init__(self, folder):
        self.store = EventStore.open(SQLiteEngine(folder), codec=account_codec(), partition_count=PARTITIONS)
        self.bus = Bus(self.store.writer(AccountDecider()))
        self.journal = OrderJournal(self.store)
        self.sheets = asyncio.Queue()
        self.closed_at = 0
        self.instruments = DEMO_INSTRUMENTS
        self.is_stopped = False

    def open(self, partition=None):
        while True:
            account_id = str(uuid.uuid4())
            if partition in (None, self.store.partition_of(account_id)):
                break
        self.send(account_id, c.OpenAccount("user:1", "n", "USD"))
        self.send(account_id, c.DepositCash(10**12, ""))
        self.send(account_id, c.ChangeRiskLimits(10_000, 10**14, 10**13))
        return account_id

    def send(self, account_id, command):
        (result,) = self.bus.submit([Envelope(account_id, str(uuid.uuid4()), "user:1", command)])
        return result.events

    def place(self, account_id, *, shares=1, tif="GTC", limit=None, symbol="KO"):
        order_id = str(uuid.uuid4())
        kind, market = ("MARKET", 500_000) if limit is None else ("LIMIT", 0)
        terms = (symbol, "BUY", shares * SHARE, kind, tif, limit, None, market)
        (placed,) = self.send(account_id, c.PlaceOrder(order_id, order_id, *terms))
        assert isinstance(placed, e.OrderPlaced), placed
        return order_id

    def quote(self, price, *, phase=Phase.OPEN, age_us=0, at_us=None, **said):
        now_us = time.time_ns() // 1_000
        sheet = QuoteSheet(
            session_date=date(2019, 3, 4),
            phase=phase,
            made_at_us=now_us,
            quotes=(Quote("KO", price, price, price, price, price, at_us=at_us or now_us - age_us, **said),),
            closed_at_us=self.closed_at,
        )
        self.sheets.put_nowait(sheet)

    def events(self, kind, account_id=None):
        found = [
            (commit.aggregate_id, event)
            for partition in range(PARTITIONS)
            for batch in self.store.read_batches(partition=partition, after_seq=0, limit=10_000)
            for commit in batch.commits
            for event in commit.events
        ]
        return [event for owner, event in found if isinstance(event, kind) and account_id in (None, owner)]

    async def _told(self):
        while True:
            yield await self.sheets.get()

    def serve(self, steps):
        """Run the venue while `steps(self)` runs."""

        async def go():
            venue = PaperVenue(
                journal=self.journal,
                bus=self.bus,
                sheets=self._told,
                instruments=lambda: self.instruments,
                displayed_value=10**12,
                poll_seconds=0.005,
                may_fill=lambda: not self.is_stopped,
            )
            running = asyncio.create_task(venue.run())
            try:
                async with asyncio.timeout(SECONDS_MAX):
                    await steps()
                assert not running.done(), "the venue ended"
            finally:
                running.cancel()
                with suppress(asyncio.CancelledError):
                    await running

        asyncio.run(go())

    async def until(self, is_so):
        while not is_so():
            await asyncio.sleep(0.02)


@pytest.fixture
def market(tmp_path, monkeypatch):
    monkeypatch.setattr(venue_module, "NOT_DONE_SECONDS", 0.05)
    monkeypatch.setattr(journal_module, "UNREADABLE_SECONDS", 0.1)
    made = Market(tmp_path / "events")
    yield made
    made.store.close()


def test_more_orders_than_may_be_asked_for_at_a_time_are_all_ended_and_filled(market, monkeypatch):
    monkeypatch.setattr(venue_module, "WorkingOrders", partial(WorkingOrders, asked_max=3))
    account_id, other = market.open(0), market.open(0)
    ending = [market.place(account_id, tif="DAY", limit=10_000) for _ in range(20)]
    market.closed_at = time.time_ns() // 1_000 + 1
    filling = [market.place(other) for _ in range(20)]

    async def steps():
        market.quote(500_000)
        await market.until(lambda: len(market.events(e.OrderExpired)) == 20)
        market.quote(500_000)
        await market.until(lambda: len(market.events(e.OrderFilled)) == 20)

    market.serve(steps)
    assert {event.order_id for event in market.events(e.OrderExpired)} == set(ending)
    assert {event.order_id for event in market.events(e.OrderFilled)} == set(filling)


def test_a_writer_that_is_away_keeps_nobody_elses_orders(market, monkeypatch):
    monkeypatch.setattr(venue_module, "WorkingOrders", partial(WorkingOrders, asked_max=3))
    away, other = market.open(0), market.open(1)
    for _ in range(10):
        market.place(away)
    market.bus.answers = lambda account_id: "OUTCOME_UNKNOWN" if account_id == away else None

    async def steps():
        market.quote(500_000)
        await asyncio.sleep(0.2)
        for _ in range(10):
            market.place(other)
        await market.until(lambda: len(market.events(e.OrderFilled, other)) == 10)
        assert market.events(e.OrderFilled, away) == []
        market.bus.answers = lambda account_id: None
        await market.until(lambda: market.quote(500_000) or len(market.events(e.OrderFilled, away)) == 10)

    market.serve(steps)


def test_a_halt_counts_for_the_quotes_that_there_are(market):
    account_id = market.open()

    async def steps():
        market.quote(500_000)
        await asyncio.sleep(0.2)
        market.instruments = type(DEMO_INSTRUMENTS).of({"KO": instrument("KO", is_halted=True)}, version=2)
        await asyncio.sleep(0.1)
        market.place(account_id)
        await asyncio.sleep(0.3)
        assert market.events(e.OrderFilled) == [], "no other quotes came"
        market.instruments = DEMO_INSTRUMENTS
        await market.until(lambda: market.events(e.OrderFilled))

    market.serve(steps)


def test_what_was_not_executed_is_filled_at_the_price_of_later_and_not_while_it_is_halted(market):
    account_id = market.open()
    market.place(account_id)
    market.bus.answers = lambda _: "OVERLOADED"

    async def steps():
        market.quote(500_000)
        await asyncio.sleep(0.2)
        market.instruments = type(DEMO_INSTRUMENTS).of({"KO": instrument("KO", is_halted=True)}, version=2)
        market.quote(490_000)
        await asyncio.sleep(0.2)
        market.bus.answers = lambda _: None
        await asyncio.sleep(0.3)
        assert market.events(e.OrderFilled) == [], "it is halted"
        market.instruments = DEMO_INSTRUMENTS
        market.quote(480_000)
        await market.until(lambda: market.events(e.OrderFilled))

    market.serve(steps)
    assert [event.fill_price for event in market.events(e.OrderFilled)] == [480_000]


def test_a_partition_that_cannot_be_read_rests_and_goes_on_when_it_can(market, monkeypatch):
    account_id, other = market.open(0), market.open(1)
    read, broken = market.store.read_columns, []
    resting = market.place(account_id, limit=400_000)

    def reading(*, partition, after_seq, limit):
        if partition in broken:
            raise UnknownEventType("of a newer release")
        return read(partition=partition, after_seq=after_seq, limit=limit)

    monkeypatch.setattr(market.store, "read_columns", reading)

    async def steps():
        market.quote(500_000)
        await asyncio.sleep(0.2)
        broken.append(0)
        market.send(account_id, c.FreezeAccount("look into it"))
        await asyncio.sleep(0.2)
        market.place(other)
        market.quote(390_000)
        await market.until(lambda: market.events(e.OrderFilled, other))
        await asyncio.sleep(0.3)
        assert market.events(e.CommandRefused) == [], "nothing is asked of it"
        broken.clear()
        market.send(account_id, c.UnfreezeAccount("fine"))
        await market.until(lambda: market.events(e.OrderFilled, account_id))

    market.serve(steps)
    assert [event.order_id for event in market.events(e.OrderFilled, account_id)] == [resting]


def test_an_order_that_cannot_be_asked_for_keeps_no_other_one_and_is_given_up(market, monkeypatch):
    poisoned, other = market.open(), market.open()
    for account_id in (poisoned, other):
        for _ in range(3):
            market.place(account_id)
    asked = []

    def commands_of(asks, original=venue_module.commands_of):
        if any(text_of(account_id) == poisoned for account_id in asks.account_ids):
            asked.append(len(asks))
            raise RuntimeError("what nobody thought of")
        return original(asks)

    monkeypatch.setattr(venue_module, "commands_of", commands_of)

    async def steps():
        for _ in range(40):
            market.quote(500_000)
            await asyncio.sleep(0.03)
        await market.until(lambda: len(market.events(e.OrderFilled, other)) == 3)

    market.serve(steps)
    assert asked.count(1) == 3 * FAILURES_MAX, "each is tried so often, and then left"
    assert market.events(e.OrderFilled, poisoned) == []


@pytest.mark.parametrize("tif", ["IOC", "FOK"])
def test_an_immediate_order_that_could_not_be_asked_for_is_filled_at_once_then_or_ends(market, tif):
    account_id = market.open()
    market.place(account_id, tif=tif, limit=500_000)
    market.bus.answers = lambda _: "CONFLICT"

    async def steps():
        market.quote(500_000)
        await asyncio.sleep(0.2)
        market.quote(510_000)
        market.bus.answers = lambda _: None
        await market.until(lambda: market.events(e.OrderExpired))

    market.serve(steps)
    assert market.events(e.OrderFilled) == []


@pytest.mark.parametrize(
    ("price", "lot_size", "expected"),
    [
        (500_000, 1, 1_000 * SHARE),
        (6_000_000, 100 * SHARE, 100 * SHARE),
        (10**10, 1, SHARE),
        (300_000, 7 * SHARE, 1_666 // 7 * 7 * SHARE),
    ],
)
def test_a_quote_offers_whole_lots_and_one_at_least(price, lot_size, expected):
    assert displayed_size(price=price, lot_size=lot_size, displayed_value=500_000_000) == expected


PUSHED = {"source": QuoteSource.PUSHED}


@pytest.mark.parametrize(
    ("phase", "said", "is_filled"),
    [
        (Phase.OPEN, {"age_us": 9_000_000}, True),
        (Phase.OPEN, {"age_us": 11_000_000}, False),
        (Phase.CLOSED, {}, False),
        (Phase.PAUSED, {}, False),
        (Phase.STALE, {}, False),
        (Phase.OPEN, {"age_us": 55_000_000, **PUSHED}, True),
        (Phase.OPEN, {"age_us": 65_000_000, **PUSHED}, False),
        (Phase.CLOSED, PUSHED, True),
        (Phase.PAUSED, PUSHED, False),
        (Phase.STALE, PUSHED, False),
    ],
)
def test_what_is_paused_closed_or_too_old_is_not_traded_at(market, phase, said, is_filled):
    market.place(market.open())

    async def steps():
        market.quote(500_000, phase=phase, **said)
        await asyncio.sleep(0.2)

    market.serve(steps)
    assert len(market.events(e.OrderFilled)) == is_filled


def test_a_bid_an_ask_and_sizes_that_were_said_are_what_is_offered_once(market):
    account_id = market.open()
    for _ in range(3):
        market.place(account_id, shares=4)
    said = {"bid": 499_000, "ask": 501_000, "bid_size": SHARE, "ask_size": 10 * SHARE, **PUSHED}
    at_us = time.time_ns() // 1_000

    async def steps():
        for _ in range(4):
            market.quote(500_000, **said, at_us=at_us)
            await asyncio.sleep(0.1)

    market.serve(steps)
    assert sum(event.fill_quantity for event in market.events(e.OrderFilled)) == 10 * SHARE
    assert {event.fill_price for event in market.events(e.OrderFilled)} == {501_000}


def test_a_stopped_venue_fills_and_ends_nothing_and_goes_on_at_the_price_of_then(market):
    account_id = market.open()
    market.is_stopped = True
    waiting, immediate = market.place(account_id), market.place(account_id, tif="IOC")
    cancelled = market.place(account_id)
    of_the_day = market.place(account_id, tif="DAY", limit=10_000)
    market.closed_at = time.time_ns() // 1_000 + 1

    async def steps():
        market.quote(400_000)
        await asyncio.sleep(0.3)
        (event,) = market.send(account_id, c.CancelOrder(cancelled, "no more"))
        assert isinstance(event, e.OrderCancelled)
        market.quote(500_000)
        await asyncio.sleep(0.3)
        assert market.events(e.OrderFilled) == market.events(e.OrderExpired) == []
        market.is_stopped = False
        await market.until(lambda: len(market.events(e.OrderFilled)) == 2)
        await market.until(lambda: len(market.events(e.OrderExpired)) == 1)

    market.serve(steps)
    assert {event.order_id: event.fill_price for event in market.events(e.OrderFilled)} == {
        waiting: 500_000,
        immediate: 500_000,
    }
    assert [event.order_id for event in market.events(e.OrderExpired)] == [of_the_day]


def test_a_venue_that_is_stopped_while_orders_wait_fills_none_at_the_price_of_before(market):
    account_id = market.open()

    async def steps():
        market.quote(600_000)
        order_id = market.place(account_id)
        await market.until(lambda: len(market.events(e.OrderFilled)) == 1)
        market.is_stopped = True
        await asyncio.sleep(0.1)
        market.place(account_id)
        market.quote(500_000)
        await asyncio.sleep(0.2)
        assert [event.order_id for event in market.events(e.OrderFilled)] == [order_id]
        market.is_stopped = False
        await market.until(lambda: len(market.events(e.OrderFilled)) == 2)

    market.serve(steps)
    assert [event.fill_price for event in market.events(e.OrderFilled)] == [600_000, 500_000]


def test_a_bracket_runs_by_itself_from_its_entry_to_its_trailing_stop(market):
    account_id = market.open()
    exits = ("profit", 600_000, "loss", None, None, 10_000, None)
    terms = ("KO", "BUY", 3 * SHARE, "STOP", "GTC", None, 510_000, 0, None, None, None)
    market.send(account_id, c.PlaceBracket(*exits, "entry", "mine", *terms))

    async def steps():
        market.quote(500_000)
        await asyncio.sleep(0.1)
        for price, kind, count in (
            *((511_000, e.OrderActivated, 2), (540_000, e.OrderTrailed, 1), (529_000, e.OrderTriggered, 2)),
            (529_000, e.OrderCancelled, 1),
        ):
            market.quote(price)
            await market.until(lambda kind=kind, count=count: len(market.events(kind)) == count)

    market.serve(steps)
    assert [(event.order_id, event.fill_price) for event in market.events(e.OrderFilled)] == [
        ("entry", 511_000), ("loss", 529_000)
    ]  # fmt: skip
    assert [event.order_id for event in market.events(e.OrderTriggered)] == ["entry", "loss"]
    assert market.events(e.CommandRefused) == []
    assert [event.order_id for event in market.events(e.OrderCancelled)] == ["profit"]
