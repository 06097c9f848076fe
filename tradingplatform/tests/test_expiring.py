"""DAY orders end with their day, once, and nothing else does."""

from datetime import UTC, datetime

import pytest

from accounts.application.bus.in_process import InProcessBus
from accounts.application.provider import set_bus_factory
from accounts.domain.commands import CancelOrder, PlaceOrder
from accounts.domain.events import OrderExpired
from readmodels.tests.conftest import DAY, history, project
from tradingplatform.celery import app
from tradingplatform.tasks import EXPIRY, expire_day_orders

pytestmark = pytest.mark.django_db(transaction=True)

ACCOUNT = "0b5c1f3e-0000-4000-8000-00000000000a"
__all__ = ["history"]


@pytest.fixture
def expired(history):
    """Return what expires the orders and gives the ids of those that ever did."""
    bus = InProcessBus(history.writer)
    set_bus_factory(lambda: bus)
    history.now = int(datetime.now(UTC).timestamp() * 1_000_000) - 2 * DAY
    history.open(ACCOUNT)

    def expire():
        project()
        count = expire_day_orders()
        events = list(history.store.events(ACCOUNT))
        assert all(e.actor == EXPIRY for e in events if isinstance(e.data, OrderExpired))
        return count, [e.data.order_id for e in events if isinstance(e.data, OrderExpired)]

    return expire


def test_orders_of_earlier_days_expire_once_with_what_is_left_of_them(history, expired):
    order_id = history.place(ACCOUNT)
    history.fill(ACCOUNT, order_id, quantity=4)
    assert expired() == (1, [order_id])
    assert expired() == (0, [order_id])
    assert history.writer.state(ACCOUNT)[0].reserved_cash == 0


def test_orders_of_today_and_those_that_are_good_till_cancelled_stay(history, expired):
    kept = PlaceOrder(history.next_order_id(), "gtc", "KO", "BUY", 1, "LIMIT", "GTC", 500_000, None, 0)
    history.execute(ACCOUNT, kept)
    history.now += 3 * DAY  # Whenever midnight comes, it is later than that.
    history.place(ACCOUNT)
    assert expired() == (0, [])


def test_an_order_that_ended_before_the_table_knew_it_is_refused_by_the_account(history, expired):
    order_id = history.place(ACCOUNT)
    project()
    history.execute(ACCOUNT, CancelOrder(order_id, ""))
    assert expire_day_orders() == 1, "executed, and refused: ORDER_NOT_OPEN"
    assert expired() == (0, [])


def test_beat_asks_for_it_every_minute(settings):
    scheduled = settings.CELERY_BEAT_SCHEDULE["expire_day_orders"]
    assert scheduled["task"] == expire_day_orders.name
    assert scheduled["task"] in app.tasks
    assert scheduled["schedule"] == 60
