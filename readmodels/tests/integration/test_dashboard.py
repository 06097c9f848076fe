"""The dashboard's feed: a snapshot, then the sections that changed, and only for whoever sees every account."""

import asyncio

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db import OperationalError

from market.quotes import Quote
from readmodels.firm import dashboard, dashboard_consumer
from readmodels.models import ProjectionCheckpoint
from readmodels.tests.conftest import ADA, project
from readmodels.tests.integration.test_consumers import Socket as AccountSocket

pytestmark = pytest.mark.django_db(transaction=True)


class Socket(AccountSocket):
    """One WebSocket to the dashboard's feed."""

    def __init__(self, user):
        super().__init__(user)
        self.scope["path"] = "/ws/dashboard"


@pytest.fixture
def officer(firm, monkeypatch):
    monkeypatch.setattr(dashboard, "TICK_SECONDS", 0.05)
    monkeypatch.setattr(dashboard_consumer, "TICK_SECONDS", 0.05)
    return get_user_model().objects.create_user("officer", is_staff=True)


def scenario(play):
    async def run():
        await asyncio.wait_for(play(), 30)

    async_to_sync(run)()


async def opened(user):
    socket = Socket(user)
    await socket.connect()
    return socket, await socket.receive()


async def delta_with(socket, section):
    """Return the next delta that has a section, and check that none was lost on the way."""
    message = await socket.receive()
    while section not in message:
        follows = message["version"]
        message = await socket.receive()
        assert message["from_version"] == follows
    return message


def test_a_snapshot_comes_first_then_what_changed_and_nothing_else(firm, officer):
    async def play():
        socket, snapshot = await opened(officer)
        assert (snapshot["type"], snapshot["flow"]) == ("snapshot", None)
        assert {row["currency"]: row["trades"] for row in snapshot["totals"]} == {"EUR": 1, "USD": 5}
        assert [row["symbol"] for row in snapshot["exposure"]["symbols"]] == ["KO", "KO", "XOM"]
        assert snapshot["lag"] == {"batches": 0, "seconds": 0.0, "stopped_partitions": [], "dead_letters": 0}
        await sync_to_async(firm.buy)(ADA)
        await sync_to_async(project)()
        delta = await delta_with(socket, "totals")
        assert {row["currency"]: row["trades"] for row in delta["totals"]} == {"EUR": 1, "USD": 6}
        assert any(row["trades_per_second"] > 0 for row in delta["flow"])
        assert "movers" not in delta
        await socket.send({"type": "resync"})
        message = await socket.receive()
        while message["type"] != "snapshot":
            message = await socket.receive()
        assert message["totals"] == delta["totals"]
        await socket.disconnect()

    scenario(play)


def test_events_that_are_not_projected_are_the_lag(firm, officer):
    async def play():
        await sync_to_async(firm.buy)(ADA)
        socket, snapshot = await opened(officer)
        assert snapshot["lag"]["batches"] == 1
        assert snapshot["lag"]["seconds"] > 0
        await sync_to_async(ProjectionCheckpoint.objects.update)(stopped_because="a hole")
        delta = await delta_with(socket, "lag")
        assert delta["lag"]["stopped_partitions"]
        await socket.disconnect()

    scenario(play)


def test_several_dashboards_cost_one_look_a_tick(firm, officer, monkeypatch):
    looks = []
    read = dashboard.Dashboard._read
    monkeypatch.setattr(dashboard.Dashboard, "_read", lambda self: looks.append(1) or read(self))
    monkeypatch.setattr(dashboard, "TICK_SECONDS", 60)

    async def play():
        sockets = [await opened(officer) for _ in range(5)]
        assert len({snapshot["version"] for _, snapshot in sockets}) == 1
        for socket, _ in sockets:
            await socket.disconnect()

    scenario(play)
    assert len(looks) == 1


@pytest.mark.parametrize(("user", "code"), [(AnonymousUser(), 4401), ("trader", 4403)])
def test_it_is_for_those_who_see_every_account(officer, user, code):
    async def play():
        who = await sync_to_async(get_user_model().objects.create_user)(user) if isinstance(user, str) else user
        socket = Socket(who)
        await socket.connect()
        assert await socket.receive_output() == {"type": "websocket.close", "code": code}

    scenario(play)


def test_who_no_longer_sees_every_account_is_let_go(officer):
    async def play():
        socket, _ = await opened(officer)
        await sync_to_async(get_user_model().objects.update)(is_staff=False)
        message = await socket.receive_output()
        while message["type"] == "websocket.send":
            message = await socket.receive_output()
        assert message["code"] == 4403

    scenario(play)


def test_without_a_database_the_socket_stays_and_goes_on_afterwards(firm, officer, monkeypatch):
    async def play():
        socket, _ = await opened(officer)
        totals = dashboard.firm_queries.totals
        failures = []

        def away():
            failures.append(1)
            raise OperationalError("the server closed the connection")

        monkeypatch.setattr(dashboard.firm_queries, "totals", away)
        while len(failures) < 2:
            await asyncio.sleep(0.02)
        monkeypatch.setattr(dashboard.firm_queries, "totals", totals)
        await sync_to_async(firm.buy)(ADA)
        await sync_to_async(project)()
        assert await delta_with(socket, "totals")
        await socket.disconnect()

    scenario(play)


def test_what_nobody_expected_closes_the_socket(officer, monkeypatch):
    monkeypatch.setattr(dashboard, "_movers", lambda: 1 // 0)

    async def play():
        socket = Socket(officer)
        await socket.connect()
        assert await socket.receive_output() == {"type": "websocket.close", "code": 1011}

    scenario(play)


def quote(symbol, price, previous_close=1_000_000):
    return Quote(symbol, price, previous_close, previous_close, price, price, at_us=0)


@pytest.mark.parametrize(
    ("price", "shown"), [(1_010_000, "1.00"), (989_950, "-1.01"), (1_000_049, "0.00"), (1_234_567, "23.46")]
)
def test_a_move_is_rounded_half_away_from_zero(price, shown):
    found = quote("KO", price)
    move = dashboard._move(found.price, found.previous_close)
    assert dashboard._mover(found, move)["change_percent"] == shown
