"""Orders end with their time, once, and nothing else does; one that does not move keeps no other one from its end."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from structlog.testing import capture_logs

from accounts.domain.commands import CancelOrder, DepositCash, PlaceBracket, PlaceOrder, ReplaceOrder
from accounts.domain.events import CommandRefused, OrderExpired
from accounts.domain.values import SHARE
from accounts.writer.bus.in_process import InProcessBus
from accounts.writer.bus.ports import set_bus_factory
from accounts.writer.envelope import Envelope, NotExecuted
from eventstore.writer.request import Request
from readmodels.models import Order
from readmodels.tests.conftest import ADA, DAY, history, project
from tradingplatform import expiry
from tradingplatform.celery import app
from tradingplatform.expiry import EXPIRY, IMMEDIATE_SECONDS_MAX, WAIT_SECONDS_MAX, WAIT_SECONDS_MIN
from tradingplatform.tasks import expire_orders

pytestmark = pytest.mark.django_db(transaction=True)

SECOND = 1_000_000
__all__ = ["history"]


class Expiry:
    """Runs of the task at instants of its own, over an account that was opened two days ago."""

    def __init__(self, history):
        self.history = history
        self.bus = InProcessBus(history.writer)
        self.now = datetime.now(UTC).replace(hour=12)
        history.now = self.microseconds - 2 * DAY
        history.open(ADA)

    @property
    def microseconds(self):
        return int(self.now.timestamp() * 1_000_000)

    def place(self, time_in_force, *, seconds_ago, expires_in=None):
        self.history.now = self.microseconds - seconds_ago * SECOND
        order_id = self.history.next_order_id()
        expires_at = None if expires_in is None else self.microseconds + expires_in * SECOND
        terms = ("KO", "BUY", 10 * SHARE, "LIMIT", time_in_force, 10_000, None, 0, expires_at)
        self.history.execute(ADA, PlaceOrder(order_id, f"client-{order_id}", *terms))
        return order_id

    def run(self):
        """Project, and run the task; return how many orders it ended."""
        project()
        return expiry.expire_orders(self.bus, now=self.now)

    def ended(self):
        """The ids of the orders that ever expired."""
        events = [each for each in self.history.store.events(ADA) if isinstance(each.data, OrderExpired)]
        assert all(each.actor == EXPIRY for each in events)
        return [each.data.order_id for each in events]

    def refusals(self):
        return [each.data.code for each in self.history.store.events(ADA) if isinstance(each.data, CommandRefused)]


@pytest.fixture
def expiring(history):
    cache.clear()
    yield Expiry(history)
    cache.clear()


def test_orders_that_are_good_till_an_instant_expire_then(expiring):
    over, exactly, later = [expiring.place("GTD", seconds_ago=9, expires_in=seconds) for seconds in (-1, 0, 1)]
    assert expiring.run() == 2
    assert expiring.ended() == [over, exactly]
    expiring.now += timedelta(seconds=1)
    assert (expiring.run(), expiring.ended()) == (1, [over, exactly, later])


def test_exits_that_wait_end_with_their_entry(history, expiring):
    history.now = expiring.microseconds - 86_400 * SECOND
    entry, profit = history.next_order_id(), history.next_order_id()
    terms = ("KO", "BUY", 10 * SHARE, "LIMIT", "DAY", 10_000, None, 0, None, None, None)
    history.execute(ADA, PlaceBracket(profit, 20_000, None, None, None, None, None, entry, "mine", *terms))
    assert (expiring.run(), expiring.run()) == (1, 0)
    assert (expiring.ended(), expiring.refusals()) == ([entry], [])
    assert history.writer.state(ADA)[0].orders == {}


def test_orders_of_earlier_days_expire_once_with_what_is_left_of_them(history, expiring):
    order_id = expiring.place("DAY", seconds_ago=86_400)
    history.fill(ADA, order_id, shares=4, price=10_000)
    assert (expiring.run(), expiring.run()) == (1, 0)
    assert expiring.ended() == [order_id]
    assert history.writer.state(ADA)[0].reserved_cash == 0


def test_orders_of_today_and_those_that_are_good_till_cancelled_stay(expiring):
    expiring.place("GTC", seconds_ago=86_400)
    expiring.place("DAY", seconds_ago=3_600)
    assert expiring.run() == 0


@pytest.mark.parametrize("time_in_force", ["IOC", "FOK"])
def test_an_immediate_order_that_nobody_fills_expires_soon(history, expiring, time_in_force):
    order_id = expiring.place(time_in_force, seconds_ago=IMMEDIATE_SECONDS_MAX + 5)
    expiring.place(time_in_force, seconds_ago=IMMEDIATE_SECONDS_MAX - 5)
    assert expiring.run() == 1
    assert expiring.ended() == [order_id]
    expiring.now += timedelta(seconds=10)
    assert expiring.run() == 1
    assert history.writer.state(ADA)[0].orders == {}
    assert history.writer.state(ADA)[0].reserved_cash == 0


def test_the_time_of_a_replacement_begins_anew(history, expiring):
    changes = [("GTC", "IOC", 100, 5), ("IOC", "DAY", 20, 5), ("IOC", "FOK", 20, 5), ("IOC", "GTC", 20, 5)]
    replacements = []
    for before, after, placed, replaced in changes:
        order_id, new_id = expiring.place(before, seconds_ago=placed), history.next_order_id()
        history.now = max(history.now, expiring.microseconds - replaced * SECOND)
        history.execute(ADA, ReplaceOrder(order_id, new_id, f"client-{new_id}", None, after, None, None))
        replacements.append(new_id)
        expiring.now += timedelta(seconds=10)
    to_ioc, _, to_fok, _ = replacements
    expiring.now = datetime.fromtimestamp(history.now / SECOND, UTC) + timedelta(seconds=IMMEDIATE_SECONDS_MAX + 1)
    assert expiring.run() == 2
    assert expiring.ended() == [to_ioc, to_fok]


def test_an_order_that_ended_before_the_table_knew_it_is_refused_by_the_account_once(history, expiring):
    order_id = expiring.place("DAY", seconds_ago=86_400)
    project()
    history.execute(ADA, CancelOrder(order_id, ""))
    with capture_logs() as logs:
        assert (expiry.expire_orders(expiring.bus, now=expiring.now), expiring.run()) == (0, 0)
    assert (expiring.refusals(), logs) == (["ORDER_NOT_OPEN"], [])


def test_a_user_cannot_spend_the_ids_of_the_platform(history, expiring):
    order_id = expiring.place("DAY", seconds_ago=86_400)
    request = Request(ADA, f"expire-{order_id}", "user:17/ada", DepositCash(10_000, ""))
    history.writer.execute([request])
    assert expiring.run() == 1
    assert expiring.ended() == [order_id]


class StuckBus:
    """A bus that does not get some orders' accounts to answer, or falls over itself."""

    def __init__(self, bus, stuck, error=None):
        self.bus, self.stuck, self.error, self.asked = bus, stuck, error, []

    def submit(self, envelopes):
        self.asked += [each.command.order_id for each in envelopes]
        if self.error is not None and any(each.command.order_id in self.stuck for each in envelopes):
            raise self.error
        return [self._submit(each) for each in envelopes]

    def _submit(self, envelope: Envelope):
        if envelope.command.order_id in self.stuck:
            return NotExecuted(envelope.account_id, envelope.command_id, "INTERNAL_ERROR", "no")
        return self.bus.submit([envelope])[0]


@pytest.mark.parametrize("error", [None, RuntimeError("no")])
def test_rows_that_do_not_move_keep_no_others_from_their_end(monkeypatch, expiring, error):
    monkeypatch.setattr(expiry, "ORDERS_AT_ONCE_MAX", 3)
    orders = [expiring.place("DAY", seconds_ago=86_400 - place) for place in range(8)]
    expiring.bus = StuckBus(expiring.bus, set(orders[:3]), error)
    with capture_logs() as logs:
        assert expiring.run() == 5
        for _ in range(3):
            assert expiring.run() == 0
            expiring.now += timedelta(seconds=WAIT_SECONDS_MIN)
    assert expiring.ended() == orders[3:]
    told = [each for each in logs if each["log_level"] == "warning"]
    assert [(each["orders"], each["order_id"]) for each in told] == [(3, orders[0])], "once, not for each and each time"
    expiring.now += timedelta(seconds=WAIT_SECONDS_MAX)
    expiring.bus.stuck = set()
    assert expiring.run() == 3, "they are asked for again, and then they end"


def test_an_order_that_does_not_end_is_asked_for_less_and_less(expiring):
    order_id = expiring.place("DAY", seconds_ago=86_400)
    expiring.bus = StuckBus(expiring.bus, {order_id})
    counts = []
    for _ in range(6):
        expiring.bus.asked.clear()
        for _ in range(WAIT_SECONDS_MAX // WAIT_SECONDS_MIN):
            expiring.run()
            expiring.now += timedelta(seconds=WAIT_SECONDS_MIN)
            if expiring.now.hour == 23:
                expiring.now += timedelta(days=1, hours=-11)
        counts.append(len(expiring.bus.asked))
    assert counts[0] == 6
    assert counts[-1] <= 2


def test_a_thousand_accounts_that_cannot_be_projected_are_gone_past_in_one_run(history, expiring):
    """Rows of a table that stands still: the account has ended these orders long ago."""
    order_id = expiring.place("DAY", seconds_ago=86_400)
    project()
    row = Order.objects.values().get()
    rows = [{**row, "order_id": uuid.uuid4(), "placed_at": row["placed_at"] - timedelta(days=1)} for _ in range(1_050)]
    Order.objects.bulk_create([Order(**each) for each in rows])
    assert expiry.expire_orders(expiring.bus, now=expiring.now) == 1
    assert expiring.ended() == [order_id]
    assert len(expiring.refusals()) == 1_050
    assert (expiring.run(), len(expiring.refusals())) == (0, 1_050)


def test_a_second_worker_leaves_a_run_alone(expiring):
    expiring.place("DAY", seconds_ago=86_400)
    cache.add("expiry.running", 1, timeout=5)
    assert expiring.run() == 0
    cache.delete("expiry.running")
    assert expiring.run() == 1


def test_beat_asks_for_it(settings, history, expiring):
    scheduled = settings.CELERY_BEAT_SCHEDULE["expire_orders"]
    assert scheduled["task"] == expire_orders.name
    assert scheduled["task"] in app.tasks
    assert scheduled["schedule"] <= IMMEDIATE_SECONDS_MAX
    history.now -= 10 * DAY
    set_bus_factory(lambda: expiring.bus)
    expiring.place("DAY", seconds_ago=2 * 86_400)
    project()
    assert expire_orders() == 1
